"""Decode files of strangers in a process of its own: the child of `artgan.ingest.decoders`.

How orders and replies pass is told in `artgan.ingest.serving`. Memory, processor time, file size
and open files are limited by the kernel, the network is out of reach where the kernel allows that,
and what is not on the list of loaders is refused by libvips.
"""

import resource
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast
from xml.etree import ElementTree

import pyvips

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.imaging.decode import decode, decode_page
from artgan.imaging.look import look_at_scan
from artgan.imaging.read import read_shares
from artgan.imaging.scan_file import RefusedScan, identify
from artgan.imaging.video_mark import film_format, read_film_mark
from artgan.imaging.write import XMP, AccessForm
from artgan.ingest.discover import FoundFile
from artgan.ingest.inspect import Accepted, Beginning, Refused, inspect_pages
from artgan.ingest.masks import inspect_mask, take_edited
from artgan.ingest.serving import Order, limit, send, serve, used_s
from artgan.keys import file_sha256
from artgan.provenance import read_packet
from artgan.signing import read_signature


@dataclass(frozen=True)
class Looked:
    """What a file says and looks like.

    Attributes:
        facts: ``format``, ``mark``, ``mark_problem`` and ``signature``; of a picture, not of a
            film, also ``width_px``, ``height_px`` and ``phash``.
        small: Its small picture, 64 x 64 pixels of 3 bytes; empty of a film.
    """

    facts: dict[str, Any]
    small: bytes


@dataclass(frozen=True)
class Told:
    """What was asked of a file, in plain values."""

    facts: dict[str, Any]


@dataclass(frozen=True)
class Shares:
    """A mask of shares, (height, width) bytes."""

    height: int
    width: int
    codes: bytes


Message = Accepted | Beginning | Looked | Refused | Shares | Told

_SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
_BYTES_OF_A_PIXEL = 20  # five channels of 32 bits, the widest page that libvips may put on disk


def main() -> None:
    """Take orders until standard input ends."""
    serve(_obey, check_loaders)


def check_loaders() -> None:
    """Prove that libvips reads nothing but the formats on the list of `artgan.imaging.opening`.

    Raises:
        RuntimeError: If it reads SVG, which no file of an archive is.
    """
    try:
        pyvips.Image.new_from_buffer(_SVG, "").avg()
    except pyvips.Error:
        return
    raise RuntimeError("libvips must refuse SVG, got a picture of it")


def _obey(order: Order, replies: BinaryIO) -> None:
    limit(resource.RLIMIT_CPU, int(used_s() + order["seconds"]) + 1)
    limit(resource.RLIMIT_FSIZE, order["max_pixels"] * _BYTES_OF_A_PIXEL)
    for message in _JUDGES[order["what"]](order):
        _reply(replies, message)


def _reply(replies: BinaryIO, message: Message) -> None:
    match message:
        case Accepted(row, access, extension):
            send(replies, {"accepted": row, "extension": extension}, access)
        case Refused():
            send(replies, {"refused": vars(message)})
        case Looked(facts, small):
            send(replies, {"looked": facts}, small)
        case Shares(height, width, codes):
            send(replies, {"shares": [height, width]}, codes)
        case Told(facts):
            send(replies, {"told": facts})
        case Beginning(page, pages):
            send(replies, {"page": page, "of": pages})


def _judge_scan(order: Order) -> Iterator[Message]:
    found, form = FoundFile(**order["found"]), AccessForm(**order["form"])
    pixels, first = order["max_pixels"], order["first_page"]
    return inspect_pages(Path(order["path"]), found, pixels, form, first)


def _judge_mask(order: Order) -> Iterator[Message]:
    yield inspect_mask(Path(order["path"]).read_bytes(), FoundFile(**order["found"]), order["scan"])


def _take_edited(order: Order) -> Iterator[Message]:
    path, kept, scratch = (Path(order[name]) for name in ("path", "kept", "scratch"))
    try:
        yield Told(take_edited(path, order["scan"], kept, scratch))
    except (RefusedScan, InvalidInputError) as refusal:
        yield Refused("mask_refused", str(refusal), file_sha256(path))


def _read_shares(order: Order) -> Iterator[Message]:
    path = Path(order["path"])
    try:
        shares = read_shares(path)
    except RefusedScan as refusal:
        yield Refused(refusal.reason, str(refusal), file_sha256(path))
        return
    height, width = shares.shape
    yield Shares(height, width, shares.tobytes())


def _measure(order: Order) -> Iterator[Message]:
    path = Path(order["path"])
    try:
        scan = decode(path, order["max_pixels"], name=order["found"]["path"])
    except RefusedScan as refusal:
        yield Refused(refusal.reason, str(refusal), file_sha256(path))
        return
    yield Told({"width_px": scan.width_px, "height_px": scan.height_px})


def _look(order: Order) -> Iterator[Message]:
    path = Path(order["path"])
    film = film_format(path)
    if film is not None:
        yield Looked(_film_facts(path, film, order["anchors"]), b"")
        return
    try:
        file = identify(path, path.name)
        scan = decode_page(file, order["max_pixels"], 1)
        look = look_at_scan(scan)
    except RefusedScan as refusal:
        yield Refused(refusal.reason, str(refusal), file_sha256(path))
        return
    mark, problem = {}, None
    if scan.image.get_typeof(XMP):
        try:
            mark = read_packet(bytes(cast(Any, scan.image.get(XMP))))
        except ElementTree.ParseError as error:
            problem = str(error)
    signature = read_signature(path, f"image/{scan.format}", order["anchors"])
    facts = {
        "format": scan.format,
        "width_px": scan.width_px,
        "height_px": scan.height_px,
        "phash": look.phash,
        "mark": mark,
        "mark_problem": problem,
        "signature": asdict(signature),
    }
    yield Looked(facts, look.small.tobytes())


def _film_facts(path: Path, film: str, anchors: str | None) -> dict[str, Any]:
    """Read what a film says of itself; none of its frames is decoded."""
    mark, problem = {}, None
    try:
        mark = read_film_mark(path)
    except CorruptAssetError as error:
        problem = str(error)
    signature = asdict(read_signature(path, f"video/{film}", anchors))
    return {"format": film, "mark": mark, "mark_problem": problem, "signature": signature}


_JUDGES: dict[str, Callable[[Order], Iterator[Message]]] = {
    "scan": _judge_scan,
    "mask": _judge_mask,
    "look": _look,
    "edited": _take_edited,
    "size": _measure,
    "shares": _read_shares,
}


if __name__ == "__main__":
    main()
