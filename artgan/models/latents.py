"""What a simulated work starts from: random numbers, codes that can be turned, a class."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

_CODE_SHARE = 0.5
_CENTER_LATENTS = 1024
_CENTER_SEED = 0


@dataclass(frozen=True)
class Latents:
    """The parts of a latent vector, in this order.

    Attributes:
        normal: Numbers with a normal distribution.
        continuous: Codes with a uniform distribution in [-1, 1], to be turned like knobs.
        modes: Values of one categorical code, one-hot; 0 is no such code.
        classes: Classes that a work can be asked for, one-hot; 0 is none.

    References:
        Chen et al. 2016, "InfoGAN", section 7.1, https://arxiv.org/abs/1606.03657
    """

    normal: int
    continuous: int = 0
    modes: int = 0
    classes: int = 0

    @property
    def length(self) -> int:
        """Numbers in a latent vector."""
        return sum(self._parts)

    @property
    def coded(self) -> bool:
        """Whether there are codes that a discriminator can read back."""
        return self.continuous + self.modes > 0

    @property
    def _parts(self) -> list[int]:
        return [self.normal, self.continuous, self.modes, self.classes]

    def draw(
        self, count: int, rng: torch.Generator | None = None, labels: Tensor | None = None
    ) -> Tensor:
        """Draw latent vectors (count, length), on the CPU.

        Args:
            count: Number of vectors.
            rng: Source of randomness; None is torch's global generator.
            labels: (count,) classes from 0; None draws them.
        """
        parts = [torch.randn(count, self.normal, generator=rng)]
        if self.continuous:
            parts.append(2 * torch.rand(count, self.continuous, generator=rng) - 1)
        if self.modes:
            parts.append(_one_hot(torch.randint(self.modes, (count,), generator=rng), self.modes))
        if self.classes:
            drawn = torch.randint(self.classes, (count,), generator=rng)
            parts.append(_one_hot(drawn if labels is None else labels, self.classes))
        return torch.cat(parts, dim=1)

    def scaled(self, z: Tensor) -> Tensor:
        """Bring latents (B, length) to one length, and codes to half of it.

        Unscaled, a single code among a hundred random numbers would hardly be felt at first.
        """
        normal, *codes = z.split(self._parts, dim=1)
        unit = normal * torch.rsqrt(normal.square().mean(dim=1, keepdim=True) + 1e-8)
        weight = _CODE_SHARE * math.sqrt(self.normal)
        return torch.cat([unit, *(weight * code for code in codes)], dim=1)

    def evened(self) -> Tensor:
        """Return factors (length,) by which codes of `scaled` latents weigh as one number."""
        factors = torch.ones(self.length)
        coded = slice(self.normal, self.normal + self.continuous + self.modes)
        factors[coded] = 1 / (_CODE_SHARE * math.sqrt(self.normal))
        return factors

    def codes(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return the continuous codes (B, continuous) and the categorical one (B, modes)."""
        _, continuous, modes, _ = z.split(self._parts, dim=1)
        return continuous, modes

    def labels(self, z: Tensor) -> Tensor | None:
        """Return the class of each vector (B,), or None where there are no classes."""
        return z[:, -self.classes :].argmax(dim=1) if self.classes else None

    def redrawn(self, z: Tensor) -> Tensor:
        """Draw the random numbers of latents (B, length) anew; codes and classes stay."""
        normal = torch.randn(len(z), self.normal).to(z.device)
        return torch.cat([normal, z[:, self.normal :]], dim=1)

    def between(self, a: Tensor, b: Tensor, share: float) -> Tensor:
        """Return latents on the way from a to b, both (B, length); 0 is a and 1 is b.

        The random numbers go along the arc between them, since what lies inside the sphere was
        never learned; codes and classes go straight.

        References:
            Shoemake 1985, "Animating Rotation with Quaternion Curves", section 3.3
        """
        one, other = a[:, : self.normal], b[:, : self.normal]
        cosine = F.cosine_similarity(one, other, dim=1).clamp(-1, 1)[:, None]
        angle = cosine.arccos()
        arc = torch.sin((1 - share) * angle) * one + torch.sin(share * angle) * other
        normal = torch.where(angle < 1e-4, one, arc / torch.sin(angle).clamp(min=1e-4))
        codes = torch.lerp(a[:, self.normal :], b[:, self.normal :], share)
        return torch.cat([normal, codes], dim=1)

    def turned(self, z: Tensor, code: int, value: float) -> Tensor:
        """Set one continuous code of all vectors (B, length) to a value in [-1, 1]."""
        z = z.clone()
        z[:, self.normal + code] = value
        return z

    def switched(self, z: Tensor, mode: int) -> Tensor:
        """Set the categorical code of all vectors (B, length) to one of its modes."""
        z = z.clone()
        start = self.normal + self.continuous
        z[:, start : start + self.modes] = _one_hot(torch.tensor([mode]), self.modes).to(z)
        return z


class Starting(Protocol):
    """A network whose first part turns latents into what the rest paints from."""

    latents: Latents

    def begin(self, z: Tensor, noise: Sequence[Tensor] = ()) -> Tensor:
        """Return the start of each work, (B, ...), from latents (B, length)."""
        ...


@torch.no_grad()
def starts(network: Starting, device: torch.device, label: int | None = None) -> Tensor:
    """Return the starts of 1,024 fixed latents, of one class if it is given."""
    rng = torch.Generator().manual_seed(_CENTER_SEED)
    labels = None if label is None else torch.full((_CENTER_LATENTS,), label)
    return network.begin(network.latents.draw(_CENTER_LATENTS, rng, labels).to(device))


def truncated(network: Starting, z: Tensor, noise: Sequence[Tensor], truncation: float) -> Tensor:
    """Return starts drawn towards their mean: fewer surprises, less variety.

    Each work's mean is that of its class, where there are classes.

    Args:
        network: A generator.
        z: (B, length).
        noise: What the generator's ``draw`` gave along with it.
        truncation: 1 is the learned variety, 0 the mean alone.

    References:
        Karras et al. 2019, "A Style-Based Generator Architecture for GANs", app. B,
        https://arxiv.org/abs/1812.04948; there the mean moves along with the training
    """
    begun = network.begin(z, noise)
    if truncation == 1.0:
        return begun
    labels = network.latents.labels(z)
    if labels is None:
        center = starts(network, z.device).mean(dim=0, keepdim=True)
    else:
        known = {n: starts(network, z.device, n).mean(dim=0) for n in set(labels.tolist())}
        center = torch.stack([known[n] for n in labels.tolist()])
    return center + truncation * (begun - center)


def _one_hot(numbers: Tensor, count: int) -> Tensor:
    return F.one_hot(numbers, count).float()
