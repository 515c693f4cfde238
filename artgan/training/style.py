"""Training of a collection's translator: contrastive, unpaired, starting from its colours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.models.checkpoint import load_network
from artgan.models.translator import PatchProjections, StyleDiscriminator, Translator
from artgan.simulate.works import grid
from artgan.stylize.color import color_map, measure_colors, pool_colors, transfer_colors
from artgan.training.augment import augment
from artgan.training.ema import make_ema, update_ema
from artgan.training.gan_losses import least_squares_loss
from artgan.training.loop import (
    Trainee,
    apply_gradients,
    scale_learning_rate,
    training_device,
)
from artgan.training.presets import StylePreset
from artgan.training.simulation import Features, ema_decay

TEMPERATURE = 0.07
CONTRAST_WEIGHT = 1.0
FEW_WORKS = 100
_BETAS = (0.5, 0.999)
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


def content_distance(contents: Tensor, translated: Tensor) -> float:
    """Measure how much of the drawing is lost; 0 is the same up to brightness and contrast.

    Mean over the pictures of 1 - r, with r the correlation of the luma of content and result.

    Args:
        contents: (B, 3, H, W) in [0, 1].
        translated: The same shape.

    Returns:
        In [0, 2].
    """
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)[:, None, None]
    before, after = ((x.double() * weights).sum(1).flatten(1) for x in (contents, translated))
    before, after = before - before.mean(1, keepdim=True), after - after.mean(1, keepdim=True)
    return float(1 - F.cosine_similarity(before, after, dim=1).mean())


def draw_crops(works: Sequence[Tensor], crop_px: int, count: int) -> Tensor:
    """Cut random squares from random works, from torch's global generator.

    Args:
        works: (3, H, W) tensors with sides of at least ``crop_px``.
        crop_px: Side of the squares.
        count: Number of squares.

    Returns:
        (count, 3, crop_px, crop_px).
    """
    crops = []
    for index in torch.randint(len(works), (count,)).tolist():
        height, width = works[index].shape[1:]
        top = int(torch.randint(height - crop_px + 1, ()))
        left = int(torch.randint(width - crop_px + 1, ()))
        crops.append(works[index][:, top : top + crop_px, left : left + crop_px])
    return torch.stack(crops)


@dataclass
class _Style:
    """One run: networks, works of both sides and what a step needs to know."""

    preset: StylePreset
    steps: int
    style: list[Tensor]
    content: list[Tensor]
    style_val: Tensor
    content_val: Tensor
    color_val: list[np.ndarray]
    features: Features
    translator: Translator
    discriminator: StyleDiscriminator
    projections: PatchProjections
    ema: Translator
    optimizers: dict[str, torch.optim.Optimizer]

    @property
    def device(self) -> torch.device:
        return self.translator.head.weight.device

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
        sources = torch.cat([self.translator.tint(content), style])
        maps = self.translator.encode(sources)
        results = self.translator.decode(sources, maps[-1])
        losses = self._step_discriminator(style, results[:batch].detach())
        losses |= self._step_translator(results, maps)
        update_ema(self.ema, self.translator, ema_decay(number, batch))
        return losses

    def _step_discriminator(self, style: Tensor, translated: Tensor) -> dict[str, float]:
        real = self.discriminator(self.shown(style))
        generated = self.discriminator(self.shown(translated))
        loss = (least_squares_loss(real, 1.0) + least_squares_loss(generated, 0.0)) / 2
        apply_gradients(
            loss, self.optimizers["discriminator"], self.discriminator.parameters()
        )
        return {"discriminator": loss.item()}

    def _step_translator(self, results: Tensor, maps: Sequence[Tensor]) -> dict[str, float]:
        self.discriminator.requires_grad_(requires_grad=False)
        translated = results[: self.preset.batch]
        adversarial = least_squares_loss(self.discriminator(self.shown(translated)), 1.0)
        places = [self._draw_places(m) for m in maps]
        queries = self.projections(self.translator.encode(results), places)
        keys = self.projections(maps, places)
        contrast = torch.stack(
            [patch_contrast(q, k) for q, k in zip(queries, keys, strict=True)]
        ).mean()
        parameters = [*self.translator.parameters(), *self.projections.parameters()]
        apply_gradients(
            adversarial + CONTRAST_WEIGHT * contrast, self.optimizers["translator"], parameters
        )
        self.discriminator.requires_grad_(requires_grad=True)
        return {"adversarial": adversarial.item(), "contrast": contrast.item()}

    def _draw_places(self, features: Tensor) -> Tensor:
        places = torch.randperm(features.shape[2] * features.shape[3])[: self.preset.patches]
        return places.to(features.device)

    @torch.no_grad()
    def translated(self) -> Tensor:
        """Translate the held-out contents with the averaged translator; on the CPU."""
        results = [self.ema(picture[None].to(self.device)) for picture in self.content_val]
        return torch.cat(results).cpu()

    def grid(self) -> np.ndarray:
        """Contents, with the collection's colours, translated: three rows."""
        rows = [self.content_val, arrays_to_batch(self.color_val), self.translated()]
        shown = [picture for row in rows for picture in batch_to_arrays(row[:_GRID_WORKS])]
        return grid(shown, min(_GRID_WORKS, len(self.content_val)))

    @cached_property
    def references(self) -> tuple[np.ndarray, dict[str, float]]:
        """Features of the collection's held-out works, and the distances of the two baselines."""
        style = self.features(batch_to_arrays(self.style_val))
        unchanged = self.features(batch_to_arrays(self.content_val))
        baselines = {
            "unchanged_kid_x1000": _kid_x1000(style, unchanged),
            "color_kid_x1000": _kid_x1000(style, self.features(self.color_val)),
        }
        return style, baselines

    def validate(self) -> dict[str, float]:
        style, baselines = self.references
        translated = self.translated()
        return {
            "style_kid_x1000": _kid_x1000(style, self.features(batch_to_arrays(translated))),
            **baselines,
            "content_distance": content_distance(self.content_val, translated),
        }


def _kid_x1000(real: np.ndarray, generated: np.ndarray) -> float:
    from artgan.metrics.kernel import kernel_distance

    return 1000 * kernel_distance(real, generated).value


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
        style_val: Held-out works of the collection, at least two.
        content_train: Works of other collections.
        content_val: Held-out works of other collections, at least two.
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
    _check_counts(style_train, style_val, content_train, content_val)
    torch.manual_seed(seed)
    networks = _make_networks(preset)
    if base is not None:
        for name in networks.keys() & base.keys():
            load_network(networks[name], base[name])
    style_colors = pool_colors([measure_colors(work) for work in style_train])
    content_colors = pool_colors([measure_colors(work) for work in content_train])
