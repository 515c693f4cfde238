"""The feed-forward stylizer: adds brushwork to a picture that has the style's colours already.

One network for two uses. With a manner of its own it is one style (`fast`); with the manner of
another picture it is any style (`adain`).
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan.errors import CorruptAssetError
from artgan.models.blocks import LEAK, zero_init
from artgan.models.checkpoint import load_network, unpack_weights

STRIDE = 4
"""Both sides of what a painter sees must be multiples of this."""
STEM_HALO_PX = 8
"""Margin, in pixels, outside of which the stem sees nothing: 2 of its first convolution and, at
half the resolution, 1 of its second; rounded up to even halvings."""
BLOCK_HALO = 1
"""Margin of each half of a block, in places of the trunk."""
DECODE_HALO = 2
"""Margin of the way back to full size, in places of the trunk: 2 pixels and 1 of half size."""
NAME = "painter_ema"
_EPSILON = 1e-5


class Moments(NamedTuple):
    """Mean and standard deviation of each channel over all places of a picture, (B, C) each."""

    mean: Tensor
    std: Tensor


Manner = Sequence[Moments]
"""The moments that each block of a painter gives its features: what makes a style."""


def moments(features: Tensor) -> Moments:
    """Measure features (B, C, H, W) over the whole frame."""
    variance, mean = torch.var_mean(features.float(), dim=(2, 3), correction=0)
    return Moments(mean, (variance + _EPSILON).sqrt())


def restate(features: Tensor, own: Moments, wanted: Moments) -> Tensor:
    """Give features other moments: StatNorm, an instance norm with moments from outside.

    Measured on the features themselves, ``own`` makes it the adaptive instance normalisation of
    the paper. Measured over a whole picture of which these features are a tile, the tile comes
    out as it would from the whole; that is what makes tiles exact.

    Args:
        features: (B, C, H, W).
        own: Moments of the picture that the features belong to.
        wanted: Moments to give to that picture.

    References:
        Huang and Belongie 2017, "Arbitrary Style Transfer in Real-time with Adaptive Instance
        Normalization", eq. 8, https://arxiv.org/abs/1703.06868
    """
    gain = wanted.std / own.std
    return features * _as_map(gain) + _as_map(wanted.mean - own.mean * gain)


def mixed(manners: Sequence[Manner], weights: Sequence[float]) -> list[Moments]:
    """Mix the manners of several styles; the weights are divided by their sum."""
    shares = [weight / sum(weights) for weight in weights]

    def mix(parts: Sequence[Tensor]) -> Tensor:
        return torch.stack([share * part for share, part in zip(shares, parts, strict=True)]).sum(0)

    return [
        Moments(mix([one.mean for one in block]), mix([one.std for one in block]))
        for block in zip(*manners, strict=True)
    ]


def _as_map(values: Tensor) -> Tensor:
    return values[:, :, None, None]


def _conv(channels_in: int, channels_out: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    """Convolve with repeated borders: a frame of zeros would be painted over as a motif."""
    padding = kernel // 2
    return nn.Conv2d(
        channels_in, channels_out, kernel, stride, padding=padding, padding_mode="replicate"
    )


class PaintBlock(nn.Module):
    """Residual block of the trunk with one StatNorm in its middle.

    Cut in two halves at the norm, because moments of the whole picture must be known before any
    of its places can go on.

    Args:
        channels: Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _conv(channels, channels)
        self.second = _conv(channels, channels)

    def inner(self, trunk: Tensor) -> Tensor:
        """Return what is to be normalised, (B, C, h, w)."""
        return self.first(F.leaky_relu(trunk, LEAK))

    def added(self, normalised: Tensor) -> Tensor:
        """Return what the block adds to the trunk."""
        return self.second(F.leaky_relu(normalised, LEAK))


class Painter(nn.Module):
    """Paint over pictures that have the style's colours; untrained, it changes nothing.

    Differs from the networks of the papers: features are normalised at a quarter of the
    resolution only, so that whole-image moments cost maps of a sixteenth of the pixels and no
    part is computed twice; and what is painted is added to the colour transfer, from which short
    trainings profit.

    Args:
        width: Channels at full resolution; four times as many in the trunk.
        blocks: Blocks of the trunk.
        own_manner: Whether it has one manner, learned, or takes that of any picture.

    References:
        Johnson et al. 2016, "Perceptual Losses for Real-Time Style Transfer and
        Super-Resolution", https://arxiv.org/abs/1603.08155; the manner as moments: Dumoulin et
        al. 2017, "A Learned Representation for Artistic Style", https://arxiv.org/abs/1610.07629
    """

    def __init__(self, width: int, blocks: int, *, own_manner: bool) -> None:
        super().__init__()
        self.channels = channels = 4 * width
        self.register_buffer("style_mean", torch.zeros(3, dtype=torch.float64))
        self.register_buffer("style_covariance", torch.eye(3, dtype=torch.float64))
        self.open = nn.ModuleList([_conv(3, width, 5, 2), _conv(width, channels, 3, 2)])
        self.blocks = nn.ModuleList(PaintBlock(channels) for _ in range(blocks))
        self.up = nn.ModuleList([_conv(channels, 2 * width), _conv(2 * width + 3, width)])
        self.head = zero_init(_conv(width, 3))
        self.manner = None
        if own_manner:
            start = torch.tensor([0.0, 1.0])[None, :, None].expand(blocks, 2, channels)
            self.manner = nn.Parameter(start.clone())

    @property
    def trunk(self) -> list[PaintBlock]:
        """The blocks, for who runs them one by one."""
        return [cast(PaintBlock, block) for block in self.blocks]

    def own_manner(self) -> list[Moments]:
        """Return the manner it learned, for a batch of any size."""
        assert self.manner is not None, "this painter takes the manner of a picture"
        return [Moments(one[0:1], one[1:2]) for one in self.manner]

    def stem(self, tinted: Tensor) -> Tensor:
        """Map pictures (B, 3, H, W) in [0, 1] to the trunk, (B, 4 width, H/4, W/4)."""
        first, second = self.open
        return second(F.leaky_relu(first(2 * tinted - 1), LEAK))

    def manner_of(self, pictures: Tensor) -> list[Moments]:
        """Measure the manner of pictures: the moments of their own features, as they are."""
        trunk, found = self.stem(pictures), []
        for block in self.trunk:
            inner = block.inner(trunk)
            found.append(moments(inner))
            trunk = trunk + block.added(inner)
        return found

    def decode(self, tinted: Tensor, trunk: Tensor) -> Tensor:
        """Return what is painted onto ``tinted`` (B, 3, H, W), to be added to it."""
        coarse, fine = self.up
        x = F.interpolate(F.leaky_relu(trunk, LEAK), scale_factor=2.0, mode="nearest")
        x = F.interpolate(F.leaky_relu(coarse(x), LEAK), scale_factor=2.0, mode="nearest")
        x = fine(torch.cat([x, 2 * tinted - 1], dim=1))
        return self.head(F.leaky_relu(x, LEAK))

    def forward(self, tinted: Tensor, manner: Manner) -> Tensor:
        """Paint over pictures (B, 3, H, W), sides multiples of 4; not clipped to [0, 1]."""
        trunk = self.stem(tinted)
        for block, wanted in zip(self.trunk, manner, strict=True):
            inner = block.inner(trunk)
            trunk = trunk + block.added(restate(inner, moments(inner), wanted))
        return tinted + self.decode(tinted, trunk)


def load_painter(data: bytes) -> Painter:
    """Rebuild a published painter, ready for use.

    Args:
        data: What ``pack_weights`` made of a network named ``painter_ema`` and settings with
            ``kind`` and a ``preset`` that holds ``width`` and ``blocks``.

    Returns:
        The painter on the CPU, in evaluation mode, without gradients.

    Raises:
        CorruptAssetError: The bytes hold something else.
    """
    states, settings = unpack_weights(data)
    try:
        width, blocks = (int(settings["preset"][name]) for name in ("width", "blocks"))
        painter = Painter(width, blocks, own_manner=settings["kind"] == "fast")
    except (KeyError, TypeError) as error:
        raise CorruptAssetError(
            f"settings of a painter must hold kind and a preset's width and blocks, got {settings}."
            " Use a model of the kind fast or adain."
        ) from error
    load_network(painter, states.get(NAME, {}))
    return painter.eval().requires_grad_(requires_grad=False)
