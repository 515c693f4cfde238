"""One damage mask, judged against its scan."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from artgan.errors import InvalidInputError
from artgan.imaging.canvas import mask_canvas
from artgan.imaging.decode import decode
from artgan.imaging.read import read_mask
from artgan.imaging.scan_file import RefusedScan
from artgan.imaging.write import png_bytes, write_mask
from artgan.ingest.discover import MASK_SUFFIX, FoundFile
from artgan.ingest.inspect import Accepted, Refused
from artgan.keys import file_sha256, key

MASK_WITHOUT_SCAN = "mask_without_scan"
MASK_SIZE_MISMATCH = "mask_size_mismatch"
MASK_EMPTY = "mask_empty"
EDITED = "edited"
MASKED_SCAN = ("scan_id", "collection", "width_px", "height_px")
"""What `take_edited` has to know of a scan."""

_PAGE = re.compile(r"\.page([1-9][0-9]{0,8})$", re.IGNORECASE)


def page_of_mask(mask_path: str) -> tuple[str, int]:
    """Return path and page of the scan that a mask's name points at.

    ``a.tif.mask.png`` belongs to the first page of ``a.tif``, ``a.tif.page2.mask.png`` to the
    second.
    """
    path = mask_path[: -len(MASK_SUFFIX)]
    found = _PAGE.search(path)
    return (path[: found.start()], int(found[1])) if found else (path, 1)


def inspect_mask(
    content: bytes, found: FoundFile, scan: Mapping[str, Any] | None
) -> Accepted | Refused:
    """Judge a mask: it must belong to a catalogued scan, have its size, and mark something.

    Args:
        content: The mask's bytes.
        found: What the inbox says about it.
        scan: ``scan_id``, ``width_px`` and ``height_px`` of the scan beside it; None if that is
            not catalogued, which may change with a later delivery.

    Returns:
        The columns of `artgan.catalog.schema.MASKS` that need nothing but the file, and the mask
        as 8-bit grey PNG, 255 where damaged; or the refusal.
    """
    path, page = page_of_mask(found.path)
    content_sha256 = hashlib.sha256(content).hexdigest()
    if scan is None:
        message = (
            f"{found.path} must lie beside its scan, got no catalogued "
            f"page {page} of {path!r}. Deliver the scan, or see why it was refused."
        )
        return Refused(MASK_WITHOUT_SCAN, message, content_sha256)
    try:
        damaged = _read(content, found.path, (scan["width_px"], scan["height_px"]))
    except RefusedScan as refusal:
        return Refused(refusal.reason, str(refusal), content_sha256)
    row = {
        "mask_id": key(scan["scan_id"], content_sha256),
        "scan_id": scan["scan_id"],
        "collection": found.collection,
        "source_path": found.path,
        "source_bytes": found.size,
        "source_version": found.version,
        "content_sha256": content_sha256,
        "damaged_fraction": float(damaged.mean()),
        "origin": "delivered",
    }
    return Accepted(row, png_bytes(damaged.astype(np.uint8) * 255), ".png")


def take_edited(file: Path, scan: Mapping[str, Any], kept: Path, scratch: Path) -> dict[str, Any]:
    """Take a mask that a person corrected, of any size; `artgan.ingest.decoders` calls this.

    The same picture is another mask than the delivered or detected one that it may be a copy of,
    since a person vouches for it.

    Args:
        file: The mask.
        scan: ``scan_id``, ``collection``, ``width_px`` and ``height_px`` of its scan.
        kept: Where to write the kept copy, 8-bit grey PNG.
        scratch: An empty folder.

    Returns:
        The columns of `artgan.catalog.schema.MASKS` that need nothing but the file.

    Raises:
        InvalidInputError: If it has another size than the scan, or marks nothing.
        RefusedScan: If it cannot be decoded whole.
    """
    size = scan["height_px"], scan["width_px"]
    canvas = mask_canvas(file, scratch / "mask", size)
    marked = float(canvas.image().avg()) / 255
    if not marked:
        raise InvalidInputError(
            f"mask must mark damage with white (128 of 255 and more), got none in {str(file)!r}. "
            "Scale a mask of zeros and ones by 255."
        )
    write_mask(kept, canvas.image())
    content_sha256 = file_sha256(file)
    return {
        "mask_id": key(scan["scan_id"], content_sha256, EDITED),
        "scan_id": scan["scan_id"],
        "collection": scan["collection"],
        "source_path": file.name,
        "source_uri": str(file.absolute()),
        "source_bytes": file.stat().st_size,
        "content_sha256": content_sha256,
        "damaged_fraction": marked,
        "origin": EDITED,
    }


def _read(content: bytes, name: str, size: tuple[int, int]) -> np.ndarray:
    # The size is checked on the header, so a mask can never need more memory than its scan.
    header = decode(content, max_pixels=1 << 62, name=name)
    if (header.width_px, header.height_px) != size:
        raise RefusedScan(
            MASK_SIZE_MISMATCH,
            f"{name} must have the size of its upright scan, {size[0]} x {size[1]}, got "
            f"{header.width_px} x {header.height_px}. Export it at full size.",
        )
    damaged = read_mask(content)
    if not damaged.any():
        raise RefusedScan(
            MASK_EMPTY,
            f"{name} must mark damage with white (128 of 255 and more), got none. "
            "Scale a mask of zeros and ones by 255, or remove the file.",
        )
    return damaged
