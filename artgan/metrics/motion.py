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
    errors = []
    for number, flow in enumerate(forward):
        mask = steady_pixels(flow, backward[number])
        if mask.any():
            now, after = (frames[n].astype(np.float32) / 255.0 for n in (number, number + 1))
            change = np.square(moved_back(after, flow) - now, dtype=np.float64)
            errors.append(float(change.mean(axis=2)[mask].mean()))
    if not errors:
        raise InvalidInputError("frames must share pixels that stay in sight, got none.")
    return float(np.mean(errors))


def moved_back(after: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Sample a frame, or a flow, at the places to which a flow leads: (H, W, C) float32."""
    height, width = flow.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    to_x, to_y = x + flow[..., 0], y + flow[..., 1]
    return cv2.remap(after, to_x, to_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def steady_pixels(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """Find pixels of a frame that are seen in the next as well, away from edges of the motion.

    Args:
        forward: (H, W, 2) float32, from the frame to the next.
        backward: (H, W, 2) float32, from the next frame to this.

    Returns:
        (H, W) bool.
    """
    height, width = forward.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    to_x, to_y = x + forward[..., 0], y + forward[..., 1]
    inside = (to_x >= 0) & (to_x <= width - 1) & (to_y >= 0) & (to_y <= height - 1)
    back = moved_back(backward, forward)
    lengths = np.square(forward).sum(axis=2) + np.square(back).sum(axis=2)
    covered = np.square(forward + back).sum(axis=2) > _MISMATCH * lengths + _MISMATCH_PX2
    slope = sum(np.square(part).sum(axis=2) for part in np.gradient(forward, axis=(0, 1)))
    edge = slope > _EDGE * np.square(forward).sum(axis=2) + _EDGE_PX2
    return inside & ~covered & ~edge


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
