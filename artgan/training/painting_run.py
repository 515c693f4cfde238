"""One training of a painter: what a step learns from, and what it is measured on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.metrics.features import Extractor
from artgan.metrics.perceptual import gram_distance
from artgan.metrics.vgg import Vgg19Conv34
from artgan.models.painter import Manner, Painter
from artgan.presets import AdainPreset, FastPreset
from artgan.simulate.works import grid
from artgan.stylize.color import ColorStatistics, color_map, mapped, measure_colors
from artgan.stylize.losses import content_loss, gram, gram_loss
from artgan.training import world
from artgan.training.ema import update_ema
from artgan.training.loop import (
    apply_gradients,
    detached,
    mixed_precision,
    scale_learning_rate,
    warmup_cosine,
)
from artgan.training.sides import center_square, cut_crops
from artgan.training.simulation import ema_decay
from artgan.training.translations import content_distance

_GRID_WORKS = 6


@dataclass
class Side:
    """Works of one side: pictures as tensors, and their colours."""

    works: list[Tensor]
    colors: list[ColorStatistics]

    @classmethod
    def of(cls, pictures: Sequence[np.ndarray]) -> "Side":
        """Take pictures (H, W, 3) uint8."""
        works = [arrays_to_batch([picture])[0] for picture in pictures]
        return cls(works, [measure_colors(picture) for picture in pictures])


@dataclass
class Held:
    """A held-out content, and the style works that its result is measured against."""

    content: np.ndarray
    colors: ColorStatistics
    style: list[np.ndarray]

    @cached_property
    def tinted(self) -> Tensor:
        """The content in the style's colours, (1, 3, H, W)."""
        tint = color_map(measure_colors(self.content), self.colors)
        return tint(arrays_to_batch([self.content])).clamp(0.0, 1.0)


@dataclass
class Painting:
    """One run; the two kinds differ in where style, colours and manner come from.

    Attributes:
        preset: Sizes, rates and weights.
        steps: Steps of the run.
        content: Works to paint over.
        style: Works to paint like.
        held: What it is measured on.
        extractor: VGG-19, which teaches and measures.
        painter: The network in training.
        ema: Its average, which is measured and published.
        optimizer: Steps over the painter.
        targets: Gram matrices of the one style; empty for any style.
        pooled: Colours of the one style; None for any style.
    """

    preset: FastPreset | AdainPreset
    steps: int
    content: Side
    style: Side
    held: list[Held]
    extractor: Extractor
    painter: Painter
    ema: Painter
    optimizer: torch.optim.Optimizer
    targets: list[Tensor] = field(default_factory=list)
    pooled: ColorStatistics | None = None

    @property
    def device(self) -> torch.device:
        """Where the painter is."""
        return self.painter.head.weight.device

    @property
    def network(self) -> Vgg19Conv34:
        """The teacher."""
        assert isinstance(self.extractor.network, Vgg19Conv34), "checked when the run was built"
        return self.extractor.network

    def step(self, number: int) -> dict[str, float]:
        """Make one step, from 0; return its losses."""
        scale_learning_rate(self.optimizer, warmup_cosine(number, self.steps))
        tinted, manner, targets = self._draw()
        with mixed_precision(self.device):
            results = self.painter(tinted, manner).float()
            maps = [one.float() for one in self.network.maps(results)]
            with torch.no_grad():
                wanted = self.network.maps(tinted)[-1].float()
        style = gram_loss([gram(one) for one in maps], targets)
        content = content_loss(maps[-1], wanted)
        rough = _roughness(results)
        # a result outside of the range is cut off when it is written, which no gradient tells
        beyond = (results - results.clamp(0.0, 1.0)).abs().mean()
        weights = self.preset
        loss = style + weights.content_weight * content + weights.smooth_weight * rough + beyond
        apply_gradients(loss, self.optimizer, self.painter.parameters())
        update_ema(self.ema, self.painter, ema_decay(number, self.preset.batch * world.size()))
        return detached({"style": style, "content": content})

    def _draw(self) -> tuple[Tensor, Manner, list[Tensor]]:
        """Draw contents in a style's colours, with its manner and its Gram matrices."""
        batch, crop_px = self.preset.batch, self.preset.crop_px
        chosen = torch.randint(len(self.content.works), (batch,)).tolist()
        crops = cut_crops(self.content.works, chosen, crop_px)
        if self.pooled is not None:
            styles = [self.pooled] * batch
            manner, targets = self.painter.own_manner(), self.targets
        else:
            picked = torch.randint(len(self.style.works), (batch,)).tolist()
            styles = [self.style.colors[one] for one in picked]
            examples = cut_crops(self.style.works, picked, crop_px).to(self.device)
            with mixed_precision(self.device):
                manner = self.painter.manner_of(examples)
                with torch.no_grad():
                    maps = self.network.maps(examples)
            targets = [gram(one.float()) for one in maps]
        tints = [
            color_map(self.content.colors[one], style)
            for one, style in zip(chosen, styles, strict=True)
        ]
        return mapped(crops, tints).to(self.device), manner, targets

    @torch.no_grad()
    def painted(self) -> list[np.ndarray]:
        """Paint the held-out contents with the averaged painter."""
        return [batch_to_arrays(self._paint(one))[0] for one in self.held]

    def _paint(self, one: Held) -> Tensor:
        if self.pooled is not None:
            manner = self.ema.own_manner()
        else:
            manner = self.ema.manner_of(arrays_to_batch(one.style).to(self.device))
        return self.ema(one.tinted.to(self.device), manner)

    def grid(self) -> np.ndarray:
        """Lay out contents, in the style's colours, painted, and a work of the style: four rows."""
        shown = self.held[:_GRID_WORKS]
        side = shown[0].content.shape[0]
        rows = [
            [one.content for one in shown],
            [batch_to_arrays(one.tinted)[0] for one in shown],
            self.painted()[: len(shown)],
            [
                center_square(one.style[number % len(one.style)], side)
                for number, one in enumerate(shown)
            ],
        ]
        return grid([picture for row in rows for picture in row], len(shown))

    @cached_property
    def baselines(self) -> dict[str, float]:
        """Distances of works left as they are, and of colour transfer alone."""
        return {
            "unchanged_gram_distance": self._distance([one.content for one in self.held]),
            "color_gram_distance": self._distance(
                [batch_to_arrays(one.tinted)[0] for one in self.held]
            ),
        }

    def _distance(self, results: Sequence[np.ndarray]) -> float:
        if self.pooled is not None:
            return float(gram_distance(self.extractor, results, self.held[0].style).mean())
        return float(
            np.mean(
                [
                    gram_distance(self.extractor, [result], one.style)[0]
                    for result, one in zip(results, self.held, strict=True)
                ]
            )
        )

    def validate(self) -> dict[str, float]:
        """Measure the averaged painter on the held-out works."""
        results = self.painted()
        lost = [
            content_distance(one.content, made)
            for one, made in zip(self.held, results, strict=True)
        ]
        return {
            "gram_distance": self._distance(results),
            **self.baselines,
            "content_distance": float(np.mean(lost)),
        }


def _roughness(images: Tensor) -> Tensor:
    """Mean squared step between neighbours, of (B, 3, H, W)."""
    down = (images[:, :, 1:] - images[:, :, :-1]).square().mean()
    return down + (images[:, :, :, 1:] - images[:, :, :, :-1]).square().mean()
