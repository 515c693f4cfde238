"""Training of a collection's translator by going there and back: `cyclegan`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan.imaging.tensors import arrays_to_batch
from artgan.models.checkpoint import load_network
from artgan.models.translator import StyleDiscriminator, Translator
from artgan.presets import CycleganPreset
from artgan.training import world
from artgan.training.ema import make_ema, update_ema
from artgan.training.gan_losses import least_squares_loss
from artgan.training.loop import (
    Trainee,
    apply_gradients,
    detached,
    mixed_precision,
    scale_learning_rate,
    training_device,
)
from artgan.training.sides import Sides, draw_crops
from artgan.training.simulation import Features, ema_decay
from artgan.training.translations import (
    JUDGE_RATE,
    Held,
    anchor_loss,
    give_colors,
    held_rate,
    return_loss,
    shown,
    tinted_works,
)

ANCHOR_WEIGHT = 1.0
_BETAS = (0.5, 0.999)
_PEAK = 255.0


class ImagePool(nn.Module):
    """Results of earlier steps, which a discriminator is shown again in half of the cases.

    A module, so that a checkpoint keeps it. It holds codes of 8 bits, as files of works do.
    Processes that train together have one each; a checkpoint keeps that of the first.

    Args:
        size: Results that it holds, at least 1.
        side_px: Their side.

    References:
        Shrivastava et al. 2017, "Learning from Simulated and Unsupervised Images through
        Adversarial Training", section 2.3, https://arxiv.org/abs/1612.07828
    """

    codes: Tensor
    filled: Tensor

    def __init__(self, size: int, side_px: int) -> None:
        super().__init__()
        self.register_buffer("codes", torch.zeros(size, 3, side_px, side_px, dtype=torch.uint8))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    def exchanged(self, images: Tensor) -> Tensor:
        """Keep images (B, 3, H, W) in [0, 1], and return as many, of which some are older."""
        return torch.stack([self._exchanged(image) for image in images])

    def _exchanged(self, image: Tensor) -> Tensor:
        codes = image.detach().mul(_PEAK).round().clamp(0.0, _PEAK).to(torch.uint8)
        filled = int(self.filled)
        if filled < len(self.codes):
            self.codes[filled] = codes
            self.filled += 1
            return image
        if torch.rand(()) < 0.5:
            return image
        chosen = int(torch.randint(filled, ()))
        older = self.codes[chosen].to(image.dtype) / _PEAK
        self.codes[chosen] = codes
        return older


class _Networks(NamedTuple):
    """Networks of both ways; `there` adds the collection's brushwork, `back` takes it away."""

    translator: Translator
    back: Translator
    discriminator: StyleDiscriminator
    back_discriminator: StyleDiscriminator
    pool: ImagePool
    back_pool: ImagePool
    translator_ema: Translator
    back_ema: Translator


class _Made(NamedTuple):
    """What a step made: translated, back again, and works of a side through its own network."""

    style: Tensor
    content: Tensor
    style_again: Tensor
    content_again: Tensor
    style_same: Tensor
    content_same: Tensor


@dataclass
class _Cycle:
    """One run."""

    preset: CycleganPreset
    steps: int
    style: list[Tensor]
    content: list[Tensor]
    networks: _Networks
    optimizers: dict[str, torch.optim.Optimizer]

    @property
    def device(self) -> torch.device:
        return self.networks.translator.head.weight.device

    def step(self, number: int) -> dict[str, float]:
        for optimizer in self.optimizers.values():
            scale_learning_rate(optimizer, held_rate(number, self.steps))
        crop_px, batch = self.preset.crop_px, self.preset.batch
        style = draw_crops(self.style, crop_px, batch).to(self.device)
        content = draw_crops(self.content, crop_px, batch).to(self.device)
        with mixed_precision(self.device):
            made = self._made(style, content)
        losses = self._step_discriminators(style, content, made)
        losses |= self._step_translators(style, content, made)
        decay = ema_decay(number, batch * world.size())
        update_ema(self.networks.translator_ema, self.networks.translator, decay)
        update_ema(self.networks.back_ema, self.networks.back, decay)
        return losses

    def _made(self, style: Tensor, content: Tensor) -> _Made:
        there, back = self.networks.translator, self.networks.back
        made_style, style_same = there(torch.cat([content, style])).chunk(2)
        made_content, content_same = back(torch.cat([style, content])).chunk(2)
        made = (
            *(made_style, made_content, there(made_content), back(made_style)),
            *(style_same, content_same),
        )
        return _Made(*(one.float() for one in made))

    def _step_discriminators(self, style: Tensor, content: Tensor, made: _Made) -> dict[str, float]:
        n = self.networks
        losses = []
        for judge, pool, real, result, works in (
            (n.discriminator, n.pool, style, made.style, self.style),
            (n.back_discriminator, n.back_pool, content, made.content, self.content),
        ):
            generated = pool.exchanged(result.detach())
            losses += [
                least_squares_loss(judge(shown(real, len(works))), 1.0),
                least_squares_loss(judge(shown(generated, len(works))), 0.0),
            ]
        loss = torch.stack(losses).sum() / 2
        parameters = [*n.discriminator.parameters(), *n.back_discriminator.parameters()]
        apply_gradients(loss, self.optimizers["discriminators"], parameters)
        return detached({"discriminators": loss})

    def _step_translators(self, style: Tensor, content: Tensor, made: _Made) -> dict[str, float]:
        n = self.networks
        judges = (n.discriminator, n.back_discriminator)
        for judge in judges:
            judge.requires_grad_(requires_grad=False)
        adversarial = least_squares_loss(
            n.discriminator(shown(made.style, len(self.style))), 1.0
        ) + least_squares_loss(n.back_discriminator(shown(made.content, len(self.content))), 1.0)
        cycle = return_loss(made.content_again, content) + return_loss(made.style_again, style)
        identity = return_loss(made.style_same, style) + return_loss(made.content_same, content)
        anchor = anchor_loss(made.style, content) + anchor_loss(made.content, style)
        kept = cycle + self.preset.identity_weight * identity
        loss = adversarial + self.preset.cycle_weight * kept + ANCHOR_WEIGHT * anchor
        parameters = [*n.translator.parameters(), *n.back.parameters()]
        apply_gradients(loss, self.optimizers["translators"], parameters)
        for judge in judges:
            judge.requires_grad_(requires_grad=True)
        losses = {"adversarial": adversarial, "cycle": cycle, "identity": identity}
        return detached(losses | {"anchor": anchor})


def build(
    sides: Sides,
    preset: CycleganPreset,
    steps: int,
    seed: int,
    base: Mapping[str, Mapping[str, Tensor]] | None,
    features: Features,
) -> Trainee:
    """Prepare the training of a translator to one collection, and of one back.

    Differs from the paper: both translators work between the collection and other works in the
    collection's colours, which a linear map gives and takes; they add to pictures instead of
    redrawing them, and so start as the identity with a cycle loss of 0, which rises while they
    begin to paint and falls when they learn the way back; the discriminators are spectrally
    normalised and see works moved and mirrored where there are fewer than 100.

    Args:
        sides: Works of short side ``preset.short_side_px``.
        preset: Sizes, rates and weights.
        steps: Steps of the run; the learning rate falls to zero over their second half.
        seed: Of the weights.
        base: State dictionaries to start from, or None; the colours are always the collection's.
        features: From N pictures to (N, D) float64, for the measures.

    Returns:
        What the loop trains.

    Raises:
        InvalidInputError: When a side has too few works.

    References:
        Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
        Networks", https://arxiv.org/abs/1703.10593
    """
    sides.check(preset.crop_px)
    torch.manual_seed(seed)
    networks = _networks(preset, base or {})
    give_colors((networks.translator, networks.translator_ema), sides)
    for network in networks:
        network.to(training_device())
    run = _Cycle(
        preset,
        steps,
        [arrays_to_batch([work])[0] for work in sides.style_train],
        tinted_works(sides.content_train, networks.translator),
        networks,
        _optimizers(networks, preset.learning_rate),
    )
    held = Held.of(sides, preset.short_side_px, networks.translator, features)
    ema = networks.translator_ema
    return Trainee(
        networks=networks._asdict(),
        optimizers=run.optimizers,
        step=run.step,
        validate=lambda: held.measures(ema) | way_back(held, ema, networks.back_ema),
        grid=lambda: held.grid(ema),
        publish=("translator_ema",),
        warm=("back_ema", "discriminator", "back_discriminator"),
    )


@torch.no_grad()
def way_back(held: Held, there: Translator, back: Translator) -> dict[str, float]:
    """Measure what becomes of held-out contents that are translated and brought back.

    Returns:
        ``changed_l1``, how far the translation went, and ``cycle_l1``, how far from the content
        the way back ends; both mean differences of values in [0, 1].
    """
    changed, left = [], []
    for work in held.tinted:
        content = arrays_to_batch([work]).to(there.head.weight.device)
        made = there(content)
        changed.append(F.l1_loss(made, content))
        left.append(F.l1_loss(back(made), content))
    means = {"changed_l1": torch.stack(changed).mean(), "cycle_l1": torch.stack(left).mean()}
    return detached(means)


def _networks(preset: CycleganPreset, base: Mapping[str, Mapping[str, Tensor]]) -> _Networks:
    there, back = (Translator(preset.width, preset.blocks) for _ in range(2))
    judge, back_judge = (StyleDiscriminator(2 * preset.width) for _ in range(2))
    starts = {"translator_ema": there, "back_ema": back}
    starts |= {"discriminator": judge, "back_discriminator": back_judge}
    for name, network in starts.items():
        if name in base:
            load_network(network, base[name])
    pool, back_pool = (ImagePool(preset.pool, preset.crop_px) for _ in range(2))
    averages = make_ema(there), make_ema(back)
    return _Networks(there, back, judge, back_judge, pool, back_pool, *averages)


def _optimizers(networks: _Networks, learning_rate: float) -> dict[str, torch.optim.Optimizer]:
    pairs = {
        "translators": (networks.translator, networks.back),
        "discriminators": (networks.discriminator, networks.back_discriminator),
    }
    rates = {"translators": learning_rate, "discriminators": JUDGE_RATE * learning_rate}
    return {
        name: torch.optim.Adam(
            [p for network in pair for p in network.parameters()], rates[name], _BETAS
        )
        for name, pair in pairs.items()
    }
