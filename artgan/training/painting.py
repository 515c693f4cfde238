"""Training of painters: one for the style of a collection (`fast`), one for any style (`adain`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.metrics.features import Extractor
from artgan.metrics.perceptual import gram_distance
from artgan.metrics.vgg import Vgg19Conv34
from artgan.models.checkpoint import load_network
from artgan.models.painter import NAME, Manner, Painter
from artgan.presets import AdainPreset, FastPreset
from artgan.simulate.works import grid
from artgan.stylize.color import ColorStatistics, color_map, measure_colors, pool_colors
from artgan.stylize.losses import content_loss, gram, gram_loss, mean_grams
from artgan.training import world
from artgan.training.ema import make_ema, update_ema
from artgan.training.loop import (
    Trainee,
    apply_gradients,
    detached,
    mixed_precision,
    scale_learning_rate,
    training_device,
    warmup_cosine,
)
from artgan.training.simulation import ema_decay
from artgan.training.style import center_square, check_works, content_distance, cut_crops

_BETAS = (0.9, 0.99)
_MOST_VALIDATED = 16
_GRID_WORKS = 6
_EPSILON = 1e-5


@dataclass
class _Side:
    """Works of one side: pictures as tensors, and their colours."""

    works: list[Tensor]
    colors: list[ColorStatistics]

    @classmethod
    def of(cls, pictures: Sequence[np.ndarray]) -> "_Side":
        works = [arrays_to_batch([picture])[0] for picture in pictures]
        return cls(works, [measure_colors(picture) for picture in pictures])


@dataclass
class _Held:
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
class _Painting:
    """One run; the two kinds differ in where style, colours and manner come from."""

    preset: FastPreset | AdainPreset
    steps: int
    content: _Side
    style: _Side
    held: list[_Held]
    extractor: Extractor
    painter: Painter
    ema: Painter
    optimizer: torch.optim.Optimizer
    targets: list[Tensor] = field(default_factory=list)  # of the collection; empty for any style
    pooled: ColorStatistics | None = None

    @property
    def device(self) -> torch.device:
        return self.painter.head.weight.device

    @property
    def network(self) -> Vgg19Conv34:
        assert isinstance(self.extractor.network, Vgg19Conv34), "checked when the run was built"
        return self.extractor.network

    def step(self, number: int) -> dict[str, float]:
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
        tinted = [tint(crop[None]) for tint, crop in zip(tints, crops, strict=True)]
        return torch.cat(tinted).clamp(0.0, 1.0).to(self.device), manner, targets

    @torch.no_grad()
    def painted(self) -> list[np.ndarray]:
        """Paint the held-out contents with the averaged painter."""
        return [batch_to_arrays(self._paint(one))[0] for one in self.held]

    def _paint(self, one: _Held) -> Tensor:
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


def build_fast(  # noqa: PLR0913, PLR0917 -- two sides, each with its held-out works
    style_train: Sequence[np.ndarray],
    style_val: Sequence[np.ndarray],
    content_train: Sequence[np.ndarray],
    content_val: Sequence[np.ndarray],
    preset: FastPreset,
    steps: int,
    seed: int,
    base: Mapping[str, Mapping[str, Tensor]] | None,
    extractor: Extractor,
) -> Trainee:
    """Prepare the training of a painter for the style of one collection.

    Differs from Johnson et al.: it starts from the colour transfer; the target is the mean Gram
    matrix of the collection's works instead of that of one; content is compared with the tinted
    picture, so that the colours of the content are not asked for; VGG-19 up to conv3_4.

    Args:
        style_train: The collection's works (H, W, 3) uint8, short side ``preset.short_side_px``.
        style_val: Held-out works of the collection, at least three.
        content_train: Works of other collections.
        content_val: Held-out works of other collections, at least three.
        preset: Sizes, rates and weights.
        steps: Steps of the run.
        seed: Of the weights.
        base: State dictionaries to start from, or None.
        extractor: VGG-19, which teaches and measures.

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
    painter = Painter(preset.width, preset.blocks, own_manner=True)
    style = _Side.of(style_train)
    pooled = pool_colors(style.colors)
    _set_colors(painter, pooled)
    style_held = [center_square(work, preset.short_side_px) for work in style_val]
    held = [
        _Held(center_square(work, preset.short_side_px), pooled, style_held)
        for work in content_val[:_MOST_VALIDATED]
    ]
    run = _start(painter, preset, steps, base, extractor, (_Side.of(content_train), style, held))
    works = [work[None].to(run.device) for work in style.works]
    run.targets, run.pooled = mean_grams(run.network, works), pooled
    _set_colors(run.painter, pooled)  # a base may have brought others
    _set_colors(run.ema, pooled)
    return _trainee(run)


def build_adain(  # noqa: PLR0913, PLR0917 -- as for the others
    train: Sequence[np.ndarray],
    val: Sequence[np.ndarray],
    preset: AdainPreset,
    steps: int,
    seed: int,
    base: Mapping[str, Mapping[str, Tensor]] | None,
    extractor: Extractor,
) -> Trainee:
    """Prepare the training of a painter that takes the manner of any picture.

    Differs from Huang and Belongie: the encoder is small and learns along, and every block gives
    its features the style's moments, not one layer of VGG-19; so use of it needs no VGG-19.
    Contents and styles are drawn from the same works.

    Args:
        train: Works of the archive (H, W, 3) uint8, short side ``preset.short_side_px``.
        val: Held-out works, at least three; each is rendered in the style of the next but one.
        preset: Sizes, rates and weights.
        steps: Steps of the run.
        seed: Of the weights.
        base: State dictionaries to start from, or None.
        extractor: VGG-19, which teaches and measures.

    Raises:
        InvalidInputError: When there are too few works.
    """
    for name, works, fewest in (("train", train, 2), ("val", val, 3)):
        check_works(name, works, fewest, preset.crop_px)
    torch.manual_seed(seed)
    painter = Painter(preset.width, preset.blocks, own_manner=False)
    squares = [center_square(work, preset.short_side_px) for work in val]
    half = len(squares) // 2  # far from itself in an order that is by chance
    held = [
        _Held(content, measure_colors(style), [style])
        for content, style in zip(squares, squares[half:] + squares[:half], strict=True)
    ]
    side = _Side.of(train)
    return _trainee(
        _start(painter, preset, steps, base, extractor, (side, side, held[:_MOST_VALIDATED]))
    )


def _start(
    painter: Painter,
    preset: FastPreset | AdainPreset,
    steps: int,
    base: Mapping[str, Mapping[str, Tensor]] | None,
    extractor: Extractor,
    sides: tuple[_Side, _Side, list[_Held]],
) -> _Painting:
    if base is not None and NAME in base:
        load_network(painter, base[NAME])
    ema = make_ema(painter)
    device = training_device()
    for network in (painter, ema, extractor.network):
        network.to(device)
    optimizer = torch.optim.Adam(painter.parameters(), preset.learning_rate, _BETAS)
    content, style, held = sides
    return _Painting(preset, steps, content, style, held, extractor, painter, ema, optimizer)


def _set_colors(painter: Painter, colors: ColorStatistics) -> None:
    painter.get_buffer("style_mean").copy_(torch.from_numpy(colors.mean))
    painter.get_buffer("style_covariance").copy_(torch.from_numpy(colors.covariance))


def _trainee(run: _Painting) -> Trainee:
    return Trainee(
        networks={"painter": run.painter, NAME: run.ema},
        optimizers={"painter": run.optimizer},
        step=run.step,
        validate=run.validate,
        grid=run.grid,
        publish=(NAME,),
    )
