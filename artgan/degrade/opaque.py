"""Looks of damage that covers or removes paint, each drawn on a sheet with its own shape.

Lengths are in 256ths of the side, as in `artgan.degrade.masks`.
"""

from collections.abc import Callable

import cv2
import numpy as np

from artgan.degrade.masks import smooth_noise
from artgan.degrade.materials import (
    BLACK,
    BOLE,
    BONE,
    CHALK,
    CHALKY,
    FIBRE,
    GAP,
    INK,
    LINEN,
    SOOT,
    WHITE,
    WOOD,
    ground,
    hollow,
    weave,
)
from artgan.degrade.overlay import Sheet
from artgan.degrade.shapes import (
    above,
    blurred,
    borders,
    cells,
    curve,
    draw,
    far_edge,
    highest,
    hollow_shadow,
    shifted,
    streaks,
    two_octaves,
    warped,
)
from artgan.presets import Damage


def _losses(sheet: Sheet) -> None:
    """Flaked islands down to the ground: rounded, or broken off along the cracks around them."""
    size, rng, unit = sheet.size, sheet.rng, sheet.unit
    area = rng.uniform(0.02, 0.18)
    if rng.random() < 0.5:
        shape = highest(two_octaves(size, rng, (3, 9), (10, 25)), area)
    else:
        islands = cells(size, int(rng.integers(120, 500)), rng)
        fate = 0.45 * rng.standard_normal(int(islands.max()) + 1, dtype=np.float32)
        noise = fate[islands] + smooth_noise(size, int(rng.integers(3, 7)), rng)
        noise = warped(noise, rng, 1.5 * unit, 40, nearest=True)
        shape = blurred(highest(noise, area), 0.6 * unit)
    shape = shape * rng.uniform(0.8, 1.0)
    if rng.random() < 0.3:  # worn rather than flaked: some paint is left in the hollows
        shape = shape * (0.6 + 0.4 * above(smooth_noise(size, size // 5, rng), -0.6, 1.0))
    sheet.record("losses", hollow(sheet, shape, ground(size, rng), rng.uniform(1.0, 3.0)))


def _craquelure(sheet: Sheet) -> None:
    """Age cracks: a network of wide cracks, finer ones between them, curled edges along them."""
    size, rng, unit = sheet.size, sheet.rng, sheet.unit
    count = round(float(np.exp(rng.uniform(np.log(16), np.log(160)))))
    stretch = 1.0 if rng.random() < 0.6 else rng.uniform(1.5, 3.0)
    # where the network ends its cracks grow thin, and so do they from place to place
    present = above(smooth_noise(size, 4, rng), rng.uniform(-0.9, 0.5), 0.7)
    width_px = unit * rng.uniform(0.8, 2.2) * present * (1.0 + 0.3 * smooth_noise(size, 30, rng))
    crack = _network(sheet, count, stretch, width_px)
    if rng.random() < 0.7:
        local = above(smooth_noise(size, 5, rng), rng.uniform(-0.2, 0.8), 0.6)
        finer = _network(sheet, count * int(rng.integers(3, 7)), stretch, 0.6 * width_px * local)
        crack = np.maximum(crack, finer)
    crack *= rng.uniform(0.55, 1.0)
    _curled_edges(sheet, crack)
    if rng.random() < 0.75:
        sheet.cover(crack, SOOT, on_dark=CHALKY)
    else:
        sheet.cover(crack, CHALKY)
    sheet.record("craquelure", crack)


def _network(sheet: Sheet, count: int, stretch: float, width_px: np.ndarray) -> np.ndarray:
    """Draw the borders of cells as lines; where they are thinner than a pixel they grow faint."""
    distance = borders(sheet.size, count, sheet.rng, stretch)
    reach_px = 0.12 * sheet.size / np.sqrt(count)
    distance = warped(distance, sheet.rng, reach_px, max(8, round(2.0 * np.sqrt(count))))
    distance = warped(distance, sheet.rng, 0.5 * sheet.unit, 64)
    return np.clip(0.5 + 0.5 * width_px - distance, 0.0, 1.0) * np.clip(width_px, 0.0, 1.0)


def _curled_edges(sheet: Sheet, crack: np.ndarray) -> None:
    away = 1.4 * sheet.unit * sheet.light_from
    strength = sheet.rng.uniform(0.05, 0.3)
    sheet.cover(strength * blurred(shifted(crack, -away), 0.6 * sheet.unit), WHITE)
    sheet.cover(0.7 * strength * blurred(shifted(crack, away), 0.6 * sheet.unit), BLACK)


def _tear(sheet: Sheet) -> None:
    """A rip through the support: a jagged gap, threads or paper fibre along its lips."""
    size, rng, unit = sheet.size, sheet.rng, sheet.unit
    parts = int(rng.integers(10, 31))
    length = parts * size / 24.0
    spine = curve(
        rng.uniform(0.1, 0.9, 2) * size, rng.uniform(0.0, 2 * np.pi), length, _bends(rng, 4 * parts)
    )
    width = rng.uniform(2.0, 12.0) * unit * rng.uniform(0.5, 1.0)
    gap = _slit(sheet, spine, width)
    if rng.random() < 0.2:
        fork = int(rng.integers(parts, 3 * parts))
        turned = rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 1.1)
        heading = float(np.arctan2(*(spine[fork + 1] - spine[fork])[::-1])) + turned
        branch = curve(spine[fork], heading, 0.5 * length, _bends(rng, 2 * parts))
        gap = np.maximum(gap, _slit(sheet, branch, 0.6 * width))
    gap = warped(warped(gap, rng, 0.6 * unit, 60), rng, 0.5 * unit, 120)
    on_paper = rng.random() < 0.45
    torn = _torn_lips(sheet, gap, on_paper=on_paper)
    sheet.cover(gap, _tear_bottom(sheet))
    sheet.cover(0.6 * hollow_shadow(gap, sheet.light_from, 2.0 * unit), BLACK)
    sheet.record("tear", np.maximum(gap, torn))


def _bends(rng: np.random.Generator, count: int) -> np.ndarray:
    """Turn a little at each step, and sharply now and then."""
    sharp = (rng.random(count) < 0.07) * rng.normal(0.0, 0.8, count)
    return rng.normal(0.0, 0.07, count) + sharp


def _slit(sheet: Sheet, spine: np.ndarray, width_px: float) -> np.ndarray:
    along = np.linspace(0.0, 1.0, len(spine) - 1)
    taper = np.minimum(1.0, 3.0 * np.minimum(along, 1.0 - along) + 0.08)
    taper = taper * np.clip(1.0 + 0.22 * sheet.rng.standard_normal(len(along)), 0.3, 1.5)
    return draw(sheet.size, spine, width_px * taper, np.ones(len(along)))


def _torn_lips(sheet: Sheet, gap: np.ndarray, *, on_paper: bool) -> np.ndarray:
    """Paint what shows beside a gap: white paper fibre, or bare ground on canvas; then shadow."""
    rng, unit = sheet.rng, sheet.unit
    shadow = 0.5 * blurred(shifted(gap, -1.5 * unit * sheet.light_from), unit)
    sheet.cover(shadow, BLACK)
    if on_paper:  # one side of the fibre stands out, in places
        aside = rng.uniform(1.0, 3.0) * unit * _direction(rng)
        bare, ragged = FIBRE, warped(shifted(gap, aside), rng, 1.2 * unit, 50)
    else:
        bare, ragged = ground(sheet.size, rng), warped(gap, rng, rng.uniform(0.5, 1.2) * unit, 40)
    lips = np.maximum(ragged - gap, 0.0) * above(smooth_noise(sheet.size, 12, rng), -0.4, 0.8)
    sheet.cover(0.9 * lips, bare)
    return np.maximum(0.9 * lips, shadow)


def _direction(rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0.0, 2.0 * np.pi)
    return np.array([np.cos(angle), np.sin(angle)])


def _tear_bottom(sheet: Sheet) -> np.ndarray:
    """What is seen through a gap: darkness, or a lining in shadow."""
    rng = sheet.rng
    if rng.random() < 0.75:
        return np.clip(GAP * rng.uniform(0.4, 1.5), 0.0, 1.0)
    backing = (LINEN, CHALK, WOOD)[int(rng.integers(3))] * rng.uniform(0.35, 0.8)
    texture = 8.0 / 255.0 * weave(sheet.size, rng)[..., None]
    return np.clip(backing + texture, 0.0, 1.0).astype(np.float32)


def _scratches(sheet: Sheet) -> None:
    """Some lines in about one direction, pressed harder here than there, that skip in places."""
    size, rng, unit = sheet.size, sheet.rng, sheet.unit
    direction = rng.uniform(0.0, np.pi)
    furrow = np.zeros((size, size), np.float32)
    for _ in range(int(rng.integers(2, 13))):
        heading = direction + rng.uniform(-0.25, 0.25)
        line = curve(
            rng.uniform(0.0, size, 2),
            heading,
            rng.uniform(0.1, 0.6) * size,
            np.full(24, rng.normal(0.0, 0.006)),
        )
        along = np.linspace(0.0, 1.0, 24)
        pressed = np.minimum(1.0, 0.35 + 5.0 * np.minimum(along, 1.0 - along))
        pressed *= rng.uniform(0.75, 1.0, 24)
        furrow = np.maximum(
            furrow, draw(size, line, rng.uniform(1.0, 3.0) * unit * pressed, pressed)
        )
    skips = above(smooth_noise(size, 36, rng), rng.uniform(-1.6, -0.6), 0.6)
    furrow *= skips * rng.uniform(0.6, 0.95)
    if rng.random() < 0.85:
        colour = np.clip(BONE * rng.uniform(0.8, 1.05), 0.0, 1.0)
    else:
        colour = INK * rng.uniform(0.5, 1.0)  # an old scratch has filled with dirt
    sheet.cover(0.25 * shifted(furrow, 1.2 * unit * sheet.light_from), BLACK)
    sheet.cover(furrow, colour)
    sheet.record("scratches", furrow)


def _dust(sheet: Sheet) -> None:
    """Specks and curled hairs that lie on the surface, light or dark, with a small shadow."""
    size, rng, unit = sheet.size, sheet.rng, sheet.unit
    lying = np.zeros((size, size), dtype=np.uint8)
    count = int(rng.integers(5, 61))
    centres = rng.uniform(0.0, size, (count, 2))
    if rng.random() < 0.4:  # swept together
        centres = np.mod(centres * 0.35 + rng.uniform(0.0, size, 2), size)
    for centre, radius in zip(centres, rng.uniform(0.5, 2.5, count) * unit, strict=True):
        axes = radius * rng.uniform(0.5, 1.2, 2)
        box = (centre.tolist(), (2.0 * axes).tolist(), float(rng.uniform(0, 180)))
        cv2.ellipse(lying, box, int(rng.integers(140, 256)), cv2.FILLED, cv2.LINE_AA)
    specks = warped(lying.astype(np.float32) / 255.0, rng, 0.4 * unit, 64)
    for _ in range(int(rng.integers(0, 4))):
        turn = rng.normal(0.0, 0.05) + 0.12 * np.sin(np.linspace(0.0, rng.uniform(2, 9), 30))
        hair = curve(
            rng.uniform(0.0, size, 2), rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.4) * size, turn
        )
        width = rng.uniform(0.7, 1.3) * unit
        specks = np.maximum(specks, draw(size, hair, np.full(30, width), np.ones(30)))
    specks *= rng.uniform(0.5, 1.0)
    colour = BONE * rng.uniform(0.85, 1.05) if rng.random() < 0.6 else INK * rng.uniform(0.4, 1.2)
    sheet.cover(0.35 * blurred(shifted(specks, -unit * sheet.light_from), 0.6 * unit), BLACK)
    sheet.cover(specks, np.clip(colour, 0.0, 1.0))
    sheet.record("dust", specks)


def _strokes(sheet: Sheet) -> None:
    """Broad free-form damage: a filling never painted over, a wrong retouching, or abrasion."""
    size, rng, unit = sheet.size, sheet.rng, sheet.unit
    shape = np.zeros((size, size), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        turns = int(rng.integers(2, 7))
        bend = np.repeat(rng.normal(0.0, 1.2, turns), 6) / 6.0
        heading, start = rng.uniform(0.0, 2 * np.pi), rng.uniform(0.0, size, 2)
        stroke = curve(start, heading, turns * size / 6.0 * rng.uniform(0.5, 1.2), bend)
        width = rng.uniform(12.0, 40.0) * unit
        shape = np.maximum(shape, draw(size, stroke, np.full(len(bend), width), np.ones(len(bend))))
    if rng.random() < 0.1:  # a label or a patch
        sides = rng.uniform(20.0, 80.0, 2) * unit
        box = (rng.uniform(0.2, 0.8, 2) * size, sides, float(rng.uniform(-8.0, 8.0)))
        corners = np.rint(cv2.boxPoints((box[0].tolist(), box[1].tolist(), box[2]))).astype(int)
        cv2.fillConvexPoly(shape, corners, 1.0, cv2.LINE_AA)
    shape = warped(shape, rng, rng.uniform(0.5, 2.5) * unit, 24)
    look = (filling, retouching, abrasion)[rng.choice(3, p=[0.35, 0.3, 0.35])]
    sheet.record("strokes", look(sheet, shape))


def filling(sheet: Sheet, shape: np.ndarray) -> np.ndarray:
    """Putty, smooth and light, or dark wax; level with the paint or a little below."""
    rng = sheet.rng
    colour = (CHALK, BONE, LINEN, BOLE)[int(rng.integers(4))] * rng.uniform(0.8, 1.05)
    texture = 3.0 * smooth_noise(sheet.size, max(4, sheet.size // 16), rng)
    texture += 2.5 * smooth_noise(sheet.size, max(4, sheet.size // 3), rng)
    bottom = np.clip(colour + texture[..., None] / 255.0, 0.0, 1.0).astype(np.float32)
    return hollow(sheet, shape * rng.uniform(0.9, 1.0), bottom, rng.uniform(0.4, 1.2))


def retouching(sheet: Sheet, shape: np.ndarray) -> np.ndarray:
    """Overpaint in one muted colour, streaked by the brush and thin where it ran dry."""
    rng = sheet.rng
    grey = rng.uniform(0.12, 0.8)
    colour = np.clip(grey + rng.normal(0.0, 0.09, 3), 0.02, 0.95)
    stroke = streaks(sheet.size, rng, 70)
    alpha = shape * np.clip(0.9 + 0.18 * stroke, 0.3, 1.0)
    paint = np.clip(colour + 0.035 * stroke[..., None], 0.0, 1.0).astype(np.float32)
    sheet.cover(0.25 * far_edge(shape, sheet.light_from, sheet.unit), BLACK)
    sheet.cover(alpha, paint)
    return alpha


def abrasion(sheet: Sheet, shape: np.ndarray) -> np.ndarray:
    """Paint worn from the tops of the weave, or rubbed off in streaks, down to the ground."""
    size, rng = sheet.size, sheet.rng
    worn = weave(size, rng) if rng.random() < 0.5 else streaks(size, rng, 80)
    worn = worn + 0.7 * smooth_noise(size, int(rng.integers(8, 30)), rng)
    worn = worn + 0.5 * smooth_noise(size, size // 3, rng)
    alpha = blurred(shape, 3.0 * sheet.unit) * above(worn, rng.uniform(-0.9, 0.1), 1.8)
    alpha = alpha * rng.uniform(0.65, 1.0)
    sheet.cover(alpha, ground(size, rng))
    return blurred(alpha, 1.5 * sheet.unit)


DRAW_OPAQUE: dict[Damage, Callable[[Sheet], None]] = {
    "craquelure": _craquelure,
    "losses": _losses,
    "tear": _tear,
    "scratches": _scratches,
    "dust": _dust,
    "strokes": _strokes,
}
