"""The body that several networks share: a small U-Net without normalisation or global layers."""

from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan.models.blocks import LEAK, Double, Halve, ResidualBlock, zero_init


class UNet(nn.Module):
    """Encoder and decoder with skips; before training its output is zero.

    Its output at a pixel depends on nothing farther than ``receptive_radius_px``, so tiles can
    match the whole frame exactly.

    Args:
        channels_in: Channels of the input.
        channels_out: Channels of the output.
        widths: Channels of each level, from full resolution down by halves.
        blocks: Residual blocks of each level, on the way down and again on the way up; the
            coarsest level is passed once.

    References:
        Ronneberger et al. 2015, "U-Net", https://arxiv.org/abs/1505.04597. Differs: residual
        blocks, skips are added instead of joined, and nothing is normalised.
    """

    def __init__(
        self, channels_in: int, channels_out: int, widths: tuple[int, ...], blocks: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.widths, self.blocks = tuple(widths), tuple(blocks)
        levels = list(zip(self.widths, self.blocks, strict=True))
        steps = list(pairwise(self.widths))
        self.stem = nn.Conv2d(channels_in, self.widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(_stack(width, count) for width, count in levels)
        self.halvings = nn.ModuleList(Halve(fine, coarse) for fine, coarse in steps)
        self.doublings = nn.ModuleList(Double(coarse, fine) for fine, coarse in steps)
        self.decoder = nn.ModuleList(_stack(width, count) for width, count in levels[:-1])
        self.head = zero_init(nn.Conv2d(self.widths[0], channels_out, 3, padding=1))
        self.to(memory_format=torch.channels_last)  # 1.5 times as fast on a CPU

    @property
    def stride(self) -> int:
        """Pixels between two cells of the coarsest level; H and W must be multiples of it."""
        return 2 ** (len(self.widths) - 1)

    @property
    def receptive_radius_px(self) -> int:
        """Farthest pixel that can change an output pixel, from above, in rows or columns."""
        radius = 2  # stem and head, 3 x 3 each
        for level, count in enumerate(self.blocks):
            scale = 2**level
            last = level == len(self.blocks) - 1
            # a block reaches 2 cells; halving reaches 2; doubling 1, and 1 more by repetition
            radius += 2 * count * scale if last else (4 * count + 4) * scale
        return radius

    def body(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', H, W); a network's ``forward`` says what goes in and out."""
        x = self.stem(x)
        skips = []
        for blocks, halve in zip(self.encoder, self.halvings, strict=False):
            x = blocks(x)
            skips.append(x)
            x = halve(x)
        x = self.encoder[-1](x)
        for level in reversed(range(len(skips))):
            x = self.decoder[level](self.doublings[level](x) + skips[level])
        return self.head(F.leaky_relu(x, LEAK))


def _stack(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(width) for _ in range(count)))


def exact_sums(device: torch.device) -> AbstractContextManager[None]:
    """Let an accelerator's convolutions keep all bits of float32 while networks run over scans.

    Without this they keep ten bits of each factor (TensorFloat-32), which scans of 16 bits show.

    Args:
        device: Where the network is; on a CPU nothing changes.
    """
    if device.type != "cuda":
        return nullcontext()
    cudnn = torch.backends.cudnn
    return cudnn.flags(enabled=cudnn.enabled, deterministic=True, allow_tf32=False)
