"""The frames of a shot, stylized one after the other so that they do not flicker.

Frames are stylized by statistics of the whole shot (`artgan.stylize.video_frozen`), and what came
of the frame before is carried along the motion into the next, where the source says that it shows
the same. A network whose strokes lie on a grid of 4 pixels draws them anew when a motion is not a
multiple of 4; that the statistics do not cure, and the carrying does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from artgan.errors import InvalidInputError
from artgan.metrics.motion import change_beyond_motion, frame_difference, steady_pixels
from artgan.stylize.stylizer import Finish, Stylizer, stylize_picture
from artgan.stylize.tiles import Tiles
from artgan.stylize.video_flow import carried, motion_between, trusted

LEAD = 5
"""Frames that a shot settles on; of the first of them 0.7^5, a sixth, is left."""
_PEAK = 255.0


@dataclass
class Steadiness:
    """How steady a clip and its source are, as sums over pairs of frames that follow each other.

    Attributes:
        pairs: Pairs of one shot.
        steady_pairs: Those of which some pixel stays in sight.
        warping_error: Sum of `artgan.metrics.motion.change_beyond_motion` over the latter.
        source_warping_error: That of the source, along the same motion.
        frame_difference: Sum of `artgan.metrics.motion.frame_difference` over all pairs.
        source_frame_difference: That of the source.
    """

    pairs: int = 0
    steady_pairs: int = 0
    warping_error: float = 0.0
    source_warping_error: float = 0.0
    frame_difference: float = 0.0
    source_frame_difference: float = 0.0

    def __add__(self, other: "Steadiness") -> "Steadiness":
        """Join two parts of a clip."""
        mine, others = vars(self), vars(other)
        return Steadiness(**{name: mine[name] + others[name] for name in mine})

    def means(self) -> dict[str, float | None]:
        """Return the four measures as means over pairs; None where there is no pair."""

        def mean(total: float, count: int) -> float | None:
            return total / count if count else None

        return {
            "warping_error": mean(self.warping_error, self.steady_pairs),
            "source_warping_error": mean(self.source_warping_error, self.steady_pairs),
            "frame_difference": mean(self.frame_difference, self.pairs),
            "source_frame_difference": mean(self.source_frame_difference, self.pairs),
        }


@dataclass(frozen=True)
class Before:
    """The frame before, which the next depends on.

    Attributes:
        source: (H, W, 3) uint8.
        levels: (H, W, 3) float32 in [0, 1], what came of it, not rounded: rounding would hold
            slow changes back, and what stands still would darken over time.
    """

    source: np.ndarray
    levels: np.ndarray


class ShotStylizer:
    """Stylizes the frames of one shot in order.

    O_n = S_n + a m (warp(O_(n-1)) - S_n), with S the frame stylized by itself, a the share that is
    carried and m the trust in the motion. A fresh part of 1 - a comes with every frame, so no error
    lasts. Differs from the recipe of light: codes are mixed, since what is mixed is nearly equal.

    Args:
        stylizer: Frozen on the shot.
        finish: Strength and colours.
        share: Part that is carried, in [0, 1); 0 carries nothing.
        before: The last frame of a part of this shot that was made before.
        tiles: How large windows may be; by default what suits the stylizer.

    References:
        Ruder et al. 2016, "Artistic Style Transfer for Videos", https://arxiv.org/abs/1604.08610;
        the blend of feed-forward results: Lai et al. 2018, section 3
    """

    def __init__(
        self,
        stylizer: Stylizer,
        finish: Finish,
        share: float,
        before: Before | None = None,
        tiles: Tiles | None = None,
    ) -> None:
        if not 0.0 <= share < 1.0:
            raise InvalidInputError(
                f"share must be at least 0 and below 1, got {share}. 0.7 is steady."
            )
        self._stylizer, self._finish, self._share = stylizer, finish, share
        self._tiles = tiles
        self.before, self.steadiness, self._is_counting = before, Steadiness(), True
        self._made: np.ndarray | None = None if before is None else _codes(before.levels)

    def settle(self, ahead: Sequence[np.ndarray]) -> None:
        """Begin as if the shot had gone on before: pass its first frames backwards.

        Otherwise a shot begins with a frame of which nothing was carried, and settles in sight.

        Args:
            ahead: The second to the `LEAD`-th frame of the shot, in order; there may be fewer.
        """
        for frame in reversed(ahead):
            self(frame)
        self.steadiness = Steadiness()
        self._is_counting = not ahead

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """Return the next frame stylized, (H, W, 3) uint8."""
        made = self._next(frame)
        if not self._is_counting:  # of the way back
            self.steadiness, self._is_counting = Steadiness(), True
        return made

    def _next(self, frame: np.ndarray) -> np.ndarray:
        before, made = self.before, self._made
        if before is not None and made is not None and np.array_equal(frame, before.source):
            self._measure_repeated()
            return made
        fresh = stylize_picture(self._stylizer, frame, self._finish, self._tiles)
        levels = fresh.astype(np.float32) / _PEAK
        self._made = fresh
        if before is not None and made is not None:
            levels = self._joined(before, made, frame, levels)
        self.before = Before(frame, levels)
        return self._made

    def _joined(
        self, before: Before, made: np.ndarray, frame: np.ndarray, levels: np.ndarray
    ) -> np.ndarray:
        motion = motion_between(before.source, frame)
        share = self._share * trusted(before.source, frame, motion)[..., None]
        levels = levels + share * (carried(before.levels, motion) - levels)
        levels = np.clip(levels, 0.0, 1.0)
        self._made = _codes(levels)
        steady = steady_pixels(motion.forward, motion.backward)
        pair = (before.source, frame), (made, self._made)
        own, result = (change_beyond_motion(*two, motion.forward, steady) for two in pair)
        found = self.steadiness
        found.pairs += 1
        found.source_frame_difference += frame_difference(*pair[0])
        found.frame_difference += frame_difference(*pair[1])
        if own is not None and result is not None:
            found.steady_pairs += 1
            found.source_warping_error += own
            found.warping_error += result
        return levels

    def _measure_repeated(self) -> None:
        """A frame that stands again has changed by nothing."""
        self.steadiness.pairs += 1
        self.steadiness.steady_pairs += 1


def _codes(levels: np.ndarray) -> np.ndarray:
    return np.rint(levels * _PEAK).astype(np.uint8)
