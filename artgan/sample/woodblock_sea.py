"""Motifs of the woodblock prints that belong to the sea: water, great wave, boats, rocks.

Each prints itself on a sheet; lengths are in pixels of the sheet unless named otherwise.
"""

import cv2
import numpy as np

from artgan.sample.texture import Point, grid, smooth_curve, smoothstep, wandering_line
from artgan.sample.woodblock_block import Sheet, bokashi
from artgan.sample.woodblock_motifs import pine

# Back of the great wave from its foot over the crest to the tip, then the hollow to the trough;
# x and y in wave heights, y downwards, the trough's level at 0.
WAVE_BACK = [
    (-1.5, -0.02),
    (-1.05, -0.2),
    (-0.65, -0.58),
    (-0.3, -0.9),
    (0.05, -1.02),
    (0.36, -0.92),
    (0.52, -0.68),
]
WAVE_HOLLOW = [
    (0.52, -0.68),
    (0.34, -0.74),
    (0.14, -0.68),
    (0.02, -0.5),
    (0.06, -0.26),
    (0.3, -0.06),
    (0.75, 0.02),
]


def sea(sheet: Sheet, horizon: float) -> None:
    """Water from the horizon down: wiped blues and rows of scalloped wave lines."""
    height, width = sheet.size
    rng = sheet.rng
    y, _ = grid(sheet.size)
    cover = np.clip(y - horizon * height + 0.5, 0, 1)
    sheet.clear_key(cover)
    sheet.impress(cover, "sea")
    sheet.impress(cover * bokashi(sheet.size, 1.0, horizon, rng), "indigo", 0.95)
    sheet.impress(cover * bokashi(sheet.size, horizon, horizon + 0.1, rng), "prussian", 0.85)
    x = np.arange(0, width + 8, 4, dtype=np.float32)
    crests = np.zeros(sheet.size, np.uint8)
    depth = 0.03
    while depth < 1:
        pitch = sheet.unit * (0.04 + 0.16 * depth)
        phase, drift = rng.uniform(0, 6), wandering_line(len(x), len(x) / 3, rng)
        scallop = np.abs(np.sin(x * np.pi / pitch + phase + 0.6 * drift))
        level = (horizon + depth * (1 - horizon)) * height - scallop * pitch * 0.16
        for start in range(int(rng.integers(-40, 0)), len(x), 40):
            if rng.random() < 0.62:
                end = max(start + int(rng.integers(14, 46)), 0)
                piece = np.stack([x, level], 1)[max(start, 0) : end]
                points = np.round(piece * 16).astype(np.int32)
                cv2.polylines(crests, [points], False, (255,), 2, cv2.LINE_AA, 4)  # noqa: FBT003
        depth += 0.035 + 0.05 * depth
    sheet.impress(crests.astype(np.float32) / 255, "white", 0.85)


def great_wave(sheet: Sheet, foot: Point, tall: float, *, mirrored: bool) -> str:
    """A breaking wave with striped back, white crest, claws of foam and spray."""
    rng = sheet.rng
    flip = np.array([-1 if mirrored else 1, 1]) * (1, rng.uniform(0.9, 1.08))
    back = sheet.scaled(smooth_curve(WAVE_BACK, 70) * flip, foot, tall)
    hollow = sheet.scaled(smooth_curve(WAVE_HOLLOW, 70) * flip, foot, tall)
    floor = np.array([hollow[-1] + (0, tall * 0.4), back[0] + (0, tall * 0.4)])
    body = np.concatenate([back, hollow, floor])
    cover = sheet.shape(body, "indigo")
    for band in range(1, 9):
        share = band / 9
        # A stripe runs from the foot up the back and bends over with it into the hollow.
        inner = hollow[::-1] * share + back * (1 - share)
        ink_width = max(int(tall * 0.028 * (1.2 - share)), 2)
        stripe = np.zeros(sheet.size, np.uint8)
        points = np.round(inner[6:-8] * 16).astype(np.int32)
        cv2.polylines(stripe, [points], False, (255,), ink_width, cv2.LINE_AA, 4)  # noqa: FBT003
        tone = "prussian" if band % 2 else "mist"
        sheet.impress(stripe.astype(np.float32) / 255 * cover, tone)
    sheet.line(np.concatenate([back, hollow]), tall * 0.012)
    _foam(sheet, np.concatenate([back[32:], hollow[:26]]), tall)
    return "Great Wave"


def _foam(sheet: Sheet, crest: np.ndarray, tall: float) -> None:
    """Clusters of white lobes along the crest and drops of spray beyond it."""
    rng = sheet.rng
    lobes = np.zeros(sheet.size, np.uint8)
    rims = np.zeros(sheet.size, np.uint8)
    for number, point in enumerate(crest[::2]):
        swell = 0.35 + number / len(crest[::2])
        for _ in range(3):
            spot = point + rng.normal(0, tall * 0.035, 2) * (0.5 + swell)
            radius = int(tall * rng.uniform(0.014, 0.034) * swell) + 2
            place = int(spot[0]), int(spot[1])
            cv2.circle(rims, place, radius + 2, (255,), -1, cv2.LINE_AA)
            cv2.circle(lobes, place, radius, (255,), -1, cv2.LINE_AA)
    for _ in range(60):
        spot = crest[rng.integers(len(crest))] + rng.normal(0, tall * 0.16, 2) + (0, tall * 0.05)
        cv2.circle(lobes, (int(spot[0]), int(spot[1])), int(rng.integers(1, 4)), (255,), -1)
    sheet.key = np.maximum(sheet.key, rims)
    sheet.clear_key(lobes.astype(np.float32) / 255)
    sheet.impress(lobes.astype(np.float32) / 255, "white")


def boat(sheet: Sheet, place: Point, unit: float) -> str:
    """A slender boat under a tall square sail."""
    hull = smooth_curve([(-1, -0.25), (-0.6, 0.02), (0, 0.1), (0.6, 0.02), (1.05, -0.32)], 30)
    deck = np.array([(0.7, -0.12), (-0.7, -0.1)])
    sail = smooth_curve([(-0.35, -1.7), (0.42, -1.62), (0.5, -0.9), (0.38, -0.25)], 20)
    sail = np.concatenate([sail, [(-0.42, -0.25), (-0.35, -1.7)]])
    sheet.shape(sheet.scaled(sail, place, unit), "white", max(unit * 0.04, 2))
    points = sheet.scaled(np.concatenate([hull, deck]), place, unit)
    sheet.shape(points, "ochre", max(unit * 0.05, 2))
    return "Sail"


def islet(sheet: Sheet, place: Point, unit: float) -> str:
    """A steep rock in the sea, mossy on top, sometimes with a pine."""
    rng = sheet.rng
    x = np.linspace(-1, 1, 40)
    crown = (1 - x**4) * (0.75 + 0.28 * wandering_line(40, 10, rng))
    rock = np.concatenate([np.stack([x, -np.clip(crown, 0, 2)], 1), [(1.1, 0.06), (-1.1, 0.06)]])
    points = sheet.scaled(rock, place, unit)
    cover = sheet.shape(points, "grey", sheet.unit * 0.005)
    y, _ = grid(sheet.size)
    sheet.impress(cover * smoothstep(-y, -place[1] + 0.25 * unit, -place[1] + unit), "moss", 0.95)
    for start in rng.uniform(-0.8, 0.8, 5):
        cut = np.array([(start, -0.05), (start + 0.05, -0.25), (start - 0.02, -0.42)])
        sheet.line(sheet.scaled(cut, place, unit), sheet.unit * 0.004)
    if rng.random() < 0.7:
        pine(sheet, (place[0], place[1] - unit * 0.6), unit * 1.0, snowy=False)
    return "Rocks"
