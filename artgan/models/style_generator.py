"""The style-based generator: latents become styles, which scale the channels of every layer."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan.models.blocks import LEAK
from artgan.models.generator import channels_at, check_channels, draw_noise, resolutions
from artgan.models.latents import Latents, truncated

_MAPPING_LAYERS = 2
_MAPPING_RATE = 0.01
_TINY = 1e-8


def modulated_convolution(
    x: Tensor, weight: Tensor, style: Tensor, *, demodulate: bool = True
) -> Tensor:
    """Convolve with kernels whose input channels are scaled by a style, work by work.

    Scaling what comes in and dividing what goes out is the same as scaling and normalising the
    kernels, and needs no kernels of their own for each work.

    Args:
        x: (B, C, H, W).
        weight: (O, C, k, k), k odd; the border is padded with zeros.
        style: (B, C).
        demodulate: Divide each output channel by the norm of its scaled kernel.

    Returns:
        (B, O, H, W).

    References:
        Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", eq. 1 and 3,
        https://arxiv.org/abs/1912.04958
    """
    y = F.conv2d(x * style[:, :, None, None], weight, padding=weight.shape[-1] // 2)
    if not demodulate:
        return y
    squares = style.square() @ weight.square().sum(dim=(2, 3)).T  # (B, O)
    return y * torch.rsqrt(squares + _TINY)[:, :, None, None]


class EqualLinear(nn.Module):
    """Linear layer whose weights are drawn from N(0, 1) and scaled in use, so that all learn alike.

    Args:
        features_in: Numbers in.
        features_out: Numbers out.
        rate: Factor of the learning rate.
        bias: Initial bias.

    References:
        Karras et al. 2018, "Progressive Growing of GANs", section 4.1,
        https://arxiv.org/abs/1710.10196
    """

    def __init__(
        self, features_in: int, features_out: int, rate: float = 1.0, bias: float = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features_out, features_in) / rate)
        self.bias = nn.Parameter(torch.full((features_out,), bias / rate))
        self.gain, self.rate = rate / math.sqrt(features_in), rate

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in) to (B, out)."""
        return F.linear(x, self.weight * self.gain, self.bias * self.rate)


class _StyledConv(nn.Module):
    """Modulated 3x3 convolution, noise of a learned strength, bias, leaky ReLU."""

    def __init__(
        self, channels_in: int, channels_out: int, styles: int, *, noisy: bool = False
    ) -> None:
        super().__init__()
        self.style = EqualLinear(styles, channels_in, bias=1.0)
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in, 3, 3))
        self.noise_strength = nn.Parameter(torch.zeros(1)) if noisy else None
        self.bias = nn.Parameter(torch.zeros(channels_out))
        self.gain = 1 / math.sqrt(9 * channels_in)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None = None) -> Tensor:
        x = modulated_convolution(x, self.weight * self.gain, self.style(w))
        if noise is not None and self.noise_strength is not None:
            x = x + self.noise_strength * noise
        return F.leaky_relu(x + self.bias[:, None, None], LEAK) * math.sqrt(2)


class _ToRgb(nn.Module):
    """Modulated 1x1 convolution to three channels, without demodulation."""

    def __init__(self, channels: int, styles: int) -> None:
        super().__init__()
        self.style = EqualLinear(styles, channels, bias=1.0)
        self.weight = nn.Parameter(torch.randn(3, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.gain = 1 / math.sqrt(channels)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        rgb = modulated_convolution(x, self.weight * self.gain, self.style(w), demodulate=False)
        return rgb + self.bias[:, None, None]


class _Level(nn.Module):
    """One resolution: its first convolution takes noise, its second refines; then colours."""

    def __init__(self, channels_in: int, channels_out: int, styles: int) -> None:
        super().__init__()
        self.first = _StyledConv(channels_in, channels_out, styles, noisy=True)
        self.second = _StyledConv(channels_out, channels_out, styles)
        self.to_rgb = _ToRgb(channels_out, styles)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        x = self.second(self.first(x, w, noise), w)
        return x, self.to_rgb(x, w)


class StyleGenerator(nn.Module):
    """Turn latents into styles, one for each resolution, and styles into square works.

    Differs from the paper: a mapping of two layers, as for small collections in "Training
    Generative Adversarial Networks with Limited Data"; one style and one noise for each
    resolution; bilinear enlargement; colours squashed into [0, 1]; no path length penalty.

    Args:
        size_px: Side of the works, a power of two of at least 16.
        base_channels: Channels at full resolution, a multiple of 8.
        max_channels: Upper bound of the channels of a layer, a multiple of 8.
        latents: What works start from.

    Raises:
        InvalidInputError: When a size or a number of channels breaks these rules.

    References:
        Karras et al. 2019, https://arxiv.org/abs/1812.04948; Karras et al. 2020, "Analyzing and
        Improving the Image Quality of StyleGAN", https://arxiv.org/abs/1912.04958
    """

    def __init__(
        self, size_px: int, base_channels: int, max_channels: int, latents: Latents
    ) -> None:
        super().__init__()
        check_channels(base_channels, max_channels)
        self.size_px, self.latents = size_px, latents
        self.resolutions = resolutions(size_px)
        styles = latents.normal
        sizes = [latents.length, *[styles] * _MAPPING_LAYERS]
        self.mapping = nn.ModuleList(EqualLinear(a, b, _MAPPING_RATE) for a, b in pairwise(sizes))
        widths = [channels_at(r, size_px, base_channels, max_channels) for r in self.resolutions]
        self.root = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.levels = nn.ModuleList(_Level(a, b, styles) for a, b in pairwise([widths[0], *widths]))

    def forward(self, z: Tensor, noise: Sequence[Tensor], truncation: float = 1.0) -> Tensor:
        """Return works (B, 3, size, size) in [0, 1] from latents (B, length) and their noise.

        ``truncation`` below 1 draws the styles towards their mean.
        """
        return self.finish(truncated(self, z, noise, truncation), noise)

    def begin(self, z: Tensor, noise: Sequence[Tensor] = ()) -> Tensor:
        """Return the styles (B, levels, numbers), the same at each level."""
        del noise
        w = self.latents.scaled(z)
        for layer in self.mapping:
            w = F.leaky_relu(layer(w), LEAK) * math.sqrt(2)
        return w[:, None].expand(-1, len(self.resolutions), -1)

    def finish(self, start: Tensor, noise: Sequence[Tensor]) -> Tensor:
        """Return works (B, 3, size, size) in [0, 1] from styles (B, levels, numbers)."""
        x = self.root.expand(len(start), -1, -1, -1)
        colours = x.new_zeros(1, 3, 4, 4)
        for number, (level, level_noise) in enumerate(zip(self.levels, noise, strict=True)):
            if number:
                x, colours = _doubled(x), _doubled(colours)
            x, added = level(x, start[:, number], level_noise)
            colours = colours + added
        return 0.5 + 0.5 * torch.tanh(colours)

    def draw(
        self, count: int, rng: torch.Generator | None = None, labels: Tensor | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """Draw latents (count, length) and the noise of each resolution, on the CPU."""
        z = self.latents.draw(count, rng, labels)
        return z, draw_noise(count, self.resolutions, rng)


def mix_styles(coarse: Tensor, fine: Tensor, crossover: Tensor) -> Tensor:
    """Take the styles of some works up to a level, and those of others from there on.

    Args:
        coarse: (B, levels, numbers), for form and arrangement.
        fine: The same shape, for colour and texture.
        crossover: (B,) first level that takes the fine style; ``levels`` takes none.

    References:
        Karras et al. 2019, section 3.1, https://arxiv.org/abs/1812.04948
    """
    levels = torch.arange(coarse.shape[1], device=coarse.device)
    return torch.where((levels < crossover[:, None])[:, :, None], coarse, fine)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
