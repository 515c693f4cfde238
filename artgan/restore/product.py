"""All that leaves the studio for one restored scan: a folder of files, proved against the scan.

The scan passes through files of this machine, so that its size is a matter of disk and not of
memory: a few windows are held at a time, some 200 MB whatever the scan.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from artgan.errors import InvalidInputError
from artgan.imaging.canvas import (
    Canvas,
    FileCanvas,
    TiffCanvas,
    black_canvas,
    mask_canvas,
    scan_canvas,
)
from artgan.imaging.colour import ICC, image_from_array, to_srgb, with_blob
from artgan.imaging.decode import SourceEncoding
from artgan.imaging.write import write_mask, write_tiff
from artgan.keys import VERSION, file_sha256
from artgan.memory import blocks_apart, give_back
from artgan.models.detector import Detector
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet
from artgan.restore.assess import Assessment, assess, conjecture_depth_px
from artgan.restore.detect import working_short_px
from artgan.restore.fill import EffectiveMask, Filling, fill_canvas
from artgan.restore.hatching import hatched
from artgan.restore.mask import dilation_px, widen
from artgan.restore.naming import DamageMap, damage_map
from artgan.restore.patch import NOTE, check_patch, difference
from artgan.restore.regions import Region, find_regions
from artgan.signing import sign_file

RESTORED = "restored.tif"
MASK = "mask.png"
EFFECTIVE_MASK = "mask_effective.png"
PATCH = "patch.tif"
PREVIEW = "preview.jpg"
REPORT = "report.json"
SOURCE_TYPE = DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA

REGIONS_LISTED = 2000
_PREVIEW_SIDE_PX = 3000
_PREVIEW_QUALITY = 92
_STROKES_ACROSS = 700  # of the short side: about as fine as a brush of one millimetre on a metre
_SEEN = 48  # of 255: a reduced pixel is hatched when about a fifth of it was filled
_MAX_PIXELS = 20_000_000_000


@dataclass(frozen=True)
class Order:
    """What is to be restored.

    Attributes:
        scan: File of the scan.
        page: Its page, from 1.
        mask: File of its damage mask.
        mask_origin: Who drew the mask: delivered, edited or detected.
        title: Title of the work, if it has one.
        facts: What the report and the note inside the file say of scan, mask and model:
            ``source_sha256``, ``model_id`` and whatever else is known.
    """

    scan: Path
    page: int
    mask: Path
    mask_origin: str
    title: str | None
    facts: dict[str, Any]


@dataclass(frozen=True)
class Product:
    """What was made.

    Attributes:
        width_px: Width of the restored file.
        height_px: Height.
        bit_depth: Bits of a channel.
        masked_pixels: Pixels that were allowed to change.
        changed_pixels: Pixels that differ from the scan, all of them under the mask.
        assessment: What it is worth as evidence.
    """

    width_px: int
    height_px: int
    bit_depth: int
    masked_pixels: int
    changed_pixels: int
    assessment: Assessment


def make_product(
    order: Order,
    how: Filling,
    operators: dict[str, Any],
    out: Path,
    scratch: Path,
    detector: Detector | None = None,
) -> Product:
    """Restore a scan and write everything that goes with it.

    Args:
        order: Scan and mask.
        how: Filler, tiles, strength.
        operators: Settings of the operators, for the report.
        out: An empty folder for the files that stay.
        scratch: An empty folder for the scan and its restoration as raw pixels, with room for
            three times those; it may be removed afterwards.
        detector: Names the regions by the damage that it sees there; None leaves them unnamed.

    Returns:
        Facts about the files in ``out``.

    Raises:
        RefusedScan: If scan or mask cannot be decoded whole.
        InvalidInputError: If the mask has another size, marks nothing or marks everything.
        CorruptAssetError: If scan and patch do not give the written file back, bit for bit.
    """
    source, encoding = scan_canvas(order.scan, scratch / "scan", _MAX_PIXELS, order.page)
    marked = mask_canvas(order.mask, scratch / "marked", source.size)
    effective = black_canvas(scratch / "effective", source.size)
    mask = EffectiveMask(effective, widen(marked, effective))
    if not mask.cells.any():
        raise InvalidInputError(
            "mask must mark damage with white (128 of 255 and more), got none. Draw the damage."
        )
    restored = source.copied(scratch / "restored")
    fill_canvas(source, mask, restored, how, _Levels(scratch))
    give_back()
    write_mask(out / MASK, marked.image())
    write_mask(out / EFFECTIVE_MASK, effective.image())
    changed = _write_pair(order, (source, restored, effective), encoding, out)
    damage = None if detector is None else _damage_map(source, encoding, detector)
    regions = find_regions(effective, mask.cells, source, restored, encoding.icc, damage)
    assessment = assess(regions, source.size, order.mask_origin)
    _write_preview(order, restored, effective, encoding, out / PREVIEW)
    for name in (RESTORED, PATCH, PREVIEW):  # the report holds their digests
        sign_file(out / name, SOURCE_TYPE, f"{order.title or 'Digital restoration'}", order.scan)
    masked = sum(one.area_px for one in regions)
    product = Product(
        *(source.shape[1], source.shape[0], encoding.bit_depth, masked, changed, assessment)
    )
    report = _report(order, how, operators, product, regions) | {"files": _digests(out)}
    (out / REPORT).write_text(json.dumps(report, indent=1))
    return product


class _Levels:
    """Makes the canvases of coarser levels, one file each."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0

    def __call__(self, shape: tuple[int, int, int], dtype: np.dtype) -> Canvas:
        self._count += 1
        return FileCanvas.zeros(self._folder / f"level-{self._count}", shape, dtype)


@blocks_apart()
def _write_pair(
    order: Order,
    canvases: tuple[TiffCanvas, TiffCanvas, TiffCanvas],
    encoding: SourceEncoding,
    out: Path,
) -> int:
    """Write restored file and patch, and read both again; return how many pixels they change."""
    source, restored, mask = canvases
    note = Provenance(
        source_sha256=order.facts.get("source_sha256"),
        model_id=order.facts.get("model_id"),
        settings_sha256=order.facts.get("settings_sha256"),
        title=order.title,
        note="Digital restoration (image only; the object was not treated).",
    )
    write_tiff(out / RESTORED, restored.image(), encoding, xmp_packet(SOURCE_TYPE, note))
    plain = SourceEncoding(encoding.format, encoding.bit_depth, encoding.channels, None, None)
    change = difference(restored.image(), source.image())
    about = replace(note, note=NOTE)
    write_tiff(out / PATCH, change, plain, xmp_packet(SOURCE_TYPE, about))
    return check_patch(source.image(), out / RESTORED, out / PATCH, mask.image())


@blocks_apart()
def _write_preview(
    order: Order, restored: TiffCanvas, mask: TiffCanvas, encoding: SourceEncoding, path: Path
) -> None:
    """Write a reduced picture with the filled areas in strokes."""
    height, width = restored.size
    scale = min(1.0, _PREVIEW_SIDE_PX / max(height, width))
    size = max(1, round(scale * width)), max(1, round(scale * height))
    picture = _small_picture(restored, encoding, size)
    seen = _reduced(mask.image(), size).numpy().reshape(size[1], size[0]) >= _SEEN
    strokes = max(1, round(min(size) / _STROKES_ACROSS))
    image = image_from_array(hatched(picture, seen, strokes))
    note = Provenance(
        source_sha256=order.facts.get("source_sha256"),
        model_id=order.facts.get("model_id"),
        settings_sha256=order.facts.get("settings_sha256"),
        title=order.title,
        note="Digital restoration, reduced; what was filled is drawn in vertical strokes.",
    )
    image = with_blob(image, "xmp-data", xmp_packet(SOURCE_TYPE, note))
    options = {"Q": _PREVIEW_QUALITY, "subsample_mode": "off", "keep": "xmp"}
    pyvips.Operation.call("jpegsave", image, str(path), **options)


def _damage_map(source: TiffCanvas, encoding: SourceEncoding, detector: Detector) -> DamageMap:
    """Look for damage in a copy as large as the detector looks at."""
    height, width = source.size
    short = min(height, width)
    scale = working_short_px(short, detector.short_side_px) / short
    size = max(1, round(scale * width)), max(1, round(scale * height))
    return damage_map(_small_picture(source, encoding, size), detector, source.size)


def _small_picture(
    canvas: TiffCanvas, encoding: SourceEncoding, size: tuple[int, int]
) -> np.ndarray:
    """Return a canvas reduced to a width and height, as (h, w, 3) uint8 sRGB."""
    small = _reduced(canvas.image(), size)  # before colours are converted: that takes longer
    picture = to_srgb(with_blob(small, ICC, encoding.icc) if encoding.icc else small).numpy()
    return np.ascontiguousarray(picture)


def _reduced(image: pyvips.Image, size: tuple[int, int]) -> pyvips.Image:
    """Scale to a width and height, by means of what each pixel stands for."""
    if (image.width, image.height) == size:
        return image
    return image.resize(size[0] / image.width, vscale=size[1] / image.height, kernel="linear")


def _digests(out: Path) -> dict[str, str]:
    return {path.name: file_sha256(path) for path in sorted(out.iterdir())}


def _report(
    order: Order,
    how: Filling,
    operators: dict[str, Any],
    product: Product,
    regions: Sequence[Region],
) -> dict[str, Any]:
    pixels = product.width_px * product.height_px
    masked = product.masked_pixels
    size = (product.height_px, product.width_px)
    guessed = set(product.assessment.conjectural)
    listed = [
        {"id": number, "conjectural": number in guessed} | _rounded(one)
        for number, one in enumerate(regions[:REGIONS_LISTED], 1)
    ]
    return {
        "what": "Digital restoration: image only, the object was not treated. Plausible, "
        "not evidence.",
        "status": product.assessment.status,
        "reasons": product.assessment.reasons,
        "made_by": f"artgan {VERSION}",
        **order.facts,
        "page": order.page,
        "mask_origin": order.mask_origin,
        "operators": operators,
        "mask_widened_px": dilation_px(size),
        "tile_px": how.tile_px,
        "halo_px": how.halo_px,
        "width_px": product.width_px,
        "height_px": product.height_px,
        "bit_depth": product.bit_depth,
        "masked_pixels": masked,
        "masked_fraction": masked / pixels,
        "changed_pixels": product.changed_pixels,
        "changed_fraction": product.changed_pixels / pixels,
        "changed_outside_mask": 0,
        "unchanged_verified": True,  # by `check_patch`, or there would be no report
        "patch_verified": True,
        "mean_de00": round(sum(one.mean_de00 * one.area_px for one in regions) / masked, 3),
        "max_de00": round(max(one.max_de00 for one in regions), 3),
        "conjecture_depth_px": conjecture_depth_px(size),
        "regions": listed,
        "regions_total": len(regions),
    }


def _rounded(region: Region) -> dict[str, Any]:
    facts = asdict(region)
    named = {"class": facts.pop("kind"), "class_probability": facts.pop("kind_chance")}
    return {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in (named | facts).items()
    }
