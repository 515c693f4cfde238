"""Loss and gradient of a whole picture in VGG-19's maps, computed tile by tile.

Gram matrices are sums over places: they are pooled over all tiles first, and then each tile is
differentiated against the pooled ones. The gradient is that of the whole picture; that of each
tile's own Gram matrix, which is what cutting a picture by hand gives, points elsewhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.imaging.canvas import Window
from artgan.metrics.vgg import Vgg19Conv34
from artgan.stylize.losses import gram_loss
from artgan.stylize.tiles import ALIGN_PX, Tiles

HALO_PX = ALIGN_PX
"""VGG-19 sees 24 pixels around a place of conv3_4; windows begin at multiples of its stride."""
_STRIDES = (1, 2, 4)


@dataclass(frozen=True)
class Weights:
    """Weights of the losses; each loss is relative, about 1 for a picture that has nothing of it.

    Attributes:
        style: Of the Gram matrices.
        content: Of the features at conv3_4.
        smooth: Of the squared steps between neighbours.
        range: Of what lies outside of [0, 1], squared; it is cut off in the end.
    """

    style: float = 1.0
    content: float = 0.005
    smooth: float = 0.02
    range: float = 1.0


class TiledLoss:
    """The loss of a picture of one size.

    Args:
        network: VGG-19 up to conv3_4.
        targets: Gram matrices to reach, (1, C, C) for each map.
        content: Picture (1, 3, H, W) whose features are to be kept, sides of at least 16.
        weights: Weights of the losses.
        tiles: How large windows may be.
    """

    def __init__(
        self,
        network: Vgg19Conv34,
        targets: Sequence[Tensor],
        content: Tensor,
        weights: Weights,
        tiles: Tiles,
    ) -> None:
        self._network, self._weights, self._tiles = network, weights, tiles
        self._targets = [target.double() for target in targets]
        self._size: tuple[int, int] = (content.shape[2], content.shape[3])
        height, width = (side // 2 // 2 for side in self._size)
        self._places = [self._size[0] * self._size[1], *([0] * 2)]
        self._places[1] = (self._size[0] // 2) * (self._size[1] // 2)
        self._places[2] = height * width
        self._content = content.new_empty(1, 256, height, width)
        with torch.no_grad():
            self._over(content, self._keep_content)
        self._content_square = float(self._content.double().square().sum())

    def __call__(self, image: Tensor) -> tuple[float, Tensor]:
        """Return the loss of a picture and its gradient, (1, 3, H, W)."""
        pooled = [torch.zeros_like(target) for target in self._targets]

        def pool(window: Window, maps: list[Tensor], _: Tensor) -> None:
            del window
            for at, features in enumerate(maps):
                pooled[at] += _products(features.double()) / self._places[at]

        with torch.no_grad():
            self._over(image, pool)
        for one in pooled:
            one.requires_grad_()
        style = self._weights.style * gram_loss(pooled, self._targets)
        slopes = [slope.float() for slope in torch.autograd.grad(style, pooled)]
        gradient = torch.zeros_like(image)
        losses = [float(style.detach())]

        def differentiate(window: Window, maps: list[Tensor], seen: Tensor) -> None:
            content = self._content_part(window, maps[-1])
            part = content
            for at, features in enumerate(maps):
                part = part + (slopes[at] * _products(features)).sum() / self._places[at]
            (found,) = torch.autograd.grad(part, seen)
            around = window.grown(HALO_PX, self._size)
            gradient[(..., *around.slices)] += found
            losses.append(float(content.detach()))

        self._over(image, differentiate)
        rest, slope = self._plain(image)
        return sum(losses) + rest, gradient + slope

    def _over(self, image: Tensor, work: Callable[[Window, list[Tensor], Tensor], None]) -> None:
        """Give some work the maps of each tile, without those of its margin."""

        def one(window: Window) -> None:
            around = window.grown(HALO_PX, self._size)
            seen = image[(..., *around.slices)].detach().clone()
            seen.requires_grad_(torch.is_grad_enabled())
            maps = [
                features[(..., *_coarse(window, stride).within(_coarse(around, stride)))]
                for features, stride in zip(self._network.maps(seen), _STRIDES, strict=True)
            ]
            work(window, maps, seen)

        self._tiles.over(self._size, one)

    def _keep_content(self, window: Window, maps: list[Tensor], _: Tensor) -> None:
        self._content[(..., *_coarse(window, _STRIDES[-1]).slices)] = maps[-1]

    def _content_part(self, window: Window, features: Tensor) -> Tensor:
        wanted = self._content[(..., *_coarse(window, _STRIDES[-1]).slices)]
        return self._weights.content * (features - wanted).square().sum() / self._content_square

    def _plain(self, image: Tensor) -> tuple[float, Tensor]:
        """Loss and gradient of what needs no network."""
        with torch.enable_grad():
            seen = image.detach().clone().requires_grad_()
            down = (seen[:, :, 1:] - seen[:, :, :-1]).square().mean()
            right = (seen[:, :, :, 1:] - seen[:, :, :, :-1]).square().mean()
            beyond = (seen - seen.detach().clamp(0.0, 1.0)).square().mean()
            loss = self._weights.smooth * (down + right) + self._weights.range * beyond
            (slope,) = torch.autograd.grad(loss, seen)
        return float(loss.detach()), slope


class PyramidLoss:
    """The loss of a picture whose style is compared at several sizes, each half of the last.

    VGG-19 sees 48 pixels at once: at one size alone, larger patterns are free to leave the style.
    What the sizes say of the style is averaged; the first says the rest.

    Args:
        losses: One for each size, the picture's own first.

    References:
        Snelgrove 2017, "High-Resolution Multi-Scale Neural Texture Synthesis",
        https://doi.org/10.1145/3145749.3149449
    """

    def __init__(self, losses: Sequence[TiledLoss]) -> None:
        self._losses = losses

    def __call__(self, image: Tensor) -> tuple[float, Tensor]:
        """Return the loss of a picture and its gradient, (1, 3, H, W)."""
        value, gradient = self._losses[0](image)
        for halvings, loss in enumerate(self._losses[1:], start=1):
            with torch.enable_grad():
                seen = image.detach().requires_grad_()
                small = F.avg_pool2d(seen, 2**halvings)
            part, slope = loss(small.detach())
            gradient = gradient + torch.autograd.grad(small, seen, slope)[0]
            value += part
        return value, gradient


def _products(features: Tensor) -> Tensor:
    """Products of channels summed over places, of which a narrow tile may have none."""
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2)


def _coarse(window: Window, stride: int) -> Window:
    sides = (window.top, window.bottom, window.left, window.right)
    return Window(*(side // stride for side in sides))
