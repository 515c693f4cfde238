"""Shots of a film, each a file of its own in the archive until the film is joined.

A shot that is long is made in pieces, so that a kill costs some hundred frames at most. A piece
that is there is not made again; the next one goes on from the state beside it, and comes out as if
nothing had happened.
"""

import io
import json
import time
from dataclasses import asdict, dataclass

import numpy as np

from artgan.errors import CorruptAssetError
from artgan.imaging.clip import Clip
from artgan.imaging.video_write import write_shot
from artgan.storage import Store
from artgan.stylize.stylizer import Finish, Stylizer
from artgan.stylize.video import LEAD, Before, ShotStylizer, Steadiness
from artgan.stylize.video_frozen import frozen, sample_frames
from artgan.stylize.video_shots import Shot

PIECE = 250
"""Most frames of a piece."""


@dataclass(frozen=True)
class Pieces:
    """The pieces of one film.

    Attributes:
        store: The archive root.
        folder: Key below which they lie.
    """

    store: Store
    folder: str

    def key(self, shot: int, piece: int, suffix: str) -> str:
        """Return the key of a piece, of the numbers about it, or of the state behind it."""
        return f"{self.folder}/{shot:05d}-{piece:03d}{suffix}"

    def films(self, shots: list[Shot]) -> list[str]:
        """Return the keys of all pieces in order."""
        return [
            self.key(number, piece, ".mp4")
            for number, shot in enumerate(shots)
            for piece in range(len(cut_pieces(shot)))
        ]

    def steadiness(self, number: int, shot: Shot) -> tuple[Steadiness, float]:
        """Return how steady a shot is, and how many seconds it took to make."""
        total, seconds = Steadiness(), 0.0
        for piece in range(len(cut_pieces(shot))):
            facts = json.loads(self.store.read(self.key(number, piece, ".json")))
            seconds += facts.pop("seconds")
            total += Steadiness(**facts)
        return total, seconds


def cut_pieces(shot: Shot) -> list[Shot]:
    """Cut a shot into pieces of at most `PIECE` frames."""
    starts = range(shot.start, shot.stop, PIECE)
    return [Shot(start, min(start + PIECE, shot.stop)) for start in starts]


@dataclass(frozen=True)
class Manner:
    """What is done with each shot.

    Attributes:
        stylizer: Not yet frozen.
        finish: Strength and colours.
        share: What is carried over from frame to frame.
    """

    stylizer: Stylizer
    finish: Finish
    share: float


def make_shot(clip: Clip, manner: Manner, pieces: Pieces, number: int, shot: Shot) -> int:
    """Make the pieces of a shot that are not there; return how many frames these have.

    Raises:
        CorruptAssetError: The clip gives other frames than when it was cut.
    """
    todo = list(enumerate(cut_pieces(shot)))
    while todo and pieces.store.exists(pieces.key(number, todo[0][0], ".mp4")):
        del todo[0]
    if not todo:
        return 0
    still = _frozen(clip, manner.stylizer, shot)
    at = todo[0][0]
    before = _load(pieces.store.read(pieces.key(number, at - 1, ".npz"))) if at else None
    for at, piece in todo:
        started = time.monotonic()
        worker = ShotStylizer(still, manner.finish, manner.share, before)
        if piece.start == shot.start:
            worker.settle(list(clip.frames(shot.start + 1, min(shot.start + LEAD, shot.stop))))
        with pieces.store.scratch() as folder:
            path = folder / "piece.mp4"
            made = map(worker, clip.frames(piece.start, piece.stop))
            _check(write_shot(path, made, clip.facts), piece)
            if piece.stop < shot.stop:
                assert worker.before is not None, "a piece has frames"
                pieces.store.write(pieces.key(number, at, ".npz"), _save(worker.before))
            facts = asdict(worker.steadiness) | {"seconds": time.monotonic() - started}
            pieces.store.write(pieces.key(number, at, ".json"), json.dumps(facts).encode())
            pieces.store.put(pieces.key(number, at, ".mp4"), path)
        before = worker.before
    return shot.stop - todo[0][1].start


def _frozen(clip: Clip, stylizer: Stylizer, shot: Shot) -> Stylizer:
    pixels = clip.facts.width_px * clip.facts.height_px
    chosen = [shot.start + at for at in sample_frames(shot.length, pixels)]
    frames = [frame for at in chosen for frame in clip.frames(at, at + 1)]
    _check(len(frames), Shot(0, len(chosen)))
    return frozen(stylizer, frames)


def _check(found: int, piece: Shot) -> None:
    if found != piece.length:
        raise CorruptAssetError(
            f"video must give the same frames each time, got {found} of {piece.length} between "
            f"{piece.start} and {piece.stop}. Convert it to MP4 first."
        )


def _save(before: Before) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, source=before.source, levels=before.levels)
    return buffer.getvalue()


def _load(content: bytes) -> Before:
    with np.load(io.BytesIO(content)) as kept:
        return Before(kept["source"], kept["levels"])
