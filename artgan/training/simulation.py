"""Training of the simulation GAN: what one step does and how its works are measured."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.metrics.diversity import diversity_ratio
from artgan.metrics.features import normalise
from artgan.metrics.kernel import kid_x1000
from artgan.metrics.memorisation import copy_ratio, honest_copy_ratio
from artgan.models.checkpoint import load_network
from artgan.models.discriminator import Discriminator
from artgan.models.generator import Generator, sample
from artgan.presets import SimulationPreset
from artgan.simulate.works import grid
from artgan.training import world
from artgan.training.augment import augment
from artgan.training.ema import make_ema, update_ema
from artgan.training.gan_losses import gradient_penalty, relativistic_loss
from artgan.training.loop import (
    Trainee,
    apply_gradients,
    scale_learning_rate,
    training_device,
)

Features = Callable[[Sequence[np.ndarray]], np.ndarray]

PENALTY_EVERY = 4
EMA_RAMP = 0.05
EMA_HALF_LIFE_MAX = 10_000
SMALL_COLLECTION = 500
RISE_STEPS = 50
WARM_STEPS = 500
_SAMPLES = 128
_SAMPLE_BATCH = 64
_GRID = 32
_FEWEST_HELD_OUT = 3


def ema_decay(step: int, batch: int) -> float:
    """Return the fraction of the average kept at a step.

    The half-life is a twentieth of the works seen so far, at most 10,000 works: the average
    follows closely at first, so that it is of use from the first step on.

    Args:
        step: 0-based number of the step; a fine-tuning counts on from ``WARM_STEPS``.
        batch: Works per step.

    Returns:
        In [0, 1); 0 at step 0.

    References:
        Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", app. C,
        https://arxiv.org/abs/2006.06676
    """
    half_life = min(EMA_HALF_LIFE_MAX, EMA_RAMP * step * batch)
    return 0.5 ** (batch / half_life) if half_life > 0 else 0.0


def scale_work(picture: np.ndarray, size_px: int) -> Tensor:
    """Scale a picture so that its short side is ``size_px``.

    Args:
        picture: (H, W, 3) uint8 with both sides at least ``size_px``.
        size_px: Short side of the result.

    Returns:
        (3, H', W') float32 in [0, 1].

    Raises:
        InvalidInputError: When the picture is smaller than that.
    """
    height, width = picture.shape[:2]
    short = min(height, width)
    if short < size_px:
        message = (
            f"pictures must have sides of at least size_px={size_px}, got {width}x{height}. "
            "Leave small scans out or choose a smaller size."
        )
        raise InvalidInputError(message)
    target = [max(size_px, round(side * size_px / short)) for side in (height, width)]
    scaled = F.interpolate(arrays_to_batch([picture]), target, mode="bilinear", antialias=True)
    return scaled[0].clamp(0, 1)


def square(work: Tensor, position: float) -> Tensor:
    """Cut the square at a position along the long side: 0 is the start, 0.5 the centre, 1 the end.

    Args:
        work: (3, H, W).
        position: In [0, 1].

    Returns:
        (3, S, S) with S the short side.
    """
    height, width = work.shape[1:]
    side = min(height, width)
    top, left = round((height - side) * position), round((width - side) * position)
    return work[:, top : top + side, left : left + side]


@dataclass
class _Simulation:
    """One run: networks, works and what a step needs to know."""

    preset: SimulationPreset
    works: list[Tensor]
    held_out: list[np.ndarray]
    features: Features
    seed: int
    flip: bool
    generator: Generator
    discriminator: Discriminator
    ema: Generator
    optimizers: dict[str, torch.optim.Optimizer]
    steps_before: int

    @property
    def device(self) -> torch.device:
        return self.generator.to_rgb.weight.device

    def draw_works(self) -> Tensor:
        """Draw squares (B, 3, S, S) with replacement, anywhere along each work's long side."""
        batch = self.preset.batch
        chosen = torch.randint(len(self.works), (batch,)).tolist()
        positions = torch.rand(batch).tolist()
        real = torch.stack(
            [square(self.works[i], at) for i, at in zip(chosen, positions, strict=True)]
        )
        if self.flip:
            real = torch.where(torch.rand(batch, 1, 1, 1) < 0.5, real.flip(3), real)
        return real.to(self.device)

    def augmented(self, images: Tensor) -> Tensor:
        """Augment as much as the collection needs: pigment matters where works abound."""
        return augment(images, 1.0 if len(self.works) < SMALL_COLLECTION else 0.5)

    def step(self, number: int) -> dict[str, float]:
        # Adam's first steps go at full length in any direction: a base would be lost in them.
        for optimizer in self.optimizers.values():
            scale_learning_rate(optimizer, min(1.0, (number + 1) / RISE_STEPS))
        real = self.draw_works()
        z, noise = self.generator.draw(self.preset.batch)
        generated = self.generator(z.to(self.device), [level.to(self.device) for level in noise])
        losses = self._step_discriminator(real, generated.detach(), number)
        losses |= self._step_generator(real, generated)
        works = self.preset.batch * world.size()
        update_ema(self.ema, self.generator, ema_decay(self.steps_before + number, works))
        return losses

    def _step_discriminator(self, real: Tensor, generated: Tensor, number: int) -> dict[str, float]:
        penalised = number % PENALTY_EVERY == 0
        images = torch.cat([real, generated]).requires_grad_(penalised)
        shown = self.augmented(images)
        logits, noticed = self.discriminator(shown)
        real_logits, generated_logits = logits.chunk(2)
        adversarial = relativistic_loss(real_logits, generated_logits)
        redrawn = self.discriminator.redraw(noticed[: len(real)])
        target = F.interpolate(shown[: len(real)].detach(), redrawn.shape[2:], mode="area")
        redrawing = 2 * F.l1_loss(redrawn, target.clamp(0, 1))  # as if in [-1, 1]
        loss = adversarial + redrawing
        losses = {"discriminator": adversarial.item(), "redrawing": redrawing.item()}
        if penalised:
            # gamma/2 (R1 + R2), and the mean over both halves is (R1 + R2) / 2.
            penalty = self.preset.gamma * gradient_penalty(logits, images).mean()
            loss = loss + PENALTY_EVERY * penalty
            losses["penalty"] = penalty.item()
        self._descend("discriminator", loss, self.discriminator)
        return losses

    def _step_generator(self, real: Tensor, generated: Tensor) -> dict[str, float]:
        self.discriminator.requires_grad_(requires_grad=False)
        with torch.no_grad():
            real_logits, _ = self.discriminator(self.augmented(real))
        logits, _ = self.discriminator(self.augmented(generated))
        loss = relativistic_loss(logits, real_logits)
        self._descend("generator", loss, self.generator)
        self.discriminator.requires_grad_(requires_grad=True)
        return {"generator": loss.item()}

    def _descend(self, name: str, loss: Tensor, network: nn.Module) -> None:
        # The penalties bound the slopes already: unlike elsewhere, gradients are not clipped.
        apply_gradients(loss, self.optimizers[name], network.parameters(), max_norm=math.inf)

    def sampled(self, count: int) -> Tensor:
        """Draw fixed works (count, 3, S, S) from the averaged generator, on the CPU."""
        seeds = [self.seed + number for number in range(count)]
        batches = [
            sample(self.ema, seeds[start : start + _SAMPLE_BATCH])
            for start in range(0, count, _SAMPLE_BATCH)
        ]
        return torch.cat(batches).cpu()

    def grid(self) -> np.ndarray:
        return grid(batch_to_arrays(self.sampled(_GRID)), 8)

    @cached_property
    def references(self) -> tuple[np.ndarray, np.ndarray]:
        """Features of the training works' and of the held-out works' centre squares."""
        train = [batch_to_arrays(square(work, 0.5)[None])[0] for work in self.works]
        return self.features(train), self.features(self.held_out)

    @cached_property
    def honest(self) -> float:
        """The copy ratio that unseen works themselves stay above."""
        return honest_copy_ratio(*self.references) if len(self.held_out) >= 4 else 0.0

    def validate(self) -> dict[str, float]:
        train, held_out = self.references
        generated = self.features(batch_to_arrays(self.sampled(_SAMPLES)))
        kid = kid_x1000(*normalise(held_out, generated))
        return {
            "kid_x1000": kid.value,
            "kid_low": kid.ci_low,
            "kid_high": kid.ci_high,
            "copy_ratio": copy_ratio(generated, train, held_out),
            "honest_copy_ratio": self.honest,
            "diversity_ratio": diversity_ratio(generated, held_out),
        }


def make_networks(preset: SimulationPreset) -> tuple[Generator, Discriminator]:
    """Make the untrained networks of a preset, from torch's global generator."""
    generator = Generator(preset.size_px, preset.base_channels, preset.max_channels, preset.latent)
    return generator, Discriminator(preset.size_px, preset.base_channels, preset.max_channels)


def build(  # noqa: PLR0913, PLR0917 -- the signature that every kind of model shares, and two of its own
    train: Sequence[np.ndarray],
    val: Sequence[np.ndarray],
    preset: SimulationPreset,
    steps: int,
    seed: int,
    base: Mapping[str, Mapping[str, Tensor]] | None,
    features: Features,
    *,
    flip: bool = False,
) -> Trainee:
    """Prepare the training of a generator and its discriminator on the works of one collection.

    Loss, penalties and averaging follow R3GAN; networks and self-supervision follow FastGAN;
    each part's docstring names the paper.

    Args:
        train: Works (H, W, 3) uint8, both sides at least ``preset.size_px``.
        val: Held-out works, likewise; at least three, for the kernel distance.
        preset: Sizes and rates.
        steps: Steps that the run will take; this recipe's rates do not depend on it.
        seed: Of the weights, and of the works that are drawn for measuring.
        base: State dictionaries ``generator``, ``discriminator`` and ``generator_ema`` to start
            from, or None.
        features: From N pictures to (N, D) float64, for the measures.
        flip: Mirror training works at random; only where left and right mean nothing.

    Returns:
        What the loop trains.

    Raises:
        InvalidInputError: When a work is too small or there are too few.
    """
    if not train or len(val) < _FEWEST_HELD_OUT:
        message = (
            f"train and val must hold at least 1 and {_FEWEST_HELD_OUT} works, "
            f"got {len(train)} and {len(val)}. Use the archive-wide base model as it is."
        )
        raise InvalidInputError(message)
    del steps
    torch.manual_seed(seed)
    generator, discriminator = make_networks(preset)
    networks: dict[str, nn.Module] = {
        "generator": generator,
        "discriminator": discriminator,
        "generator_ema": (ema := make_ema(generator)),
    }
    if base is not None:
        # Without the second file of a model its average stands in for the network in training.
        known = {"generator": base["generator_ema"], **base}
        for name in networks.keys() & known.keys():
            load_network(networks[name], known[name])
    for network in networks.values():
        network.to(training_device())
    optimizers = {
        name: _adam(networks[name], preset.learning_rate) for name in ("generator", "discriminator")
    }
    held_out = [square(scale_work(picture, preset.size_px), 0.5)[None] for picture in val]
    run = _Simulation(
        preset=preset,
        works=[scale_work(picture, preset.size_px) for picture in train],
        held_out=batch_to_arrays(torch.cat(held_out)),
        features=features,
        seed=seed,
        flip=flip,
        generator=generator,
        discriminator=discriminator,
        ema=ema,
        optimizers=optimizers,
        steps_before=0 if base is None else WARM_STEPS,
    )
    return Trainee(
        networks=networks,
        optimizers=optimizers,
        step=run.step,
        validate=run.validate,
        grid=run.grid,
        publish=("generator_ema",),
        warm=("generator", "discriminator"),
    )


def _adam(network: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(network.parameters(), lr=learning_rate, betas=(0.0, 0.99), eps=1e-8)
