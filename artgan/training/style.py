"""Training of a collection's translator: contrastive, unpaired, starting from its colours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.metrics.features import normalise
from artgan.metrics.kernel import kid_x1000
from artgan.models.checkpoint import load_network
from artgan.models.translator import STRIDE, PatchProjections, StyleDiscriminator, Translator
from artgan.presets import StylePreset
from artgan.simulate.works import grid
from artgan.stylize.color import measure_colors, pool_colors, transfer_colors
from artgan.stylize.translate import tint
from artgan.training import world
from artgan.training.augment import augment
from artgan.training.ema import make_ema, update_ema
from artgan.training.gan_losses import least_squares_loss
from artgan.training.loop import (
    Trainee,
    apply_gradients,
    mixed_precision,
    scale_learning_rate,
    training_device,
)
from artgan.training.simulation import Features, ema_decay

TEMPERATURE = 0.07
CONTRAST_WEIGHT = 0.3
ANCHOR_WEIGHT = 1.0
ANCHOR_PX = 8
FEW_WORKS = 100
_BETAS = (0.5, 0.999)
_LUMA = (0.299, 0.587, 0.114)
_MOST_VALIDATED = 32
_GRID_WORKS = 6


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


def content_distance(content: np.ndarray, translated: np.ndarray) -> float:
    """Measure how much of the drawing is lost; 0 is the same up to brightness and contrast.

    1 - r, with r the correlation of the lumas of the two pictures.

    Args:
        content: (H, W, 3) uint8 sRGB.
        translated: The same shape.

    Returns:
        In [0, 2]; 1 is unrelated, and so is a picture of one brightness.
    """
    lumas = [picture.astype(np.float64) @ _LUMA for picture in (content, translated)]
    before, after = (luma.ravel() - luma.mean() for luma in lumas)
    norms = np.linalg.norm(before) * np.linalg.norm(after)
    return float(1 - before @ after / norms) if norms > 0 else 1.0


def draw_crops(works: Sequence[Tensor], crop_px: int, count: int) -> Tensor:
    """Cut random squares from random works, from torch's global generator.

    Args:
        works: (3, H, W) tensors with sides of at least ``crop_px``.
        crop_px: Side of the squares.
        count: Number of squares.

    Returns:
        (count, 3, crop_px, crop_px).
    """
    return cut_crops(works, torch.randint(len(works), (count,)).tolist(), crop_px)


def cut_crops(works: Sequence[Tensor], chosen: Sequence[int], crop_px: int) -> Tensor:
    """Cut one random square from each chosen work, as `draw_crops` does."""
    crops = []
    for index in chosen:
        height, width = works[index].shape[1:]
        top = int(torch.randint(height - crop_px + 1, ()))
        left = int(torch.randint(width - crop_px + 1, ()))
        crops.append(works[index][:, top : top + crop_px, left : left + crop_px])
    return torch.stack(crops)


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
    style_val: list[np.ndarray]
    content_val: list[np.ndarray]
    color_val: list[np.ndarray]
    tinted_val: list[np.ndarray]
    features: Features
    networks: _Networks
    ema: Translator
    optimizers: dict[str, torch.optim.Optimizer]

    @property
    def device(self) -> torch.device:
        return self.ema.head.weight.device

    def shown(self, images: Tensor) -> Tensor:
        """Augment what the discriminator sees where it could learn the works by heart."""
        return augment(images) if len(self.style) < FEW_WORKS else images

    def step(self, number: int) -> dict[str, float]:
        # Constant, then linearly to zero over the second half, as in the paper.
        factor = min(1.0, 2 - 2 * number / self.steps)
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
        return losses

    def _step_discriminator(self, style: Tensor, translated: Tensor) -> dict[str, float]:
        real = self.networks.discriminator(self.shown(style))
        generated = self.networks.discriminator(self.shown(translated))
        loss = (least_squares_loss(real, 1.0) + least_squares_loss(generated, 0.0)) / 2
        apply_gradients(
            loss, self.optimizers["discriminator"], self.networks.discriminator.parameters()
        )
        return {"discriminator": loss.item()}

    def _step_translator(
        self, sources: Tensor, results: Tensor, maps: Sequence[Tensor]
    ) -> dict[str, float]:
        self.networks.discriminator.requires_grad_(requires_grad=False)
        translated = results[: self.preset.batch]
        adversarial = least_squares_loss(self.networks.discriminator(self.shown(translated)), 1.0)
        places = [self._draw_places(m) for m in maps]
        with mixed_precision(self.device):
            queries = self.networks.projections(self.networks.translator.encode(results), places)
            keys = self.networks.projections(maps, places)
        contrast = torch.stack(
            [patch_contrast(q.float(), k.float()) for q, k in zip(queries, keys, strict=True)]
        ).mean()
        # Not in the paper: a small network at a short training otherwise repaints the whole
        # picture to please the discriminator. Large shapes and colours come from the tint.
        anchor = F.l1_loss(F.avg_pool2d(results, ANCHOR_PX), F.avg_pool2d(sources, ANCHOR_PX))
        parameters = [
            *self.networks.translator.parameters(),
            *self.networks.projections.parameters(),
        ]
        loss = adversarial + CONTRAST_WEIGHT * contrast + ANCHOR_WEIGHT * anchor
        apply_gradients(loss, self.optimizers["translator"], parameters)
        self.networks.discriminator.requires_grad_(requires_grad=True)
        losses = {"adversarial": adversarial, "contrast": contrast, "anchor": anchor}
        return {name: value.item() for name, value in losses.items()}

    def _draw_places(self, features: Tensor) -> Tensor:
        places = torch.randperm(features.shape[2] * features.shape[3])[: self.preset.patches]
        return places.to(features.device)

    @torch.no_grad()
    def translated(self) -> list[np.ndarray]:
        """Translate the held-out contents with the averaged translator."""
        results = [self.ema(arrays_to_batch([work]).to(self.device)) for work in self.tinted_val]
        return [batch_to_arrays(result)[0] for result in results]

    def grid(self) -> np.ndarray:
        """Lay out contents, the same in the collection's colours, and translated: three rows."""
        rows = (self.content_val, self.color_val, self.translated())
        columns = min(_GRID_WORKS, len(self.content_val))
        return grid([picture for row in rows for picture in row[:columns]], columns)

    @cached_property
    def references(self) -> tuple[np.ndarray, dict[str, float]]:
        """Features of the collection's held-out works, and the distances of the two baselines."""
        style = self.features(self.style_val)
        baselines = {
            "unchanged_kid_x1000": _kid_x1000(style, self.features(self.content_val)),
            "color_kid_x1000": _kid_x1000(style, self.features(self.color_val)),
        }
        return style, baselines

    def validate(self) -> dict[str, float]:
        style, baselines = self.references
        translated = self.translated()
        distances = [
            content_distance(*pair) for pair in zip(self.content_val, translated, strict=True)
        ]
        return {
            "style_kid_x1000": _kid_x1000(style, self.features(translated)),
            **baselines,
            "content_distance": float(np.mean(distances)),
        }


def _kid_x1000(real: np.ndarray, generated: np.ndarray) -> float:
    return kid_x1000(*normalise(real, generated)).value


def build(  # noqa: PLR0913, PLR0917 -- two sides, each with its held-out works
    style_train: Sequence[np.ndarray],
    style_val: Sequence[np.ndarray],
    content_train: Sequence[np.ndarray],
    content_val: Sequence[np.ndarray],
    preset: StylePreset,
    steps: int,
    seed: int,
    base: Mapping[str, Mapping[str, Tensor]] | None,
    features: Features,
) -> Trainee:
    """Prepare the training of a translator from other works to one collection.

    Differs from the paper: contents start from the collection's colours, the translator adds to
    them instead of redrawing them, features of three layers are compared, and the discriminator
    is spectrally normalised and sees augmented works where there are fewer than 100.

    Args:
        style_train: The collection's works (H, W, 3) uint8, short side ``preset.short_side_px``.
        style_val: Held-out works of the collection, at least three.
        content_train: Works of other collections.
        content_val: Held-out works of other collections, at least three.
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
    for name, works, fewest in (
        ("style_train", style_train, 1),
        ("style_val", style_val, 3),
        ("content_train", content_train, 1),
        ("content_val", content_val, 3),
    ):
        check_works(name, works, fewest, preset.crop_px)
    torch.manual_seed(seed)
    networks = _networks(preset, base or {})
    style_colors = pool_colors([measure_colors(work) for work in style_train])
    content_colors = pool_colors([measure_colors(work) for work in content_train])
    networks.translator.set_colors("style", style_colors.mean, style_colors.covariance)
    networks.translator.set_colors("content", content_colors.mean, content_colors.covariance)
    ema = make_ema(networks.translator)
    for network in (*networks, ema):
        network.to(training_device())
    contents = [center_square(work, preset.short_side_px) for work in content_val[:_MOST_VALIDATED]]
    run = _Style(
        preset=preset,
        steps=steps,
        style=[arrays_to_batch([work])[0] for work in style_train],
        content=[arrays_to_batch([tint(work, networks.translator)])[0] for work in content_train],
        style_val=[center_square(work, preset.short_side_px) for work in style_val],
        content_val=contents,
        color_val=[transfer_colors(work, style_colors) for work in contents],
        tinted_val=[tint(work, networks.translator) for work in contents],
        features=features,
        networks=networks,
        ema=ema,
        optimizers=_optimizers(networks, preset.learning_rate),
    )
    return Trainee(
        networks={**networks._asdict(), "translator_ema": ema},
        optimizers=run.optimizers,
        step=run.step,
        validate=run.validate,
        grid=run.grid,
        publish=("translator_ema",),
        warm=("translator", "discriminator", "projections"),
    )


def check_works(name: str, works: Sequence[np.ndarray], fewest: int, crop_px: int) -> None:
    """Refuse a set of works that are too few, or too small for crops.

    Raises:
        InvalidInputError: If so.
    """
    if len(works) < fewest:
        message = f"{name} must hold at least {fewest} works, got {len(works)}. Use color instead."
        raise InvalidInputError(message)
    shortest = min(min(work.shape[:2]) for work in works)
    if shortest < crop_px:
        message = (
            f"{name} must have sides of at least {crop_px} pixels, got {shortest}. "
            "Leave small scans out or choose smaller crops."
        )
        raise InvalidInputError(message)


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
    return {
        name: torch.optim.Adam(group, lr=learning_rate, betas=_BETAS)
        for name, group in parameters.items()
    }


def center_square(work: np.ndarray, side_px: int) -> np.ndarray:
    """Cut the centre square of at most ``side_px``, its side a multiple of the stride."""
    height, width = work.shape[:2]
    side = min(height, width, side_px) // STRIDE * STRIDE
    top, left = (height - side) // 2, (width - side) // 2
    return work[top : top + side, left : left + side]
