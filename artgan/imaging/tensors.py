"""Pictures as arrays and as batches; the image contract is stated here and cited elsewhere.

An image batch is a float32 tensor of shape (B, 3, H, W), sRGB, values in [0, 1]. A single
picture outside of torch is a uint8 array of shape (H, W, 3), sRGB. Only this module converts.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from artgan.errors import InvalidInputError


def check_images(images: Tensor) -> None:
    """Refuse anything that is not an image batch; values are not read, only their kind.

    Args:
        images: What should be (B, 3, H, W) float32.

    Raises:
        InvalidInputError: The shape or the kind of number differs.
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise InvalidInputError(
            f"images must have shape (B, 3, H, W), got {tuple(images.shape)}. "
            "Add the batch axis with image[None], and make grey pictures three equal channels."
        )
    if images.dtype != torch.float32:
        raise InvalidInputError(
            f"images must be float32 in [0, 1], got {images.dtype}. "
            "Make a batch with arrays_to_batch."
        )


def check_picture(picture: np.ndarray) -> None:
    """Refuse anything that is not a single picture.

    Args:
        picture: What should be (H, W, 3) uint8.

    Raises:
        InvalidInputError: The shape or the kind of number differs.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise InvalidInputError(
            f"pictures must be uint8 arrays (H, W, 3), got {picture.dtype} {picture.shape}. "
            "Convert the scan to an sRGB access copy first."
        )


def arrays_to_batch(arrays: Sequence[np.ndarray]) -> Tensor:
    """Stack pictures of one size into an image batch.

    Args:
        arrays: Pictures (H, W, 3) uint8, all of the same size.

    Returns:
        (B, 3, H, W) float32 in [0, 1].

    Raises:
        InvalidInputError: There is none, one is no picture, or the sizes differ.
    """
    for array in arrays:
        check_picture(array)
    shapes = {array.shape for array in arrays}
    if len(shapes) != 1:
        raise InvalidInputError(
            f"arrays must hold pictures of one size, got sizes {sorted(shapes)}. "
            "Crop or scale them alike."
        )
    stacked = torch.from_numpy(np.stack(list(arrays)))  # (B, H, W, 3)
    return stacked.permute(0, 3, 1, 2).contiguous().float().div_(255.0)


def batch_to_arrays(batch: Tensor) -> list[np.ndarray]:
    """Split an image batch into pictures, clamped and rounded to the nearest code.

    Args:
        batch: (B, 3, H, W) float32; values outside [0, 1] are clamped.

    Returns:
        B pictures (H, W, 3) uint8.

    Raises:
        InvalidInputError: The batch has another shape or kind of number.
    """
    check_images(batch)
    codes = batch.detach().cpu().clamp(0.0, 1.0).mul(255.0).round_().to(torch.uint8)
    return list(codes.permute(0, 2, 3, 1).contiguous().numpy())
