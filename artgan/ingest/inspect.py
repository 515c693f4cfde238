"""The judgement on each page of a file: a catalog row and an access copy, or why not."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyvips

from artgan.imaging.conformance import nonconformities
from artgan.imaging.decode import DecodedScan, decode_page
from artgan.imaging.formats import extension_fits
from artgan.imaging.hashes import PHASH_ALGORITHM
from artgan.imaging.look import seen_hash
from artgan.imaging.quality import MEASURED_LONG_SIDE_PX, sharpness
from artgan.imaging.reduce import ReducedScan, check_shows_something, reduce_scan
from artgan.imaging.scan_file import RefusedScan, ScanFile, broken, identify
from artgan.imaging.write import XMP, AccessForm, access_copy
from artgan.ingest.discover import FoundFile
from artgan.keys import digest as settings_digest
from artgan.keys import file_sha256, scan_id
from artgan.provenance import DigitalSourceType, Provenance, stated_type, xmp_packet

Row = dict[str, Any]

FULL_SIZE = AccessForm()


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


@dataclass(frozen=True)
class Beginning:
    """A page that is about to be read.

    Attributes:
        page: Its number, from 1.
        pages: Pages of the file.
    """

    page: int
    pages: int


def inspect(
    path: Path, found: FoundFile, max_pixels: int, form: AccessForm = FULL_SIZE
) -> Iterator[Accepted | Refused]:
    """Hash and decode a candidate scan completely, and make access copies: one for each page.

    A broken page does not take the others with it. Judgements come one by one, so that a book
    needs no more memory than its largest page.

    Args:
        path: The file on this machine.
        found: The file as it was found.
        max_pixels: Largest page accepted, in pixels.
        form: What the access copies are to be.
    """
    for one in inspect_pages(path, found, max_pixels, form):
        if not isinstance(one, Beginning):
            yield one


def inspect_pages(
    path: Path, found: FoundFile, max_pixels: int, form: AccessForm, first_page: int = 1
) -> Iterator[Accepted | Refused | Beginning]:
    """Do the same, and say of each page when it is begun; pages before ``first_page`` are left."""
    digest = file_sha256(path)
    try:
        file = identify(path, found.path)
    except RefusedScan as refusal:
        yield Refused(refusal.reason, str(refusal), digest)
        return
    for page in range(first_page, file.page_count + 1):
        yield Beginning(page, file.page_count)
        try:
            yield _judged(file, page, found, digest, max_pixels, form)
        except RefusedScan as refusal:
            number = page if file.page_count > 1 else None
            yield Refused(refusal.reason, str(refusal), digest, number)


def _judged(
    file: ScanFile,
    page: int,
    found: FoundFile,
    digest: str,
    max_pixels: int,
    form: AccessForm,
) -> Accepted:
    """Accept a page, or refuse it: also where only converting it shows that it makes no sense."""
    try:
        return _accepted(file, page, found, digest, max_pixels, form)
    except pyvips.Error as error:
        raise broken(file.page(page), error) from error


def _accepted(
    file: ScanFile,
    page: int,
    found: FoundFile,
    digest: str,
    max_pixels: int,
    form: AccessForm,
) -> Accepted:
    scan = decode_page(file, max_pixels, page)
    most_px = form.long_side_px and max(form.long_side_px, MEASURED_LONG_SIDE_PX)
    reduced = reduce_scan(scan, most_px)
    picture = reduced.fitted(form.long_side_px)
    check_shows_something(scan, picture)
    access, extension = access_copy(picture, form.format, _mark(scan, digest, form))
    row = {
        "scan_id": scan_id(digest, page),
        "content_sha256": digest,
        "page": page,
        "collection": found.collection,
        "source_path": found.path,
        "source_bytes": found.size,
        "source_version": found.version,
        "extension_fits": extension_fits(found.path, scan.format),
        "access_width_px": picture.shape[1],
        "access_height_px": picture.shape[0],
    }
    facts = _facts(scan)
    row |= facts | {"nonconformities": nonconformities(facts)}
    return Accepted(row | _measures(reduced, picture), access, extension)


def _mark(scan: DecodedScan, digest: str, form: AccessForm) -> bytes:
    """Write down what an access copy is: what its scan says of itself, or a capture."""
    stated = cast(bytes, scan.image.get(XMP)) if scan.image.get_typeof(XMP) else b""
    kind = stated_type(stated) if stated else None
    return xmp_packet(
        kind or DigitalSourceType.DIGITAL_CAPTURE,
        Provenance(
            source_sha256=digest,
            settings_sha256=settings_digest(asdict(form)),
            note="Access copy of a scan.",
        ),
    )


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
        "dpi_vertical": scan.dpi_vertical,
        "orientation": scan.orientation,
    }


def _measures(reduced: ReducedScan, picture: np.ndarray) -> Row:
    """Measure a scan; what is found does not depend on the size of its access copy."""
    size = reduced.fitted_size(MEASURED_LONG_SIDE_PX)
    measured = picture if picture.shape[1::-1] == size else reduced.fitted(MEASURED_LONG_SIDE_PX)
    clipping = reduced.clipping
    return {
        "phash": seen_hash(measured),
        "phash_algorithm": PHASH_ALGORITHM,
        "clipped_shadows_fraction": clipping and clipping.shadows_fraction,
        "clipped_highlights_fraction": clipping and clipping.highlights_fraction,
        "sharpness": sharpness(measured),
    }
