"""Training of a simulation that tells little of any one work: differential privacy.

Only the discriminator sees works. Of each of them it may learn no more than a bounded gradient,
drowned in noise; the generator learns from the discriminator alone, and so tells no more. What is
bounded is what one picture can change: several scans or details of one work count several times.

Sampling and noise come from the system's source of chance and not from the training's seed, which
anybody may know: two such trainings differ, and a resumed one is another than one that was not.

What is measured of a model while it trains (kernel distance, copy ratio, the decision on promotion)
looks at works as well and is not covered. Where a model starts from another, that one would have to
be covered, too; so such trainings start from nothing.

References:
    Abadi et al. 2016, "Deep Learning with Differential Privacy", algorithm 1,
    https://arxiv.org/abs/1607.00133; Xie et al. 2018, "Differentially Private Generative
    Adversarial Network", https://arxiv.org/abs/1802.06739. Differs: works enter a step each by
    its own chance, as the bound assumes, and the gradient of generated works, which are nobody's,
    is neither clipped nor noisy.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.presets import LossName
from artgan.training import world
from artgan.training.adversaries import Adversaries, Draw
from artgan.training.loop import detached

CLIP = 1.0
"""Longest gradient of one work."""
_AT_ONCE = 32
_NO_JUDGES = ("decoder.", "reader.")
"""Parts of a discriminator that do not take part in its judgement."""

Loss = Callable[[Tensor], Tensor]


def _real_non_saturating(logits: Tensor) -> Tensor:
    return F.softplus(-logits).mean()


def _generated_non_saturating(logits: Tensor) -> Tensor:
    return F.softplus(logits).mean()


def _real_hinge(logits: Tensor) -> Tensor:
    return F.relu(1 - logits).mean()


def _generated_hinge(logits: Tensor) -> Tensor:
    return F.relu(1 + logits).mean()


SIDES: Mapping[LossName, tuple[Loss, Loss]] = {
    "non-saturating": (_real_non_saturating, _generated_non_saturating),
    "hinge": (_real_hinge, _generated_hinge),
}
"""Losses whose generator never looks at works, each in its two parts; without a penalty, which
would need a second gradient of each work."""


def clipped_sum(network: nn.Module, images: Tensor, loss: Loss) -> dict[str, Tensor]:
    """Add up the gradients of works, each shortened to `CLIP` at most.

    Args:
        network: A discriminator; works are judged one by one.
        images: (B, 3, S, S), B may be 0.
        loss: Of the logits of one work.

    Returns:
        A tensor for each parameter that takes part in the judgement.
    """
    judging = {
        name: parameter.detach()
        for name, parameter in network.named_parameters()
        if not name.startswith(_NO_JUDGES)
    }

    def of_one(parameters: dict[str, Tensor], image: Tensor) -> Tensor:
        logits, _ = functional_call(network, parameters, (image[None],))
        return loss(logits)

    total = {name: torch.zeros_like(one) for name, one in judging.items()}
    for part in images.split(_AT_ONCE) if len(images) else ():
        found = vmap(grad(of_one), in_dims=(None, 0))(judging, part)
        lengths = torch.stack([one.flatten(1).norm(dim=1) for one in found.values()]).norm(dim=0)
        shares = (CLIP / lengths.clamp_min(CLIP)).to(part.dtype)
        for name, one in found.items():
            total[name] += torch.tensordot(shares, one, dims=1)
    return total


def _secret_generator() -> torch.Generator:
    return torch.Generator().manual_seed(secrets.randbits(63))


@dataclass
class PrivateAdversaries(Adversaries):
    """Both networks, set against each other so that no single work tells.

    Attributes:
        chance: Of sampling and noise; nobody else knows its seed.
    """

    chance: torch.Generator = field(default_factory=_secret_generator)

    def __post_init__(self) -> None:
        """Refuse what would tell more than is accounted for."""
        if self.preset.loss not in SIDES:
            raise InvalidInputError(
                f"loss must be one of {', '.join(SIDES)} in a private training, got "
                f"{self.preset.loss!r}. The others let the generator see works, or need a penalty."
            )
        if world.size() > 1:
            raise InvalidInputError(
                f"a private training must run in one process, got {world.size()}. Let it see one "
                "device only."
            )

    def chosen(self, works: int) -> list[int]:
        """Draw the works of a step, each by its own chance; perhaps none."""
        drawn = torch.rand(works, generator=self.chance) < self.preset.batch / works
        return torch.nonzero(drawn).flatten().tolist()

    def step(self, draw: Draw, number: int) -> dict[str, float]:
        """Make one step of both; see `Adversaries.step`. ``draw`` gives what was `chosen`."""
        del number
        real, _ = draw()
        z, generated = self.generate(None)
        losses = self._learn_to_judge(real, generated.detach())
        # where real works would stand, which these losses of the generator never look at
        return detached(losses | self._step_generator(generated.detach(), generated, z, None))

    def _learn_to_judge(self, real: Tensor, generated: Tensor) -> dict[str, Tensor]:
        of_real, of_generated = SIDES[self.preset.loss]
        network, optimizer = self.discriminator, self.optimizers["discriminator"]
        optimizer.zero_grad(set_to_none=True)
        loss = of_generated(network(self.augment(generated))[0])
        loss.backward()
        shown = self.augment(real) if len(real) else real
        summed = clipped_sum(network, shown, of_real)
        parameters = dict(network.named_parameters())
        for name, gradient in summed.items():
            noise = torch.randn(gradient.shape, generator=self.chance).to(gradient.device)
            private = (gradient + self.preset.privacy_noise * CLIP * noise) / self.preset.batch
            own = parameters[name]
            own.grad = private if own.grad is None else own.grad + private
        optimizer.step()
        return {"discriminator": loss}
