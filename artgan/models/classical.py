"""Classical inpainting, the peers that a trained filler has to beat."""

from typing import Literal

import cv2
import numpy as np

ClassicalMethod = Literal["telea", "navier_stokes"]

_FLAGS: dict[ClassicalMethod, int] = {
    "telea": cv2.INPAINT_TELEA,
    "navier_stokes": cv2.INPAINT_NS,
}


def inpaint(
    picture: np.ndarray, mask: np.ndarray, method: ClassicalMethod, radius_px: float = 3.0
) -> np.ndarray:
    """Fill holes with one of OpenCV's two classical methods, channel by channel.

    Args:
        picture: (H, W, C) uint8; what it holds under the mask is ignored.
        mask: (H, W) bool, True in a hole.
        method: The method.
        radius_px: Neighbourhood of each filled pixel.

    Returns:
        (H, W, C) uint8, equal to the picture outside the mask.

    References:
        Telea 2004, "An Image Inpainting Technique Based on the Fast Marching Method",
        https://doi.org/10.1080/10867651.2004.10487596
        Bertalmio et al. 2001, "Navier-Stokes, Fluid Dynamics, and Image and Video Inpainting",
        https://doi.org/10.1109/CVPR.2001.990497
    """
    holes = mask.astype(np.uint8)
    channels = [
        cv2.inpaint(np.ascontiguousarray(picture[..., c]), holes, radius_px, _FLAGS[method])
        for c in range(picture.shape[2])
    ]
    return np.where(mask[..., None], np.stack(channels, axis=-1), picture)


def small_details(picture: np.ndarray, width_px: int, contrast: int) -> np.ndarray:
    """Mark what is narrower than a width and lighter or darker than all around it.

    Args:
        picture: (H, W, 3) uint8.
        width_px: Diameter of the disc that does not fit into what is marked.
        contrast: Least difference of grey, in codes.

    Returns:
        (H, W) bool.

    References:
        Cornelis et al. 2013, "Crack Detection and Inpainting for Virtual Restoration of Paintings:
        The Case of the Ghent Altarpiece", section 3.1, for the top-hat transforms,
        https://doi.org/10.1016/j.sigpro.2012.07.022
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width_px, width_px))
    light = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, disc)
    dark = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, disc)
    return np.maximum(light, dark) >= contrast
