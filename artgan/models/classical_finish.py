"""Methods that need no training and change whole pictures: what trained finishers have to beat."""

from typing import Literal

import cv2
import numpy as np
from PIL import Image

Enlargement = Literal["bicubic", "lanczos"]

NLM_STRENGTHS = (3.0, 6.0, 10.0)
"""Strengths tried; 3 is OpenCV's own, 10 what its documentation recommends for colour."""

_FILTERS: dict[Enlargement, Image.Resampling] = {
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def non_local_means(picture: np.ndarray, strength: float) -> np.ndarray:
    """Remove noise with OpenCV's non-local means for colour, in its usual windows of 7 and 21 px.

    Args:
        picture: (H, W, 3) uint8.
        strength: Filter strength h, for lightness and colour alike.

    References:
        Buades, Coll and Morel 2011, "Non-Local Means Denoising",
        https://doi.org/10.5201/ipol.2011.bcm_nlm
    """
    # the conversion inside takes BGR; its luma weights tell the channels apart
    flipped = np.ascontiguousarray(picture[..., ::-1])
    made = cv2.fastNlMeansDenoisingColored(flipped, None, strength, strength, 7, 21)
    return np.ascontiguousarray(made[..., ::-1])


def median(picture: np.ndarray) -> np.ndarray:
    """Take the median of 3 x 3 pixels in each channel of a picture, (H, W, 3) uint8."""
    return cv2.medianBlur(picture, 3)


def grey_world(picture: np.ndarray) -> np.ndarray:
    """Scale the channels so that their means are equal: what assumes that the world is grey.

    Args:
        picture: (H, W, 3) uint8.

    References:
        Buchsbaum 1980, "A Spatial Processor Model for Object Colour Perception",
        https://doi.org/10.1016/0016-0032(80)90058-7
    """
    means = picture.reshape(-1, 3).mean(axis=0)
    gains = means.mean() / np.maximum(means, 1.0)
    return np.rint((picture * gains).clip(0.0, 255.0)).astype(np.uint8)


def auto_levels(picture: np.ndarray) -> np.ndarray:
    """Stretch each channel of (H, W, 3) uint8 from its 1st to its 99th percentile over the range.

    It is what image editors do under this name.
    """
    low, high = np.percentile(picture.reshape(-1, 3), (1.0, 99.0), axis=0)
    stretched = (picture - low) * (255.0 / np.maximum(high - low, 1.0))
    return np.rint(stretched.clip(0.0, 255.0)).astype(np.uint8)


def enlarged(picture: np.ndarray, factor: int, method: Enlargement) -> np.ndarray:
    """Enlarge a picture, (H, W, 3) uint8, by a whole factor with one of Pillow's kernels."""
    height, width = (factor * side for side in picture.shape[:2])
    return np.array(Image.fromarray(picture).resize((width, height), _FILTERS[method]))
