"""Does a clip flicker? Each frame is compared with the next one, moved back along the motion."""

from collections.abc import Sequence

import cv2
import numpy as np

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import check_picture

# Ruder et al. 2016, eqs. 5 and 6
_MISMATCH, _MISMATCH_PX2 = 0.01, 0.5
_EDGE, _EDGE_PX2 = 0.01, 0.002


def warping_error(
    frames: Sequence[np.ndarray], forward: Sequence[np.ndarray], backward: Sequence[np.ndarray]
) -> float:
    """Measure how much a clip changes beyond its motion; 0 is steady, lower is better.

    For every two frames, the mean squared difference between the first and the second moved back
    along the flow, over pixels that stay in sight; then the mean over pairs. Pixels that leave
    the frame, are covered in the next one, or lie on an edge of the motion are left out. A real
    clip does not read 0 (grain, light, flow errors): give its own value beside a result's, and
    leave out pairs across a cut.

    Args:
        frames: T frames (H, W, 3) uint8, T at least 2.
        forward: T - 1 flows (H, W, 2) float32 in pixels, x then y: where each pixel of a frame
            is in the next.
        backward: T - 1 flows (H, W, 2) float32: where each pixel of the next frame was.

    Returns:
        In squared units of [0, 1], averaged over channels.

    Raises:
        InvalidInputError: The numbers or shapes do not fit, or no pixel of any pair stays in
            sight.

    References:
        Lai et al. 2018, "Learning Blind Video Temporal Consistency", section 4.2; its mask:
        Ruder et al. 2016, "Artistic Style Transfer for Videos", eqs. 5 and 6
    """
    _check_clip(frames, forward, backward)
    found = [
        change_beyond_motion(frames[n], frames[n + 1], flow, steady_pixels(flow, backward[n]))
        for n, flow in enumerate(forward)
    ]
    errors = [error for error in found if error is not None]
    if not errors:
        raise InvalidInputError("frames must share pixels that stay in sight, got none.")
    return float(np.mean(errors))


def change_beyond_motion(
    now: np.ndarray, after: np.ndarray, flow: np.ndarray, mask: np.ndarray
) -> float | None:
    """Measure the `warping_error` of one pair of frames.

    Args:
        now: (H, W, 3) uint8.
        after: The next frame.
        flow: (H, W, 2) float32: where each pixel of ``now`` is in ``after``.
        mask: (H, W) bool: pixels that count, as `steady_pixels` finds them.

    Returns:
        In squared units of [0, 1]; None where no pixel counts.
    """
    if not mask.any():
        return None
    first, second = (frame.astype(np.float32) / 255.0 for frame in (now, after))
    change = np.square(moved_back(second, flow) - first, dtype=np.float64)
    return float(change.mean(axis=2)[mask].mean())


def frame_difference(now: np.ndarray, after: np.ndarray) -> float:
    """Measure how much a frame differs from the next, motion and all; 0 is equal.

    The mean absolute difference of all pixels and channels, in units of [0, 1]. Where the camera
    and all before it stand still, it is the flicker and the grain of the clip, and nothing else.

    Args:
        now: (H, W, 3) uint8.
        after: The next frame, same shape.
    """
    return float(np.abs(after.astype(np.int16) - now).mean(dtype=np.float64) / 255.0)


def moved_back(
    after: np.ndarray, flow: np.ndarray, interpolation: int = cv2.INTER_LINEAR
) -> np.ndarray:
    """Sample a frame, or a flow, at the places to which a flow leads: (H, W, C) float32."""
    height, width = flow.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    to_x, to_y = x + flow[..., 0], y + flow[..., 1]
    return cv2.remap(after, to_x, to_y, interpolation, borderMode=cv2.BORDER_REPLICATE)


def steady_pixels(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """Find pixels of a frame that are seen in the next as well, away from edges of the motion.

    Args:
        forward: (H, W, 2) float32, from the frame to the next.
        backward: (H, W, 2) float32, from the next frame to this.

    Returns:
        (H, W) bool.
    """
    slope = sum(np.square(part).sum(axis=2) for part in np.gradient(forward, axis=(0, 1)))
    edge = slope > _EDGE * np.square(forward).sum(axis=2) + _EDGE_PX2
    return pixels_in_sight(forward, backward) & ~edge


def pixels_in_sight(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """Find pixels of a frame that are seen in the next as well, at edges of the motion too.

    Where nothing moves, the noise of an estimated flow alone makes edges everywhere.
    """
    height, width = forward.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    to_x, to_y = x + forward[..., 0], y + forward[..., 1]
    inside = (to_x >= 0) & (to_x <= width - 1) & (to_y >= 0) & (to_y <= height - 1)
    back = moved_back(backward, forward)
    lengths = np.square(forward).sum(axis=2) + np.square(back).sum(axis=2)
    covered = np.square(forward + back).sum(axis=2) > _MISMATCH * lengths + _MISMATCH_PX2
    return inside & ~covered


def _check_clip(
    frames: Sequence[np.ndarray], forward: Sequence[np.ndarray], backward: Sequence[np.ndarray]
) -> None:
    for frame in frames:
        check_picture(frame)
    if len(frames) < 2 or not len(forward) == len(backward) == len(frames) - 1:
        raise InvalidInputError(
            f"flows must be one fewer than at least 2 frames, got {len(forward)} and "
            f"{len(backward)} for {len(frames)}."
        )
    wanted = (*frames[0].shape[:2], 2)
    shapes = {flow.shape for flow in (*forward, *backward)}
    if shapes != {wanted} or {frame.shape for frame in frames} != {frames[0].shape}:
        raise InvalidInputError(
            f"frames must have one size and flows its shape {wanted}, got {sorted(shapes)}."
        )
