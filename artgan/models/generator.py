"""The generator of whole small works: light convolutions, steered by the latents at every level."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.models.latents import Latents, truncated

CHANNELS_PER_GROUP = 8
_NOISE_RATE = 0.02
_MODULATION = 2.0


def channels_at(resolution_px: int, size_px: int, base: int, maximum: int) -> int:
    """Return the channels of the layers at one resolution: doubled at each halving, capped."""
    return min(maximum, base * size_px // resolution_px)


def check_size(size_px: int) -> None:
    """Refuse a side that the networks cannot double from 4 pixels up to.

    Raises:
        InvalidInputError: When the side is not a power of two of at least 16.
    """
    if size_px < 16 or size_px & (size_px - 1):
        message = f"size_px must be a power of two of at least 16, got {size_px}. Take 32, 64, 128."
        raise InvalidInputError(message)


def check_channels(base: int, maximum: int) -> None:
    """Refuse numbers of channels that cannot be normalised in groups.

    Raises:
        InvalidInputError: When one is no multiple of 8.
    """
    for name, count in (("base_channels", base), ("max_channels", maximum)):
        if count < CHANNELS_PER_GROUP or count % CHANNELS_PER_GROUP:
            message = f"{name} must be a multiple of 8, got {count}. Take 16 or 32."
            raise InvalidInputError(message)


def resolutions(size_px: int) -> list[int]:
    """Return the sides of the maps that a generator goes through: 4, 8 and so on up to its own.

    Raises:
        InvalidInputError: When the side is not a power of two of at least 16.
    """
    check_size(size_px)
    return [2**exponent for exponent in range(2, int(math.log2(size_px)) + 1)]


def draw_noise(
    count: int, sides: Sequence[int], rng: torch.Generator | None = None
) -> list[Tensor]:
    """Draw one map of noise (count, 1, side, side) for each side, on the CPU."""
    return [torch.randn(count, 1, side, side, generator=rng) for side in sides]


class SkipExcitation(nn.Module):
    """Weigh the channels of a large map by what a small, earlier map shows.

    Lets gradients reach the coarse layers in one jump: the small map is pooled to 4x4, reduced to
    one value per channel and squashed to (0, 1).

    Args:
        small_channels: Channels of the small map.
        large_channels: Channels of the large map.

    References:
        Liu et al. 2021, "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot
        Image Synthesis", section 3.1, https://arxiv.org/abs/2101.04775
    """

    def __init__(self, small_channels: int, large_channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(small_channels, large_channels, 4)
        self.mix = nn.Conv2d(large_channels, large_channels, 1)

    def forward(self, small: Tensor, large: Tensor) -> Tensor:
        """Return the large map (B, C, H, W) with weighted channels."""
        pooled = F.adaptive_avg_pool2d(small, 4)
        return large * torch.sigmoid(self.mix(F.silu(self.reduce(pooled))))


class _NoisyGate(nn.Module):
    """Noise of a learned strength, group normalisation, gated linear unit: 2C channels to C."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.noise_strength = nn.Parameter(torch.zeros(1))
        self.norm = nn.GroupNorm(2 * channels // CHANNELS_PER_GROUP, 2 * channels)

    def forward(self, x: Tensor, noise: Tensor, modulation: Tensor | None = None) -> Tensor:
        # Noise looks like texture to a young discriminator; learned at the full rate it drowns
        # the forms for the first thousand steps.
        x = self.norm(x + _NOISE_RATE * self.noise_strength * noise)
        if modulation is not None:
            scale, shift = modulation[:, :, None, None].chunk(2, dim=1)
            x = x * (1 + scale) + shift
        return F.glu(x, dim=1)


class _UpBlock(nn.Module):
    """Double the resolution: nearest neighbour, 3x3 convolution, noise, norm, modulation, gate."""

    def __init__(self, in_channels: int, out_channels: int, latents: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 2 * out_channels, 3, padding=1)
        self.modulation = nn.Linear(latents, 4 * out_channels)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        self.register_load_state_dict_pre_hook(_unmodulated)
        self.gate = _NoisyGate(out_channels)

    def forward(self, x: Tensor, latents: Tensor, noise: Tensor) -> Tensor:
        x = self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))
        return self.gate(x, noise, self.modulation(latents))


def _unmodulated(block: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
    """Let models from before 0.3.0 be read: their blocks are not modulated, which is zeros."""
    for name, still in block.get_submodule("modulation").state_dict().items():
        state.setdefault(f"{prefix}modulation.{name}", torch.zeros_like(still))


class Generator(nn.Module):
    """Turn latent vectors into square works; no value of one work depends on another's.

    A network that the latents enter at its root alone paints works of one contrast and palette:
    the norms of later blocks take out what sets a dark night apart. So the latents modulate each
    block's norm too.

    Differs from the papers: group instead of batch normalisation, so that a work does not depend
    on its batch; noise in every block; modulation is linear in the latents and starts as none;
    the works leave in [0, 1] like every image batch.

    Args:
        size_px: Side of the works, a power of two of at least 16.
        base_channels: Channels at full resolution, a multiple of 8.
        max_channels: Upper bound of the channels of a layer, a multiple of 8.
        latents: What works start from; a number stands for so many random numbers.

    Raises:
        InvalidInputError: When a size or a number of channels breaks these rules.

    References:
        Liu et al. 2021, "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot
        Image Synthesis", https://arxiv.org/abs/2101.04775; Chen et al. 2019, "On Self Modulation
        for Generative Adversarial Networks", section 2, https://arxiv.org/abs/1810.01365
    """

    modulation_gains: Tensor

    def __init__(
        self, size_px: int, base_channels: int, max_channels: int, latents: Latents | int
    ) -> None:
        super().__init__()
        check_channels(base_channels, max_channels)
        self.size_px = size_px
        self.latents = latents if isinstance(latents, Latents) else Latents(latents)
        self.resolutions = resolutions(size_px)
        width = {r: channels_at(r, size_px, base_channels, max_channels) for r in self.resolutions}
        length = self.latents.length
        self.root = nn.ConvTranspose2d(length, 2 * width[4], 4)
        self.root_gate = _NoisyGate(width[4])
        # Enlarged, so that modulation learns faster than the rest; but one code as strong as there
        # swaps the whole scene when it is turned.
        gains = _MODULATION * self.latents.evened()
        self.register_buffer("modulation_gains", gains, persistent=False)
        self.blocks = nn.ModuleList(
            _UpBlock(width[r // 2], width[r], length) for r in self.resolutions[1:]
        )
        # The gates reach the last two resolutions, from one coarser pair on small works.
        source = 8 if size_px >= 256 else 4
        self._gate_sources = {size_px // 2: source, size_px: 2 * source}
        self.excitations = nn.ModuleDict(
            {str(to): SkipExcitation(width[at], width[to]) for to, at in self._gate_sources.items()}
        )
        self.to_rgb = nn.Conv2d(width[size_px], 3, 3, padding=1)

    def forward(self, z: Tensor, noise: Sequence[Tensor], truncation: float = 1.0) -> Tensor:
        """Return works (B, 3, size, size) in [0, 1] from latents (B, length) and their noise.

        ``truncation`` below 1 draws the first map and the modulation towards their mean: fewer
        surprises, less variety. The group norm makes scaling z itself useless.
        """
        return self.finish(truncated(self, z, noise, truncation), noise)

    def begin(self, z: Tensor, noise: Sequence[Tensor] = ()) -> Tensor:
        """Return scaled latents and the first 4x4 map in one row a work, (B, length + 16 C).

        Without noise if none is given.
        """
        still = noise[0] if noise else z.new_zeros(1, 1, 4, 4)
        scaled = self.latents.scaled(z)
        first = self.root_gate(self.root(scaled[:, :, None, None]), still)
        return torch.cat([scaled, first.flatten(1)], dim=1)

    def finish(self, start: Tensor, noise: Sequence[Tensor]) -> Tensor:
        """Return works (B, 3, size, size) in [0, 1] from what ``begin`` returned."""
        length = self.latents.length
        modulating = self.modulation_gains * start[:, :length]
        x = start[:, length:].unflatten(1, (-1, 4, 4))
        maps = {4: x}
        for resolution, block, level_noise in zip(
            self.resolutions[1:], self.blocks, noise[1:], strict=True
        ):
            x = block(x, modulating, level_noise)
            if resolution in self._gate_sources:
                x = self.excitations[str(resolution)](maps[self._gate_sources[resolution]], x)
            maps[resolution] = x
        return 0.5 + 0.5 * torch.tanh(self.to_rgb(x))

    def draw(
        self, count: int, rng: torch.Generator | None = None, labels: Tensor | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """Draw latents (count, length) and the noise of each level, on the CPU.

        Args:
            count: Number of works.
            rng: Source of randomness; None is torch's global generator.
            labels: (count,) classes; None draws them.

        Returns:
            What ``forward`` takes.
        """
        z = self.latents.draw(count, rng, labels)
        return z, draw_noise(count, self.resolutions, rng)
