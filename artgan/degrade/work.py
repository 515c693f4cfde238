"""Damage of a whole crop or work, seeded: what is drawn, in which order, and a bank of it."""

from collections.abc import Callable, Sequence

import numpy as np

from artgan.degrade.large import LARGE, draw_large
from artgan.degrade.masks import (
    MAX_AREA_FRACTION,
    MIN_AREA_FRACTION,
    MIN_DUST_FRACTION,
    MIN_SIZE_PX,
)
from artgan.degrade.opaque import DRAW_OPAQUE
from artgan.degrade.overlay import Overlay, Sheet
from artgan.degrade.veils import DRAW_VEIL
from artgan.errors import InvalidInputError
from artgan.presets import DAMAGE_CLASSES, OPAQUE, VEILS, Damage, DamageClass, Veil

SHEET_PX = 256
LARGE_ACROSS = (1 / 8, 1 / 3)  # of the side of a sheet
_COUNTS, _COUNT_ODDS = (1, 2, 3), (0.55, 0.3, 0.15)
_OPAQUE_ODDS: dict[Damage, float] = {
    "craquelure": 0.35,
    "losses": 0.45,
    "tear": 0.25,
    "scratches": 0.3,
    "dust": 0.3,
    "strokes": 0.3,
}
_VEIL_ODDS: dict[Veil, float] = {"stain": 0.3, "foxing": 0.25, "grime": 0.2}
_DRAW: dict[DamageClass, Callable[[Sheet], None]] = {**DRAW_OPAQUE, **DRAW_VEIL}
# from the paint outwards: dirt lies over holes, and dust over dirt
_ORDER: tuple[DamageClass, ...] = (
    *("craquelure", "losses", "strokes", "tear", "scratches"),
    *("stain", "foxing", "grime", "dust"),
)


def draw_overlay(
    height: int,
    width: int,
    rng: np.random.Generator,
    classes: Sequence[DamageClass] = DAMAGE_CLASSES,
    large: float | None = None,
) -> Overlay:
    """Draw damage that can be laid over any picture of a size.

    Opaque damage covers 2 to 35 % of the area; dust alone, or scratches too thin for that, less.
    It is drawn at 256 px or more and scaled down, so that a hair stays a hair in a small crop:
    fainter than a pixel, not wider than itself.

    Args:
        height: Height in pixels.
        width: Width in pixels.
        rng: Source of all randomness.
        classes: Classes to choose from.
        large: Width of a loss or filling below the rest, in longer sides; None draws none.

    Raises:
        InvalidInputError: The size is too small, or no class is given.
    """
    side = max(height, width)
    if side < MIN_SIZE_PX or not classes:
        raise InvalidInputError(
            f"picture must be at least {MIN_SIZE_PX} px with some class of damage, got {side} px "
            f"and {list(classes)}. Choose a larger crop and at least one class."
        )
    while True:
        kinds = _choose(rng, classes)
        sheet = Sheet(side * -(-SHEET_PX // side), rng)
        if large is not None:
            draw_large(sheet, large)
        for kind in kinds:
            _DRAW[kind](sheet)
        overlay = sheet.overlay(height, width)
        if _is_in_bounds(overlay, kinds):
            return overlay


def _choose(rng: np.random.Generator, classes: Sequence[DamageClass]) -> list[DamageClass]:
    """Choose classes, in the order in which they come about."""
    opaque: list[Damage] = [kind for kind in OPAQUE if kind in classes]
    veils: list[Veil] = [kind for kind in VEILS if kind in classes]
    chosen: set[DamageClass] = set()
    if opaque:
        odds = np.array([_OPAQUE_ODDS[kind] for kind in opaque])
        count = min(int(rng.choice(_COUNTS, p=_COUNT_ODDS)), len(opaque))
        numbers = rng.choice(len(opaque), size=count, replace=False, p=odds / odds.sum())
        chosen.update(opaque[number] for number in numbers)
    chosen.update(kind for kind in veils if rng.random() < _VEIL_ODDS[kind])
    if not chosen:
        chosen.add(veils[int(rng.integers(len(veils)))])
    return [kind for kind in _ORDER if kind in chosen]


def _is_in_bounds(overlay: Overlay, kinds: Sequence[DamageClass]) -> bool:
    opaque = set(kinds) & set(OPAQUE)
    if not opaque:
        return any(overlay.mask(kind).any() for kind in kinds)
    least = MIN_DUST_FRACTION if opaque <= {"dust", "scratches"} else MIN_AREA_FRACTION
    return least <= overlay.union().mean() <= MAX_AREA_FRACTION


class DamageBank:
    """Damage drawn ahead on square sheets, so that a training step draws none.

    Args:
        size: Side of the sheets, at least 16 px.
        count: Number of overlays.
        seed: The same seed gives the same bank.
        classes: Classes to choose from.
        large_fraction: Fraction of the sheets with one broad loss or filling, if its classes are
            among them.
    """

    def __init__(
        self,
        size: int,
        count: int,
        seed: int,
        classes: Sequence[DamageClass] = DAMAGE_CLASSES,
        large_fraction: float = 0.0,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.size = size
        large = round(large_fraction * count) if set(LARGE) <= set(classes) else 0
        widths = [*rng.uniform(*LARGE_ACROSS, large), *[None] * (count - large)]
        self.overlays = [draw_overlay(size, size, rng, classes, width) for width in widths]

    def pick(self, draws: Sequence[float], side: int) -> Overlay:
        """Return a part of an overlay, turned, mirrored and shifted.

        Args:
            draws: Four numbers in [0, 1) that decide which, how turned and how far shifted.
            side: Side of the part.
        """
        number, turn, top, left = draws
        chosen = self.overlays[int(number * len(self.overlays))]
        moved = chosen.moved(int(turn * 8), int(top * self.size), int(left * self.size))
        return moved if side == self.size else moved.corner(side)
