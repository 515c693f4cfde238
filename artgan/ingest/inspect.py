"""The judgement on each page of a file: a catalog row and an access copy, or why not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artgan.imaging.colour import image_from_array, to_srgb
from artgan.imaging.decode import DecodedScan, check_not_blank, decode_page, render
from artgan.imaging.formats import extension_fits
from artgan.imaging.hashes import PHASH_ALGORITHM, file_sha256, phash
from artgan.imaging.scan_file import RefusedScan, ScanFile, identify
from artgan.imaging.write import access_copy
from artgan.ingest.discover import FoundFile
from artgan.keys import scan_id

Row = dict[str, Any]


@dataclass(frozen=True)
class Accepted:
    """A page that is catalogued, or a damage mask.

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
    """A file or a page that is not catalogued.

    Attributes:
        reason: Reason code.
        message: Reason in a sentence.
        content_sha256: sha256 of the file.
        page: Page that is refused; None if the whole file is.
    """

    reason: str
    message: str
    content_sha256: str
    page: int | None = None


def inspect(path: Path, found: FoundFile, max_pixels: int) -> Iterator[Accepted | Refused]:
    """Hash and decode a candidate scan completely, and make access copies: one for each page.

    A broken page does not take the others with it. Judgements come one by one, so that a book
    needs no more memory than its largest page.

    Args:
        path: The file on this machine.
        found: The file as it was found.
        max_pixels: Largest page accepted, in pixels.
    """
    digest = file_sha256(path)
    try:
        file = identify(path, found.path)
    except RefusedScan as refusal:
        yield Refused(refusal.reason, str(refusal), digest)
        return
    for page in range(1, file.page_count + 1):
        try:
            yield _accepted(file, page, found, digest, max_pixels)
        except RefusedScan as refusal:
            number = page if file.page_count > 1 else None
            yield Refused(refusal.reason, str(refusal), digest, number)


def _accepted(
    file: ScanFile, page: int, found: FoundFile, digest: str, max_pixels: int
) -> Accepted:
    scan = decode_page(file, max_pixels, page)
    picture = render(scan, to_srgb(scan.image))
    check_not_blank(scan.name, picture)
    image = image_from_array(picture)
    access, extension = access_copy(image)
    row = {
        "scan_id": scan_id(digest, page),
        "content_sha256": digest,
        "page": page,
        "collection": found.collection,
        "source_path": found.path,
        "source_bytes": found.size,
        "source_version": found.version,
        "phash": phash(image),
        "phash_algorithm": PHASH_ALGORITHM,
    }
    fits = extension_fits(found.path, scan.format)
    return Accepted(row | _facts(scan) | {"extension_fits": fits}, access, extension)


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
