"""Training of a network that learns without a judge: what tone, finishers and detector do alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam

from artgan.models.checkpoint import load_network
from artgan.training.ema import make_ema, update_ema, warming_decay
from artgan.training.loop import (
    Trainee,
    apply_gradients,
    detached,
    scale_learning_rate,
    training_device,
    warmup_cosine,
)

EMA_DECAY = 0.995
FINE_TUNING_RATE_FACTOR = 0.2
VALIDATION_SEED = 20_240_229

Weights = Mapping[str, Mapping[str, Tensor]]
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Pupil(Generic[Network]):
    """A network, and what it learns from.

    Attributes:
        name: What its weights are called; those of its average end in ``_ema``.
        network: Untrained.
        learning_rate: Adam's step size, five times that of a training that starts from a base.
        losses: Draws a batch for a network on a device; returns the terms of its loss.
        measures: Measures the average on held-out works.
        grid: Draws its progress, (H, W, 3) uint8.
        betas: Adam's.
        loss_weights: Weights of terms of the loss; those not named count once.
    """

    name: str
    network: Network
    learning_rate: float
    losses: Callable[[Network, torch.device], dict[str, Tensor]]
    measures: Callable[[Network], dict[str, float]]
    grid: Callable[[Network], np.ndarray]
    betas: tuple[float, float] = (0.5, 0.9)
    loss_weights: Mapping[str, float] = field(default_factory=dict)


def build_pupil(pupil: Pupil[Network], steps: int, base: Weights | None) -> Trainee:
    """Prepare the training of a network that learns without a judge.

    Args:
        pupil: The network, and what it learns from.
        steps: Steps in all, which the schedule needs to know.
        base: Weights of a published network of this kind to start from, or None.

    Returns:
        What ``artgan.training.loop.train`` needs.

    Raises:
        CorruptAssetError: The base has another architecture.
    """
    averaged = f"{pupil.name}_ema"
    if base is not None:
        load_network(pupil.network, base[averaged])
    device = training_device()
    network = pupil.network.to(device)
    ema = make_ema(network)
    slower = 1.0 if base is None else FINE_TUNING_RATE_FACTOR
    optimizer = Adam(network.parameters(), slower * pupil.learning_rate, pupil.betas)

    def step(number: int) -> dict[str, float]:
        losses = pupil.losses(network, device)
        weighted = [pupil.loss_weights.get(name, 1.0) * loss for name, loss in losses.items()]
        scale_learning_rate(optimizer, warmup_cosine(number, steps))
        apply_gradients(torch.stack(weighted).sum(), optimizer, network.parameters())
        update_ema(ema, network, warming_decay(number, EMA_DECAY))
        return detached(losses)

    return Trainee(
        networks={pupil.name: network, averaged: ema},
        optimizers={pupil.name: optimizer},
        step=step,
        validate=lambda: pupil.measures(ema),
        grid=lambda: pupil.grid(ema),
        publish=(averaged,),
    )
