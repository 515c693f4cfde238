"""Decode files in child processes, so that a codec that crashes or hangs costs one file.

Each thread has a child of its own; see `artgan.ingest.decoder_process`. It has no credentials, no
secrets in its environment and limits of the kernel on memory and time; see
`artgan.ingest.decoder_child`. These limits contain mistakes and bombs. Against code that runs in a
codec they are one wall of several: run workers in a container as well.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from artgan.errors import InvalidInputError, MissingAssetError
from artgan.imaging.look import SMALL_SIDE_PX, Look
from artgan.imaging.write import AccessForm
from artgan.ingest.decoder_process import (
    CRASHED,
    TIMED_OUT,
    DecoderDiedError,
    Limits,
    Order,
    own_child,
)
from artgan.ingest.discover import FoundFile
from artgan.ingest.inspect import Accepted, Refused
from artgan.keys import file_sha256
from artgan.signing import Signature

_TRIES = 2
_MOST_PIXELS = 20_000_000_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Examined:
    """What a file says and looks like.

    Attributes:
        sha256: Of its bytes.
        format: Container by content.
        size: Width and height in pixels, upright; None of a film.
        look: What it looks like; None of a film.
        mark: What its packet says; see `artgan.provenance.read_xmp`.
        mark_problem: Why the packet cannot be read.
        signature: What its Content Credentials say.
    """

    sha256: str
    format: str
    size: tuple[int, int] | None
    look: Look | None
    mark: dict[str, str]
    mark_problem: str | None
    signature: Signature


def judge_scan(
    path: Path, found: FoundFile, max_pixels: int, form: AccessForm, limits: Limits
) -> Iterator[Accepted | Refused]:
    """Judge a candidate scan as `artgan.ingest.inspect.inspect` does, in a child.

    Where a child dies, the page is tried once more by a new one; then it is refused, and the pages
    behind it with it.

    Args:
        path: The file on this machine.
        found: The file as it was found.
        max_pixels: Largest page accepted, in pixels.
        form: What the access copies are to be.
        limits: What decoding may use.
    """
    order = {"what": "scan", "form": asdict(form), "max_pixels": max_pixels}
    yield from _judged(order, path, found, limits)


def judge_mask(
    path: Path, found: FoundFile, scan: Mapping[str, Any] | None, limits: Limits
) -> Accepted | Refused:
    """Judge a damage mask as `artgan.ingest.masks.inspect_mask` does, in a child."""
    known = None if scan is None else dict(scan)
    pixels = 1 if known is None else known["width_px"] * known["height_px"]
    order = {"what": "mask", "scan": known, "max_pixels": max(pixels, 1_000_000)}
    (judged,) = _judged(order, path, found, limits)  # to its end, or the child would be replaced
    return judged


def examine(path: Path, anchors: str | None, limits: Limits) -> Examined | Refused:
    """Look at a file that came from anywhere, in a child.

    Args:
        path: The file.
        anchors: PEM of the certificates whose signatures are trusted.
        limits: What decoding may use.

    Returns:
        What it says and looks like; or why it is neither a picture nor a film.
    """
    order = {"what": "look", "anchors": anchors, "max_pixels": _MOST_PIXELS}
    found = FoundFile("", path.name, path.stat().st_size, "", "scan")
    (seen,) = _judged(order, path, found, limits)
    assert not isinstance(seen, Accepted)
    return seen


def take_mask(
    path: Path, scan: Mapping[str, Any], kept: Path, scratch: Path, limits: Limits
) -> dict[str, Any]:
    """Take a corrected mask as `artgan.ingest.masks.take_edited` does, in a child.

    Raises:
        MissingAssetError: If the file is not there.
        InvalidInputError: If it does not fit its scan, marks nothing or cannot be decoded.
    """
    if not path.is_file():
        raise MissingAssetError(f"mask must be a file, got {str(path)!r}. Check the name.")
    path = path.absolute()
    order = {"what": "edited", "scan": dict(scan), "kept": str(kept), "scratch": str(scratch)}
    order["max_pixels"] = max(scan["width_px"] * scan["height_px"], 1_000_000)
    found = FoundFile("", path.name, path.stat().st_size, "", "mask")
    (taken,) = _judged(order, path, found, limits)
    if isinstance(taken, Refused):
        raise InvalidInputError(taken.message)
    return taken


def take_regions(path: Path, limits: Limits) -> np.ndarray:
    """Read a mask of regions as `artgan.imaging.read.read_shares` does, in a child.

    Returns:
        (H, W) uint8, upright.

    Raises:
        MissingAssetError: If the file is not there.
        InvalidInputError: If it cannot be decoded.
    """
    if not path.is_file():
        raise MissingAssetError(f"regions must be a file, got {str(path)!r}. Check the name.")
    path = path.absolute()
    order = {"what": "shares", "max_pixels": _MOST_PIXELS}
    found = FoundFile("", path.name, path.stat().st_size, "", "mask")
    (taken,) = _judged(order, path, found, limits)
    if isinstance(taken, Refused):
        raise InvalidInputError(taken.message)
    return taken


def picture_size(path: Path, name: str, limits: Limits) -> tuple[int, int] | None:
    """Return width and height of a file that came from anywhere, read in a child.

    Args:
        path: The file.
        name: What to call it.
        limits: What decoding may use.

    Returns:
        The size of its first page, upright; None if it is no picture.
    """
    order = {"what": "size", "max_pixels": _MOST_PIXELS}
    found = FoundFile("", name, path.stat().st_size, "", "scan")
    (told,) = _judged(order, path, found, limits)
    return None if isinstance(told, Refused) else (told["width_px"], told["height_px"])


def _judged(order: Order, path: Path, found: FoundFile, limits: Limits) -> Iterator[Any]:
    order |= {"path": str(path), "found": asdict(found), "seconds": limits.seconds}
    page = pages = 1
    death = DecoderDiedError(CRASHED, "")
    for attempt in range(_TRIES):
        child = own_child(limits, is_new=attempt > 0)
        try:
            for message, content in child.ask(order | {"first_page": page}, limits.seconds):
                if "page" in message:
                    page, pages = message["page"], message["of"]
                else:
                    yield _reply(path, message, content)
        except DecoderDiedError as error:
            death = error
            _log.warning("%s, page %d: %s", found.path, page, error)
            if death.reason == TIMED_OUT:
                break
        else:
            return
    yield from _given_up(path, found, death, range(page, pages + 1))


def _reply(path: Path, message: dict[str, Any], content: bytes) -> Any:  # noqa: ANN401
    """Make of what a child says what its caller asked for."""
    if "accepted" in message:
        return Accepted(message["accepted"], content, message["extension"])
    if "told" in message:
        return message["told"]
    if "looked" in message:
        return _examined(path, message["looked"], content)
    if "shares" in message:
        return np.frombuffer(content, np.uint8).reshape(message["shares"])
    return Refused(**message["refused"])


def _examined(path: Path, facts: dict[str, Any], content: bytes) -> Examined:
    size, look = None, None
    if content:
        size = facts["width_px"], facts["height_px"]
        small = np.frombuffer(content, np.uint8).reshape(SMALL_SIDE_PX, SMALL_SIDE_PX, 3)
        look = Look(facts["phash"], small)
    return Examined(
        sha256=file_sha256(path),
        format=facts["format"],
        size=size,
        look=look,
        mark=facts["mark"],
        mark_problem=facts["mark_problem"],
        signature=Signature(**facts["signature"]),
    )


def _given_up(
    path: Path, found: FoundFile, death: DecoderDiedError, pages: range
) -> Iterator[Refused]:
    digest, last = file_sha256(path), pages.stop - 1
    for page in pages:
        name = f"{found.path} page {page}" if last > 1 else found.path
        behind = f"page {pages.start} before it: " if page > pages.start else ""
        message = (
            f"{name} must be decodable, got {behind}{death} Save the picture anew with another "
            "program; to have the same file tried again, copy it to the inbox again."
        )
        yield Refused(death.reason, message, digest, page if last > 1 else None)
