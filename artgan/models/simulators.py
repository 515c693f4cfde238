"""The networks of simulation by name, and works from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.models.checkpoint import load_network, unpack_weights
from artgan.models.dcgan import DcganDiscriminator, DcganGenerator
from artgan.models.discriminator import Discriminator
from artgan.models.generator import Generator
from artgan.models.latents import Latents
from artgan.models.style_generator import StyleGenerator
from artgan.presets import NetworkName, SimulationPreset

AnyGenerator = Generator | StyleGenerator | DcganGenerator
AnyDiscriminator = Discriminator | DcganDiscriminator

_GENERATORS: dict[NetworkName, type[AnyGenerator]] = {
    "skip": Generator,
    "style": StyleGenerator,
    "dcgan": DcganGenerator,
}
_DISCRIMINATORS: dict[NetworkName, type[AnyDiscriminator]] = {
    "skip": Discriminator,
    "style": Discriminator,
    "dcgan": DcganDiscriminator,
}


def latents_of(preset: SimulationPreset) -> Latents:
    """Return what the works of a preset start from."""
    return Latents(preset.latent, preset.continuous, preset.modes, len(preset.classes))


def make_generator(preset: SimulationPreset) -> AnyGenerator:
    """Make the untrained generator of a preset, from torch's global generator."""
    sizes = (preset.size_px, preset.base_channels, preset.max_channels)
    return _GENERATORS[preset.network](*sizes, latents_of(preset))


def make_discriminator(preset: SimulationPreset) -> AnyDiscriminator:
    """Make the untrained discriminator of a preset, from torch's global generator."""
    sizes = (preset.size_px, preset.base_channels, preset.max_channels)
    return _DISCRIMINATORS[preset.network](*sizes, latents_of(preset))


def device_of(generator: AnyGenerator) -> torch.device:
    """Return the device that a generator is on."""
    return next(generator.parameters()).device


@torch.no_grad()
def sample(
    generator: AnyGenerator,
    seeds: Sequence[int],
    truncation: float = 1.0,
    label: int | None = None,
) -> Tensor:
    """Draw one work per seed, in one batch.

    Each work's latent and noise come from its own seed. The last bits may still depend on the
    batch size, because libraries choose convolution kernels by it; see ``simulate`` for exactness.

    Args:
        generator: Trained generator.
        seeds: One non-negative integer per work.
        truncation: 1 is the learned variety, 0 the mean work.
        label: Class of the works, where there are classes; None draws it from the seed.

    Returns:
        (len(seeds), 3, size, size) float32 in [0, 1], on the generator's device.
    """
    z, noise = drawn(generator, seeds, label)
    return generator(z, noise, truncation)


def drawn(
    generator: AnyGenerator, seeds: Sequence[int], label: int | None = None
) -> tuple[Tensor, list[Tensor]]:
    """Draw latents and noise, each work's from its own seed, onto the generator's device."""
    labels = None if label is None else torch.tensor([label])
    draws = [generator.draw(1, torch.Generator().manual_seed(seed), labels) for seed in seeds]
    device = device_of(generator)
    z = torch.cat([z for z, _ in draws]).to(device)
    return z, [torch.cat(one).to(device) for one in zip(*(n for _, n in draws), strict=True)]


@dataclass(frozen=True)
class Simulator:
    """A published generator and what its settings say about it.

    Attributes:
        generator: On the CPU, in evaluation mode, without gradients.
        preset: What it was made with.
    """

    generator: AnyGenerator
    preset: SimulationPreset

    def label_of(self, collection: str) -> int | None:
        """Return the class of a collection, or None where the generator knows no such class."""
        classes = self.preset.classes
        return classes.index(collection) if collection in classes else None


def load_simulator(data: bytes) -> Simulator:
    """Rebuild a published generator, ready for sampling.

    Args:
        data: What ``pack_weights`` made of a network named ``generator_ema`` and settings whose
            ``preset`` holds the fields of a ``SimulationPreset``; those that older models lack
            have their defaults.

    Raises:
        CorruptAssetError: The bytes hold something else.
    """
    states, settings = unpack_weights(data)
    try:
        preset = preset_from(settings["preset"])
        generator = make_generator(preset)
    except (KeyError, TypeError, InvalidInputError) as error:
        raise CorruptAssetError(
            "settings of a generator must hold a preset with size_px, base_channels, "
            f"max_channels and latent, got {settings}. Use a model of the kind simulation."
        ) from error
    load_network(generator, states.get("generator_ema", {}))
    return Simulator(generator.eval().requires_grad_(requires_grad=False), preset)


def load_generator(data: bytes) -> AnyGenerator:
    """Rebuild a published generator; see `load_simulator`."""
    return load_simulator(data).generator


def preset_from(settings: Mapping[str, Any]) -> SimulationPreset:
    """Read a preset from a model's settings.

    Raises:
        KeyError: When a size is missing.
        TypeError: When they are no preset at all.
    """
    known = {field.name for field in fields(SimulationPreset)}
    values: dict[str, Any] = {name: value for name, value in settings.items() if name in known}
    for name in ("size_px", "base_channels", "max_channels", "latent"):
        values[name] = int(settings[name])
    values["classes"] = tuple(settings.get("classes", ()))
    return SimulationPreset(**values)
