"""A generator against its discriminator: what one step does to both."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan.models.judging import code_loss
from artgan.models.simulators import AnyDiscriminator, AnyGenerator, device_of
from artgan.models.style_generator import StyleGenerator, mix_styles
from artgan.presets import SimulationPreset
from artgan.training.gan_losses import (
    LOSSES,
    AdversarialLoss,
    between,
    gradient_penalty,
    mismatch_loss,
    slope_penalty,
)
from artgan.training.loop import apply_gradients, detached, mixed_precision

PENALTY_EVERY = 4
SLOPE_WEIGHT = 10.0
MISMATCH_WEIGHT = 0.1
MIXED = 0.5

Draw = Callable[[], tuple[Tensor, Tensor | None]]


@dataclass
class Adversaries:
    """Both networks, and how they are set against each other.

    Attributes:
        preset: Its batch, loss and weights are used.
        generator: In training.
        discriminator: In training.
        optimizers: ``generator`` and ``discriminator``.
        augment: What the discriminator sees all works through.
    """

    preset: SimulationPreset
    generator: AnyGenerator
    discriminator: AnyDiscriminator
    optimizers: dict[str, torch.optim.Optimizer]
    augment: Callable[[Tensor], Tensor]

    @property
    def loss(self) -> AdversarialLoss:
        """The loss that the preset names."""
        return LOSSES[self.preset.loss]

    def chosen(self, works: int) -> list[int]:
        """Draw the numbers of a step's works, with replacement."""
        return torch.randint(works, (self.preset.batch,)).tolist()

    def step(self, draw: Draw, number: int) -> dict[str, float]:
        """Make one step of both; the discriminator comes first, several times for some losses.

        Args:
            draw: Returns real works (B, 3, S, S) and their classes (B,), or None.
            number: Number of the step, from 0.
        """
        for _ in range(self.loss.critic_steps - 1):
            real, labels = draw()
            with torch.no_grad():
                _, generated = self.generate(labels)
            self._step_discriminator(real, generated, labels, number)
        real, labels = draw()
        z, generated = self.generate(labels)
        losses = self._step_discriminator(real, generated.detach(), labels, number)
        if self.generator.latents.coded:
            losses |= self._step_reader(generated.detach(), z, labels)
        return detached(losses | self._step_generator(real, generated, z, labels))

    def generate(self, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        """Draw latents, and make works of them; styles of two latents are mixed in half of them."""
        device = device_of(self.generator)
        plain = None if labels is None else labels.cpu()
        z, noise = self.generator.draw(self.preset.batch, labels=plain)
        z, noise = z.to(device), [level.to(device) for level in noise]
        with _half_precision(device):
            if isinstance(self.generator, StyleGenerator):
                works = self.generator.finish(self._mixed(self.generator, z), noise)
            else:
                works = self.generator(z, noise)
        return z, works.float()

    def _mixed(self, generator: StyleGenerator, z: Tensor) -> Tensor:
        styles, others = generator.begin(z), generator.begin(generator.latents.redrawn(z))
        levels = len(generator.resolutions)
        crossover = torch.randint(1, levels, (len(z),))
        crossover = torch.where(torch.rand(len(z)) < MIXED, crossover, levels)
        return mix_styles(styles, others, crossover.to(z.device))

    def _step_discriminator(
        self, real: Tensor, generated: Tensor, labels: Tensor | None, number: int
    ) -> dict[str, Tensor]:
        slope = self.loss.penalty == "slope"
        penalised = not slope and number % PENALTY_EVERY == 0
        images = torch.cat([real, generated]).requires_grad_(penalised)
        with _half_precision(real.device, wanted=not penalised):
            shown = self.augment(images)
            logits, noticed = self.discriminator(shown, _twice(labels))
            redrawn = self.discriminator.redraw(noticed[: len(real)])
        real_logits, generated_logits = logits.float().chunk(2)
        adversarial = loss = self.loss.discriminator(real_logits, generated_logits)
        losses = {"discriminator": adversarial}
        if redrawn is not None:
            target = F.interpolate(shown[: len(real)].detach(), redrawn.shape[2:], mode="area")
            redrawing = 2 * F.l1_loss(redrawn.float(), target.clamp(0, 1))  # as if in [-1, 1]
            loss, losses["redrawing"] = loss + redrawing, redrawing
        if labels is not None and len(self.preset.classes) > 1:
            assert self.discriminator.match is not None
            mismatch = mismatch_loss(self.discriminator.match, noticed[: len(real)], labels)
            loss, losses["mismatch"] = loss + MISMATCH_WEIGHT * mismatch, mismatch
        if penalised:
            # gamma/2 (R1 + R2), and the mean over both halves is (R1 + R2) / 2; R1 alone likewise.
            of_each = gradient_penalty(logits, images)
            if self.loss.penalty == "r1":
                of_each = of_each[: len(real)] / 2
            penalty = self.preset.gamma * of_each.mean()
            loss, losses["penalty"] = loss + PENALTY_EVERY * penalty, penalty
        if slope:
            penalty = SLOPE_WEIGHT * self._slope(real, generated, labels).mean()
            loss, losses["penalty"] = loss + penalty, penalty
        self._descend("discriminator", loss, self.discriminator)
        return losses

    def _slope(self, real: Tensor, generated: Tensor, labels: Tensor | None) -> Tensor:
        images = between(real, generated).requires_grad_()
        return slope_penalty(self.discriminator(self.augment(images), labels)[0], images)

    def _step_reader(
        self, generated: Tensor, z: Tensor, labels: Tensor | None
    ) -> dict[str, Tensor]:
        """Teach the discriminator to read codes; on works as they are, colours included."""
        with _half_precision(z.device):
            _, noticed = self.discriminator(generated, labels)
            guesses = self.discriminator.read(noticed)
        loss = code_loss(guesses, self.generator.latents.codes(z))
        self._descend("discriminator", loss, self.discriminator)
        return {"codes": loss}

    def _step_generator(
        self, real: Tensor, generated: Tensor, z: Tensor, labels: Tensor | None
    ) -> dict[str, Tensor]:
        self.discriminator.requires_grad_(requires_grad=False)
        with _half_precision(z.device):
            with torch.no_grad():
                real_logits, _ = self.discriminator(self.augment(real), labels)
            logits, _ = self.discriminator(self.augment(generated), labels)
            loss = adversarial = self.loss.generator(logits.float(), real_logits.float())
            if self.generator.latents.coded:
                guesses = self.discriminator.read(self.discriminator(generated, labels)[1])
                loss = loss + code_loss(guesses, self.generator.latents.codes(z))
        self._descend("generator", loss, self.generator)
        self.discriminator.requires_grad_(requires_grad=True)
        return {"generator": adversarial}

    def _descend(self, name: str, loss: Tensor, network: nn.Module) -> None:
        # The penalties bound the slopes already: unlike elsewhere, gradients are not clipped.
        apply_gradients(loss, self.optimizers[name], network.parameters(), max_norm=math.inf)


def _twice(labels: Tensor | None) -> Tensor | None:
    return None if labels is None else labels.repeat(2)


def _half_precision(device: torch.device, *, wanted: bool = True) -> AbstractContextManager[object]:
    """Compute in fewer bits on an accelerator; penalties, which square slopes, want float32."""
    return mixed_precision(device) if wanted else nullcontext()
