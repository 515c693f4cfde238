"""Decode films of strangers in a process of its own: the child of `artgan.ingest.films`.

Frames pass one by one, each when the one before was taken: what is not yet wanted is not decoded.
Limits and replies are those of `artgan.ingest.serving`.
"""

import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from artgan.errors import ArtganError
from artgan.imaging.video import VideoClip
from artgan.imaging.video_write import FilmWords, film_suffix, join_shots
from artgan.ingest.film_facts import plain_facts, read_facts
from artgan.ingest.serving import Order, limit, send, serve, used_s

_FILE_BYTES = 1 << 20  # what a decoder may leave in its folder


def main() -> None:
    """Take orders until standard input ends."""
    serve(_obey, lambda: None)


def _obey(order: Order, replies: BinaryIO) -> None:
    limit(resource.RLIMIT_CPU, int(used_s() + order["seconds"]) + 1)
    limit(resource.RLIMIT_FSIZE, order.get("file_bytes", _FILE_BYTES))
    try:
        match order["what"]:
            case "facts":
                send(replies, {"facts": _facts(order)})
            case "frames":
                clip = VideoClip(Path(order["path"]), order["long_side_px"])
                _show(replies, clip.frames(order["start"], order["stop"]), order["seconds"])
            case "small":
                clip = VideoClip(Path(order["path"]))
                _show(replies, clip.small_frames(*order["size_px"]), order["seconds"])
            case "join":
                send(replies, {"joined": _join(order)})
    except ArtganError as error:
        send(replies, {"refused": str(error), "error": type(error).__name__})


def _facts(order: Order) -> dict[str, Any]:
    path = Path(order["path"])
    facts = VideoClip(path, order["long_side_px"]).facts
    suffix = film_suffix(path) if facts.audio and order["sound"] else None
    return plain_facts(facts) | {"suffix": suffix}


def _show(replies: BinaryIO, frames: Iterator[np.ndarray], seconds: float) -> None:
    last = None
    for frame in frames:
        if frame is last:
            send(replies, {"again": True})
        else:
            send(replies, {"shape": frame.shape}, frame.tobytes())
        last = frame
        limit(resource.RLIMIT_CPU, int(used_s() + seconds) + 1)


def _join(order: Order) -> str:
    sound = None if order["sound"] is None else Path(order["sound"])
    shots = [Path(one) for one in order["shots"]]
    words = FilmWords(**order["words"])
    return join_shots(shots, Path(order["folder"]), read_facts(order["facts"]), words, sound).name


if __name__ == "__main__":
    main()
