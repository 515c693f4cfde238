"""The generator of whole small works: a light convolutional network with skip-layer excitation."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.models.checkpoint import load_network, unpack_weights

_CHANNELS_PER_GROUP = 8
_NOISE_RATE = 0.02
_CENTER_LATENTS = 1024
_CENTER_SEED = 0


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
        self.norm = nn.GroupNorm(2 * channels // _CHANNELS_PER_GROUP, 2 * channels)

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        # Noise looks like texture to a young discriminator; learned at the full rate it drowns
        # the forms for the first thousand steps.
        return F.glu(self.norm(x + _NOISE_RATE * self.noise_strength * noise), dim=1)


class _UpBlock(nn.Module):
    """Double the resolution: nearest neighbour, 3x3 convolution, noise, norm, gate."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 2 * out_channels, 3, padding=1)
        self.gate = _NoisyGate(out_channels)

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        return self.gate(self.conv(F.interpolate(x, scale_factor=2, mode="nearest")), noise)


class Generator(nn.Module):
    """Turn latent vectors into square works; no value of one work depends on another's.

    Differs from the paper: group instead of batch normalisation, so that a work does not depend
    on its batch; noise in every block; the works leave in [0, 1] like every image batch.

    Args:
        size_px: Side of the works, a power of two of at least 16.
        base_channels: Channels at full resolution, a multiple of 8.
        max_channels: Upper bound of the channels of a layer, a multiple of 8.
        latent: Length of the latent vector.

    Raises:
        InvalidInputError: When a size or a number of channels breaks these rules.

    References:
        Liu et al. 2021, "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot
        Image Synthesis", https://arxiv.org/abs/2101.04775
    """

    def __init__(self, size_px: int, base_channels: int, max_channels: int, latent: int) -> None:
        super().__init__()
        check_size(size_px)
        for name, count in (("base_channels", base_channels), ("max_channels", max_channels)):
            if count < _CHANNELS_PER_GROUP or count % _CHANNELS_PER_GROUP:
                message = f"{name} must be a multiple of 8, got {count}. Take 16 or 32."
                raise InvalidInputError(message)
        self.size_px, self.latent = size_px, latent
        self.resolutions = [2**e for e in range(2, int(math.log2(size_px)) + 1)]
        width = {r: channels_at(r, size_px, base_channels, max_channels) for r in self.resolutions}
        self.root = nn.ConvTranspose2d(latent, 2 * width[4], 4)
        self.root_gate = _NoisyGate(width[4])
        self.blocks = nn.ModuleList(_UpBlock(width[r // 2], width[r]) for r in self.resolutions[1:])
        # The gates reach the last two resolutions, from one coarser pair on small works.
        source = 8 if size_px >= 256 else 4
        self._gate_sources = {size_px // 2: source, size_px: 2 * source}
        self.excitations = nn.ModuleDict(
            {str(to): SkipExcitation(width[at], width[to]) for to, at in self._gate_sources.items()}
        )
        self.to_rgb = nn.Conv2d(width[size_px], 3, 3, padding=1)

    def forward(self, z: Tensor, noise: Sequence[Tensor], truncation: float = 1.0) -> Tensor:
        """Return works (B, 3, size, size) in [0, 1] from z (B, latent) and one noise a level.

        ``truncation`` below 1 draws the first 4x4 map towards its mean: fewer surprises, less
        variety.
        """
        x = self._begin(z, noise[0])
        if truncation != 1.0:
            center = self._center()
            x = center + truncation * (x - center)
        maps = {4: x}
        for resolution, block, level_noise in zip(
            self.resolutions[1:], self.blocks, noise[1:], strict=True
        ):
            x = block(x, level_noise)
            if resolution in self._gate_sources:
                x = self.excitations[str(resolution)](maps[self._gate_sources[resolution]], x)
            maps[resolution] = x
        return 0.5 + 0.5 * torch.tanh(self.to_rgb(x))

    def draw(self, count: int, rng: torch.Generator | None = None) -> tuple[Tensor, list[Tensor]]:
        """Draw latents (count, latent) and the noise of each level, on the CPU.

        Args:
            count: Number of works.
            rng: Source of randomness; None is torch's global generator.

        Returns:
            What ``forward`` takes.
        """
        z = torch.randn(count, self.latent, generator=rng)
        noise = [torch.randn(count, 1, r, r, generator=rng) for r in self.resolutions]
        return z, noise

    def _begin(self, z: Tensor, noise: Tensor) -> Tensor:
        unit = z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + 1e-8)
        return self.root_gate(self.root(unit[:, :, None, None]), noise)

    def _center(self) -> Tensor:
        """Mean first map over fixed latents; the group norm makes scaling z itself useless."""
        rng = torch.Generator().manual_seed(_CENTER_SEED)
        z = torch.randn(_CENTER_LATENTS, self.latent, generator=rng)
        device = self.to_rgb.weight.device
        silence = torch.zeros(1, 1, 4, 4, device=device)
        return self._begin(z.to(device), silence).mean(dim=0, keepdim=True)


@torch.no_grad()
def sample(generator: Generator, seeds: Sequence[int], truncation: float = 1.0) -> Tensor:
    """Draw one work per seed, in one batch.

    Each work's latent and noise come from its own seed. The last bits may still depend on the
    batch size, because libraries choose convolution kernels by it; see ``simulate`` for exactness.

    Args:
        generator: Trained generator.
        seeds: One non-negative integer per work.
        truncation: 1 is the learned variety, 0 the mean work.

    Returns:
        (len(seeds), 3, size, size) float32 in [0, 1], on the generator's device.
    """
    draws = [generator.draw(1, torch.Generator().manual_seed(seed)) for seed in seeds]
    device = generator.to_rgb.weight.device
    z = torch.cat([z for z, _ in draws]).to(device)
    noise = [torch.cat(level).to(device) for level in zip(*(n for _, n in draws), strict=True)]
    return generator(z, noise, truncation)


def load_generator(data: bytes) -> Generator:
    """Rebuild a published generator, ready for sampling.

    Args:
        data: What ``pack_weights`` made of a network named ``generator_ema`` and settings whose
            ``preset`` holds ``size_px``, ``base_channels``, ``max_channels`` and ``latent``.

    Returns:
        The generator on the CPU, in evaluation mode, without gradients.

    Raises:
        CorruptAssetError: The bytes hold something else.
    """
    states, settings = unpack_weights(data)
    names = ("size_px", "base_channels", "max_channels", "latent")
    try:
        generator = Generator(*(int(settings["preset"][name]) for name in names))
    except (KeyError, TypeError, InvalidInputError) as error:
        raise CorruptAssetError(
            f"settings of a generator must hold a preset with {', '.join(names)}, got {settings}. "
            "Use a model of the kind simulation."
        ) from error
    load_network(generator, states.get("generator_ema", {}))
    return generator.eval().requires_grad_(requires_grad=False)
