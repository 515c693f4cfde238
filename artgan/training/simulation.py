"""Training of the simulation GAN: what one step does and how its works are measured."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import torch
from torch import Tensor, nn

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import batch_to_arrays
from artgan.metrics.diversity import diversity_ratio
from artgan.metrics.features import normalise
from artgan.metrics.kernel import kid_x1000
from artgan.metrics.membership import FEWEST_A_SIDE, Space, membership, sample_scores
from artgan.metrics.memorisation import copy_ratio, honest_copy_ratio, pixel_features
from artgan.models.checkpoint import load_network
from artgan.models.simulators import (
    AnyDiscriminator,
    AnyGenerator,
    device_of,
    make_discriminator,
    make_generator,
    sample,
)
from artgan.presets import NetworkName, SimulationPreset
from artgan.simulate.works import grid
from artgan.training import world
from artgan.training.adversaries import Adversaries
from artgan.training.augment import augment
from artgan.training.ema import make_ema, update_ema
from artgan.training.gan_losses import LOSSES
from artgan.training.loop import Trainee, scale_learning_rate, training_device
from artgan.training.private import PrivateAdversaries
from artgan.training.squares import scale_work, square

Features = Callable[[Sequence[np.ndarray]], np.ndarray]

EMA_RAMP = 0.05
EMA_HALF_LIFE_MAX = 10_000
COLOUR_CHANGES: dict[NetworkName, float] = {"skip": 0.5, "style": 0.5, "dcgan": 1.0}
"""Part of the works whose colours are changed: with all of them a discriminator can hardly tell
pale works from vivid ones. DCGAN, whose discriminator redraws no works, comes nearer with all."""
RISE_STEPS = 50
FALL_FROM = 0.5
FALL_TO = 0.1
WARM_STEPS = 500
EQUALISED_RATE = 5.0
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


def rate_factor(step: int, steps: int) -> float:
    """Return the part of the learning rate at a step: it rises, stays, and falls in the end.

    Adam's first steps go at full length in any direction: a base would be lost in them. In the
    last half the rate falls along half a cosine, so that a training ends where it has been
    rather than wherever its last swing took it.

    Args:
        step: Number of the step, from 0.
        steps: Steps in all.
    """
    rise = min(1.0, (step + 1) / RISE_STEPS)
    fallen = max(0.0, step / max(1, steps) - FALL_FROM) / (1.0 - FALL_FROM)
    return rise * (FALL_TO + (1.0 - FALL_TO) * (0.5 + 0.5 * math.cos(math.pi * min(1.0, fallen))))


@dataclass
class _Simulation:
    """One run: networks, works and what a step needs to know."""

    adversaries: Adversaries
    works: list[Tensor]
    labels: list[int]
    held_out: list[np.ndarray]
    features: Features
    seed: int
    flip: bool
    ema: AnyGenerator
    steps: int
    steps_before: int

    def draw_works(self) -> tuple[Tensor, Tensor | None]:
        """Draw squares (B, 3, S, S) with replacement, and their classes (B,) if there are any.

        Anywhere along each work's long side; small classes more often than their works alone
        would be, or a generator hardly learns that they are there.
        """
        if self.labels:
            batch = self.adversaries.preset.batch
            chosen = torch.multinomial(self.shares, batch, replacement=True).tolist()
        else:
            chosen = self.adversaries.chosen(len(self.works))
        positions = torch.rand(len(chosen)).tolist()
        squares = [square(self.works[i], at) for i, at in zip(chosen, positions, strict=True)]
        size_px = self.adversaries.preset.size_px
        real = torch.stack(squares) if squares else torch.empty(0, 3, size_px, size_px)
        if self.flip:
            real = torch.where(torch.rand(len(real), 1, 1, 1) < 0.5, real.flip(3), real)
        device = device_of(self.ema)
        labels = torch.tensor([self.labels[i] for i in chosen]) if self.labels else None
        return real.to(device), None if labels is None else labels.to(device)

    def step(self, number: int) -> dict[str, float]:
        for optimizer in self.adversaries.optimizers.values():
            scale_learning_rate(optimizer, rate_factor(number, self.steps))
        losses = self.adversaries.step(self.draw_works, number)
        works = self.adversaries.preset.batch * world.size()
        decay = ema_decay(self.steps_before + number, works)
        update_ema(self.ema, self.adversaries.generator, decay)
        return losses

    @cached_property
    def shares(self) -> Tensor:
        """How often each work is drawn: a class by the root of the number of its works."""
        counts = Counter(self.labels)
        return torch.tensor([counts[label] ** -0.5 for label in self.labels])

    @property
    def label(self) -> int | None:
        """The class of all works, if they have one and the same."""
        return self.labels[0] if len(set(self.labels)) == 1 else None

    def sampled(self, count: int) -> Tensor:
        """Draw fixed works (count, 3, S, S) from the averaged generator, on the CPU."""
        seeds = [self.seed + number for number in range(count)]
        batches = [
            sample(self.ema, seeds[start : start + _SAMPLE_BATCH], label=self.label)
            for start in range(0, count, _SAMPLE_BATCH)
        ]
        return torch.cat(batches).cpu()

    def grid(self) -> np.ndarray:
        return grid(batch_to_arrays(self.sampled(_GRID)), 8)

    @cached_property
    def references(self) -> tuple[np.ndarray, np.ndarray]:
        """Features of the training works' and of the held-out works' centre squares."""
        return self.features(self.squares), self.features(self.held_out)

    @cached_property
    def squares(self) -> list[np.ndarray]:
        """The centre squares of the training works."""
        return [batch_to_arrays(square(work, 0.5)[None])[0] for work in self.works]

    @cached_property
    def honest(self) -> float:
        """The copy ratio that unseen works themselves stay above."""
        return honest_copy_ratio(*self.references) if len(self.held_out) >= 4 else 0.0

    def validate(self) -> dict[str, float]:
        train, held_out = self.references
        pictures = batch_to_arrays(self.sampled(_SAMPLES))
        generated = self.features(pictures)
        kid = kid_x1000(*normalise(held_out, generated))
        return {
            "kid_x1000": kid.value,
            "kid_low": kid.ci_low,
            "kid_high": kid.ci_high,
            "copy_ratio": copy_ratio(generated, train, held_out),
            "honest_copy_ratio": self.honest,
            "diversity_ratio": diversity_ratio(generated, held_out),
            **self.betrayed(pictures, generated),
        }

    def betrayed(self, pictures: list[np.ndarray], generated: np.ndarray) -> dict[str, float]:
        """Measure whether samples tell the works learned from; nothing of very few works."""
        if min(len(self.works), len(self.held_out)) < FEWEST_A_SIDE:
            return {}
        sets = self.squares, self.held_out, pictures
        kinds = (*self.references, generated), [pixel_features(one) for one in sets]
        spaces = [Space(train[None], held_out[None], made) for train, held_out, made in kinds]
        leak = membership(*sample_scores(spaces))
        low, high = leak.advantage_interval
        return {
            "membership_advantage": leak.advantage,
            "membership_advantage_low": low,
            "membership_advantage_high": high,
        }


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
    collections: Sequence[str] = (),
) -> Trainee:
    """Prepare the training of a generator and its discriminator on the works of one collection.

    By default loss, penalties and averaging follow R3GAN, networks and self-supervision follow
    FastGAN; each part's docstring names the paper.

    Args:
        train: Works (H, W, 3) uint8, both sides at least ``preset.size_px``.
        val: Held-out works, likewise; at least three, for the kernel distance.
        preset: Sizes and rates.
        steps: Steps that the run will take; the rates fall towards its end.
        seed: Of the weights, and of the works that are drawn for measuring.
        base: State dictionaries ``generator``, ``discriminator`` and ``generator_ema`` to start
            from, or None.
        features: From N pictures to (N, D) float64, for the measures.
        flip: Mirror training works at random; only where left and right mean nothing.
        collections: Collection of each training work, where the preset has classes.

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
    if preset.privacy_noise and base is not None:
        raise InvalidInputError(
            "base must be none in a private training, got a model. What it knows is not bounded."
        )
    torch.manual_seed(seed)
    generator, discriminator = make_generator(preset), make_discriminator(preset)
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
    rate = preset.learning_rate * LOSSES[preset.loss].rate
    # A generator whose weights are scaled in use changes less by steps of one length.
    equal = EQUALISED_RATE if preset.network == "style" else 1.0
    optimizers = {
        "generator": _adam(generator.parameters(), equal * rate),
        "discriminator": _adam(
            _learning(discriminator, 0 if base is None else preset.frozen), rate
        ),
    }
    kind = PrivateAdversaries if preset.privacy_noise else Adversaries
    augmented = partial(_augmented, COLOUR_CHANGES[preset.network])
    held_out = [square(scale_work(picture, preset.size_px), 0.5)[None] for picture in val]
    run = _Simulation(
        kind(preset, generator, discriminator, optimizers, augmented),
        works=[scale_work(picture, preset.size_px) for picture in train],
        labels=_labels(preset, collections),
        held_out=batch_to_arrays(torch.cat(held_out)),
        features=features,
        seed=seed,
        flip=flip,
        ema=ema,
        steps=steps,
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


def _labels(preset: SimulationPreset, collections: Sequence[str]) -> list[int]:
    """Return the class of each work; none where an older model does not know all collections."""
    if not set(collections) <= set(preset.classes):
        return []
    return [preset.classes.index(name) for name in collections]


def _augmented(color_probability: float, images: Tensor) -> Tensor:
    return augment(images, color_probability)


def _learning(discriminator: AnyDiscriminator, frozen: int) -> list[nn.Parameter]:
    """Return all parameters but those of the first levels.

    References:
        Mo et al. 2020, "Freeze the Discriminator", https://arxiv.org/abs/2002.10964
    """
    kept = {id(p) for level in discriminator.levels[:frozen] for p in level.parameters()}
    return [p for p in discriminator.parameters() if id(p) not in kept]


def _adam(parameters: Iterable[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=learning_rate, betas=(0.0, 0.99), eps=1e-8)
