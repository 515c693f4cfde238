"""Which attacks a table of robustness shows; read by reports, which load no torch."""

CODES = (4, 8)
"""Bounds that tables are made for, in codes of 255."""
STEPS = 20
RESTARTS = 3
UNCHANGED = "as they are"
KINDS = ("random noise", "FGSM", f"PGD-{STEPS} from {RESTARTS} starts")


def attack_name(kind: str, codes: int) -> str:
    """Return what one of `KINDS` within a bound is called."""
    return f"{kind}, {codes}/255"


def attack_names() -> list[str]:
    """Return what `attacked` gives, in the order of reading."""
    return [UNCHANGED, *(attack_name(kind, codes) for codes in CODES for kind in KINDS)]
