"""`optim`: one picture fitted to style and content in VGG-19's maps, from coarse to fine."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.imaging.canvas import ArrayCanvas, Window
from artgan.imaging.tensors import arrays_to_batch
from artgan.metrics.vgg import Vgg19Conv34
from artgan.models.checkpoint import bytes_to_tensors, tensors_to_bytes
from artgan.stylize.color import color_map, measure_canvas, pool_colors
from artgan.stylize.descent import Adam, Descent, Lbfgs
from artgan.stylize.losses import mean_grams
from artgan.stylize.stylizer import Put, Source, Stylizer
from artgan.stylize.tiled_loss import PyramidLoss, TiledLoss, Weights
from artgan.stylize.tiles import ALIGN_PX, Tiles, compute_exactly, rounded_up

MOST_PIXELS = 16_000_000
"""Larger pictures are refused: image, moments and gradient lie in memory as floats."""
_LBFGS_PIXELS = 512 * 512
_ADAM_RATE = 0.02
_ADAM_EPSILON = 0.01
_SMALLEST_SIDE_PX = 16
_KEEP_EVERY_S = 20.0

Start = Literal["content", "noise"]


@dataclass(frozen=True)
class Fit:
    """How a picture is fitted.

    Attributes:
        steps: Steps at each scale.
        coarsest_px: Long side of the coarsest scale; each further scale is twice as large.
        weights: Weights of the losses.
        style_scale: Long side of the style pictures as a part of the picture's own; smaller
            makes finer strokes. They are never enlarged.
        descent: L-BFGS is faster, Adam takes a tenth of its memory; auto takes L-BFGS up to
            512 x 512 pixels.
        start: The picture in the style's colours, or noise.
        seed: Of the noise.
    """

    steps: int = 100
    coarsest_px: int = 128
    weights: Weights = field(default_factory=Weights)
    style_scale: float = 1.0
    descent: Literal["auto", "lbfgs", "adam"] = "auto"
    start: Start = "content"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be used."""
        if self.steps < 1 or self.coarsest_px < _SMALLEST_SIDE_PX or not self.style_scale > 0:
            raise InvalidInputError(
                f"steps, coarsest_px and style_scale must be at least 1, {_SMALLEST_SIDE_PX} and "
                f"above 0, got {self.steps}, {self.coarsest_px}, {self.style_scale}. "
                "Use 100, 128 and 1."
            )

    def sizes(self, size: tuple[int, int]) -> list[tuple[int, int]]:
        """Return height and width of each scale, coarsest first."""
        found = [size]
        while max(found[0]) > 2 * self.coarsest_px:
            found.insert(0, (max(1, found[0][0] // 2), max(1, found[0][1] // 2)))
        return found

    def way_down(self, size: tuple[int, int]) -> Descent:
        """Return the method for a scale."""
        small = size[0] * size[1] <= _LBFGS_PIXELS
        if self.descent == "lbfgs" or (self.descent == "auto" and small):
            return Lbfgs()
        # Gradients of means shrink with the picture. A tenth of their usual size keeps places where
        # they are next to nothing from moving by the sign of a rounding error.
        return Adam(_ADAM_RATE, epsilon=_ADAM_EPSILON / (3 * size[0] * size[1]))


@dataclass(frozen=True)
class Checkpoint:
    """Where a fit is kept, so that one that was killed goes on to the same picture.

    Attributes:
        load: Returns what ``save`` was last given, or None.
        save: Keeps a state; called every ``every_s`` and at the end of a scale.
        every_s: Seconds between two saved states.
    """

    load: Callable[[], bytes | None]
    save: Callable[[bytes], None]
    every_s: float = _KEEP_EVERY_S


@dataclass
class _Place:
    """Where a fit stands: a scale, the picture, and the way down."""

    scale: int
    image: Tensor
    descent: Descent

    def pack(self) -> bytes:
        tensors = {"image": self.image, **self.descent.state()}
        return tensors_to_bytes(tensors, {"scale": self.scale})


class OptimStylizer(Stylizer):
    """Fit each picture to one style picture or a blend of several, by gradient descent.

    Differs from the paper: each Gram loss is divided by its target's norm, VGG-19 ends at conv3_4,
    the content is compared in the style's colours, and scales go from coarse to fine; each keeps
    what the coarser ones took on of the style (`PyramidLoss`). With Adam,
    gradients of pictures larger than a tile are pooled over tiles, and are those of the whole.

    Args:
        network: VGG-19 up to conv3_4, on the device to work on.
        styles: Style pictures (H, W, 3) uint8, sRGB.
        fit: How to fit.
        shares: Share of each style in the blend, positive; equal ones by default.
        checkpoint: Where the fit is kept; nowhere by default.
        observe: Told scale, scales, steps made at the scale, and the loss.

    References:
        Gatys et al. 2016, "Image Style Transfer Using Convolutional Neural Networks",
        https://doi.org/10.1109/CVPR.2016.265
    """

    def __init__(
        self,
        network: Vgg19Conv34,
        styles: Sequence[np.ndarray],
        fit: Fit | None = None,
        *,
        shares: Sequence[float] | None = None,
        checkpoint: Checkpoint | None = None,
        observe: Callable[[int, int, int, float], None] = lambda *_: None,
    ) -> None:
        weights = [1.0] * len(styles) if shares is None else list(shares)
        if not styles or len(weights) != len(styles) or min(weights) <= 0:
            raise InvalidInputError(
                f"shares must be one positive number for each style, got {weights} for "
                f"{len(styles)} styles. Leave out what is not to be blended."
            )
        self.network, self.fit, self.checkpoint, self.observe = (
            *(network, fit or Fit(), checkpoint),
            observe,
        )
        self._styles = [arrays_to_batch([style]) for style in styles]
        self._shares = [weight / sum(weights) for weight in weights]
        colors = [measure_canvas(ArrayCanvas(style)) for style in styles]
        self._colors = pool_colors(colors, self._shares)
        self._device = network.mean.device

    def stylize(self, source: Source, put: Put, tiles: Tiles) -> None:
        """See `Stylizer`.

        Raises:
            InvalidInputError: The picture has more than `MOST_PIXELS`.
        """
        height, width = source.size
        if height * width > MOST_PIXELS:
            raise InvalidInputError(
                f"pictures for optim must have at most {MOST_PIXELS / 1e6:g} megapixels, got "
                f"{height * width / 1e6:.0f}. Use fast or adain, or a smaller long side."
            )
        compute_exactly()
        tint = color_map(measure_canvas(source.canvas), self._colors)
        whole = source.levels(Window(0, height, 0, width))
        content = tint(whole).clamp(0.0, 1.0).to(self._device)
        image = self._fitted(content, tiles).cpu()
        tiles.over(source.size, lambda window: put(window, image[(..., *window.slices)]))

    def _fitted(self, content: Tensor, tiles: Tiles) -> Tensor:
        height, width = content.shape[2:]
        # VGG-19 halves twice; thinner pictures are repeated beyond their edge, and cut again
        missing = [max(0, _SMALLEST_SIDE_PX - side) for side in (width, height)]
        content = F.pad(content, (0, missing[0], 0, missing[1]), mode="replicate")
        sizes = self.fit.sizes((content.shape[2], content.shape[3]))
        place = self._resumed(content, sizes)
        for scale in range(place.scale, len(sizes)):
            if scale > place.scale:
                image = _resized(place.image, sizes[scale])
                place = _Place(scale, image, self.fit.way_down(sizes[scale]))
            self._descend(place, content, sizes, tiles)
        return place.image[..., :height, :width]

    def _descend(
        self, place: _Place, content: Tensor, sizes: list[tuple[int, int]], tiles: Tiles
    ) -> None:
        size = sizes[place.scale]
        if isinstance(place.descent, Lbfgs):
            # L-BFGS divides by small differences of gradients: the rounding of another tile's sums
            # grows a thousandfold in six steps. It is for small pictures, which need no tiles.
            tiles = Tiles(rounded_up(size, ALIGN_PX)[size[1] > size[0]])
        loss = self._loss(content, sizes[: place.scale + 1], tiles)
        kept_s = time.monotonic()
        while place.descent.steps < self.fit.steps:
            value, gradient = loss(place.image)
            place.image = place.image + place.descent.move(gradient)
            self.observe(place.scale, len(sizes), place.descent.steps, value)
            done = place.descent.steps == self.fit.steps
            if self.checkpoint and (done or time.monotonic() - kept_s >= self.checkpoint.every_s):
                self.checkpoint.save(place.pack())
                kept_s = time.monotonic()

    def _loss(self, content: Tensor, sizes: list[tuple[int, int]], tiles: Tiles) -> PyramidLoss:
        """Return the loss at the last of some sizes, which keeps the style at the others."""
        of_style = self.fit.weights.style / len(sizes)
        weights = replace(self.fit.weights, style=of_style)
        losses = []
        for size in reversed(sizes):
            targets = self._targets(max(size))
            losses.append(TiledLoss(self.network, targets, _resized(content, size), weights, tiles))
            weights = Weights(style=of_style, content=0.0, smooth=0.0, range=0.0)
        return PyramidLoss(losses)

    def _targets(self, long_side_px: int) -> list[Tensor]:
        wanted = self.fit.style_scale * long_side_px
        works = [
            _resized(style, _fitting(style, wanted)).to(self._device) for style in self._styles
        ]
        grams = [mean_grams(self.network, [work]) for work in works]
        return [
            torch.stack([g * s for g, s in zip(layer, self._shares, strict=True)]).sum(dim=0)
            for layer in zip(*grams, strict=True)
        ]

    def _resumed(self, content: Tensor, sizes: list[tuple[int, int]]) -> _Place:
        data = None if self.checkpoint is None else self.checkpoint.load()
        if data is None:
            return _Place(0, self._first(_resized(content, sizes[0])), self.fit.way_down(sizes[0]))
        tensors, header = bytes_to_tensors(data)
        on_device = {name: tensor.to(self._device) for name, tensor in tensors.items()}
        place = _Place(
            header["scale"], on_device.pop("image"), self.fit.way_down(sizes[header["scale"]])
        )
        place.descent.restore(on_device)
        return place

    def _first(self, content: Tensor) -> Tensor:
        if self.fit.start == "content":
            return content
        generator = torch.Generator().manual_seed(self.fit.seed)
        return torch.rand(content.shape, generator=generator).to(content)


def _fitting(style: Tensor, long_side_px: float) -> tuple[int, int]:
    height, width = style.shape[2:]
    factor = min(1.0, long_side_px / max(height, width))
    return tuple(max(_SMALLEST_SIDE_PX, round(side * factor)) for side in (height, width))  # type: ignore[return-value]


def _resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(image.shape[2:]) == size:
        return image
    return F.interpolate(image, size, mode="bicubic", antialias=True).contiguous()
