"""Where a film cuts: shots, each of which is stylized by itself."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from artgan.errors import InvalidInputError

WIDTH_PX, HEIGHT_PX = 64, 36
"""Size of the small frames that are compared: enough to see a cut, too little to see grain."""
LEAST_CHANGE = 0.08
"""Mean difference, in parts of the range, below which nothing is a cut."""
TIMES_AROUND = 3.0
"""A cut changes so many times as much as the frames before and behind it."""
_AROUND = 2


@dataclass(frozen=True)
class Shot:
    """Frames from ``start`` up to but not ``stop``."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """Number of its frames."""
        return self.stop - self.start


@dataclass(frozen=True)
class Cutting:
    """The shots of a film, and how steadily its frames came.

    Attributes:
        shots: In order, without a gap.
        repeated: Frames that stand again, because the film's own rate varies or frames are torn.
    """

    shots: list[Shot]
    repeated: int


def find_shots(frames: Iterable[np.ndarray]) -> Cutting:
    """Find the cuts of a film.

    There is a cut where a frame differs much from the one before it, much more than frames around
    it differ from theirs (which a quick movement of the camera does not), and where the frames on
    both sides differ too when the nearest are left out (which a flash of light does not). A slow
    dissolve is no cut.

    Args:
        frames: (h, w, 3) uint8, small ones.

    Raises:
        InvalidInputError: There is no frame.
    """
    changes: list[float] = []  # of frame n from n - 1
    beyond: list[float] = []  # of frame n from n - 2
    last: deque[np.ndarray] = deque(maxlen=2)
    repeated = 0
    for frame in frames:
        repeated += bool(last) and frame is last[-1]
        changes.append(_change(last[-1], frame) if last else 0.0)
        beyond.append(_change(last[0], frame) if len(last) > 1 else 0.0)
        last.append(frame)
    if not changes:
        raise InvalidInputError("video must have frames, got none. Name another file.")
    starts = [0, *(n for n in range(1, len(changes)) if _is_cut(changes, beyond, n)), len(changes)]
    shots = [Shot(start, stop) for start, stop in pairwise(starts)]
    return Cutting(shots, repeated)


def _change(before: np.ndarray, after: np.ndarray) -> float:
    return float(np.abs(after.astype(np.int16) - before).mean() / 255.0)


def _is_cut(changes: list[float], beyond: list[float], at: int) -> bool:
    if changes[at] < LEAST_CHANGE:
        return False
    near = changes[max(1, at - _AROUND) : at] + changes[at + 1 : at + 1 + _AROUND]
    if near and changes[at] < TIMES_AROUND * float(np.median(near)):
        return False
    # from the frame before the cut to the one behind it, and from the one before that to it
    across = [beyond[n] for n in (at, at + 1) if 2 <= n < len(beyond)]
    return all(change > LEAST_CHANGE / 2 for change in across)
