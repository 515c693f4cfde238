"""The judgement on one file: a catalog row and an access copy, or the reason for refusal."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artgan.imaging.colour import image_from_array, to_srgb
from artgan.imaging.decode import DecodedScan, check_not_blank, decode, render
from artgan.imaging.hashes import PHASH_ALGORITHM, file_sha256, phash
from artgan.imaging.opening import RefusedScan
from artgan.imaging.write import access_copy
from artgan.ingest.discover import FoundFile

Row = dict[str, Any]


@dataclass(frozen=True)
class Accepted:
    """A file that is catalogued.

    Attributes:
        row: Columns that come from the file itself.
        access: Bytes of its access copy; of its kept copy for a mask.
        access_extension: File name ending of that copy, with the dot.
    """

    row: Row
    access: bytes
    access_extension: str


@dataclass(frozen=True)
class Refused:
    """A file that is not catalogued, with a reason code, a sentence and its hash."""

    reason: str
    message: str
    content_sha256: str


def inspect(path: Path, found: FoundFile, max_pixels: int) -> Accepted | Refused:
    """Hash and decode a candidate scan completely, and make its access copy.

    Args:
        path: The file on this machine.
        found: The file as it was found.
        max_pixels: Largest picture accepted, in pixels.
    """
    digest = file_sha256(path)
    try:
        scan = decode(path, max_pixels, name=found.path)
        picture = render(scan, to_srgb(scan.image))
        check_not_blank(found.path, picture)
    except RefusedScan as refusal:
        return Refused(refusal.reason, str(refusal), digest)
    image = image_from_array(picture)
    access, extension = access_copy(image)
    row = {
        "scan_id": digest,
        "collection": found.collection,
        "source_path": found.path,
        "source_bytes": found.size,
        "source_version": found.version,
        "phash": phash(image),
        "phash_algorithm": PHASH_ALGORITHM,
    }
    return Accepted(row | _facts(scan), access, extension)


def _facts(scan: DecodedScan) -> Row:
    return {
        "format": scan.format,
        "compression": scan.compression,
        "width_px": scan.width_px,
        "height_px": scan.height_px,
        "channels": scan.channels,
        "bit_depth": scan.bit_depth,
        "pages": scan.pages,
        "colour_space": scan.colour_space,
        "icc_name": scan.icc_name,
        "icc_sha256": scan.icc_sha256,
        "dpi": scan.dpi,
        "orientation": scan.orientation,
    }
