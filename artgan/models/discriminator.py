"""The critic of whole small works: residual, without norms, and able to redraw what it saw."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan.models.blocks import LEAK
from artgan.models.generator import channels_at, check_size
from artgan.models.judging import ClassMatch, CodeReader
from artgan.models.latents import Latents

_MAP_PX = 8


class _DownBlock(nn.Module):
    """Halve the resolution: a convolutional path plus an averaged shortcut, variance kept."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(in_channels, out_channels, 4, stride=2, padding=1)
        self.refine = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        path = F.leaky_relu(self.reduce(x), LEAK)
        path = F.leaky_relu(self.refine(path), LEAK)
        return (path + self.shortcut(F.avg_pool2d(x, 2))) / math.sqrt(2)


class _RedrawBlock(nn.Module):
    """Double the resolution of the decoder: nearest neighbour, 3x3 convolution, gate."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 2 * out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.glu(self.conv(F.interpolate(x, scale_factor=2, mode="nearest")), dim=1)


class Discriminator(nn.Module):
    """Judge works patch by patch, and redraw them small from what it noticed.

    Having to redraw the real works keeps the critic from learning a few of them by heart.
    Differs from the paper: no batch or spectral normalisation (the gradient penalties bound the
    slope), one decoder, on the whole work.

    Args:
        size_px: Side of the works, a power of two of at least 16.
        base_channels: Channels at full resolution; doubled at each halving.
        max_channels: Upper bound of the channels of a layer.
        latents: Decides whether codes are read and classes matched; None is neither.

    Raises:
        InvalidInputError: When ``size_px`` is not a power of two of at least 16.

    References:
        Liu et al. 2021, "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot
        Image Synthesis", section 3.2, https://arxiv.org/abs/2101.04775
    """

    def __init__(
        self, size_px: int, base_channels: int, max_channels: int, latents: Latents | None = None
    ) -> None:
        super().__init__()
        check_size(size_px)
        sides = [size_px >> level for level in range(int(math.log2(size_px // _MAP_PX)) + 1)]
        widths = [channels_at(side, size_px, base_channels, max_channels) for side in sides]
        self.stem = nn.Conv2d(3, widths[0], 3, padding=1)
        self.blocks = nn.Sequential(*(_DownBlock(wide, deep) for wide, deep in pairwise(widths)))
        self.mix = nn.Conv2d(widths[-1], widths[-1], 1)
        self.judge = nn.Conv2d(widths[-1], 1, 4)
        self.redrawn_px = min(size_px, 64 if size_px >= 256 else 32)
        doublings = int(math.log2(self.redrawn_px // _MAP_PX))
        narrowing = [max(widths[-1] >> level, 8) for level in range(doublings + 1)]
        self.decoder = nn.Sequential(
            *(_RedrawBlock(a, b) for a, b in pairwise(narrowing)),
            nn.Conv2d(narrowing[-1], 3, 3, padding=1),
        )
        asked = latents or Latents(0)
        self.match = ClassMatch(widths[-1], asked.classes) if asked.classes else None
        self.reader = CodeReader(widths[-1], asked) if asked.coded else None

    def forward(self, images: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits (B, 1, 5, 5), high for real, and the 8x8 map that ``redraw`` takes.

        Args:
            images: (B, 3, size, size) in [0, 1]; augmented ones may leave that range.
            labels: (B,) classes, where the network has classes.
        """
        x = self.blocks(F.leaky_relu(self.stem(2 * images - 1), LEAK))
        logits = self.judge(F.leaky_relu(self.mix(x), LEAK))
        if self.match is not None and labels is not None:
            logits = logits + self.match(x, labels)
        return logits, x

    @property
    def levels(self) -> list[nn.Module]:
        """What looks at works, from the finest level to the coarsest."""
        return [self.stem, *self.blocks]

    def redraw(self, noticed: Tensor) -> Tensor:
        """Return small copies (B, 3, redrawn_px, redrawn_px) in [0, 1] from the 8x8 map."""
        return 0.5 + 0.5 * torch.tanh(self.decoder(noticed))

    def read(self, noticed: Tensor) -> tuple[Tensor, Tensor]:
        """Return guesses of the codes: continuous (B, continuous), logits (B, modes)."""
        assert self.reader is not None
        return self.reader(noticed)
