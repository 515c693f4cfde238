"""The textbook's pair of networks: strided convolutions that mirror each other, nothing else."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan.models.blocks import LEAK
from artgan.models.generator import (
    CHANNELS_PER_GROUP,
    channels_at,
    check_channels,
    check_size,
    resolutions,
)
from artgan.models.judging import ClassMatch, CodeReader
from artgan.models.latents import Latents, truncated

_MAP_PX = 4
_SPREAD = 0.02


class DcganGenerator(nn.Module):
    """Turn latents into works by transposed convolutions of stride two.

    Differs from the paper: group instead of batch normalisation, so that a work does not depend
    on its batch; codes and classes may stand beside the random numbers.

    Args:
        size_px: Side of the works, a power of two of at least 16.
        base_channels: Channels at half the resolution, a multiple of 8.
        max_channels: Upper bound of the channels of a layer, a multiple of 8.
        latents: What works start from.

    Raises:
        InvalidInputError: When a size or a number of channels breaks these rules.

    References:
        Radford et al. 2016, "Unsupervised Representation Learning with Deep Convolutional
        Generative Adversarial Networks", https://arxiv.org/abs/1511.06434
    """

    def __init__(
        self, size_px: int, base_channels: int, max_channels: int, latents: Latents
    ) -> None:
        super().__init__()
        check_channels(base_channels, max_channels)
        self.size_px, self.latents = size_px, latents
        sides = resolutions(size_px)[:-1]
        widths = [channels_at(r, size_px // 2, base_channels, max_channels) for r in sides]
        self.root = nn.ConvTranspose2d(latents.length, widths[0], 4, bias=False)
        self.root_norm = _norm(widths[0])
        self.blocks = nn.Sequential(*(_up(wide, narrow) for wide, narrow in pairwise(widths)))
        self.to_rgb = nn.ConvTranspose2d(widths[-1], 3, 4, stride=2, padding=1)
        self.apply(_initialise)

    def forward(self, z: Tensor, noise: Sequence[Tensor], truncation: float = 1.0) -> Tensor:
        """Return works (B, 3, size, size) in [0, 1] from latents (B, length); noise is none.

        ``truncation`` below 1 draws the first 4x4 map towards its mean.
        """
        return self.finish(truncated(self, z, noise, truncation), noise)

    def begin(self, z: Tensor, noise: Sequence[Tensor] = ()) -> Tensor:
        """Return the first map (B, C, 4, 4)."""
        del noise
        return F.relu(self.root_norm(self.root(self.latents.scaled(z)[:, :, None, None])))

    def finish(self, start: Tensor, noise: Sequence[Tensor]) -> Tensor:
        """Return works (B, 3, size, size) in [0, 1] from their first maps."""
        del noise
        return 0.5 + 0.5 * torch.tanh(self.to_rgb(self.blocks(start)))

    def draw(
        self, count: int, rng: torch.Generator | None = None, labels: Tensor | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """Draw latents (count, length), on the CPU; this network takes no noise."""
        return self.latents.draw(count, rng, labels), []


class DcganDiscriminator(nn.Module):
    """Judge works by convolutions of stride two.

    Differs from the paper: layer instead of batch normalisation, so that a penalty on the slope
    at one work means that work alone (Gulrajani et al. 2017, section 4).

    Args:
        size_px: Side of the works, a power of two of at least 16.
        base_channels: Channels at half the resolution; doubled at each halving.
        max_channels: Upper bound of the channels of a layer.
        latents: Decides whether codes are read and classes matched.

    Raises:
        InvalidInputError: When ``size_px`` is not a power of two of at least 16.
    """

    def __init__(
        self, size_px: int, base_channels: int, max_channels: int, latents: Latents
    ) -> None:
        super().__init__()
        check_size(size_px)
        sides = [size_px >> level for level in range(1, int(math.log2(size_px // _MAP_PX)) + 1)]
        widths = [channels_at(r, size_px // 2, base_channels, max_channels) for r in sides]
        first = nn.Sequential(nn.Conv2d(3, widths[0], 4, stride=2, padding=1), nn.LeakyReLU(LEAK))
        self.blocks = nn.Sequential(first, *(_down(wide, deep) for wide, deep in pairwise(widths)))
        self.judge = nn.Conv2d(widths[-1], 1, 4)
        self.apply(_initialise)
        self.match = ClassMatch(widths[-1], latents.classes) if latents.classes else None
        self.reader = CodeReader(widths[-1], latents) if latents.coded else None

    def forward(self, images: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits (B, 1, 1, 1), high for real, and the 4x4 map that ``read`` takes.

        Args:
            images: (B, 3, size, size) in [0, 1]; augmented ones may leave that range.
            labels: (B,) classes, where the network has classes.
        """
        x = self.blocks(2 * images - 1)
        logits = self.judge(x)
        if self.match is not None and labels is not None:
            logits = logits + self.match(x, labels)
        return logits, x

    @property
    def levels(self) -> list[nn.Module]:
        """What looks at works, from the finest level to the coarsest."""
        return [*self.blocks]

    def redraw(self, noticed: Tensor) -> Tensor | None:
        """Return nothing: the textbook's discriminator does not redraw works."""
        del noticed

    def read(self, noticed: Tensor) -> tuple[Tensor, Tensor]:
        """Return guesses of the codes: continuous (B, continuous), logits (B, modes)."""
        assert self.reader is not None
        return self.reader(noticed)


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(channels // CHANNELS_PER_GROUP, channels)


def _up(channels_in: int, channels_out: int) -> nn.Sequential:
    grow = nn.ConvTranspose2d(channels_in, channels_out, 4, stride=2, padding=1, bias=False)
    return nn.Sequential(grow, _norm(channels_out), nn.ReLU())


def _down(channels_in: int, channels_out: int) -> nn.Sequential:
    shrink = nn.Conv2d(channels_in, channels_out, 4, stride=2, padding=1, bias=False)
    return nn.Sequential(shrink, nn.GroupNorm(1, channels_out), nn.LeakyReLU(LEAK))


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, _SPREAD)
