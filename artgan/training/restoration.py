"""Training of the restoration filler, in two parts with a result each.

The first part learns fidelity alone, to its end: what is nearest to the truth on average. The
second goes on from there with a PatchGAN: a little farther from the truth, with the grain and
edges of paint. Both results are published, and whoever restores may blend them.

A fine-tuning is short: its second part alone would hardly leave the first one's result. It starts
with the difference that the base had learned between its two results added to the weights, as in
task arithmetic (Ilharco et al. 2023, "Editing models with task arithmetic").
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.optim import Adam

from artgan.degrade.evaluation import evaluation_crops
from artgan.degrade.masks import mask_bank
from artgan.models.checkpoint import load_network
from artgan.models.filler import Filler
from artgan.models.patchgan import PatchGan, holed_patches
from artgan.models.prefill import push_pull
from artgan.presets import RestorationPreset
from artgan.training.crops import RandomCrops, check_pictures, draw_masks
from artgan.training.ema import make_ema, update_ema
from artgan.training.loop import (
    Trainee,
    apply_gradients,
    detached,
    mixed_precision,
    scale_learning_rate,
    training_device,
    warmup_cosine,
)
from artgan.training.losses import (
    feature_matching,
    hinge_discriminator,
    hinge_generator,
    hole_l1,
)
from artgan.training.pupil import (
    EMA_DECAY,
    FINE_TUNING_RATE_FACTOR,
    VALIDATION_SEED,
    Weights,
)
from artgan.training.restoration_measures import measures, peers_db, progress_grid

BETAS = (0.5, 0.9)
DISCRIMINATOR_RATE = 4e-4
HOLE_WEIGHT = 6.0  # as in Liu et al. 2018, eq. 7; the weights of the adversarial terms rest on it
FEATURE_MATCHING_WEIGHT = 0.2
DISCRIMINATOR_WARMUP_FRACTION = 0.2
DISCRIMINATOR_WARMUP_STEPS = 200
BANK_MASKS = 600
VALIDATION_CROPS = 72
GRID_CROPS = 8


def build(  # noqa: PLR0913 -- the last one by name
    train: Sequence[np.ndarray],
    val: Sequence[np.ndarray],
    preset: RestorationPreset,
    steps: int,
    seed: int,
    base: Weights | None,
    *,
    gentle: bool = True,
) -> Trainee:
    """Prepare the training of a filler.

    Args:
        train: Works to learn from, (H, W, 3) uint8, short side ``preset.short_side_px``.
        val: Held-out works, alike.
        preset: Sizes and rates.
        steps: Steps in all, which the schedules need to know.
        seed: Decides the first weights and the damage.
        base: Weights of a published filler to start from, or None.
        gentle: Whether a training that starts from one learns at a fifth of the rate.

    Returns:
        What ``artgan.training.loop.train`` needs.

    Raises:
        InvalidInputError: A set is empty or a picture is too small.
        CorruptAssetError: The base has another architecture.
    """
    check_pictures("train", train, preset.crop_px)
    check_pictures("val", val, preset.crop_px)
    device = training_device()
    torch.manual_seed(seed)
    networks = _networks(preset, base, device)
    works = RandomCrops(train, preset.crop_px, preset.batch)
    masks = torch.from_numpy(mask_bank(BANK_MASKS, preset.crop_px, seed)).to(torch.uint8)
    generator, discriminator, ema = networks.generator, networks.discriminator, networks.ema
    fine_tunes = base is not None and gentle
    slower = FINE_TUNING_RATE_FACTOR if fine_tunes else 1.0
    stepper = _Stepper(
        networks=networks,
        generator_optimizer=Adam(generator.parameters(), slower * preset.learning_rate, BETAS),
        discriminator_optimizer=Adam(
            discriminator.parameters(), slower * DISCRIMINATOR_RATE, BETAS
        ),
        schedule=Schedule.plan(steps, preset.gan_fraction, warm=networks.discriminator_is_warm),
        adversarial_weight=preset.adversarial_weight,
        draw=lambda: (works.draw().to(device), draw_masks(masks, preset.batch).to(device)),
        liveliness=_liveliness(base, device) if fine_tunes else {},
    )
    crops = evaluation_crops(val, preset.crop_px, VALIDATION_CROPS, VALIDATION_SEED)
    peers = cache(lambda: peers_db(crops))
    return Trainee(
        networks={
            "generator": generator,
            "discriminator": discriminator,
            "generator_ema": ema,
            "perceptual": networks.perceptual,
        },
        optimizers={
            "generator": stepper.generator_optimizer,
            "discriminator": stepper.discriminator_optimizer,
        },
        step=stepper,
        validate=lambda: {**measures(ema, networks.perceptual, crops), **peers()},
        grid=lambda: progress_grid(ema, networks.perceptual, crops[:GRID_CROPS]),
        publish=("generator_ema", "perceptual"),
        warm=("discriminator",),
    )


@dataclass(frozen=True)
class Schedule:
    """Which part of the training a step belongs to.

    Attributes:
        steps: Steps in all.
        gan_from: First step in which the discriminator takes part.
        warmup_steps: Steps from there in which only the discriminator learns.
    """

    steps: int
    gan_from: int
    warmup_steps: int

    @classmethod
    def plan(cls, steps: int, gan_fraction: float, *, warm: bool) -> "Schedule":
        """Lay out a training; a discriminator that is warm already needs no warm-up."""
        gan_steps = round(steps * gan_fraction)
        warmup = round(gan_steps * DISCRIMINATOR_WARMUP_FRACTION)
        warmup = 0 if warm else min(warmup, DISCRIMINATOR_WARMUP_STEPS)
        return cls(steps, steps - gan_steps, warmup)

    def only_discriminator(self, step: int) -> bool:
        """Say whether the generator rests in this step."""
        return self.gan_from <= step < self.gan_from + self.warmup_steps

    def generator_factor(self, step: int) -> float:
        """Give the learning-rate factor: each part has a rise and a fall.

        Resting steps do not count.
        """
        if step < self.gan_from:
            return warmup_cosine(step, self.gan_from)
        learning_from = self.gan_from + self.warmup_steps
        return warmup_cosine(max(step - learning_from, 0), self.steps - learning_from)


@dataclass(frozen=True)
class _Networks:
    generator: Filler
    discriminator: PatchGan
    ema: Filler
    perceptual: Filler
    discriminator_is_warm: bool


def _networks(preset: RestorationPreset, base: Weights | None, device: torch.device) -> _Networks:
    generator = Filler(preset.widths, preset.blocks)
    discriminator = PatchGan(preset.discriminator_width)
    if base is not None:
        load_network(generator, base["generator_ema"])
        if "discriminator" in base:
            load_network(discriminator, base["discriminator"])
    generator, discriminator = generator.to(device), discriminator.to(device)
    warm = base is not None and "discriminator" in base
    return _Networks(generator, discriminator, make_ema(generator), make_ema(generator), warm)


def _liveliness(base: Weights | None, device: torch.device) -> dict[str, Tensor]:
    """Return what the second part of the base's training has changed of its weights."""
    if base is None or "perceptual" not in base:
        return {}
    faithful = base["generator_ema"]
    return {
        name: (lively - faithful[name]).to(device) for name, lively in base["perceptual"].items()
    }


@dataclass(frozen=True)
class _Stepper:
    """One step of training, called with its number."""

    networks: _Networks
    generator_optimizer: Adam
    discriminator_optimizer: Adam
    schedule: Schedule
    adversarial_weight: float
    draw: Callable[[], tuple[Tensor, Tensor]]
    liveliness: dict[str, Tensor]

    def __call__(self, step: int) -> dict[str, float]:
        if step == self.schedule.gan_from:
            self._enliven()
        images, mask = self.draw()
        generator_learns = not self.schedule.only_discriminator(step)
        prefill = push_pull(images, mask)
        with torch.set_grad_enabled(generator_learns), mixed_precision(images.device):
            filled = self.networks.generator(prefill, mask)
        filled = filled.float()
        losses: dict[str, Tensor] = {}
        if generator_learns:
            losses |= self._train_generator(step, filled, images, mask)
        if step >= self.schedule.gan_from:
            losses |= self._train_discriminator(filled.detach(), images, mask)
        return detached(losses)

    @torch.no_grad()
    def _enliven(self) -> None:
        for network in (self.networks.generator, self.networks.perceptual):
            for name, weight in network.state_dict().items():
                if name in self.liveliness:
                    weight.add_(self.liveliness[name])

    def _train_generator(
        self, step: int, filled: Tensor, images: Tensor, mask: Tensor
    ) -> dict[str, Tensor]:
        fidelity = hole_l1(filled, images, mask)
        loss = HOLE_WEIGHT * fidelity
        losses = {"fidelity": fidelity}
        if step >= self.schedule.gan_from:
            adversarial, matching = self._judge(filled, images, mask)
            loss = loss + self.adversarial_weight * adversarial
            loss = loss + FEATURE_MATCHING_WEIGHT * matching
            losses |= {"adversarial": adversarial, "feature_matching": matching}
        generator = self.networks.generator
        scale_learning_rate(self.generator_optimizer, self.schedule.generator_factor(step))
        apply_gradients(loss, self.generator_optimizer, generator.parameters())
        if step < self.schedule.gan_from:
            update_ema(self.networks.ema, generator, EMA_DECAY)
        update_ema(self.networks.perceptual, generator, EMA_DECAY)
        return losses

    def _judge(self, filled: Tensor, images: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        discriminator = self.networks.discriminator.requires_grad_(requires_grad=False)
        logits, features = discriminator(torch.where(mask > 0.5, filled, images), mask)
        with torch.no_grad():
            _, real_features = discriminator(images, mask)
        discriminator.requires_grad_(requires_grad=True)
        adversarial = hinge_generator(logits, holed_patches(mask))
        return adversarial, feature_matching(real_features, features)

    def _train_discriminator(
        self, filled: Tensor, images: Tensor, mask: Tensor
    ) -> dict[str, Tensor]:
        discriminator = self.networks.discriminator
        real, _ = discriminator(images, mask)
        generated, _ = discriminator(torch.where(mask > 0.5, filled, images), mask)
        loss = hinge_discriminator(real, generated, holed_patches(mask))
        apply_gradients(loss, self.discriminator_optimizer, discriminator.parameters())
        return {"discriminator": loss}
