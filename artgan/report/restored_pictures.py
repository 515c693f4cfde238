"""Pictures of one digital restoration for its work's page: scan, result, generated areas, change.

They are made once for each restored file and lie beside the page, each with the mark in its name
and the IPTC term for its kind inside; a small record of what was seen on the way lies with them.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass

import cv2
import numpy as np

from artgan.catalog.beside import effective_mask_key
from artgan.errors import ArtganError
from artgan.imaging.colour import image_from_array, with_blob
from artgan.imaging.read import read_rgb
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet
from artgan.report.snapshot import Row, pixels
from artgan.report.thumbs import Source, write_typed
from artgan.storage import Store

LONG_SIDE_PX = 1600
MAX_BYTES = 600_000
NOTE = "Digital restoration (image only; object not treated)"
_QUALITIES = (85, 78, 70, 60, 48, 35, 25)
_NAMES = {
    "before": "scan",
    "after": "digital-restoration",
    "areas": "digital-restoration-generated-areas",
    "change": "digital-restoration-difference",
}
_FULL_CHANGE = 64.0
"""Difference in levels of 255 from which the difference map is black."""
_HATCH_PX = 10
_SEEN = 16  # of 255: a pixel of the reduced mask counts when so much of it was generated


@dataclass(frozen=True)
class RestoredPictures:
    """Where the pictures lie, and what was seen while they were made.

    Attributes:
        before: Key of the scan.
        after: Key of the digital restoration.
        areas: Key of the restoration with its generated areas outlined and hatched.
        change: Key of the difference map.
        width: Width of all four in pixels.
        height: Height of all four in pixels.
        n_regions: Separate generated areas, as far as they are apart at this size.
    """

    before: str
    after: str
    areas: str
    change: str
    width: int
    height: int
    n_regions: int


def record_key(folder: str, output: Row) -> str:
    """Return where the record of an output's pictures lies."""
    return f"{folder}/{output['output_id']}.json"


def restored_pictures(
    store: Store, folder: str, output: Row, scan: Source, present: Collection[str]
) -> tuple[RestoredPictures | None, list[str]]:
    """Return the pictures of a restored file, made if they are not there yet.

    Args:
        store: The archive root.
        folder: Folder of the work's page.
        output: Row of the restored file.
        scan: The access copy of its scan.
        present: Keys that are there.

    Returns:
        The pictures, None if a file cannot be read; and the keys that were written, in order.
    """
    record = record_key(folder, output)
    if record in present:
        found = RestoredPictures(**json.loads(store.read(record)))
        if all(key in present for key in picture_keys(folder, output).values()):
            return found, []
    try:
        made, seen = _make(store, output, scan)
    except ArtganError:
        return None, []
    keys = picture_keys(folder, output)
    for name, picture in made.items():
        write_typed(store, keys[name], _jpeg(picture, _packet(name, output)))
    height, width = made["after"].shape[:2]
    result = RestoredPictures(**keys, width=width, height=height, n_regions=seen)
    write_typed(store, record, json.dumps(asdict(result), indent=1).encode())
    return result, [*keys.values(), record]


def picture_keys(folder: str, output: Row) -> dict[str, str]:
    """Return where the four pictures of a restored file lie, by what they show."""
    return {name: f"{folder}/{output['output_id']}-{words}.jpg" for name, words in _NAMES.items()}


def _make(store: Store, output: Row, scan: Source) -> tuple[dict[str, np.ndarray], int]:
    width, height = _fitted(output["width_px"], output["height_px"])
    short = min(width, height)

    def read(key: str) -> np.ndarray:
        with store.local(key) as path:
            picture = read_rgb(path, short)
        if picture.shape[:2] != (height, width):  # an access copy's own rounding
            picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        return picture

    after = read(output["output_path"])
    before = read(scan.key)
    mask = read(effective_mask_key(output)).max(axis=2) >= _SEEN
    regions = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1
    made = {
        "before": before,
        "after": after,
        "areas": _outlined(after, mask),
        "change": _difference(before, after, mask),
    }
    return made, int(regions)


def _fitted(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, LONG_SIDE_PX / max(width, height))
    return max(1, round(scale * width)), max(1, round(scale * height))


def _outlined(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Draw generated areas with hatching and a double outline, which no colour can hide."""
    rows, columns = np.indices(mask.shape)
    hatch = mask & ((rows + columns) % _HATCH_PX < 2)
    kernel = np.ones((3, 3), np.uint8)
    wide = cv2.dilate(mask.astype(np.uint8), kernel, iterations=3).astype(bool)
    narrow = cv2.dilate(mask.astype(np.uint8), kernel, iterations=1).astype(bool)
    drawn = picture.copy()
    drawn[hatch] = (255, 255, 255)
    drawn[np.roll(hatch, 2, axis=1) & mask & ~hatch] = (20, 20, 20)
    drawn[wide & ~narrow] = (255, 255, 255)
    drawn[narrow & ~mask] = (200, 0, 90)
    return drawn


def _difference(before: np.ndarray, after: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Map how much the generated areas differ from the scan, dark for much, over a faint scan.

    Elsewhere the file equals the scan pixel by pixel, as was checked at full size; what a reduced
    JPEG of it would show there is compression, so nothing is drawn.
    """
    faint = 255.0 - 0.16 * (255.0 - before.mean(axis=2, keepdims=True))
    change = np.abs(after.astype(float) - before).max(axis=2, keepdims=True)
    strength = np.clip(change / _FULL_CHANGE, 0.0, 1.0)
    light, dark = np.array([232.0, 196.0, 120.0]), np.array([30.0, 10.0, 20.0])
    ramp = light + strength * (dark - light)
    return np.where(mask[..., None], ramp, faint).round().astype(np.uint8)


def _packet(name: str, output: Row) -> bytes:
    kinds: dict[str, DigitalSourceType] = {"before": DigitalSourceType.DIGITAL_CAPTURE}
    kind = kinds.get(name, DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA)
    note = "Scan, reduced" if name == "before" else f"{NOTE}, reduced"
    return xmp_packet(kind, Provenance(model_id=output["model_id"], note=note))


def _jpeg(picture: np.ndarray, packet: bytes) -> bytes:
    """Encode as JPEG within the budget of a page's picture, with its packet."""
    image = with_blob(image_from_array(np.ascontiguousarray(picture)), "xmp-data", packet)

    def encode(quality: int) -> bytes:
        return image.write_to_buffer(".jpg", Q=quality, optimize_coding=True, keep="xmp")

    return _first_within(encode)


def _first_within(encode: Callable[[int], bytes]) -> bytes:
    content = b""
    for quality in _QUALITIES:
        content = encode(quality)
        if len(content) <= MAX_BYTES:
            break
    return content


def generated_share(output: Row) -> float | None:
    """Return the generated part of a restored file in percent."""
    if output["masked_pixels"] is None or not pixels(output):
        return None
    return 100.0 * output["masked_pixels"] / pixels(output)
