"""How large a network is and how long it trains, by preset name and by kind of model.

``smoke`` proves an installation in seconds, ``demo`` shows every part within minutes on two
cores, ``tiny`` is the shortest training worth publishing from a machine without an accelerator.
"""

from dataclasses import dataclass
from typing import Literal

PresetName = Literal["smoke", "demo", "tiny"]
Kind = Literal["restoration", "simulation", "style"]


@dataclass(frozen=True)
class RestorationPreset:
    """A filler of known damage: U-Net over push-pull prefill, PatchGAN in the last part.

    Attributes:
        short_side_px: Short side of the pictures that crops are cut from.
        crop_px: Side of the square training crops.
        widths: Channels of each resolution level of the U-Net.
        blocks: Residual blocks of each level.
        discriminator_width: Channels of the first PatchGAN layer.
        batch: Crops per step.
        learning_rate: Adam step size of the generator.
        gan_fraction: Last fraction of the steps in which the PatchGAN takes part.
        adversarial_weight: Weight of the adversarial loss in that part.
        base_steps: Steps of the archive-wide base model.
        collection_steps: Steps of a collection's fine-tuning.
    """

    short_side_px: int = 128
    crop_px: int = 64
    widths: tuple[int, ...] = (16, 32, 64)
    blocks: tuple[int, ...] = (1, 1, 2)
    discriminator_width: int = 16
    batch: int = 16
    learning_rate: float = 2e-3
    gan_fraction: float = 0.25
    adversarial_weight: float = 0.1
    base_steps: int = 6000
    collection_steps: int = 400


@dataclass(frozen=True)
class SimulationPreset:
    """A generator of whole small works: skip-layer excitation, relativistic loss with R1 and R2.

    Attributes:
        size_px: Side of the square works.
        base_channels: Channels at full resolution; doubled at each halving up to max_channels.
        max_channels: Upper bound of the channels of a layer.
        latent: Length of the latent vector z.
        batch: Works per step.
        learning_rate: Adam step size of both networks.
        gamma: Weight of the R1 and R2 penalties.
        base_steps: Steps of the archive-wide base model.
        collection_steps: Steps of a collection's fine-tuning.
    """

    size_px: int = 32
    base_channels: int = 16
    max_channels: int = 128
    latent: int = 128
    batch: int = 16
    learning_rate: float = 2e-3
    gamma: float = 0.2
    base_steps: int = 2400
    collection_steps: int = 1200


@dataclass(frozen=True)
class StylePreset:
    """A contrastive unpaired translator from the archive's other works to one collection.

    Attributes:
        short_side_px: Short side of the pictures that crops are cut from.
        crop_px: Side of the square training crops.
        width: Channels at full resolution.
        blocks: Residual blocks of the generator's trunk.
        patches: Locations compared by the contrastive loss in each layer.
        batch: Crops per step.
        learning_rate: Adam step size.
        base_steps: Steps of the archive-wide base model.
        collection_steps: Steps of a collection's training.
    """

    short_side_px: int = 128
    crop_px: int = 64
    width: int = 16
    blocks: int = 4
    patches: int = 64
    batch: int = 4
    learning_rate: float = 4e-4
    base_steps: int = 0
    collection_steps: int = 600


@dataclass(frozen=True)
class TrainPreset:
    """The three kinds of model at one size."""

    restoration: RestorationPreset
    simulation: SimulationPreset
    style: StylePreset


PRESETS: dict[PresetName, TrainPreset] = {
    "smoke": TrainPreset(
        RestorationPreset(base_steps=12, collection_steps=6, batch=4),
        SimulationPreset(base_steps=12, collection_steps=6, batch=4),
        StylePreset(collection_steps=4, batch=2),
    ),
    "demo": TrainPreset(
        RestorationPreset(base_steps=800, collection_steps=150),
        SimulationPreset(base_steps=500, collection_steps=500),
        StylePreset(collection_steps=200),
    ),
    "tiny": TrainPreset(RestorationPreset(), SimulationPreset(), StylePreset()),
}
