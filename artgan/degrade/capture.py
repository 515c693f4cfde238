"""Seeded faults of capture: blur, noise, JPEG, too few pixels.

They are faults of pixels, not of the work: unlike damage, their lengths are in pixels of the
picture whatever its size. The upper ends stay below those that are usual for photographs, because
a network that saw stronger noise takes brushwork for it.
"""

import math
from typing import Literal

import cv2
import numpy as np
from PIL import Image

from artgan.imaging.tensors import check_picture

Kernel = Literal["area", "bilinear", "bicubic"]

KERNELS: tuple[Kernel, ...] = ("area", "bilinear", "bicubic")
BLUR_ODDS, NOISE_ODDS, JPEG_ODDS, SECOND_ORDER_ODDS = 0.4, 0.5, 0.4, 0.3
BLUR_SIGMA_PX, NOISE_SIGMA_CODES = (0.2, 2.0), (0.0, 12.0)
POISSON_SCALE, JPEG_QUALITY = (0.05, 1.0), (40, 95)
_MOST_BLUR_RADIUS_PX = 6
_GREY_ODDS = 0.4
_FILTERS: dict[Kernel, Image.Resampling] = {
    "area": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


def capture(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Photograph a picture badly: it may be blurred, then noisy, then compressed, or nothing.

    Args:
        picture: (H, W, 3) uint8, sRGB, of any size.
        rng: Source of all randomness; the same state gives the same faults.

    Returns:
        (H, W, 3) uint8.

    References:
        Wang et al. 2021, "Real-ESRGAN", section 3.1, https://arxiv.org/abs/2107.10833. Differs:
        lighter, Gaussian kernels only, and no sinc filter.
    """
    check_picture(picture)
    does_blur = rng.random() < BLUR_ODDS
    return _recorded(blur(picture, rng) if does_blur else picture.copy(), rng)


def _recorded(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    has_noise, is_compressed = rng.random(2) < (NOISE_ODDS, JPEG_ODDS)
    if has_noise:
        picture = noise(picture, rng)
    return compress(picture, int(rng.integers(*JPEG_QUALITY))) if is_compressed else picture


def blur(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur with a Gaussian, in half of the cases along one direction more than across it.

    Args:
        picture: (H, W, 3) uint8.
        rng: Source of all randomness: widths of 0.2 to 2 px, and a direction.
    """
    along, across = rng.uniform(*BLUR_SIGMA_PX, 2)
    angle, is_round = rng.uniform(0.0, math.pi), rng.random() < 0.5
    kernel = gaussian_kernel(along, along if is_round else across, angle)
    return cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REFLECT_101)


def gaussian_kernel(along_px: float, across_px: float, angle: float) -> np.ndarray:
    """Sample a turned Gaussian of unit sum, at most 13 pixels wide: (K, K) float32."""
    radius = min(_MOST_BLUR_RADIUS_PX, max(1, math.ceil(3.0 * max(along_px, across_px))))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float32)
    u = (x * math.cos(angle) + y * math.sin(angle)) / along_px
    v = (y * math.cos(angle) - x * math.sin(angle)) / across_px
    kernel = np.exp(-0.5 * (u * u + v * v))
    return (kernel / kernel.sum()).astype(np.float32)


def noise(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add noise of a sensor: Gaussian, or of counted light; in four of ten cases without colour.

    Gaussian noise has a spread of 0 to 12 codes. Counted light (Poisson) has one of the root of
    the level, times 0.05 to 1, which is 16 codes at white.

    Args:
        picture: (H, W, 3) uint8.
        rng: Source of all randomness.
    """
    is_counted, is_grey = rng.random(2) < (0.5, _GREY_ODDS)
    sigma, scale = rng.uniform(*NOISE_SIGMA_CODES), rng.uniform(*POISSON_SCALE)
    codes = picture.astype(np.float32)
    if is_counted:
        light = codes.mean(axis=2, keepdims=True) if is_grey else codes
        added = scale * (rng.poisson(light).astype(np.float32) - light)
    else:
        shape = (*picture.shape[:2], 1 if is_grey else 3)
        added = np.float32(sigma) * rng.standard_normal(shape, dtype=np.float32)
    return np.rint((codes + added).clip(0.0, 255.0)).astype(np.uint8)


def compress(picture: np.ndarray, quality: int) -> np.ndarray:
    """Compress as JPEG with colour at half resolution, and read it again.

    Args:
        picture: (H, W, 3) uint8.
        quality: 1 to 100.
    """
    _, content = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(content, cv2.IMREAD_COLOR)
    assert decoded is not None, "OpenCV reads what it wrote"
    return np.ascontiguousarray(decoded[..., ::-1])


def reduce(picture: np.ndarray, factor: int, kernel: Kernel) -> np.ndarray:
    """Reduce a picture by a whole factor.

    Args:
        picture: (H, W, 3) uint8; what is left over at the right and the bottom is dropped.
        factor: 1, 2, 4...
        kernel: How pixels are averaged; all three are wide enough to leave no moire.

    Returns:
        (H // factor, W // factor, 3) uint8.
    """
    height, width = (side // factor for side in picture.shape[:2])
    whole = Image.fromarray(picture[: height * factor, : width * factor])
    return np.array(whole.resize((width, height), _FILTERS[kernel]))


def low_resolution(picture: np.ndarray, factor: int, rng: np.random.Generator) -> np.ndarray:
    """Make the small picture that a work was delivered as.

    It is reduced with a kernel of chance, then may be noisy and compressed. In three of ten cases
    it was captured badly before: a second generation.

    Args:
        picture: (H, W, 3) uint8.
        factor: 2 or 4.
        rng: Source of all randomness; the same state gives the same picture.

    Returns:
        (H // factor, W // factor, 3) uint8.
    """
    check_picture(picture)
    is_second = rng.random() < SECOND_ORDER_ODDS
    kernel = KERNELS[int(rng.integers(len(KERNELS)))]
    return _recorded(reduce(capture(picture, rng) if is_second else picture, factor, kernel), rng)
