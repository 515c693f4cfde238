"""Writes the sample archive: three generated collections as a museum would deliver them.

The pictures are drawn from nothing but a seed, so no rights are attached to them, and the delivery
holds on purpose what real deliveries hold by accident: wide-gamut profiles, 16-bit masters, turned
JPEGs, duplicates, broken files, rows without a scan and scans without a row.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from artgan.errors import InvalidInputError
from artgan.sample.damage import damage_picture
from artgan.sample.delivery import (
    ENDINGS,
    PINNED,
    Delivery,
    encode_jpeg,
    encode_mask,
    encode_scan,
    plan_deliveries,
)
from artgan.sample.hard_edge import paint_hard_edge
from artgan.sample.landscape_brush import paint_landscape
from artgan.sample.metadata import Work, metadata_bytes
from artgan.sample.texture import Size
from artgan.sample.woodblock import print_woodblock

# Enough for every pinned delivery, and one work beside them that has no row.
MIN_WORKS = 1 + max(len(pinned) for pinned in PINNED.values())


@dataclass(frozen=True)
class Collection:
    """A painter, and the usual shapes of its pictures as width over height."""

    paint: Callable[[Size, np.random.Generator], tuple[np.ndarray, str]]
    shapes: tuple[float, ...]


COLLECTIONS = {
    "brush_landscapes": Collection(paint_landscape, (4 / 3, 5 / 4, 3 / 2, 4 / 3, 3 / 4, 4 / 5, 1)),
    "woodblock_views": Collection(print_woodblock, (3 / 2, 3 / 2, 10 / 7, 2 / 3, 7 / 10, 1)),
    "hard_edge": Collection(paint_hard_edge, (1, 1, 1, 4 / 3, 3 / 4, 3 / 2)),
}


@dataclass(frozen=True)
class SampleSummary:
    """What was written.

    Args:
        collections: Names of the collection folders.
        files: All files: scans, masks, metadata, broken and stray ones.
        scans: Files that decode to a whole picture, duplicates among them.
        masks: Damage masks beside a scan.
        broken: Files with an image's name that are no whole image.
    """

    collections: tuple[str, ...]
    files: int
    scans: int
    masks: int
    broken: int


def picture_size(shapes: tuple[float, ...], rng: np.random.Generator) -> Size:
    """Height and width with the long side of 320 to 480 pixels, rounded to even numbers."""
    ratio, long = float(rng.choice(shapes)), int(rng.integers(160, 241)) * 2
    short = round(long * min(ratio, 1 / ratio) / 2) * 2
    return (short, long) if ratio >= 1 else (long, short)


def _file_name(collection: str, number: int, form: str) -> str:
    """Name of a scan; spaces, an accent and upper-case endings occur as in real deliveries."""
    ending = ENDINGS[form]
    if collection == "brush_landscapes":
        return f"scan {number:03d}{ending}"
    if collection == "woodblock_views":
        return f"épreuve {number:03d}{ending}" if number == 6 else f"OV-1831-{number:03d}{ending}"
    return f"HE_{number:04d}{ending.upper() if number % 3 != 2 else ending}"


def _write_work(
    folder: Path, index: int, delivery: Delivery, rng: np.random.Generator
) -> tuple[Work, np.ndarray]:
    """Paint one work, damage it if so planned, write scan and mask; gives back the undamaged."""
    collection = COLLECTIONS[folder.name]
    picture, subject = collection.paint(picture_size(collection.shapes, rng), rng)
    path = folder / _file_name(folder.name, index + 1, delivery.form)
    shown = picture
    if delivery.damage:
        shown, mask = damage_picture(picture, delivery.damage, rng)
        path.with_name(f"{path.name}.mask.png").write_bytes(encode_mask(mask, delivery))
    path.write_bytes(encode_scan(shown, delivery))
    return Work(index + 1, subject, path.name), picture


def _reduced_copy(picture: np.ndarray) -> bytes:
    """The near-duplicate: six tenths of the size, JPEG quality 70."""
    whole = Image.fromarray(np.round(picture * 255).astype(np.uint8))
    small = whole.resize((whole.width * 6 // 10, whole.height * 6 // 10), Image.Resampling.LANCZOS)
    return encode_jpeg(np.asarray(small), Delivery("jpeg", dpi=72), quality=70)


def _cut_jpeg(picture: np.ndarray) -> bytes:
    """A JPEG whose second half was lost on the way."""
    whole = encode_scan(picture, Delivery("jpeg"))
    return whole[: len(whole) // 2]


def _stray_files(folder: Path, works: list[Work], pictures: list[np.ndarray]) -> dict[str, bytes]:
    """Files that nobody meant to deliver, by name: copies, broken images, leavings of desktops."""
    if folder.name == "brush_landscapes":
        original = folder / works[3].file
        return {
            f"{original.stem} copy{original.suffix}": original.read_bytes(),
            "scan 900.jpg": _cut_jpeg(pictures[5][:, ::-1]),
            ".DS_Store": b"\0\0\0\x01Bud1" + bytes(1016),
        }
    if folder.name == "woodblock_views":
        text = b"Scan follows by post, the copy stand is being repaired.\n"
        return {"OV-1831-006 klein.jpg": _reduced_copy(pictures[5]), "OV-1831-900.jpg": text}
    return {"HE_9000.JPG": b"", "Thumbs.db": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)}


def _write_collection(folder: Path, seed: int, works: int) -> list[Delivery]:
    """Write one collection; gives back the delivery of each work."""
    folder.mkdir(parents=True, exist_ok=True)
    order = list(COLLECTIONS).index(folder.name)
    choices = np.random.default_rng([seed, order])
    deliveries = plan_deliveries(folder.name, works, choices)
    # Every work has its own generator, so the two threads cannot disturb each other's choices.
    streams = [np.random.default_rng([seed, order, index]) for index in range(works)]
    folders = [folder] * works
    with ThreadPoolExecutor(max_workers=2) as pool:
        painted = list(pool.map(_write_work, folders, range(works), deliveries, streams))
    rows, pictures = [work for work, _ in painted], [picture for _, picture in painted]
    for name, content in _stray_files(folder, rows, pictures).items():
        (folder / name).write_bytes(content)
    # The last scan has no row, and the last row has no scan.
    missing = Work(works + 500, rows[0].subject, _file_name(folder.name, works + 500, "tiff8"))
    table = metadata_bytes(folder.name, [*rows[:-1], missing], choices)
    (folder / "metadata.csv").write_bytes(table)
    return deliveries


def write_sample(folder: Path, seed: int = 0, works: int = 48) -> SampleSummary:
    """Write a generated inbox ``<folder>/<collection>/<files>`` with three collections.

    The same seed and the same versions of the libraries give the same bytes. Files of an earlier
    run with the same names are overwritten, others are left alone.

    Args:
        folder: The inbox; made if it is not there.
        seed: Any non-negative number.
        works: Works per collection; the scans of some are delivered twice.

    Returns:
        The counts of what was written.

    Raises:
        InvalidInputError: ``works`` is too small to hold every kind of delivery, or ``seed`` is
            negative.
    """
    if works < MIN_WORKS:
        message = f"works must be at least {MIN_WORKS}, got {works}. Ask for more works."
        raise InvalidInputError(message)
    if seed < 0:
        raise InvalidInputError(f"seed must be at least 0, got {seed}. Choose another seed.")
    plans = [_write_collection(folder / name, seed, works) for name in COLLECTIONS]
    masks = sum(bool(delivery.damage) for plan in plans for delivery in plan)
    copies, broken, leavings = 2, 3, 2
    scans = works * len(plans) + copies
    files = scans + masks + broken + leavings + len(plans)
    return SampleSummary(tuple(COLLECTIONS), files, scans, masks, broken)
