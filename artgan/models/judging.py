"""What a discriminator can be asked besides real or not: which codes, and does the class fit."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan.models.blocks import LEAK
from artgan.models.latents import Latents

_WIDTH = 32


class CodeReader(nn.Module):
    """Guess the codes that a work was made with, from a discriminator's last map.

    Args:
        channels: Channels of the map, which is reduced to 4x4.
        latents: Says which codes there are.

    References:
        Chen et al. 2016, "InfoGAN", section 6, https://arxiv.org/abs/1606.03657
    """

    def __init__(self, channels: int, latents: Latents) -> None:
        super().__init__()
        self.continuous = latents.continuous
        self.reduce = nn.Conv2d(channels, _WIDTH, 3, padding=1)
        self.guess = nn.Linear(_WIDTH * 16, latents.continuous + latents.modes)

    def forward(self, noticed: Tensor) -> tuple[Tensor, Tensor]:
        """Return means of the continuous codes and logits of the modes, (B, codes) each."""
        guesses = self.guess(
            F.leaky_relu(self.reduce(F.adaptive_avg_pool2d(noticed, 4)), LEAK).flatten(1)
        )
        return guesses[:, : self.continuous], guesses[:, self.continuous :]


class ClassMatch(nn.Module):
    """How well a work fits its class: its mean map projected onto a vector of that class.

    Args:
        channels: Channels of the map.
        classes: Number of classes.

    References:
        Miyato and Koyama 2018, "cGANs with Projection Discriminator",
        https://arxiv.org/abs/1802.05637
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.vectors = nn.Embedding(classes, channels)

    def forward(self, noticed: Tensor, labels: Tensor) -> Tensor:
        """Return what to add to all logits of a work, (B, 1, 1, 1)."""
        pooled = F.leaky_relu(noticed, LEAK).mean(dim=(2, 3))
        fit = (pooled * self.vectors(labels)).sum(dim=1) / math.sqrt(pooled.shape[1])
        return fit[:, None, None, None]


def code_loss(guesses: tuple[Tensor, Tensor], codes: tuple[Tensor, Tensor]) -> Tensor:
    """Measure how badly codes were guessed: a bound on what works hide of them.

    Squared error of the continuous ones, which is the likelihood of a normal distribution of
    variance 1/2, and cross entropy of the categorical one, both as means over works.

    Args:
        guesses: What ``CodeReader`` returns.
        codes: Continuous (B, continuous) and one-hot (B, modes).

    References:
        Chen et al. 2016, eq. 5, https://arxiv.org/abs/1606.03657
    """
    losses = []
    if codes[0].shape[1]:
        losses.append((guesses[0] - codes[0]).square().sum(dim=1).mean())
    if codes[1].shape[1]:
        losses.append(F.cross_entropy(guesses[1].float(), codes[1].argmax(dim=1)))
    return torch.stack(losses).sum()
