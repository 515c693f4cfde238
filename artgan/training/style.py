"""Training of a collection's translator: contrastive, unpaired, starting from its colours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.imaging.tensors import arrays_to_batch
from artgan.models.checkpoint import load_network
from artgan.models.translator import PatchProjections, StyleDiscriminator, Translator
from artgan.presets import StylePreset
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
    shown,
    tinted_works,
)

TEMPERATURE = 0.07
CONTRAST_WEIGHT = 0.3
ANCHOR_WEIGHT = 1.0
_BETAS = (0.5, 0.999)


def patch_contrast(queries: Tensor, keys: Tensor) -> Tensor:
    """Measure how hard it is to tell which place of the content each place came from.

    InfoNCE over the places of one picture: the key at the query's own place against the others.

    Args:
        queries: (B, P, D) unit vectors of the translated picture.
        keys: (B, P, D) unit vectors of the content at the same places; treated as constants.

    Returns:
        Scalar, at least 0.

    References:
        Park et al. 2020, "Contrastive Learning for Unpaired Image-to-Image Translation", eq. 3,
        https://arxiv.org/abs/2007.15651
    """
    similarity = torch.bmm(queries, keys.detach().transpose(1, 2)) / TEMPERATURE
    own = torch.arange(similarity.shape[1], device=similarity.device)
    return F.cross_entropy(similarity.flatten(0, 1), own.repeat(similarity.shape[0]))


class _Networks(NamedTuple):
    translator: Translator
    discriminator: StyleDiscriminator
    projections: PatchProjections


@dataclass
class _Style:
    """One run: networks, works of both sides and what a step needs to know."""

    preset: StylePreset
    steps: int
    style: list[Tensor]
    content: list[Tensor]
    networks: _Networks
    ema: Translator
    optimizers: dict[str, torch.optim.Optimizer]

    @property
    def device(self) -> torch.device:
        return self.ema.head.weight.device

    def step(self, number: int) -> dict[str, float]:
        factor = held_rate(number, self.steps)
        for optimizer in self.optimizers.values():
            scale_learning_rate(optimizer, factor)
        crop_px, batch = self.preset.crop_px, self.preset.batch
        style = draw_crops(self.style, crop_px, batch).to(self.device)
        content = draw_crops(self.content, crop_px, batch).to(self.device)
        # The collection's own crops go through as well: they should come out as they are.
        sources = torch.cat([content, style])
        with mixed_precision(self.device):
            maps = self.networks.translator.encode(sources)
            results = self.networks.translator.decode(sources, maps[-1])
        losses = self._step_discriminator(style, results[:batch].detach())
        losses |= self._step_translator(sources, results, maps)
        update_ema(self.ema, self.networks.translator, ema_decay(number, batch * world.size()))
        return detached(losses)

    def _step_discriminator(self, style: Tensor, translated: Tensor) -> dict[str, Tensor]:
        real = self.networks.discriminator(shown(style, len(self.style)))
        generated = self.networks.discriminator(shown(translated, len(self.style)))
        loss = (least_squares_loss(real, 1.0) + least_squares_loss(generated, 0.0)) / 2
        apply_gradients(
            loss, self.optimizers["discriminator"], self.networks.discriminator.parameters()
        )
        return {"discriminator": loss}

    def _step_translator(
        self, sources: Tensor, results: Tensor, maps: Sequence[Tensor]
    ) -> dict[str, Tensor]:
        self.networks.discriminator.requires_grad_(requires_grad=False)
        translated = results[: self.preset.batch]
        adversarial = least_squares_loss(
            self.networks.discriminator(shown(translated, len(self.style))), 1.0
        )
        places = [self._draw_places(m) for m in maps]
        with mixed_precision(self.device):
            queries = self.networks.projections(self.networks.translator.encode(results), places)
            keys = self.networks.projections(maps, places)
        contrast = torch.stack(
            [patch_contrast(q.float(), k.float()) for q, k in zip(queries, keys, strict=True)]
        ).mean()
        anchor = anchor_loss(results, sources)
        parameters = [
            *self.networks.translator.parameters(),
            *self.networks.projections.parameters(),
        ]
        loss = adversarial + CONTRAST_WEIGHT * contrast + ANCHOR_WEIGHT * anchor
        apply_gradients(loss, self.optimizers["translator"], parameters)
        self.networks.discriminator.requires_grad_(requires_grad=True)
        return {"adversarial": adversarial, "contrast": contrast, "anchor": anchor}

    def _draw_places(self, features: Tensor) -> Tensor:
        places = torch.randperm(features.shape[2] * features.shape[3])[: self.preset.patches]
        return places.to(features.device)


def build(
    sides: Sides,
    preset: StylePreset,
    steps: int,
    seed: int,
    base: Mapping[str, Mapping[str, Tensor]] | None,
    features: Features,
) -> Trainee:
    """Prepare the training of a translator from other works to one collection.

    Differs from the paper: contents start from the collection's colours, the translator adds to
    them instead of redrawing them, features of three layers are compared, and the discriminator
    is spectrally normalised and sees works moved and mirrored where there are fewer than 100.

    Args:
        sides: Works of short side ``preset.short_side_px``.
        preset: Sizes and rates.
        steps: Steps of the run; the learning rate falls to zero over their second half.
        seed: Of the weights.
        base: State dictionaries to start from, or None; the colours are always the collection's.
        features: From N pictures to (N, D) float64, for the measures.

    Returns:
        What the loop trains.

    Raises:
        InvalidInputError: When a side has too few works.
    """
    sides.check(preset.crop_px)
    torch.manual_seed(seed)
    networks = _networks(preset, base or {})
    ema = make_ema(networks.translator)
    if base is not None and "translator_ema" in base:
        load_network(ema, base["translator_ema"])  # what is in use is measured as it is used
    give_colors((networks.translator, ema), sides)
    for network in (*networks, ema):
        network.to(training_device())
    run = _Style(
        preset=preset,
        steps=steps,
        style=[arrays_to_batch([work])[0] for work in sides.style_train],
        content=tinted_works(sides.content_train, networks.translator),
        networks=networks,
        ema=ema,
        optimizers=_optimizers(networks, preset.learning_rate),
    )
    held = Held.of(sides, preset.short_side_px, ema, features)
    return Trainee(
        networks={**networks._asdict(), "translator_ema": ema},
        optimizers=run.optimizers,
        step=run.step,
        validate=lambda: held.measures(ema),
        grid=lambda: held.grid(ema),
        publish=("translator_ema",),
        warm=("translator", "discriminator", "projections"),
    )


def _networks(preset: StylePreset, base: Mapping[str, Mapping[str, Tensor]]) -> _Networks:
    translator = Translator(preset.width, preset.blocks)
    networks = _Networks(
        translator,
        StyleDiscriminator(2 * preset.width),
        PatchProjections(translator.encoder_channels),
    )
    for name, network in networks._asdict().items():
        if name in base:
            load_network(network, base[name])
    return networks


def _optimizers(networks: _Networks, learning_rate: float) -> dict[str, torch.optim.Optimizer]:
    parameters = {
        "translator": [*networks.translator.parameters(), *networks.projections.parameters()],
        "discriminator": [*networks.discriminator.parameters()],
    }
    rates = {"translator": learning_rate, "discriminator": JUDGE_RATE * learning_rate}
    return {
        name: torch.optim.Adam(group, lr=rates[name], betas=_BETAS)
        for name, group in parameters.items()
    }
