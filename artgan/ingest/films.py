"""Films of strangers, decoded in child processes: FFmpeg never sees them in ours.

The other end is `artgan.ingest.film_child`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from artgan.errors import (
    ArtganError,
    CorruptAssetError,
    InvalidInputError,
    MissingAssetError,
)
from artgan.imaging.video_write import FilmWords
from artgan.ingest.decoder_process import Child, DecoderDiedError, Limits, Order
from artgan.ingest.film_facts import plain_facts, read_facts

_CHILD = "artgan.ingest.film_child"
_LIMITS = Limits(seconds=120.0)
"""Seconds for a single frame, or for what is no frame."""
_JOINED_SLACK = 1 << 26
_ERRORS: dict[str, type[ArtganError]] = {
    one.__name__: one for one in (CorruptAssetError, InvalidInputError, MissingAssetError)
}


class FilmClip:
    """A film file as frames at a constant rate; what `VideoClip` is, decoded in a child.

    A child is used again once it has given all that it was asked for; one that is left in the
    middle of its frames is ended. `close` ends them all.

    Args:
        path: The file.
        long_side_px: Frames are made smaller to this long side; 0 leaves them as they are.
        sound: Whether its sound is to be copied, and so must fit a film of ours.

    Raises:
        MissingAssetError: It is not there, or the package av is not.
        InvalidInputError: It is no film, has no pictures, or its sound fits no film.
        CorruptAssetError: Its decoder died.
    """

    def __init__(self, path: Path, long_side_px: int = 0, *, sound: bool = False) -> None:
        self.path = path
        self._idle: list[Child] = []
        self._order: Order = {"path": str(path.absolute()), "long_side_px": long_side_px}
        ((message, _),) = self._asked({"what": "facts", "sound": sound})
        self.facts = read_facts(message["facts"])

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
        """See `Clip`.

        Raises:
            CorruptAssetError: No frame can be decoded, their times make no sense, or their decoder
                died.
        """
        size = self.facts.width_px, self.facts.height_px
        return self._shown({"what": "frames", "start": start, "stop": stop}, size)

    def small_frames(self, width_px: int, height_px: int) -> Iterator[np.ndarray]:
        """Yield all frames made small, not upright: enough to compare them with each other."""
        size = width_px, height_px
        return self._shown({"what": "small", "size_px": size}, size)

    def _shown(self, order: Order, size: tuple[int, int]) -> Iterator[np.ndarray]:
        shape = (size[1], size[0], 3)
        picture = None
        for message, content in self._asked(order, size[0] * size[1] * 3):
            if "again" not in message or picture is None:
                if message.get("shape") != list(shape) or len(content) != np.prod(shape):
                    raise self._corrupt("a frame of another size than it said.")
                picture = np.frombuffer(content, np.uint8).reshape(shape)
            yield picture

    def _asked(self, order: Order, most_bytes: int = 0) -> Iterator[tuple[dict[str, Any], bytes]]:
        child = self._idle.pop() if self._idle else Child(_LIMITS, _CHILD)
        child.most_bytes = most_bytes
        try:
            for message, content in child.ask(
                self._order | order | {"seconds": _LIMITS.seconds}, _LIMITS.seconds
            ):
                if "refused" in message:
                    raise _ERRORS.get(message["error"], CorruptAssetError)(message["refused"])
                yield message, content
        except DecoderDiedError as error:
            raise self._corrupt(str(error)) from error
        finally:
            if child.can_serve(_LIMITS):
                self._idle.append(child)
            else:
                child.end()

    def _corrupt(self, found: str) -> CorruptAssetError:
        return CorruptAssetError(
            f"video must hold frames that can be decoded, got {found.rstrip('.')} in "
            f"{self.path.name!r}. Take an intact copy, or convert it to MP4."
        )

    def join(self, shots: Sequence[Path], folder: Path, words: FilmWords, *, sound: bool) -> Path:
        """Put shots one behind the other, with the sounds of this film if asked for.

        In a child as well, since it reads the sounds. See `artgan.imaging.video_write.join_shots`.
        """
        sources = [*shots, self.path] if sound else list(shots)
        size = sum(path.stat().st_size for path in sources)
        order = {
            "what": "join",
            "shots": [str(shot) for shot in shots],
            "folder": str(folder),
            "facts": plain_facts(self.facts),
            "words": asdict(words),
            "sound": str(self.path.absolute()) if sound else None,
            "file_bytes": 2 * size + _JOINED_SLACK,
        }
        ((message, _),) = self._asked(order)
        if message["joined"] not in {"film.mp4", "film.mov"}:
            raise self._corrupt("another name for the film than it may have.")
        return folder / message["joined"]

    def close(self) -> None:
        """End the children."""
        while self._idle:
            self._idle.pop().end()
