"""What is known of a film, as values that pass between a decoder and its parent."""

from dataclasses import asdict
from fractions import Fraction
from typing import Any

from artgan.errors import CorruptAssetError
from artgan.imaging.clip import ClipFacts, ColourTags

_LONGEST_SIDE_PX = 32_768


def plain_facts(facts: ClipFacts) -> dict[str, Any]:
    """Return facts as values that JSON can hold."""
    exact = {name: str(getattr(facts, name)) for name in ("rate", "start_s", "aspect")}
    return asdict(facts) | exact


def read_facts(plain: dict[str, Any]) -> ClipFacts:
    """Read facts that passed as JSON.

    Raises:
        CorruptAssetError: Frames would be larger than any film's.
    """
    facts = ClipFacts(
        width_px=int(plain["width_px"]),
        height_px=int(plain["height_px"]),
        rate=Fraction(plain["rate"]),
        tags=ColourTags(**plain["tags"]),
        start_s=Fraction(plain["start_s"]),
        aspect=Fraction(plain["aspect"]),
        turns=int(plain["turns"]),
        audio=tuple(str(one) for one in plain["audio"]),
    )
    if not 0 < max(facts.width_px, facts.height_px) <= _LONGEST_SIDE_PX:
        raise CorruptAssetError(
            f"video must have sides of at most {_LONGEST_SIDE_PX} px, got "
            f"{facts.width_px} x {facts.height_px}. Make it smaller first."
        )
    return facts
