"""Motifs of the woodblock prints: sky, mountain, pines, bridge, roofs, rain, snow, birds, seal.

Each prints itself on a sheet; lengths are in pixels of the sheet unless named otherwise.
"""

import cv2
import numpy as np

from artgan.sample.texture import (
    Point,
    disc,
    filled,
    fractal_noise,
    grid,
    smooth_curve,
    smoothstep,
    wandering_line,
)
from artgan.sample.woodblock_block import Sheet, bokashi


def sky(sheet: Sheet, horizon: float, *, night: bool) -> None:
    """A flat sky wiped dark at the top and, by day, warm above the horizon (0 to 1)."""
    rng = sheet.rng
    whole = np.ones(sheet.size, np.float32)
    if night:
        sheet.impress(whole, "sea", 0.9)
        sheet.impress(bokashi(sheet.size, 0.0, horizon * 0.95, rng), "prussian", 0.95)
        return
    sheet.impress(whole, str(rng.choice(["paper", "straw", "mist"])), 0.7)
    sheet.impress(bokashi(sheet.size, horizon, horizon * rng.uniform(0.3, 0.6), rng), "rose", 0.7)
    sheet.impress(bokashi(sheet.size, 0.0, rng.uniform(0.22, 0.4), rng), "prussian", 0.95)


def luminary(sheet: Sheet, horizon: float, *, night: bool) -> str:
    """A red sun or a pale moon in the sky."""
    height, width = sheet.size
    rng = sheet.rng
    centre = (rng.uniform(0.15, 0.85) * width, rng.uniform(0.25, 0.75) * horizon * height)
    cover = disc(sheet.size, centre, rng.uniform(0.05, 0.1) * sheet.unit)
    sheet.impress(cover, "white" if night else "vermilion")
    return "Moon" if night else "Sun"


def mist(sheet: Sheet, top: float, bottom: float, bands: int) -> None:
    """Level bands of mist with round ends, between two heights (0 to 1)."""
    height, width = sheet.size
    rng = sheet.rng
    cover = np.zeros(sheet.size, np.uint8)
    for _ in range(bands):
        y = int(rng.uniform(top, bottom) * height)
        left = int(rng.uniform(-0.3, 0.7) * width)
        right = left + int(rng.uniform(0.25, 0.6) * width)
        breadth = int(rng.uniform(0.018, 0.045) * height) + 2
        cv2.line(cover, (left, y), (right, y), (255,), breadth, cv2.LINE_AA)
    soft = cover.astype(np.float32) / 255
    sheet.key = np.where(cover > 128, 0, sheet.key).astype(np.uint8)
    sheet.impress(soft, "white", 0.92)


def mountain(sheet: Sheet, horizon: float, ink: str) -> str:
    """A lone cone with hollow flanks and a snow cap."""
    height, width = sheet.size
    rng = sheet.rng
    peak_x, base = rng.uniform(0.25, 0.75) * width, horizon * height + 4
    tall = rng.uniform(0.5, 0.75) * horizon * height
    reach = tall * rng.uniform(1.3, 2.0)
    x = np.linspace(peak_x - reach, peak_x + reach, 240)
    flank = (1 - np.clip(np.abs(x - peak_x) / reach, 0, 1)) ** 1.7
    rough = wandering_line(240, 24, rng) * tall * 0.006
    ridge = base - tall * np.minimum(flank, 0.95) + rough
    outline = np.stack([x, ridge], 1)
    body = np.concatenate([outline, [[x[-1], base + 2], [x[0], base + 2]]])
    cover = sheet.shape(body, ink)
    y, columns = grid(sheet.size)
    sheet.impress(cover * smoothstep(y, base - 0.5 * tall, base), "mist", 0.75)
    teeth = np.abs(((columns - peak_x) / (tall * 0.11)) % 2 - 1)
    wobble = np.interp(columns[0], np.linspace(0, width, 240), wandering_line(240, 20, rng))
    snow_line = base - tall * (0.68 - 0.13 * teeth - 0.02 * wobble)
    sheet.impress(cover * (y < snow_line), "white")
    sheet.line(outline, sheet.unit * 0.004)
    return "Lone Mountain"


def far_hills(sheet: Sheet, horizon: float, ink: str) -> None:
    """A low ridge behind the horizon, paler at its foot."""
    height, width = sheet.size
    tall = sheet.rng.uniform(0.05, 0.13) * height
    line = horizon * height - tall * np.clip(
        0.6 + 0.5 * wandering_line(width, width / 3, sheet.rng), 0.05, 2
    )
    y, _ = grid(sheet.size)
    cover = np.clip(y - line[None] + 0.5, 0, 1) * (y < horizon * height + 2)
    sheet.clear_key(cover)
    sheet.impress(cover, ink)
    sheet.impress(cover * smoothstep(y, horizon * height - tall, horizon * height), "mist", 0.7)


def pine(sheet: Sheet, foot: Point, tall: float, *, snowy: bool) -> str:
    """A leaning pine with flat cloud-like masses of needles."""
    rng = sheet.rng
    lean = rng.uniform(-0.35, 0.35)
    spine = smooth_curve([(0, 0), (0.05 - lean * 0.2, -0.3), (lean * 0.8, -0.62), (lean, -1)], 24)
    half = np.linspace(0.032, 0.01, 24)[:, None] * (1, 0)
    trunk = np.concatenate([spine - half, (spine + half)[::-1]])
    sheet.shape(sheet.scaled(trunk, foot, tall), "brown", tall * 0.012)
    for number, share in enumerate((0.42, 0.5, 0.6, 0.7, 0.78, 0.88, 1.0)):
        reach = rng.uniform(0.08, 0.26) * (1.1 - 0.75 * share) * (-1) ** number
        limb = np.stack([spine[int(share * 20)], spine[int(share * 23)] + (reach, 0)])
        sheet.line(sheet.scaled(limb, foot, tall), tall * 0.016)
        level = limb[1]
        breadth = rng.uniform(0.14, 0.27) * (1.25 - 0.6 * share)
        turn = np.linspace(0, 2 * np.pi, 60)
        scallop = 1 + 0.16 * np.abs(np.sin(turn * rng.integers(4, 8) / 2 + number))
        mass = np.stack([np.cos(turn) * breadth, np.sin(turn) * breadth * 0.34], 1)
        points = sheet.scaled(mass * scallop[:, None] + level, foot, tall)
        cover = sheet.shape(points, "pine", tall * 0.01)
        if snowy:
            top = filled(sheet.size, points - (0, tall * 0.035)) * cover
            sheet.impress(top, "white", 0.95)
    return "Pine"


def bridge(sheet: Sheet, level: float) -> str:
    """An arched timber bridge across the whole picture."""
    height, width = sheet.size
    rng = sheet.rng
    x = np.linspace(-10, width + 10, 80)
    rise = rng.uniform(0.08, 0.2) * height
    arch = level * height - rise * (1 - ((x / width - rng.uniform(0.35, 0.65)) * 1.9) ** 2)
    deck = sheet.unit * 0.045
    for share in np.linspace(0.06, 0.94, 6):
        top = np.interp(share * width, x, arch)
        post = np.array([(-0.5, 0), (0.5, 0), (0.5, 1), (-0.5, 1)]) * (deck * 0.45, height - top)
        sheet.shape(post + np.array([share * width, top]), "brown", 2)
    upper, lower = np.stack([x, arch - deck / 2], 1), np.stack([x, arch + deck / 2], 1)
    sheet.shape(np.concatenate([upper, lower[::-1]]), "ochre", sheet.unit * 0.006)
    rail = upper - (0, deck * 1.1)
    sheet.line(rail, sheet.unit * 0.008)
    for point in rail[::4]:
        sheet.line(point + np.array([(0, 0), (0, deck * 1.1)]), sheet.unit * 0.005)
    for _ in range(int(rng.integers(2, 6))):
        at = upper[rng.integers(8, 72)]
        cape = np.array([(-0.35, 0), (0.35, 0), (0.12, -1), (-0.12, -1)]) * deck * 1.3 + at
        sheet.shape(cape, str(rng.choice(["straw", "indigo", "vermilion"])), 2)
        hat = np.array([(-0.5, -0.95), (0.5, -0.95), (0, -1.35)]) * deck * 1.3 + at
        sheet.shape(hat, "straw", 2)
    return "Bridge"


def roofs(sheet: Sheet, level: float, *, snowy: bool) -> str:
    """A cluster of steep thatched roofs, back to front."""
    height, width = sheet.size
    rng = sheet.rng
    for row in range(3):
        for _ in range(int(rng.integers(1, 4))):
            unit = sheet.unit * (0.06 + 0.035 * row)
            place = np.array([rng.uniform(0.02, 0.98) * width, (level + row * 0.09) * height])
            wall = np.array([(-1, 0), (1, 0), (1, 0.7), (-1, 0.7)]) * unit + place
            sheet.shape(wall, "straw", 2)
            door = np.array([(-0.2, 0.1), (0.25, 0.1), (0.25, 0.7), (-0.2, 0.7)]) * unit + place
            sheet.shape(door, "brown", 2)
            roof = np.array([(-1.35, 0.12), (-0.75, -0.85), (0.75, -0.85), (1.35, 0.12)])
            sheet.shape(roof * unit + place, "white" if snowy else "brown", sheet.unit * 0.006)
            eave = np.array([(-1.35, 0.12), (1.35, 0.12)]) * unit + place
            sheet.line(eave, sheet.unit * 0.009)
    return "Roofs"


def snow_ground(sheet: Sheet, horizon: float) -> None:
    """White ground in two folds with a blue shade along each edge."""
    height, width = sheet.size
    y, _ = grid(sheet.size)
    for fold in (0.0, 0.22):
        line = (horizon + fold) * height + wandering_line(width, width / 2, sheet.rng) * 8
        cover = np.clip(y - line[None] + 0.5, 0, 1)
        sheet.clear_key(cover)
        sheet.impress(cover, "white")
        sheet.impress(cover * smoothstep(line[None] - y, -0.16 * height, 0), "sea", 0.4)
        sheet.line(np.stack([np.arange(width), line], 1)[::6], sheet.unit * 0.004)


def rain(sheet: Sheet) -> str:
    """Thin slanting lines over the whole picture."""
    height, width = sheet.size
    rng = sheet.rng
    slant = rng.uniform(0.12, 0.35) * rng.choice([-1, 1])
    drops = np.zeros(sheet.size, np.uint8)
    for _ in range(int(width * 0.28)):
        x, y = rng.uniform(-0.3, 1.3) * width, rng.uniform(-0.4, 0.9) * height
        fall = rng.uniform(0.15, 0.6) * height
        end = (int(x + slant * fall), int(y + fall))
        cv2.line(drops, (int(x), int(y)), end, (255,), 1, cv2.LINE_AA)
    sheet.impress(drops.astype(np.float32) / 255, "key", 0.55)
    return "Rain"


def snowfall(sheet: Sheet) -> str:
    """White flakes over the whole picture."""
    height, width = sheet.size
    flakes = np.zeros(sheet.size, np.uint8)
    for x, y, radius in sheet.rng.uniform((0, 0, 1.5), (width, height, 5), (260, 3)):
        cv2.circle(flakes, (int(x), int(y)), int(radius), (255,), -1, cv2.LINE_AA)
    cover = flakes.astype(np.float32) / 255
    sheet.clear_key(cover)
    sheet.impress(cover, "white", 0.95)
    return "Snow"


def birds(sheet: Sheet, horizon: float) -> None:
    """A loose line of birds in the sky."""
    height, width = sheet.size
    rng = sheet.rng
    start = np.array([rng.uniform(0.15, 0.6) * width, rng.uniform(0.15, 0.6) * horizon * height])
    wing = np.array([(-1, -0.35), (-0.45, -0.5), (0, 0), (0.45, -0.5), (1, -0.35)])
    for number in range(int(rng.integers(3, 8))):
        place = start + np.array([number * 0.045, 0.018 * number]) * sheet.unit
        place = place + rng.normal(0, 0.008 * sheet.unit, 2)
        sheet.line(wing * sheet.unit * 0.018 + place, sheet.unit * 0.005)


def cartouche(sheet: Sheet) -> None:
    """A title slip and a red seal with marks that are no writing."""
    height, width = sheet.size
    rng = sheet.rng
    left = rng.random() < 0.5
    x = width * (0.07 if left else 0.93)
    slip = np.array([(-0.5, 0), (0.5, 0), (0.5, 3.6), (-0.5, 3.6)]) * sheet.unit * 0.055
    place = np.array([x, height * 0.07])
    sheet.shape(slip + place, str(rng.choice(["straw", "rose"])), 2)
    _marks(sheet, place, sheet.unit * 0.038, rows=5)
    seal = np.array([(-0.4, 3.9), (0.4, 3.9), (0.4, 4.7), (-0.4, 4.7)]) * sheet.unit * 0.055
    sheet.shape(seal + place, "vermilion")


def _marks(sheet: Sheet, top: np.ndarray, pitch: float, rows: int) -> None:
    """Brush-like strokes one under the other, without meaning."""
    for row in range(rows):
        centre = top + np.array([0, pitch * (row + 0.55)])
        for _ in range(4):
            ends = centre + sheet.rng.uniform(-0.34, 0.34, (2, 2)) * pitch
            sheet.line(ends, 2)


def weathered_sky(sheet: Sheet, horizon: float) -> None:
    """A grey sky for rain, darker in drifts at the top."""
    drifts = fractal_noise(sheet.size, (sheet.size[0] / 6, sheet.size[1] / 2), sheet.rng)
    sheet.impress(np.ones(sheet.size, np.float32), "mist", 0.9)
    top = bokashi(sheet.size, 0.0, horizon, sheet.rng)
    sheet.impress(top * smoothstep(drifts, -1.5, 1), "grey", 0.9)
    sheet.impress(bokashi(sheet.size, 0.0, 0.2, sheet.rng), "key", 0.65)
