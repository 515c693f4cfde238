"""The collection stylizer: a residual translator over a colour map, and what trains it."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from artgan.errors import CorruptAssetError
from artgan.models.blocks import LEAK, clip_to_range, zero_init
from artgan.models.checkpoint import load_network, unpack_weights

STRIDE = 4
"""Both sides of what the translator sees must be multiples of this."""


def _conv(channels_in: int, channels_out: int, kernel: int = 3) -> nn.Conv2d:
    """Convolve with reflected borders: a frame of zeros would be painted over as a motif."""
    return nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, padding_mode="reflect")


ColorSide = Literal["style", "content"]
COLOR_SIDES: tuple[ColorSide, ...] = ("style", "content")


class BlurHalve(nn.Module):
    """Halve the resolution through a small binomial filter, so that shifts stay shifts.

    References:
        Zhang 2019, "Making Convolutional Networks Shift-Invariant Again",
        https://arxiv.org/abs/1904.11486
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        kernel = torch.outer(taps, taps).expand(channels, 1, 4, 4).clone()
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, H/2, W/2)."""
        padded = F.pad(x, (1, 1, 1, 1), mode="reflect")
        return F.conv2d(padded, self.get_buffer("kernel"), stride=2, groups=x.shape[1])


class _Residual(nn.Module):
    """Pre-activation residual block with reflected borders; the identity at the start."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _conv(channels, channels)
        self.second = zero_init(_conv(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.leaky_relu(self.first(F.leaky_relu(x, LEAK)), LEAK))


class Translator(nn.Module):
    """Add the brushwork of a collection to pictures that have its colours already.

    Untrained, it changes nothing: the last layer starts at zero. It carries the colours of the
    collection and of the works translated from, so that each picture can be given the
    collection's colours first. Differs from the paper: the colours and
    the sum; no normalisation over the frame, so that a tile of a picture comes out as it would
    from the whole; the encoder's features serve the contrastive loss as there.

    Args:
        width: Channels at full resolution; four times as many in the trunk.
        blocks: Residual blocks of the trunk, at a quarter of the resolution.

    References:
        Park et al. 2020, "Contrastive Learning for Unpaired Image-to-Image Translation",
        https://arxiv.org/abs/2007.15651
    """

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        for side in COLOR_SIDES:
            self.register_buffer(f"{side}_mean", torch.zeros(3, dtype=torch.float64))
            self.register_buffer(f"{side}_covariance", torch.eye(3, dtype=torch.float64))
        self.stem = _conv(3, width, 5)
        self.down = nn.ModuleList(
            nn.Sequential(nn.LeakyReLU(LEAK), _conv(c, 2 * c), BlurHalve(2 * c))
            for c in (width, 2 * width)
        )
        self.trunk = nn.Sequential(*(_Residual(4 * width) for _ in range(blocks)))
        self.up = nn.ModuleList(_conv(2 * c, c) for c in (2 * width, width))
        self.head = zero_init(_conv(width, 3, 5))
        # Stem, two halvings and doublings with their filters, head; then two per trunk block.
        self.reach_px = 24 + 2 * STRIDE * blocks

    def set_colors(self, side: ColorSide, mean: np.ndarray, covariance: np.ndarray) -> None:
        """Keep the mean (3,) and covariance (3, 3) of one side's sRGB values in [0, 1]."""
        self.get_buffer(f"{side}_mean").copy_(torch.from_numpy(mean))
        self.get_buffer(f"{side}_covariance").copy_(torch.from_numpy(covariance))

    def colors(self, side: ColorSide) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean and covariance of one side, as `set_colors` took them."""
        names = (f"{side}_mean", f"{side}_covariance")
        mean, covariance = (self.get_buffer(name).cpu().numpy() for name in names)
        return mean, covariance

    def forward(self, images: Tensor) -> Tensor:
        """Refine (B, 3, H, W) in [0, 1], sides multiples of 4; the same shape and range."""
        return self.decode(images, self.encode(images)[-1])

    def decode(self, tinted: Tensor, deepest: Tensor) -> Tensor:
        """Finish ``forward`` from the last map of ``encode``."""
        x = self.trunk(deepest)
        for conv in self.up:
            x = F.interpolate(x, scale_factor=2, mode="bilinear")
            x = conv(F.leaky_relu(x, LEAK))
        return clip_to_range(tinted + self.head(F.leaky_relu(x, LEAK)))

    def encode(self, tinted: Tensor) -> list[Tensor]:
        """Return features at full, half and quarter resolution."""
        maps = [self.stem(2 * tinted - 1)]
        for down in self.down:
            maps.append(down(maps[-1]))
        return maps

    @property
    def encoder_channels(self) -> tuple[int, ...]:
        """Channels of what ``encode`` returns."""
        width = self.stem.out_channels
        return (width, 2 * width, 4 * width)


class PatchProjections(nn.Module):
    """Project encoder features at single locations to unit vectors, one small MLP per layer.

    Args:
        channels: Channels of each layer.
        size: Length of the vectors.
    """

    def __init__(self, channels: Sequence[int], size: int = 64) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(c, size), nn.ReLU(), nn.Linear(size, size)) for c in channels
        )

    def forward(self, maps: Sequence[Tensor], locations: Sequence[Tensor]) -> list[Tensor]:
        """Return (B, P, size) per map, at locations (P,) that index its flattened H*W."""
        return [
            F.normalize(layer(m.flatten(2)[:, :, at].transpose(1, 2)), dim=2)
            for layer, m, at in zip(self.layers, maps, locations, strict=True)
        ]


class StyleDiscriminator(nn.Module):
    """Judge overlapping patches of 34 pixels: half a crop, as 70 pixels are of a larger one.

    Args:
        width: Channels of the first layer.

    References:
        Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks",
        section 3.2.2, https://arxiv.org/abs/1611.07004
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            spectral_norm(nn.Conv2d(3, width, 4, 2, 1)),
            nn.LeakyReLU(LEAK),
            spectral_norm(nn.Conv2d(width, 2 * width, 4, 2, 1)),
            nn.LeakyReLU(LEAK),
            spectral_norm(nn.Conv2d(2 * width, 4 * width, 4, 1, 1)),
            nn.LeakyReLU(LEAK),
            nn.Conv2d(4 * width, 1, 4, 1, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, 1, H/4 - 2, W/4 - 2), 1 for the collection's own works."""
        return self.layers(2 * images - 1)


def load_translator(data: bytes) -> Translator:
    """Rebuild a published translator, ready for use.

    Args:
        data: What ``pack_weights`` made of a network named ``translator_ema`` and settings whose
            ``preset`` holds ``width`` and ``blocks``.

    Returns:
        The translator on the CPU, in evaluation mode, without gradients.

    Raises:
        CorruptAssetError: The bytes hold something else.
    """
    states, settings = unpack_weights(data)
    try:
        translator = Translator(*(int(settings["preset"][name]) for name in ("width", "blocks")))
    except (KeyError, TypeError) as error:
        raise CorruptAssetError(
            f"settings of a translator must hold a preset's width and blocks, got {settings}. "
            "Use a model of the kind style."
        ) from error
    load_network(translator, states.get("translator_ema", {}))
    return translator.eval().requires_grad_(requires_grad=False)
