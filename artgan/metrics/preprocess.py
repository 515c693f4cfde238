"""What happens to pictures before a feature network: the size, the filter, the scale of values.

The same pictures through the same network give a Fréchet distance of 16.5 or 18.2 depending on
this step alone, so its name is part of every number's name.
"""

from torch import Tensor
from torch.nn import functional as F

FID_SIZE_PX = 299


def to_pytorch_fid(images: Tensor) -> Tensor:
    """Scale images as pytorch-fid 0.3 does: bilinear without antialiasing, then 2 x - 1.

    Args:
        images: (B, 3, H, W) float32 in [0, 1].

    Returns:
        (B, 3, 299, 299) float32 in [-1, 1].
    """
    size = (FID_SIZE_PX, FID_SIZE_PX)
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False) * 2.0 - 1.0


def to_clean_fid(images: Tensor) -> Tensor:
    """Scale images as clean-fid 0.1.35 does: antialiased bicubic, clipped, (x - 128) / 128.

    Args:
        images: (B, 3, H, W) float32 in [0, 1].

    Returns:
        (B, 3, 299, 299) float32 in [-1, 127/128].

    References:
        Parmar et al. 2022, "On Aliased Resizing and Surprising Subtleties in GAN Evaluation",
        https://arxiv.org/abs/2104.11222. Differs in the filter's implementation (torch instead
        of Pillow, a relative 1e-7 of the distance on the test pictures).
    """
    return (to_square(images, FID_SIZE_PX) * 255.0 - 128.0) / 128.0


def to_square(images: Tensor, size_px: int) -> Tensor:
    """Scale images to a square, antialiased bicubic in both directions, clipped to [0, 1].

    The sides are scaled apart, as all FID implementations do, so nothing is cropped away.

    Args:
        images: (B, 3, H, W) float32 in [0, 1].
        size_px: Side of the result.

    Returns:
        (B, 3, size_px, size_px) float32 in [0, 1].
    """
    scaled = F.interpolate(
        images, size=(size_px, size_px), mode="bicubic", align_corners=False, antialias=True
    )
    return scaled.clamp(0.0, 1.0)


def to_long_side(images: Tensor, size_px: int) -> Tensor:
    """Scale images down or up to a long side, likewise, and keep their shape.

    Squares press the strokes of long pictures together; a single picture that is compared with the
    strokes of another must keep its own.

    Args:
        images: (B, 3, H, W) float32 in [0, 1].
        size_px: Long side of the result; the short one is rounded, to at least 8.

    Returns:
        (B, 3, h, w) float32 in [0, 1].
    """
    height, width = images.shape[2:]
    factor = size_px / max(height, width)
    size = max(8, round(height * factor)), max(8, round(width * factor))
    scaled = F.interpolate(images, size=size, mode="bicubic", align_corners=False, antialias=True)
    return scaled.clamp(0.0, 1.0)
