"""Works as square training pictures: scaled to the short side, cut along the long one."""

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import arrays_to_batch


def scale_work(picture: np.ndarray, size_px: int) -> Tensor:
    """Scale a picture so that its short side is ``size_px``.

    Args:
        picture: (H, W, 3) uint8 with both sides at least ``size_px``.
        size_px: Short side of the result.

    Returns:
        (3, H', W') float32 in [0, 1].

    Raises:
        InvalidInputError: When the picture is smaller than that.
    """
    height, width = picture.shape[:2]
    short = min(height, width)
    if short < size_px:
        message = (
            f"pictures must have sides of at least size_px={size_px}, got {width}x{height}. "
            "Leave small scans out or choose a smaller size."
        )
        raise InvalidInputError(message)
    target = [max(size_px, round(side * size_px / short)) for side in (height, width)]
    scaled = F.interpolate(arrays_to_batch([picture]), target, mode="bilinear", antialias=True)
    return scaled[0].clamp(0, 1)


def square(work: Tensor, position: float) -> Tensor:
    """Cut the square at a position along the long side: 0 is the start, 0.5 the centre, 1 the end.

    Args:
        work: (3, H, W).
        position: In [0, 1].

    Returns:
        (3, S, S) with S the short side.
    """
    height, width = work.shape[1:]
    side = min(height, width)
    top, left = round((height - side) * position), round((width - side) * position)
    return work[:, top : top + side, left : left + side]
