"""Motion between frames, and how much of the frame before may be carried into the next."""

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np

from artgan.metrics.motion import moved_back, pixels_in_sight

_SHRINK_PX = 7
_GRAIN_PX, _AROUND_PX = 5, 9
_AS_WELL = 1.1
_UNSEEN = 2.0**2  # two levels
_STRICTNESS = 50.0  # Lai et al. 2018, eq. 4
_SAME = 3 * (2 / 255) ** 2  # two levels in each channel
_PEAK = 255.0


@dataclass(frozen=True)
class Motion:
    """Where pixels go between two frames.

    Attributes:
        forward: (H, W, 2) float32 in pixels, x then y: where each pixel of the first is in the
            second.
        backward: (H, W, 2) float32: where each pixel of the second was in the first.
    """

    forward: np.ndarray
    backward: np.ndarray


def motion_between(before: np.ndarray, after: np.ndarray) -> Motion:
    """Find the motion between two frames (H, W, 3) uint8 of one size.

    Where standing still explains the frames as well, nothing moves: on a bare wall the flow follows
    the grain, and what is carried along it would tremble.

    References:
        Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search",
        https://arxiv.org/abs/1603.03590, by OpenCV, without weights
    """
    # It cuts its work by the threads that there are, and its result depends on the cuts.
    cv2.setNumThreads(1)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    first, second = (_without_grain(one) for one in (before, after))
    nothing = cast(Any, None)  # to begin with
    forward, backward = flow.calc(first, second, nothing), flow.calc(second, first, nothing)
    return Motion(_stilled(forward, first, second), _stilled(backward, second, first))


def _without_grain(frame: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return cv2.GaussianBlur(grey, (_GRAIN_PX, _GRAIN_PX), 0)


def _stilled(flow: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Set a flow from ``first`` to ``second`` to nothing where that leaves no more unexplained."""
    here, there = first.astype(np.float32), second.astype(np.float32)
    around = (_AROUND_PX, _AROUND_PX)
    still = cv2.blur(np.square(there - here), around)
    moved = cv2.blur(np.square(moved_back(there, flow) - here), around)
    stands = (still <= _AS_WELL * moved) | (still < _UNSEEN)
    return np.where(stands[..., None], np.float32(0.0), flow)


def carried(previous: np.ndarray, motion: Motion) -> np.ndarray:
    """Move a picture (H, W, C) float32 of the first frame to where it is in the second.

    By cubic interpolation: linear would soften what is carried over many frames.
    """
    return moved_back(previous, motion.backward, cv2.INTER_CUBIC)


def trusted(before: np.ndarray, after: np.ndarray, motion: Motion) -> np.ndarray:
    """Say how far each pixel of the second frame may be taken from the first, moved.

    Not at all near what was covered or out of sight, unless the source looks the same there all the
    same; less, the more the source itself changed beyond its motion.

    Args:
        before: (H, W, 3) uint8.
        after: (H, W, 3) uint8.
        motion: Between the two.

    Returns:
        (H, W) float32 in [0, 1].

    References:
        The mask: Ruder et al. 2016, "Artistic Style Transfer for Videos", eq. 5, shrunk as its
        authors' feed-forward program does. Differs from the paper: edges of the motion (eq. 6) are
        left to the change of the source. That change: Lai et al. 2018, "Learning Blind Video
        Temporal Consistency", eq. 4, here of blurred frames, since grain is no change.
    """
    seen = pixels_in_sight(motion.backward, motion.forward).astype(np.uint8)
    seen = cv2.erode(seen, np.ones((_SHRINK_PX, _SHRINK_PX), np.uint8))
    moved = moved_back(before.astype(np.float32), motion.backward)
    change = cv2.blur((after - moved) / _PEAK, (_GRAIN_PX, _GRAIN_PX))
    change = np.square(change).sum(axis=2)
    return np.where((seen > 0) | (change < _SAME), np.exp(-_STRICTNESS * change), 0.0)
