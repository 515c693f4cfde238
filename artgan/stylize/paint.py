"""Whole pictures through a painter, layer by layer and tile by tile: `fast`, `multi` and `adain`.

A painter normalises by moments of the whole picture. So every layer goes over all tiles before the
next begins, and the maps in between lie on canvases of a sixteenth of the picture's pixels. The
result is that of the whole picture at once, and nothing is computed twice but narrow margins.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from artgan.errors import InvalidInputError
from artgan.imaging.canvas import ArrayCanvas, Canvas, Window
from artgan.models.multi import MultiPainter
from artgan.models.painter import (
    BLOCK_HALO,
    DECODE_HALO,
    STEM_HALO_PX,
    STRIDE,
    Manner,
    Moments,
    PaintBlock,
    Painter,
    mixed,
    restate,
)
from artgan.stylize.color import ColorMap, ColorStatistics, color_map, measure_canvas, pool_colors
from artgan.stylize.stylizer import Put, Source, Stylizer
from artgan.stylize.tiles import Tiles, rounded_up

_VARIANCE_FLOOR = 1e-5


class PictureMoments:
    """Mean and variance of each channel, gathered tile by tile in float64.

    References:
        Chan et al. 1983, "Algorithms for Computing the Sample Variance", eq. 2.1,
        https://doi.org/10.1080/00031305.1983.10483115
    """

    def __init__(self) -> None:
        self.count, self.mean, self.squares = 0, torch.zeros(()), torch.zeros(())

    def add(self, features: Tensor) -> None:
        """Add places (1, C, h, w) that no other call adds."""
        # Single precision within a tile, which is small; double where tiles are joined.
        count, mean = features.shape[2] * features.shape[3], features.mean(dim=(2, 3))
        apart = features - mean[:, :, None, None]
        squares = apart.square_().sum(dim=(2, 3))[0].double().cpu()
        mean = mean[0].double().cpu()
        total = self.count + count
        delta = mean - self.mean
        self.mean = self.mean + delta * (count / total)
        self.squares = self.squares + squares + delta.square() * (self.count * count / total)
        self.count = total

    def moments(self) -> Moments:
        """Return what `artgan.models.painter.moments` would measure on the whole."""
        std = (self.squares / self.count + _VARIANCE_FLOOR).sqrt()
        return Moments(self.mean[None].float(), std[None].float())


class PaintStylizer(Stylizer):
    """A painter with the manner and the colours it is to give.

    Args:
        painter: In evaluation mode; used on the device that it is on.
        manner: What to give to the features, on any device.
        colors: Colours to give first.
        alpha: How much of the style, from 0 (the picture as it is) to 1; in the features, where
            half a style is another picture than half of the result.
    """

    def __init__(
        self, painter: Painter, manner: Manner, colors: ColorStatistics, alpha: float = 1.0
    ) -> None:
        if not 0.0 <= alpha <= 1.0:
            raise InvalidInputError(f"alpha must be from 0 to 1, got {alpha}. 1 is the full style.")
        self.painter, self.colors, self.alpha = painter, colors, alpha
        self.device = painter.head.weight.device
        self.manner = [Moments(*(part.to(self.device) for part in block)) for block in manner]

    @torch.inference_mode()
    def stylize(self, source: Source, put: Put, tiles: Tiles) -> None:
        """See `Stylizer`."""
        tint = color_map(measure_canvas(source.canvas), self.colors).partly(self.alpha)
        run = _Run(self, source, tint, tiles)
        height, width = (side // STRIDE for side in run.frame)
        trunk, inner = (
            tiles.make_canvas((height, width, self.painter.channels), np.dtype(np.float32))
            for _ in range(2)
        )
        run.stem(trunk)
        for block, wanted in zip(self.painter.trunk, self.manner, strict=True):
            own = run.inner(block, trunk, inner)
            given = mixed([[own], [wanted]], [1 - self.alpha, self.alpha])[0]
            run.add(block, inner, trunk, own, given)
        run.decode(trunk, put)


class _Run:
    """One picture on its way through a painter's layers."""

    def __init__(self, of: PaintStylizer, source: Source, tint: ColorMap, tiles: Tiles) -> None:
        self.of, self.source, self.tint, self.tiles = of, source, tint, tiles
        self.frame = rounded_up(source.size, STRIDE)
        self.trunk_size = (self.frame[0] // STRIDE, self.frame[1] // STRIDE)

    def tinted(self, window: Window) -> Tensor:
        levels = self.source.levels(window).to(self.of.device)
        return self.tint(levels).clamp(0.0, 1.0)

    def stem(self, trunk: Canvas) -> None:
        def work(window: Window) -> None:
            around = _scaled(window, STRIDE).grown(STEM_HALO_PX, self.frame)
            seen = Window(*(_quarter(side) for side in _sides(around)))
            _write(trunk, window, self.of.painter.stem(self.tinted(around)), seen)

        self.tiles.over(self.trunk_size, work, STRIDE)

    def inner(self, block: PaintBlock, trunk: Canvas, inner: Canvas) -> Moments:
        found = PictureMoments()

        def work(window: Window) -> None:
            around = window.grown(BLOCK_HALO, self.trunk_size)
            made = _cut(block.inner(self._read(trunk, around)), window, around)
            found.add(made)
            _write(inner, window, made, window)

        self.tiles.over(self.trunk_size, work, STRIDE)
        return Moments(*(one.to(self.of.device) for one in found.moments()))

    def add(
        self, block: PaintBlock, inner: Canvas, trunk: Canvas, own: Moments, given: Moments
    ) -> None:
        def work(window: Window) -> None:
            around = window.grown(BLOCK_HALO, self.trunk_size)
            added = block.added(restate(self._read(inner, around), own, given))
            made = self._read(trunk, window) + _cut(added, window, around)
            _write(trunk, window, made, window)

        self.tiles.over(self.trunk_size, work, STRIDE)

    def decode(self, trunk: Canvas, put: Put) -> None:
        def work(window: Window) -> None:
            whole = Window(*(_quarter(side) for side in _sides(window)))
            around = whole.grown(DECODE_HALO, self.trunk_size)
            seen = _scaled(around, STRIDE)
            tinted = self.tinted(seen)
            painted = self.of.painter.decode(tinted, self._read(trunk, around))
            result = tinted + self.of.alpha * painted
            inside = window.grown(0, self.source.size)
            put(inside, _cut(result, inside, seen).cpu())

        self.tiles.over(self.frame, work)

    def _read(self, canvas: Canvas, window: Window) -> Tensor:
        return torch.from_numpy(canvas.read(window)).permute(2, 0, 1)[None].to(self.of.device)


def paint_own(painter: Painter) -> PaintStylizer:
    """Return the stylizer of a painter that learned one style."""
    colors = ColorStatistics(*(painter.get_buffer(name).cpu().numpy() for name in _COLORS))
    return PaintStylizer(painter, painter.own_manner(), colors)


_COLORS = ("style_mean", "style_covariance")


def paint_collections(
    multi: MultiPainter, names: Sequence[str], shares: Sequence[float] | None = None
) -> PaintStylizer:
    """Return the stylizer of a painter of all collections, for one of them or a blend of several.

    Args:
        multi: In evaluation mode.
        names: Collections.
        shares: Share of each in the blend, positive; equal ones by default.

    Raises:
        InvalidInputError: It does not know a collection, or the shares do not fit.
    """
    parts = _shares("shares", names, shares)
    labels = [multi.label(name) for name in names]
    manners = [multi.manner(torch.tensor([label])) for label in labels]
    colors = [ColorStatistics(*multi.colors(label)) for label in labels]
    return PaintStylizer(multi.painter, mixed(manners, parts), pool_colors(colors, parts))


@torch.inference_mode()
def manner_of_picture(painter: Painter, picture: np.ndarray) -> list[Moments]:
    """Measure the manner of a style picture, (H, W, 3) uint8, of a size that fits into memory."""
    source = Source(ArrayCanvas(picture))
    frame = rounded_up(source.size, STRIDE)
    levels = source.levels(Window(0, frame[0], 0, frame[1]))
    return painter.manner_of(levels.to(painter.head.weight.device))


def paint_like(
    painter: Painter,
    styles: Sequence[np.ndarray],
    weights: Sequence[float] | None = None,
    alpha: float = 1.0,
) -> PaintStylizer:
    """Return the stylizer of a painter of any style, for one style picture or a blend of several.

    Args:
        painter: Trained without a manner of its own.
        styles: Style pictures (H, W, 3) uint8, sRGB, of any sizes.
        weights: Share of each in the blend, positive; equal ones by default.
        alpha: How much of the style, 0 to 1.

    Raises:
        InvalidInputError: There is no style, or the weights do not fit.
    """
    shares = _shares("weights", styles, weights)
    manners = [manner_of_picture(painter, picture) for picture in styles]
    colors = [measure_canvas(ArrayCanvas(picture)) for picture in styles]
    return PaintStylizer(painter, mixed(manners, shares), pool_colors(colors, shares), alpha)


def _shares(name: str, styles: Sequence[object], given: Sequence[float] | None) -> list[float]:
    shares = [1.0] * len(styles) if given is None else list(given)
    if not styles or len(shares) != len(styles) or min(shares) <= 0:
        raise InvalidInputError(
            f"{name} must be one positive number for each style, got {shares} for {len(styles)} "
            "styles. Leave out what is not to be blended."
        )
    return shares


def _sides(window: Window) -> tuple[int, int, int, int]:
    return window.top, window.bottom, window.left, window.right


def _quarter(side: int) -> int:
    return side // STRIDE


def _scaled(window: Window, factor: int) -> Window:
    return Window(*(factor * side for side in _sides(window)))


def _cut(made: Tensor, window: Window, around: Window) -> Tensor:
    return made[(..., *window.within(around))]


def _write(canvas: Canvas, window: Window, made: Tensor, seen: Window) -> None:
    canvas.write(window, _cut(made, window, seen)[0].permute(1, 2, 0).cpu().numpy())
