"""Training of one painter for all collections: `multi`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import arrays_to_batch
from artgan.models.checkpoint import load_network
from artgan.models.multi import NAME, CollectionDiscriminator, MultiPainter
from artgan.presets import MultiPreset
from artgan.stylize.color import (
    ColorMap,
    ColorStatistics,
    mapped,
    measure_colors,
    pool_colors,
)
from artgan.stylize.paint import multi_colors, multi_tint
from artgan.training import world
from artgan.training.archive_network import Labelled
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
from artgan.training.multi_exam import Exam
from artgan.training.sides import check_works, cut_crops
from artgan.training.simulation import Features, ema_decay
from artgan.training.translations import JUDGE_RATE, anchor_loss, held_rate, return_loss, shown

ANCHOR_WEIGHT = 1.0
_BETAS = (0.5, 0.999)


class _Networks(NamedTuple):
    multi: MultiPainter
    judges: CollectionDiscriminator
    multi_ema: MultiPainter


class _Drawn(NamedTuple):
    """Crops of works with their labels, the labels wanted, and the way between their colours."""

    works: Tensor
    own: Tensor
    tinted: Tensor
    wanted: Tensor
    ways_back: list[ColorMap]


@dataclass
class _Multi:
    """One run."""

    preset: MultiPreset
    steps: int
    works: list[Tensor]
    of_class: list[list[int]]
    colors: list[ColorStatistics]
    styles: list[ColorStatistics]
    networks: _Networks
    optimizers: dict[str, torch.optim.Optimizer]

    @property
    def device(self) -> torch.device:
        return self.networks.multi.manners.device

    @cached_property
    def present(self) -> list[int]:
        """Labels that there are works of."""
        return [label for label, works in enumerate(self.of_class) if works]

    def step(self, number: int) -> dict[str, float]:
        for optimizer in self.optimizers.values():
            scale_learning_rate(optimizer, held_rate(number, self.steps))
        drawn = self._draw()
        with mixed_precision(self.device):
            made = self.networks.multi(drawn.tinted, drawn.wanted)
        made = made.float()
        own_colours = mapped(made, drawn.ways_back)  # in full precision: colours are seen
        with mixed_precision(self.device):
            returned = self.networks.multi(own_colours, drawn.own)
        returned = returned.float()
        losses = self._step_discriminator(drawn, made.detach())
        losses |= self._step_painter(drawn, made, returned)
        update_ema(
            self.networks.multi_ema,
            self.networks.multi,
            ema_decay(number, self.preset.batch * world.size()),
        )
        return losses

    def _draw(self) -> _Drawn:
        """Draw crops, each collection equally often, and another collection for each."""
        count = len(self.present)
        places = torch.randint(count, (self.preset.batch,)).tolist()
        others = torch.randint(1, count, (self.preset.batch,)).tolist()
        own = [self.present[place] for place in places]
        wanted = [
            self.present[(place + other) % count]
            for place, other in zip(places, others, strict=True)
        ]
        chosen = [self._one_of(label) for label in own]
        crops = cut_crops(self.works, chosen, self.preset.crop_px)
        ways = [
            multi_tint(self.colors[work], self.styles, label)
            for work, label in zip(chosen, wanted, strict=True)
        ]
        return _Drawn(
            crops.to(self.device),
            torch.tensor(own, device=self.device),
            mapped(crops, ways).to(self.device),
            torch.tensor(wanted, device=self.device),
            [way.inverse() for way in ways],
        )

    def _one_of(self, label: int) -> int:
        works = self.of_class[label]
        return works[int(torch.randint(len(works), ()))]

    def _shown(self, images: Tensor) -> Tensor:
        return shown(images, min(len(self.of_class[label]) for label in self.present))

    def _step_discriminator(self, drawn: _Drawn, made: Tensor) -> dict[str, float]:
        judge = self.networks.judges
        real = judge(self._shown(drawn.works), drawn.own)
        generated = judge(self._shown(made), drawn.wanted)
        loss = (least_squares_loss(real, 1.0) + least_squares_loss(generated, 0.0)) / 2
        apply_gradients(loss, self.optimizers["judges"], judge.parameters())
        return detached({"judges": loss})

    def _step_painter(self, drawn: _Drawn, made: Tensor, returned: Tensor) -> dict[str, float]:
        judge = self.networks.judges
        judge.requires_grad_(requires_grad=False)
        adversarial = least_squares_loss(judge(self._shown(made), drawn.wanted), 1.0)
        cycle = return_loss(returned, drawn.works)
        anchor = anchor_loss(made, drawn.tinted)
        loss = adversarial + self.preset.cycle_weight * cycle + ANCHOR_WEIGHT * anchor
        apply_gradients(loss, self.optimizers["multi"], self.networks.multi.parameters())
        judge.requires_grad_(requires_grad=True)
        return detached({"adversarial": adversarial, "cycle": cycle, "anchor": anchor})


def build(  # noqa: PLR0913, PLR0917 -- as for the other kinds
    train: Labelled,
    val: Labelled,
    preset: MultiPreset,
    steps: int,
    seed: int,
    base: Mapping[str, Mapping[str, Tensor]] | None,
    features: Features,
) -> Trainee:
    """Prepare the training of a painter for the collections that a preset names.

    Differs from the paper: works are given the colours of the collection asked for first, by a
    linear map, and their own ones before the way back; each collection has a judge of its own, and
    no classifier is to be pleased (see `CollectionDiscriminator`); the adversarial loss is that of
    least squares with spectral normalisation; another collection than a work's own is always asked
    for.

    Args:
        train: Works of short side ``preset.short_side_px``, with the label of their collection.
        val: Held-out works, likewise.
        preset: Sizes, rates, weights and the names of the collections.
        steps: Steps of the run; the learning rate falls to zero over their second half.
        seed: Of the weights.
        base: State dictionaries to start from, or None; colours are always the collections' own.
        features: From N pictures to (N, D) float64, for the measures.

    Returns:
        What the loop trains.

    Raises:
        InvalidInputError: Too few works, or works of fewer than two collections.
    """
    for name, works in (("train", train.pictures), ("val", val.pictures)):
        check_works(name, works, 2, preset.crop_px)
    of_class = [
        [at for at, label in enumerate(train.labels) if label == wanted]
        for wanted in range(len(preset.classes))
    ]
    if sum(bool(works) for works in of_class) < 2:
        raise InvalidInputError(
            f"train must hold works of at least 2 of the collections {preset.classes}, got "
            f"{[len(works) for works in of_class]}. Use fast or cut for a single collection."
        )
    torch.manual_seed(seed)
    multi = MultiPainter(preset.width, preset.blocks, preset.classes)
    judge = CollectionDiscriminator(2 * preset.width, len(preset.classes))
    for name, network in ((NAME, multi), ("judges", judge)):
        if base is not None and name in base:
            load_network(network, base[name])
    colors = [measure_colors(work) for work in train.pictures]
    for label, chosen in enumerate(of_class):
        if chosen:
            pooled = pool_colors([colors[at] for at in chosen])
            multi.set_colors(label, pooled.mean, pooled.covariance)
    networks = _Networks(multi, judge, make_ema(multi))
    for network in networks:
        network.to(training_device())
    run = _Multi(
        preset,
        steps,
        [arrays_to_batch([work])[0] for work in train.pictures],
        of_class,
        colors,
        multi_colors(multi),
        networks,
        {
            name: torch.optim.Adam(network.parameters(), factor * preset.learning_rate, _BETAS)
            for name, network, factor in (("multi", multi, 1.0), ("judges", judge, JUDGE_RATE))
        },
    )
    exam = Exam(train, val, preset.short_side_px, features)
    ema = networks.multi_ema
    return Trainee(
        networks=networks._asdict(),
        optimizers=run.optimizers,
        step=run.step,
        validate=lambda: exam.measures(ema),
        grid=lambda: exam.grid(ema),
        publish=(NAME,),
        warm=("judges",),
    )
