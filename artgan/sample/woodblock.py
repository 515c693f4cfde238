"""Composes and prints the ``woodblock_views`` collection."""

from collections.abc import Callable

import numpy as np

from artgan.sample import woodblock_motifs as motifs
from artgan.sample import woodblock_sea as marine
from artgan.sample.texture import Size, finish
from artgan.sample.woodblock_block import Sheet, frame

OVERSAMPLING = 1.8


def _mountain_view(sheet: Sheet) -> str:
    """Lone mountain over water with mist, boats and a pine in front."""
    rng = sheet.rng
    height, width = sheet.size
    horizon = rng.uniform(0.5, 0.7)
    night = bool(rng.random() < 0.2)
    motifs.sky(sheet, horizon, night=night)
    light = motifs.luminary(sheet, horizon, night=night) if rng.random() < 0.6 else "Haze"
    motifs.mountain(sheet, horizon, str(rng.choice(["indigo", "vermilion", "prussian", "moss"])))
    motifs.far_hills(sheet, horizon, str(rng.choice(["moss", "sea", "pine"])))
    motifs.mist(sheet, horizon - 0.22, horizon - 0.02, int(rng.integers(2, 5)))
    marine.sea(sheet, horizon)
    for _ in range(int(rng.integers(0, 4))):
        depth = rng.uniform(0.12, 0.6)
        place = (rng.uniform(0.1, 0.9) * width, (horizon + depth * (1 - horizon)) * height)
        marine.boat(sheet, place, sheet.unit * (0.03 + 0.07 * depth))
    if rng.random() < 0.6:
        foot = (rng.choice([0.1, 0.16, 0.85, 0.92]) * width, height * 1.02)
        motifs.pine(sheet, foot, height * rng.uniform(0.5, 0.8), snowy=False)
        return f"Lone Mountain and Pine, {light}"
    return f"Lone Mountain, {light}"


def _wave_view(sheet: Sheet) -> str:
    """A great wave before the open sea, sometimes a mountain far off."""
    rng = sheet.rng
    height, width = sheet.size
    horizon = rng.uniform(0.55, 0.72)
    motifs.sky(sheet, horizon, night=False)
    far = motifs.luminary(sheet, horizon, night=False) if rng.random() < 0.5 else "Open Sea"
    if rng.random() < 0.5:
        far = motifs.mountain(sheet, horizon, "prussian")
    marine.sea(sheet, horizon)
    mirrored = bool(rng.random() < 0.5)
    side = 0.62 if mirrored else 0.38
    foot = (side * width, rng.uniform(0.84, 0.96) * height)
    if rng.random() < 0.6:
        place = ((1.18 - side - 0.09) * width, 0.86 * height)
        marine.boat(sheet, place, sheet.unit * 0.08)
    marine.great_wave(sheet, foot, rng.uniform(0.58, 0.8) * height, mirrored=mirrored)
    return f"Great Wave, {far}"


def _bridge_view(sheet: Sheet) -> str:
    """A bridge over a river under rain or a plain sky."""
    rng = sheet.rng
    horizon = rng.uniform(0.38, 0.52)
    wet = bool(rng.random() < 0.7)
    if wet:
        motifs.weathered_sky(sheet, horizon)
    else:
        motifs.sky(sheet, horizon, night=bool(rng.random() < 0.5))
        motifs.luminary(sheet, horizon, night=False)
    motifs.far_hills(sheet, horizon, "grey" if wet else "moss")
    motifs.far_hills(sheet, horizon, "pine")
    marine.sea(sheet, horizon)
    motifs.bridge(sheet, rng.uniform(0.66, 0.8))
    if wet:
        motifs.rain(sheet)
    return "Bridge in Rain" if wet else "Bridge at Evening"


def _snow_view(sheet: Sheet) -> str:
    """Roofs and pines in falling snow."""
    rng = sheet.rng
    height, width = sheet.size
    horizon = rng.uniform(0.42, 0.55)
    motifs.sky(sheet, horizon, night=True)
    if rng.random() < 0.5:
        motifs.mountain(sheet, horizon, "sea")
    motifs.far_hills(sheet, horizon, "mist")
    motifs.snow_ground(sheet, horizon)
    motifs.roofs(sheet, horizon + rng.uniform(0.06, 0.16), snowy=True)
    for share in rng.uniform(0.05, 0.95, int(rng.integers(1, 4))):
        tall = height * rng.uniform(0.35, 0.6)
        motifs.pine(sheet, (share * width, height * rng.uniform(0.9, 1.03)), tall, snowy=True)
    motifs.snowfall(sheet)
    return "Roofs in Snow"


def _islet_view(sheet: Sheet) -> str:
    """Rocks and pines in the sea, birds and a low sun or moon."""
    rng = sheet.rng
    height, width = sheet.size
    horizon = rng.uniform(0.32, 0.6)
    night = bool(rng.random() < 0.35)
    motifs.sky(sheet, horizon, night=night)
    light = motifs.luminary(sheet, horizon, night=night)
    motifs.far_hills(sheet, horizon, str(rng.choice(["sea", "moss", "rose"])))
    motifs.mist(sheet, horizon - 0.14, horizon - 0.03, int(rng.integers(1, 4)))
    marine.sea(sheet, horizon)
    for depth in np.sort(rng.uniform(0.08, 0.75, int(rng.integers(2, 5)))):
        place = (rng.uniform(0.08, 0.92) * width, (horizon + depth * (1 - horizon)) * height)
        marine.islet(sheet, place, sheet.unit * (0.07 + 0.2 * depth))
    motifs.birds(sheet, horizon)
    return f"Rocks in the Sea, {light}"


VIEWS: tuple[Callable[[Sheet], str], ...] = (
    _mountain_view,
    _wave_view,
    _bridge_view,
    _snow_view,
    _islet_view,
)


def print_woodblock(size: Size, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """Print one view from colour blocks slightly out of register and a key block.

    Args:
        size: Height and width of the picture in pixels.
        rng: Source of every choice; the same state gives the same picture.

    Returns:
        The picture, float32 (H, W, 3), sRGB in [0, 1], and what it shows, for its title.
    """
    large = (round(size[0] * OVERSAMPLING), round(size[1] * OVERSAMPLING))
    sheet = Sheet(large, rng)
    subject = VIEWS[rng.integers(len(VIEWS))](sheet)
    if rng.random() < 0.7:
        motifs.cartouche(sheet)
    margin = max(round(0.018 * min(large)), 4)
    return finish(frame(sheet, sheet.pull(), margin), size), subject
