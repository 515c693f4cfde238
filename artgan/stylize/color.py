"""Linear colour transfer: the palette of a work or a collection, nothing else of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from artgan.errors import InvalidInputError
from artgan.imaging.canvas import Canvas, Window
from artgan.stylize.stylizer import Put, Source, Stylizer
from artgan.stylize.tiles import Tiles

_ROWS_AT_ONCE = 256
_RGB = 3
REGULARISATION = 1e-4
"""Variance added to each channel: an 8-bit picture of one colour has none (1e-4 is 2.6 levels)."""


@dataclass(frozen=True)
class ColorStatistics:
    """Mean and covariance of sRGB values in [0, 1].

    Attributes:
        mean: (3,) float64.
        covariance: (3, 3) float64, symmetric, no negative eigenvalue.
    """

    mean: np.ndarray
    covariance: np.ndarray


def measure_colors(picture: np.ndarray) -> ColorStatistics:
    """Measure the colours of one picture, in bands of rows, so that memory stays small.

    Args:
        picture: (H, W, 3) uint8 or uint16 sRGB, at least one pixel; may be memory-mapped.

    Returns:
        Its statistics in float64.

    Raises:
        InvalidInputError: When the array is something else.
    """
    _check_scan(picture)
    tops = range(0, picture.shape[0], _ROWS_AT_ONCE)
    return _measure(picture[top : top + _ROWS_AT_ONCE] for top in tops)


def measure_canvas(canvas: Canvas) -> ColorStatistics:
    """Measure the colours of a picture on a canvas (H, W, 1 to 4); alpha is no colour."""
    grey = canvas.shape[2] < _RGB
    strips = (strip[..., :1] if grey else strip[..., :_RGB] for strip in canvas.strips())
    return _measure(np.broadcast_to(strip, (*strip.shape[:2], _RGB)) for strip in strips)


def _measure(strips: Iterable[np.ndarray]) -> ColorStatistics:
    count, total, products = 0, np.zeros(3), np.zeros((3, 3))
    # Moments about 0 lose nothing here: values stay below 1 and float64 keeps 16 digits.
    for strip in strips:
        for top in range(0, strip.shape[0], _ROWS_AT_ONCE):
            values = _unit(strip[top : top + _ROWS_AT_ONCE]).reshape(-1, 3)
            count += len(values)
            total += values.sum(axis=0)
            products += values.T @ values
    mean = total / count
    return ColorStatistics(mean, products / count - np.outer(mean, mean))


def pool_colors(
    statistics: Sequence[ColorStatistics], weights: Sequence[float] | None = None
) -> ColorStatistics:
    """Join the statistics of several works, each counting the same whatever its size.

    Args:
        statistics: At least one.
        weights: Share of each, where they do not count the same; divided by their sum.

    Returns:
        Those of the mixture: the spread between the works is part of the covariance.

    Raises:
        InvalidInputError: When there is none.
    """
    if not statistics:
        message = "statistics must hold at least one work, got none. Measure the works first."
        raise InvalidInputError(message)
    shares = np.asarray(weights or [1.0] * len(statistics), np.float64)
    shares = shares / shares.sum()
    means = np.stack([one.mean for one in statistics])
    mean = shares @ means
    within = np.tensordot(shares, np.stack([one.covariance for one in statistics]), axes=1)
    between = (means - mean).T @ ((means - mean) * shares[:, None])
    return ColorStatistics(mean, within + between)


class ColorMap(NamedTuple):
    """A map of colours, x -> A x + b: matrix (3, 3) and offset (3,)."""

    matrix: np.ndarray
    offset: np.ndarray

    def partly(self, strength: float) -> "ColorMap":
        """Return the map that goes this part of the way, from 0 to 1."""
        return ColorMap(strength * self.matrix + (1 - strength) * np.eye(3), strength * self.offset)

    def inverse(self) -> "ColorMap":
        """Return the way back."""
        matrix = np.linalg.inv(self.matrix)
        return ColorMap(matrix, -matrix @ self.offset)

    def __call__(self, levels: Tensor) -> Tensor:
        """Map levels (B, 3, H, W); the result is not clipped."""
        matrix, offset = (torch.from_numpy(part).to(levels) for part in self)
        return torch.einsum("ij,bjhw->bihw", matrix, levels) + offset[:, None, None]


def mapped(images: Tensor, maps: Sequence[ColorMap]) -> Tensor:
    """Map the colours of each picture of (B, 3, H, W) by a map of its own; clipped to [0, 1]."""
    made = [way(image[None]) for way, image in zip(maps, images, strict=True)]
    return torch.cat(made).clamp(0.0, 1.0)


def color_map(content: ColorStatistics, style: ColorStatistics) -> ColorMap:
    """Find the linear map that gives colours the style's mean and covariance.

    Of all such maps the one that moves colours least, the Monge-Kantorovich solution between two
    Gaussians: A = C^(-1/2) (C^(1/2) S C^(1/2))^(1/2) C^(-1/2), with C and S the covariances of
    content and style, each with ``REGULARISATION`` added to its diagonal.

    Args:
        content: Colours to start from.
        style: Colours to reach.

    Returns:
        The map x -> A x + b.

    References:
        Pitie and Kokaram 2007, "The Linear Monge-Kantorovitch Linear Colour Mapping for
        Example-Based Colour Transfer", https://doi.org/10.1049/cp:20070055
    """
    regular = REGULARISATION * np.eye(3)
    root = _matrix_power(content.covariance + regular, 0.5)
    inverse = _matrix_power(content.covariance + regular, -0.5)
    middle = _matrix_power(root @ (style.covariance + regular) @ root, 0.5)
    matrix = inverse @ middle @ inverse
    return ColorMap(matrix, style.mean - matrix @ content.mean)


def transfer_colors(
    picture: np.ndarray,
    style: ColorStatistics,
    strength: float = 1.0,
    content: ColorStatistics | None = None,
) -> np.ndarray:
    """Give a picture the colours of a work or collection; forms stay where they are.

    Args:
        picture: (H, W, 3) uint8 or uint16 sRGB, at least one pixel.
        style: Colours to reach, from ``measure_colors`` or ``pool_colors``.
        strength: 0 leaves the picture as it is, 1 transfers fully.
        content: Colours to start from; None measures the picture itself. Give those of the
            picture's own collection to keep how it differs from its neighbours.

    Returns:
        Same shape and kind of number; values outside the range are clipped.

    Raises:
        InvalidInputError: When the picture is something else or strength lies outside [0, 1].
    """
    _check_scan(picture)
    if not 0.0 <= strength <= 1.0:
        message = f"strength must lie in [0, 1], got {strength}. Take 1 for the full transfer."
        raise InvalidInputError(message)
    matrix, offset = color_map(content or measure_colors(picture), style).partly(strength)
    peak = np.iinfo(picture.dtype).max
    result = np.empty_like(picture)
    for top in range(0, picture.shape[0], _ROWS_AT_ONCE):
        band = _unit(picture[top : top + _ROWS_AT_ONCE]) @ matrix.T + offset
        result[top : top + _ROWS_AT_ONCE] = np.rint(np.clip(band, 0, 1) * peak)
    return result


class ColorStylizer(Stylizer):
    """The palette of a style, by one linear map for the whole picture: the floor of all others.

    Args:
        style: Colours to reach.
        content: Colours to start from; None measures each picture itself.
    """

    def __init__(self, style: ColorStatistics, content: ColorStatistics | None = None) -> None:
        self.style, self.content = style, content

    def stylize(self, source: Source, put: Put, tiles: Tiles) -> None:
        """See `Stylizer`."""
        tint = color_map(self.content or measure_canvas(source.canvas), self.style)

        def work(window: Window) -> None:
            put(window, tint(source.levels(window).double()).float())

        tiles.over(source.size, work)


def _check_scan(picture: np.ndarray) -> None:
    shaped = picture.ndim == 3 and picture.shape[2] == 3 and picture.size > 0
    if not shaped or picture.dtype not in (np.uint8, np.uint16):
        message = (
            f"picture must be a uint8 or uint16 array (H, W, 3), got {picture.dtype} "
            f"{picture.shape}. Convert it to sRGB without alpha first."
        )
        raise InvalidInputError(message)


def _unit(values: np.ndarray) -> np.ndarray[Any, np.dtype[np.float64]]:
    return values.astype(np.float64) / np.iinfo(values.dtype).max


def _matrix_power(symmetric: np.ndarray, power: float) -> np.ndarray:
    """Raise a symmetric positive matrix to a power through its eigenvalues."""
    values, vectors = np.linalg.eigh((symmetric + symmetric.T) / 2)
    return (vectors * np.maximum(values, 1e-12) ** power) @ vectors.T
