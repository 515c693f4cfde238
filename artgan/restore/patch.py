"""Patches: what a restoration changed, as a picture that takes it back and makes it again.

For each channel of each pixel ``patch = (restored - scan) mod 2^bits``, so that
``scan + patch = restored`` and ``restored - patch = scan``, both modulo 2^bits, without loss. Where
nothing changed a patch is black, and deflate makes it small. Any program that adds whole numbers
can apply it.
"""

from pathlib import Path
from typing import Any, cast

import pyvips

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.imaging.decode import DecodedScan, SourceEncoding, check_tiles, decode, own_pixels
from artgan.imaging.scan_file import broken
from artgan.imaging.write import write_tiff
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet

_MAX_PIXELS = 20_000_000_000
_PEAK = {"uchar": 255, "ushort": 65_535}
_SUM = 2  # column of libvips' statistics
NOTE = "Patch: (restored - scan) modulo 2^bits, for each channel."


def difference(restored: pyvips.Image, scan: pyvips.Image) -> pyvips.Image:
    """Return the patch that leads from a scan to its restoration, still to be computed."""
    return _wrapped(restored - scan, scan)


def added(scan: pyvips.Image, patch: pyvips.Image) -> pyvips.Image:
    """Return the restoration that a patch makes of a scan, still to be computed."""
    return _wrapped(scan + patch, scan)


def taken_back(restored: pyvips.Image, patch: pyvips.Image) -> pyvips.Image:
    """Return the scan that a restoration was made of, still to be computed."""
    return _wrapped(restored - patch, restored)


def _wrapped(image: pyvips.Image, like: pyvips.Image) -> pyvips.Image:
    """Bring whole numbers back to the range of a kind of pixel, modulo its size."""
    kind = str(like.format)
    inside = image.cast("int") & _PEAK[kind]
    return inside.cast(kind).copy(interpretation=like.interpretation)


def check_patch(scan: pyvips.Image, restored: Path, patch: Path, mask: pyvips.Image) -> int:
    """Read two written files and prove that the patch leads there and back.

    Args:
        scan: The scan's own pixels.
        restored: The restored file.
        patch: The patch.
        mask: Where pixels may change: one band, not 0 there.

    Returns:
        How many pixels the patch changes.

    Raises:
        CorruptAssetError: If scan and patch do not give the restored file, or that and the patch
            not the scan, in every bit; or if anything changed outside of the mask.
    """
    found, change = _read(restored)[1], _read(patch)[1]
    wrong = _differing(added(scan, change), found) | _differing(taken_back(found, change), scan)
    changed = _differing(change, 0)
    sums = _sums(wrong, changed, changed & (mask.cast("uchar") < 1))
    if sums[0]:
        raise CorruptAssetError(
            f"patch must lead from the scan to the restored file and back, got {sums[0]} pixels "
            "where it does not. See to the disk, and restore the scan again."
        )
    if sums[2]:
        raise CorruptAssetError(
            f"restored file must equal the scan outside of the mask, got {sums[2]} pixels that "
            "differ. See to the disk, and restore the scan again."
        )
    return sums[1]


def _differing(one: pyvips.Image, other: pyvips.Image | int) -> pyvips.Image:
    """Return 255 where some channel differs, and 0 elsewhere."""
    bands = cast("pyvips.Image", one != other)
    return bands[0] if bands.bands == 1 else bands.bandor()


def _sums(*images: pyvips.Image) -> list[int]:
    """Count the pixels of 255 in pictures of 0 and 255, all of them in one pass."""
    first, *others = images
    rows = first.bandjoin(cast("Any", others)).stats().numpy()
    return [round(float(row[_SUM]) / 255) for row in rows[1:]]


def apply_patch(picture: Path, patch: Path, to: Path, *, undo: bool = False, page: int = 1) -> None:
    """Apply a patch to a scan, or take it back from a restored file.

    Args:
        picture: The scan, or the restored file with ``undo``.
        patch: The patch that lies beside the restored file.
        to: TIFF to write, in the depth, profile and resolution of the picture.
        undo: Take back instead of apply.
        page: Page of a scan of several.

    Raises:
        InvalidInputError: If the two have not the same size, channels and depth, or a file is
            there already.
        RefusedScan: If one cannot be decoded whole.
    """
    if to.exists():
        raise InvalidInputError(f"to must be a new file, got {str(to)!r}. Choose another name.")
    (before, image, encoding), (mending, change, _) = _read(picture, page), _read(patch)
    if _kind(image) != _kind(change):
        raise InvalidInputError(
            f"patch must be of the kind of the picture, {_kind(image)}, got {_kind(change)}. "
            "Take the patch that lies beside the restored file."
        )
    made = taken_back(image, change) if undo else added(image, change)
    try:
        write_tiff(to, made, encoding, None if undo else _packet())
    except pyvips.Error as error:
        to.unlink(missing_ok=True)
        raise broken(before.page, error) from error
    for scan in (before, mending):
        check_tiles(scan)


def _read(path: Path, page: int = 1) -> tuple[DecodedScan, pyvips.Image, SourceEncoding]:
    scan = decode(path, _MAX_PIXELS, page=page)
    return scan, *own_pixels(scan)


def _kind(image: pyvips.Image) -> str:
    return f"{image.width} x {image.height}, {image.bands} channels of {image.format}"


def _packet() -> bytes:
    note = Provenance(note="Scan with the patch of its digital restoration (image only).")
    return xmp_packet(DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA, note)
