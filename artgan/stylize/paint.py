"""Whole pictures through a painter, layer by layer and tile by tile: `fast`, `multi` and `adain`.

A painter normalises by moments of the whole picture. So every layer goes over all tiles before the
next begins, and the maps in between lie in memory, or in files where the picture is large. The
result is that of the whole picture at once, and nothing is computed twice but narrow margins.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from artgan.errors import InvalidInputError
from artgan.imaging.canvas import ArrayCanvas, Window
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
from artgan.stylize.maps import Map, make_maps
from artgan.stylize.stylizer import Put, Source, Stylizer
from artgan.stylize.tiles import Tiles, compute_exactly, rounded_up

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
        content: Colours that a picture's own are pooled with; see `artgan.stylize.translate.tint`.
            None starts from its own alone.
    """

    def __init__(
        self,
        painter: Painter,
        manner: Manner,
        colors: ColorStatistics,
        alpha: float = 1.0,
        content: ColorStatistics | None = None,
    ) -> None:
        if not 0.0 <= alpha <= 1.0:
            raise InvalidInputError(f"alpha must be from 0 to 1, got {alpha}. 1 is the full style.")
        self.painter, self.colors, self.alpha, self.content = painter, colors, alpha, content
        self.device = painter.head.weight.device
        self.manner = [Moments(*(part.to(self.device) for part in block)) for block in manner]

    def tint(self, own: ColorStatistics) -> ColorMap:
        """Return the map that a picture of these colours is given first."""
        mixed_in = own if self.content is None else pool_colors([own, self.content])
        return color_map(mixed_in, self.colors).partly(self.alpha)

    @torch.inference_mode()
    def stylize(self, source: Source, put: Put, tiles: Tiles) -> None:
        """See `Stylizer`."""
        run = _Run(self, source, self.tint(measure_canvas(source.canvas)), tiles)
        trunk, inner = make_maps(2, run.trunk_size, self.painter.channels, self.device, tiles)
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
        self._last: tuple[Window, Tensor] | None = None

    def tinted(self, window: Window) -> Tensor:
        # A picture of one window is asked for twice: by the stem and on the way back.
        if self._last is None or self._last[0] != window:
            levels = self.source.levels(window).to(self.of.device)
            self._last = window, self.tint(levels).clamp_(0.0, 1.0)
        return self._last[1]

    def stem(self, trunk: Map) -> None:
        def work(window: Window) -> None:
            around = _scaled(window, STRIDE).grown(STEM_HALO_PX, self.frame)
            seen = Window(*(_quarter(side) for side in _sides(around)))
            trunk.write(window, _cut(self.of.painter.stem(self.tinted(around)), window, seen))

        self.tiles.over(self.trunk_size, work, STRIDE)

    def inner(self, block: PaintBlock, trunk: Map, inner: Map) -> Moments:
        found = PictureMoments()

        def work(window: Window) -> None:
            around = window.grown(BLOCK_HALO, self.trunk_size)
            made = _cut(block.inner(trunk.read(around)), window, around)
            found.add(made)
            inner.write(window, made)

        self.tiles.over(self.trunk_size, work, STRIDE)
        return Moments(*(one.to(self.of.device) for one in found.moments()))

    def add(self, block: PaintBlock, inner: Map, trunk: Map, own: Moments, given: Moments) -> None:
        def work(window: Window) -> None:
            around = window.grown(BLOCK_HALO, self.trunk_size)
            added = block.added(restate(inner.read(around), own, given))
            trunk.write(window, trunk.read(window) + _cut(added, window, around))

        self.tiles.over(self.trunk_size, work, STRIDE)

    def decode(self, trunk: Map, put: Put) -> None:
        def work(window: Window) -> None:
            whole = Window(*(_quarter(side) for side in _sides(window)))
            around = whole.grown(DECODE_HALO, self.trunk_size)
            seen = _scaled(around, STRIDE)
            tinted = self.tinted(seen)
            painted = self.of.painter.decode(tinted, trunk.read(around))
            result = tinted + (painted if self.of.alpha == 1.0 else self.of.alpha * painted)
            inside = window.grown(0, self.source.size)
            put(inside, _cut(result, inside, seen).cpu())

        self.tiles.over(self.frame, work)


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
    colors = pool_colors([multi_colors(multi)[label] for label in labels], parts)
    content = pool_colors(multi_colors(multi))
    return PaintStylizer(multi.painter, mixed(manners, parts), colors, content=content)


def multi_colors(multi: MultiPainter) -> list[ColorStatistics]:
    """Return the colours of all collections that a painter learned."""
    return [ColorStatistics(*multi.colors(label)) for label in range(len(multi.names))]


def multi_tint(own: ColorStatistics, colors: Sequence[ColorStatistics], label: int) -> ColorMap:
    """Return the map from a work's colours, pooled with those of all, to those of a collection."""
    return color_map(pool_colors([own, pool_colors(colors)]), colors[label])


@torch.inference_mode()
def manner_of_picture(painter: Painter, picture: np.ndarray) -> list[Moments]:
    """Measure the manner of a style picture, (H, W, 3) uint8, of a size that fits into memory."""
    compute_exactly()
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
