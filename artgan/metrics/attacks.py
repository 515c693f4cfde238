"""Which attacks a table of robustness shows; read by reports, which load no torch."""

CODES = (4, 8)
"""Bounds that tables are made for, in codes of 255."""
STEPS = 20
RESTARTS = 3
UNCHANGED = "as they are"


def attack_names() -> list[str]:
    """Return what `attacked` gives, in the order of reading."""
    kinds = ("random noise", "FGSM", f"PGD-{STEPS} from {RESTARTS} starts")
    return [UNCHANGED, *(f"{kind}, {codes}/255" for codes in CODES for kind in kinds)]
