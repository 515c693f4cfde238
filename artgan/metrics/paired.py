"""Measures of a result against the truth, picture by picture, inside a mask or over the whole."""

from collections.abc import Sequence

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import check_picture
from artgan.metrics.colour_difference import ciede2000, srgb_to_lab

_PEAK = 255.0
_SSIM_SIGMA_PX = 1.5
_SSIM_RADIUS_PX = 5
# ITU-R BT.601 luma, the weights of the grey pictures on which SSIM was proposed
_LUMA = np.array([0.299, 0.587, 0.114])
# exponents of the scales of MS-SSIM, finest first
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MS_SSIM_LEAST_PX = (2 * _SSIM_RADIUS_PX + 1) << (len(_SCALE_WEIGHTS) - 1)
"""Shortest side that still holds one window at the coarsest scale: 176."""


def psnr(result: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Compute the peak signal-to-noise ratio in dB; higher is better.

    10 log10(255^2 / mean squared error), over R, G and B together, in codes of 8 bits.

    Args:
        result: (H, W, 3) uint8.
        truth: (H, W, 3) uint8.
        mask: (H, W) bool, True where to measure; None: everywhere.

    Returns:
        Decibels; infinity where both are equal.

    Raises:
        InvalidInputError: Shapes or kinds differ, or the mask is empty.
    """
    mask = _checked(result, truth, mask)
    difference = result[mask].astype(np.float64) - truth[mask]
    error = float(np.mean(difference**2))
    return float(10.0 * np.log10(_PEAK**2 / error)) if error > 0.0 else float("inf")


def ssim(result: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Compute the structural similarity of luminance; 1 is equal, higher is better.

    Windows are Gaussian, 11 x 11, sigma 1.5; K1 = 0.01, K2 = 0.03, peak 255. Without a mask the
    mean is over windows that lie inside the picture, as in the paper. With one it is over the
    windows centred in the mask, borders mirrored, so it also sees 5 px around the mask. Colour
    (BT.601 luma only) is left to `delta_e00`.

    Args:
        result: (H, W, 3) uint8, H and W at least 11.
        truth: (H, W, 3) uint8.
        mask: (H, W) bool, True where to measure; None: everywhere.

    Returns:
        A value in [-1, 1].

    Raises:
        InvalidInputError: Shapes or kinds differ, the picture is too small, the mask is empty.

    References:
        Wang et al. 2004, "Image Quality Assessment: From Error Visibility to Structural
        Similarity", eq. 13
    """
    where = _checked(result, truth, mask)
    if min(result.shape[:2]) <= 2 * _SSIM_RADIUS_PX:
        raise InvalidInputError(
            f"pictures must measure at least 11 x 11 for SSIM, got {result.shape[:2]}."
        )
    similarity = _ssim_map(result @ _LUMA, truth @ _LUMA)
    if mask is None:
        inside = slice(_SSIM_RADIUS_PX, -_SSIM_RADIUS_PX)
        return float(similarity[inside, inside].mean())
    return float(similarity[where].mean())


def _ssim_map(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    lightness, structure = _ssim_parts(x, y)
    return lightness * structure


def _ssim_parts(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Similarity of lightness, and of contrast and structure, around each pixel."""

    def local_mean(z: np.ndarray) -> np.ndarray:
        return gaussian_filter(z, _SSIM_SIGMA_PX, radius=_SSIM_RADIUS_PX, mode="reflect")

    c1, c2 = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2
    mx, my = local_mean(x), local_mean(y)
    vx, vy = local_mean(x * x) - mx**2, local_mean(y * y) - my**2
    cov = local_mean(x * y) - mx * my
    lightness = (2 * mx * my + c1) / (mx**2 + my**2 + c1)
    return lightness, (2 * cov + c2) / (vx + vy + c2)


def ms_ssim(result: np.ndarray, truth: np.ndarray) -> float:
    """Compute the structural similarity of luminance at five scales; 1 is equal, higher is better.

    Contrast and structure are compared at each scale, lightness at the coarsest; the means over
    windows inside the picture are raised to the paper's exponents and multiplied. Scales are
    halved by the mean of 2 x 2 pixels, an odd last row or column left out; a negative mean, as
    inverted pictures have, counts as 0.

    Args:
        result: (H, W, 3) uint8, H and W at least 176.
        truth: (H, W, 3) uint8.

    Returns:
        A value in [0, 1].

    Raises:
        InvalidInputError: Shapes or kinds differ, or the picture is too small.

    References:
        Wang, Simoncelli and Bovik 2003, "Multi-scale Structural Similarity for Image Quality
        Assessment", eq. 7
    """
    _checked(result, truth, None)
    if min(result.shape[:2]) < MS_SSIM_LEAST_PX:
        raise InvalidInputError(
            f"pictures must measure at least {MS_SSIM_LEAST_PX} x {MS_SSIM_LEAST_PX} for MS-SSIM, "
            f"got {result.shape[:2]}. Use ssim."
        )
    x, y = result @ _LUMA, truth @ _LUMA
    inside = slice(_SSIM_RADIUS_PX, -_SSIM_RADIUS_PX)
    similarity, last = 1.0, len(_SCALE_WEIGHTS) - 1
    for scale, weight in enumerate(_SCALE_WEIGHTS):
        lightness, structure = _ssim_parts(x, y)
        compared = lightness * structure if scale == last else structure
        similarity *= max(float(compared[inside, inside].mean()), 0.0) ** weight
        x, y = _halved(x), _halved(y)
    return similarity


def _halved(x: np.ndarray) -> np.ndarray:
    height, width = x.shape[0] // 2, x.shape[1] // 2
    return x[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean(axis=(1, 3))


def delta_e00(result: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Compute the mean CIEDE2000 colour difference; 0 is equal, lower is better.

    Args:
        result: (H, W, 3) uint8, sRGB.
        truth: (H, W, 3) uint8, sRGB.
        mask: (H, W) bool, True where to measure; None: everywhere.

    Returns:
        Mean over pixels; about 1 is just visible side by side.

    Raises:
        InvalidInputError: Shapes or kinds differ, or the mask is empty.
    """
    mask = _checked(result, truth, mask)
    return float(ciede2000(srgb_to_lab(result[mask]), srgb_to_lab(truth[mask])).mean())


def max_abs_change_outside(result: np.ndarray, source: np.ndarray, mask: np.ndarray) -> int:
    """Find the largest change where nothing may change; it must be 0.

    Args:
        result: (H, W, 3) or (H, W) of any integer kind.
        source: The same shape and kind.
        mask: (H, W) bool, True where changes are allowed.

    Returns:
        Levels of the picture's own depth; 0 if the mask covers all.

    Raises:
        InvalidInputError: Shapes or kinds differ, or the values are no integers.
    """
    if result.shape != source.shape or result.dtype != source.dtype:
        raise InvalidInputError(
            f"result must have the source's shape and kind, got {result.dtype} {result.shape} "
            f"and {source.dtype} {source.shape}."
        )
    if not np.issubdtype(result.dtype, np.integer):
        raise InvalidInputError(f"pictures must hold integers, got {result.dtype}.")
    _check_mask(mask, result)
    change = result[~mask].astype(np.int64) - source[~mask].astype(np.int64)
    return int(np.abs(change).max(initial=0))


def _check_mask(mask: np.ndarray, picture: np.ndarray) -> None:
    if mask.dtype != np.bool_ or mask.shape != picture.shape[:2]:
        raise InvalidInputError(
            f"mask must be bool of shape {picture.shape[:2]}, got {mask.dtype} {mask.shape}."
        )


def _checked(result: np.ndarray, truth: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Check a pair of pictures and return the mask, all True if there is none."""
    check_picture(result)
    check_picture(truth)
    if result.shape != truth.shape:
        raise InvalidInputError(
            f"result must have the truth's shape, got {result.shape} and {truth.shape}."
        )
    mask = np.ones(result.shape[:2], dtype=np.bool_) if mask is None else mask
    _check_mask(mask, result)
    if not mask.any():
        raise InvalidInputError("mask must mark at least one pixel, got none.")
    return mask


def texture_ratio(
    restored: Sequence[np.ndarray], truths: Sequence[np.ndarray], masks: Sequence[np.ndarray]
) -> float:
    """Compare how much fine detail restored pixels have with how much the true ones have.

    Args:
        restored: (H, W, 3) uint8, one for each truth.
        truths: (H, W, 3) uint8.
        masks: (H, W) bool, True where a picture was damaged.

    Returns:
        Root of the summed squared Laplacians in the damage of all pictures, over that of the
        truths: 1 is as much detail, under 1 is too smooth. It says nothing of whether the detail
        is in the right place, so it is to be read beside the PSNR.
    """
    energies = [
        [_detail(picture, mask), _detail(truth, mask)]
        for picture, truth, mask in zip(restored, truths, masks, strict=True)
    ]
    made, true = np.sum(energies, axis=0)
    return float(np.sqrt(made / max(true, np.finfo(float).tiny)))


def _detail(picture: np.ndarray, mask: np.ndarray) -> float:
    return float((cv2.Laplacian(picture.astype(np.float64), cv2.CV_64F)[mask] ** 2).sum())


def boundary_ratio(
    restored: Sequence[np.ndarray], truths: Sequence[np.ndarray], masks: Sequence[np.ndarray]
) -> float:
    """Compare the steps across the edges of damage with those of the truths at the same places.

    Args:
        restored: (H, W, 3) uint8, one for each truth.
        truths: (H, W, 3) uint8.
        masks: (H, W) bool, True where a picture was damaged.

    Returns:
        Mean absolute difference between neighbours of which one was damaged, over that of the
        truths: 1 shows no edge, more shows one.
    """
    steps = [
        [_edge_steps(picture, mask), _edge_steps(truth, mask)]
        for picture, truth, mask in zip(restored, truths, masks, strict=True)
    ]
    made, true = (np.concatenate(side).mean() for side in zip(*steps, strict=True))
    return float(made / max(true, np.finfo(float).tiny))


def _edge_steps(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    levels = picture.astype(np.float64)
    steps = []
    for axis in (0, 1):
        crossing = np.diff(mask.astype(np.int8), axis=axis) != 0
        steps.append(np.abs(np.diff(levels, axis=axis))[crossing])
    return np.concatenate(steps)
