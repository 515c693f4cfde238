"""How large a network is and how long it trains, by preset name and by kind of model.

``smoke`` proves an installation in seconds with networks too small to learn much, ``demo`` shows
every part within minutes on two cores, ``tiny`` is the shortest training worth publishing from a
machine without an accelerator. ``small`` and ``base`` are for an accelerator: pictures of 256 px.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

PresetName = Literal["smoke", "demo", "tiny", "small", "base"]
Kind = Literal[
    "restoration",
    "simulation",
    "style",
    "tone",
    "denoise",
    "upscale",
    "detection",
    "fast",
    "adain",
    "cyclegan",
    "multi",
]
NetworkName = Literal["skip", "style", "dcgan"]
"""Networks of simulation: skip-layer excitation, style-based, plain convolutions."""
LossName = Literal["relativistic", "non-saturating", "hinge", "wgan-gp"]
"""Adversarial losses of simulation."""
SimulationSize = Literal["cpu-32", "draft-128", "paper-256"]
"""Sizes of simulation models that go beyond the presets, by the side of their works."""

Enhancer = Literal["tone", "denoise", "upscale"]
"""Kinds that correct whole pictures."""
ENHANCERS: tuple[Enhancer, ...] = get_args(Enhancer)

STYLIZERS: dict[str, Kind] = {
    "cut": "style",
    "cyclegan": "cyclegan",
    "fast": "fast",
    "multi": "multi",
    "adain": "adain",
}
"""Kinds of model behind the methods of stylization that have one."""
OF_THE_ARCHIVE: frozenset[Kind] = frozenset({"multi", "adain"})
"""Kinds of which the archive has one model, and collections have none."""

Damage = Literal["craquelure", "losses", "tear", "scratches", "dust", "strokes"]
"""Damage that covers or removes paint, and has to be replaced."""
Veil = Literal["stain", "foxing", "grime"]
"""Damage that tints the picture and leaves it legible: to correct, not to replace."""
DamageClass = Literal[Damage, Veil]

OPAQUE: tuple[Damage, ...] = get_args(Damage)
VEILS: tuple[Veil, ...] = get_args(Veil)
DETECTED: tuple[DamageClass, ...] = tuple(kind for kind in OPAQUE if kind != "craquelure")
"""Classes that are marked unless asked otherwise: age cracks belong to a painting."""
DAMAGE_CLASSES: tuple[DamageClass, ...] = (*OPAQUE, *VEILS)


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
    adversarial_weight: float = 3.0
    base_steps: int = 3000
    collection_steps: int = 400


@dataclass(frozen=True)
class SimulationPreset:
    """A generator of whole small works, by default with skip-layer excitation.

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
        network: Generator and discriminator, by name.
        loss: Adversarial loss with its penalties, by name.
        continuous: Continuous codes that the discriminator reads back from works.
        modes: Modes of one categorical code, read back likewise; 0 is no such code.
        classes: Collections that works can be asked for, in the order of their labels.
        frozen: Early levels of the discriminator that a fine-tuning leaves as they are.
        privacy_noise: Noise of a private training over the longest gradient of a work; 0 is none.
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
    network: NetworkName = "skip"
    loss: LossName = "relativistic"
    continuous: int = 0
    modes: int = 0
    classes: tuple[str, ...] = ()
    frozen: int = 0
    privacy_noise: float = 0.0


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
class CycleganPreset:
    """Two unpaired translators, to one collection and back; the first is published.

    Attributes:
        short_side_px: Short side of the pictures that crops are cut from.
        crop_px: Side of the square training crops.
        width: Channels at full resolution.
        blocks: Residual blocks of each translator's trunk.
        cycle_weight: Weight of what the way there and back changes; the adversarial loss has 1.
        identity_weight: Weight of what a translator changes in works that need no change, as a
            part of the former; 0 where too little is painted.
        pool: Results of earlier steps that a discriminator may be shown again.
        batch: Crops of each side per step.
        learning_rate: Adam step size.
        base_steps: Steps of the archive-wide base model.
        collection_steps: Steps of a collection's training.
    """

    short_side_px: int = 128
    crop_px: int = 64
    width: int = 16
    blocks: int = 4
    cycle_weight: float = 5.0
    identity_weight: float = 0.1
    pool: int = 50
    batch: int = 1
    learning_rate: float = 5e-4
    base_steps: int = 0
    collection_steps: int = 600


@dataclass(frozen=True)
class MultiPreset:
    """One painter for all collections of the archive, told which one to paint like.

    Attributes:
        short_side_px: Short side of the pictures that crops are cut from.
        crop_px: Side of the square training crops.
        width: Channels at full resolution; four times as many in the trunk.
        blocks: Blocks of the trunk.
        cycle_weight: Weight of what the way there and back changes; the adversarial loss has 1.
        batch: Crops per step.
        learning_rate: Adam step size.
        base_steps: Steps of the archive's model.
        collection_steps: 0, as a collection has no model of its own.
        classes: Collections, in the order of their labels; those of the archive at the time.
    """

    short_side_px: int = 128
    crop_px: int = 64
    width: int = 16
    blocks: int = 4
    cycle_weight: float = 2.0
    batch: int = 4
    learning_rate: float = 5e-4
    base_steps: int = 1000
    collection_steps: int = 0
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TonePreset:
    """A guesser of the fifteen numbers that undo varnish and fading, from a thumbnail.

    Attributes:
        short_side_px: Short side of the pictures that parts are cut from.
        width: Channels of the first convolution.
        batch: Parts of works per step.
        learning_rate: Adam step size.
        identity_fraction: Part of the works that are shown as they are, to be left alone.
        base_steps: Steps of the archive-wide base model.
        collection_steps: Steps of a collection's fine-tuning.
    """

    short_side_px: int = 128
    width: int = 16
    batch: int = 24
    learning_rate: float = 2e-3
    identity_fraction: float = 0.3
    base_steps: int = 3000
    collection_steps: int = 400


@dataclass(frozen=True)
class DenoisePreset:
    """A remover of noise, blur and JPEG blocks: a residual U-Net over the picture itself.

    Attributes:
        short_side_px: Short side of the pictures that crops are cut from.
        crop_px: Side of the square training crops.
        widths: Channels of each resolution level.
        blocks: Residual blocks of each level.
        batch: Crops per step.
        learning_rate: Adam step size.
        base_steps: Steps of the archive-wide base model.
        collection_steps: Steps of a collection's fine-tuning.
    """

    short_side_px: int = 256
    crop_px: int = 48
    widths: tuple[int, ...] = (16, 32)
    blocks: tuple[int, ...] = (2, 3)
    batch: int = 8
    learning_rate: float = 3e-3
    base_steps: int = 2000
    collection_steps: int = 0


@dataclass(frozen=True)
class UpscalePreset:
    """A doubler of the size: residual blocks that correct the bicubic enlargement.

    Attributes:
        short_side_px: Short side of the pictures that crops are cut from.
        crop_px: Side of the square training crops, before they are halved; even.
        width: Channels.
        blocks: Residual blocks.
        noisy_fraction: Part of the crops that are noisy or compressed as well as small.
        batch: Crops per step.
        learning_rate: Adam step size.
        base_steps: Steps of the archive-wide base model.
        collection_steps: Steps of a collection's fine-tuning.
    """

    short_side_px: int = 256
    crop_px: int = 64
    width: int = 32
    blocks: int = 5
    noisy_fraction: float = 0.5
    batch: int = 8
    learning_rate: float = 2e-3
    base_steps: int = 1500
    collection_steps: int = 0


@dataclass(frozen=True)
class DetectionPreset:
    """A detector of damage: U-Net over the picture, one logit for each class and their union.

    Attributes:
        short_side_px: Short side of the pictures that crops are cut from, at a scale between
            ``smallest_scale`` and one; larger scans are reduced to it.
        sheet_px: Side of the sheets that damage is drawn on, and of the crops of validations.
        crop_px: Side of the square training crops, each with a part of a sheet: many small ones
            teach more than few large ones at the same cost.
        widths: Channels of each resolution level of the U-Net.
        blocks: Residual blocks of each level.
        classes: Classes of damage that it tells apart.
        batch: Crops per step.
        learning_rate: Adam step size.
        clean_fraction: Fraction of the crops that stay undamaged.
        overlays: Damage drawn ahead, of which crops get one each, turned and shifted.
        most_works: Works learned from at most; they lie in memory, a megabyte each.
        hardened_codes: Bound of changes against it that it learns to bear, in codes of 255.
        base_steps: Steps of the archive-wide base model.
        collection_steps: Steps of a collection's fine-tuning.
        smallest_scale: Smallest scale that crops are cut at: as small as that a scan is also
            looked at for what is broad.
        large_fraction: Fraction of the overlays with a loss or filling of an eighth to a third of
            the sheet.
    """

    short_side_px: int = 512
    sheet_px: int = 128
    crop_px: int = 64
    widths: tuple[int, ...] = (16, 32, 64, 64)
    blocks: tuple[int, ...] = (1, 1, 2, 2)
    classes: tuple[DamageClass, ...] = DAMAGE_CLASSES
    batch: int = 16
    learning_rate: float = 3e-3
    clean_fraction: float = 0.3
    overlays: int = 400
    most_works: int = 500
    hardened_codes: int = 0
    base_steps: int = 5000
    collection_steps: int = 300
    smallest_scale: float = 0.5
    large_fraction: float = 0.0


@dataclass(frozen=True)
class FastPreset:
    """A painter in the manner of one collection, taught by VGG-19.

    Attributes:
        short_side_px: Short side of the pictures that crops are cut from.
        crop_px: Side of the square training crops.
        width: Channels at full resolution; four times as many in the trunk.
        blocks: Blocks of the trunk.
        content_weight: Weight of the content loss; the style loss has 1.
        smooth_weight: Weight of the squared steps between neighbours.
        batch: Crops per step.
        learning_rate: Adam step size.
        base_steps: Steps of the archive-wide base model.
        collection_steps: Steps of a collection's training.
    """

    short_side_px: int = 128
    crop_px: int = 96
    width: int = 12
    blocks: int = 3
    content_weight: float = 0.3
    smooth_weight: float = 0.5
    batch: int = 4
    learning_rate: float = 2e-3
    base_steps: int = 0
    collection_steps: int = 400


@dataclass(frozen=True)
class AdainPreset(FastPreset):
    """A painter in the manner of any picture, one for the whole archive; see `FastPreset`."""

    base_steps: int = 600
    collection_steps: int = 0


KindPreset = (
    RestorationPreset
    | SimulationPreset
    | StylePreset
    | TonePreset
    | DenoisePreset
    | UpscalePreset
    | DetectionPreset
    | FastPreset
    | CycleganPreset
    | MultiPreset
)


@dataclass(frozen=True)
class TrainPreset:
    """All kinds of model at one size."""

    restoration: RestorationPreset
    simulation: SimulationPreset
    style: StylePreset
    tone: TonePreset = field(default_factory=TonePreset)
    denoise: DenoisePreset = field(default_factory=DenoisePreset)
    upscale: UpscalePreset = field(default_factory=UpscalePreset)
    detection: DetectionPreset = field(default_factory=DetectionPreset)
    fast: FastPreset = field(default_factory=FastPreset)
    adain: AdainPreset = field(default_factory=AdainPreset)
    cyclegan: CycleganPreset = field(default_factory=CycleganPreset)
    multi: MultiPreset = field(default_factory=MultiPreset)


SIMULATION_SIZES: dict[SimulationSize, SimulationPreset] = {
    "cpu-32": SimulationPreset(),
    "draft-128": SimulationPreset(
        size_px=128,
        base_channels=24,
        max_channels=384,
        latent=256,
        learning_rate=5e-4,
        gamma=3.3,
        base_steps=12_500,
        collection_steps=12_500,
    ),
    "paper-256": SimulationPreset(
        size_px=256,
        base_channels=32,
        max_channels=512,
        latent=256,
        learning_rate=2e-4,
        gamma=13.0,
        base_steps=50_000,
        collection_steps=25_000,
    ),
}
"""gamma is 0.0002 of the pixels; steps are 16 works each, so 200,000 works at 128 pixels."""

PRESETS: dict[PresetName, TrainPreset] = {
    "smoke": TrainPreset(
        RestorationPreset(
            widths=(8, 12), blocks=(1, 1), batch=4, base_steps=12, collection_steps=6
        ),
        SimulationPreset(
            base_channels=8, max_channels=32, latent=32, batch=4, base_steps=12, collection_steps=6
        ),
        StylePreset(width=8, blocks=1, batch=2, collection_steps=4),
        tone=TonePreset(base_steps=12, collection_steps=0, batch=4),
        denoise=DenoisePreset(base_steps=6, batch=2),
        upscale=UpscalePreset(base_steps=6, batch=2),
        detection=DetectionPreset(
            short_side_px=128,
            widths=(8, 12),
            blocks=(1, 1),
            batch=2,
            overlays=16,
            base_steps=12,
            collection_steps=0,
        ),
        fast=FastPreset(crop_px=64, width=4, blocks=1, batch=2, collection_steps=4),
        adain=AdainPreset(crop_px=64, width=4, blocks=1, batch=2, base_steps=4),
        cyclegan=CycleganPreset(width=4, blocks=1, pool=4, batch=1, collection_steps=4),
        multi=MultiPreset(width=4, blocks=1, batch=2, base_steps=4),
    ),
    "demo": TrainPreset(
        RestorationPreset(base_steps=300, collection_steps=150),
        SimulationPreset(base_steps=400, collection_steps=400),
        StylePreset(collection_steps=150),
        tone=TonePreset(base_steps=400, collection_steps=0),
        denoise=DenoisePreset(base_steps=300),
        upscale=UpscalePreset(base_steps=300),
        detection=DetectionPreset(base_steps=400, collection_steps=0),
        fast=FastPreset(collection_steps=100),
        adain=AdainPreset(base_steps=150),
        cyclegan=CycleganPreset(collection_steps=150),
        multi=MultiPreset(base_steps=250),
    ),
    "tiny": TrainPreset(RestorationPreset(), SIMULATION_SIZES["cpu-32"], StylePreset()),
    "small": TrainPreset(
        RestorationPreset(
            short_side_px=512,
            crop_px=256,
            widths=(32, 64, 128, 192),
            blocks=(2, 2, 2, 6),
            discriminator_width=48,
            learning_rate=4e-4,
            base_steps=15_000,
            collection_steps=1000,
        ),
        SIMULATION_SIZES["draft-128"],
        StylePreset(
            short_side_px=256,
            crop_px=128,
            width=32,
            blocks=6,
            patches=128,
            learning_rate=2e-4,
            collection_steps=5000,
        ),
        tone=TonePreset(width=32, batch=48, learning_rate=1e-3, base_steps=6000),
        denoise=DenoisePreset(
            short_side_px=512,
            crop_px=128,
            widths=(32, 64, 128),
            blocks=(2, 2, 4),
            batch=16,
            learning_rate=1e-3,
            base_steps=10_000,
        ),
        upscale=UpscalePreset(
            short_side_px=512,
            crop_px=128,
            width=64,
            blocks=12,
            batch=16,
            learning_rate=1e-3,
            base_steps=10_000,
        ),
        detection=DetectionPreset(
            short_side_px=768,
            sheet_px=256,
            crop_px=256,
            widths=(32, 64, 128, 192),
            blocks=(1, 1, 2, 4),
            learning_rate=1e-3,
            clean_fraction=0.4,
            smallest_scale=0.25,
            large_fraction=0.15,
            base_steps=10_000,
            collection_steps=1000,
        ),
        fast=FastPreset(
            short_side_px=256,
            crop_px=256,
            width=24,
            blocks=5,
            learning_rate=1e-3,
            collection_steps=4000,
        ),
        adain=AdainPreset(
            short_side_px=256,
            crop_px=256,
            width=24,
            blocks=5,
            learning_rate=1e-3,
            base_steps=20_000,
        ),
        cyclegan=CycleganPreset(
            short_side_px=256,
            crop_px=128,
            width=32,
            blocks=6,
            batch=8,
            learning_rate=4e-4,
            collection_steps=10_000,
        ),
        multi=MultiPreset(
            short_side_px=256,
            crop_px=128,
            width=32,
            blocks=6,
            batch=16,
            learning_rate=4e-4,
            base_steps=30_000,
        ),
    ),
    "base": TrainPreset(
        RestorationPreset(
            short_side_px=512,
            crop_px=256,
            widths=(48, 96, 192, 256),
            blocks=(2, 2, 2, 6),
            discriminator_width=64,
            learning_rate=2e-4,
            base_steps=20_000,
            collection_steps=2000,
        ),
        SIMULATION_SIZES["paper-256"],
        StylePreset(
            short_side_px=512,
            crop_px=256,
            width=64,
            blocks=9,
            patches=256,
            learning_rate=2e-4,
            collection_steps=10_000,
        ),
        tone=TonePreset(width=48, batch=64, learning_rate=1e-3, base_steps=10_000),
        denoise=DenoisePreset(
            short_side_px=512,
            crop_px=256,
            widths=(48, 96, 192),
            blocks=(2, 2, 6),
            batch=16,
            learning_rate=5e-4,
            base_steps=20_000,
        ),
        upscale=UpscalePreset(
            short_side_px=512,
            crop_px=256,
            width=96,
            blocks=16,
            batch=16,
            learning_rate=5e-4,
            base_steps=20_000,
        ),
        detection=DetectionPreset(
            short_side_px=1024,
            sheet_px=256,
            crop_px=256,
            widths=(48, 96, 192, 256),
            blocks=(1, 1, 2, 6),
            learning_rate=5e-4,
            clean_fraction=0.4,
            smallest_scale=0.25,
            large_fraction=0.15,
            base_steps=20_000,
            collection_steps=2000,
        ),
        fast=FastPreset(
            short_side_px=512,
            crop_px=256,
            width=32,
            blocks=5,
            learning_rate=1e-3,
            collection_steps=10_000,
        ),
        adain=AdainPreset(
            short_side_px=512,
            crop_px=256,
            width=48,
            blocks=6,
            batch=8,
            learning_rate=5e-4,
            base_steps=40_000,
        ),
        cyclegan=CycleganPreset(
            short_side_px=512,
            crop_px=256,
            width=64,
            blocks=9,
            learning_rate=2e-4,
            collection_steps=30_000,
        ),
        multi=MultiPreset(
            short_side_px=512,
            crop_px=256,
            width=48,
            blocks=9,
            batch=16,
            learning_rate=2e-4,
            base_steps=80_000,
        ),
    ),
}

USUAL_LOSS: dict[NetworkName, LossName] = {
    "skip": "relativistic",
    "style": "non-saturating",
    "dcgan": "non-saturating",
}
"""The loss that a network is trained with unless another is asked for."""

_ARCHITECTURE: dict[Kind, tuple[str, ...]] = {
    "restoration": ("widths", "blocks", "discriminator_width"),
    "simulation": (
        *("size_px", "base_channels", "max_channels", "latent"),
        *("network", "continuous", "modes", "classes"),
    ),
    "style": ("width", "blocks"),
    "tone": ("width",),
    "denoise": ("widths", "blocks"),
    "upscale": ("width", "blocks"),
    "detection": ("widths", "blocks", "classes"),
    "fast": ("width", "blocks"),
    "adain": ("width", "blocks"),
    "cyclegan": ("width", "blocks"),
    "multi": ("width", "blocks", "classes"),
}
"""Fields that decide which weights fit a network."""
_LATER: dict[str, Any] = {"network": "skip", "continuous": 0, "modes": 0, "classes": ()}
"""What older models have, whose settings do not say it."""


def architecture(kind: Kind, sizes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a preset's fields, by name, decides which weights fit; lists as tuples."""
    sizes = _LATER | dict(sizes)
    plain = {name: sizes[name] for name in _ARCHITECTURE[kind]}
    return {name: tuple(v) if isinstance(v, list) else v for name, v in plain.items()}
