"""Exponential moving average of a network's weights: what is measured and published."""

import copy
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def make_ema(network: Network) -> Network:
    """Copy a network as the start of its average, in evaluation mode and without gradients."""
    return copy.deepcopy(network).eval().requires_grad_(requires_grad=False)


@torch.no_grad()
def update_ema(ema: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the average toward the network: ``ema = decay * ema + (1 - decay) * network``.

    Args:
        ema: The average, changed in place; buffers are copied, not averaged.
        network: The network in training, same architecture.
        decay: Fraction of the average that is kept, in [0, 1].
    """
    for average, weight in zip(ema.parameters(), network.parameters(), strict=True):
        average.lerp_(weight, 1.0 - decay)
    for average, buffer in zip(ema.buffers(), network.buffers(), strict=True):
        average.copy_(buffer)


def warming_decay(step: int, decay: float) -> float:
    """Give the decay of a step: short memory at first, so that the start is soon forgotten.

    A network that starts as zero is worth nothing while its average still remembers that.

    Args:
        step: Number of the step, from 0.
        decay: What it rises to.
    """
    return min(decay, (1.0 + step) / (10.0 + step))
