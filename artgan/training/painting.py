"""Training of painters: one for the style of a collection (`fast`), one for any style (`adain`)."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from artgan.metrics.features import Extractor
from artgan.models.checkpoint import load_network
from artgan.models.painter import NAME, Painter
from artgan.presets import AdainPreset, FastPreset
from artgan.stylize.color import ColorStatistics, measure_colors, pool_colors
from artgan.stylize.losses import mean_grams
from artgan.training.ema import make_ema
from artgan.training.loop import Trainee, training_device
from artgan.training.painting_run import Held, Painting, Side
from artgan.training.sides import FEWEST_HELD_OUT, Sides, center_square, check_works

_BETAS = (0.9, 0.99)
_MOST_VALIDATED = 16


def build_fast(
    sides: Sides,
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
        sides: Works of short side ``preset.short_side_px``.
        preset: Sizes, rates and weights.
        steps: Steps of the run.
        seed: Of the weights.
        base: State dictionaries to start from, or None.
        extractor: VGG-19, which teaches and measures.

    Raises:
        InvalidInputError: When a side has too few works.
    """
    sides.check(preset.crop_px)
    torch.manual_seed(seed)
    painter = Painter(preset.width, preset.blocks, own_manner=True)
    style = Side.of(sides.style_train)
    pooled = pool_colors(style.colors)
    _set_colors(painter, pooled)
    style_held = [center_square(work, preset.short_side_px) for work in sides.style_val]
    held = [
        Held(center_square(work, preset.short_side_px), pooled, style_held)
        for work in sides.content_val[:_MOST_VALIDATED]
    ]
    content = Side.of(sides.content_train)
    run = _start(painter, preset, steps, base, extractor, (content, style, held))
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
    for name, works, fewest in (("train", train, 2), ("val", val, FEWEST_HELD_OUT)):
        check_works(name, works, fewest, preset.crop_px)
    torch.manual_seed(seed)
    painter = Painter(preset.width, preset.blocks, own_manner=False)
    squares = [center_square(work, preset.short_side_px) for work in val]
    half = len(squares) // 2  # far from itself in an order that is by chance
    held = [
        Held(content, measure_colors(style), [style])
        for content, style in zip(squares, squares[half:] + squares[:half], strict=True)
    ]
    side = Side.of(train)
    return _trainee(
        _start(painter, preset, steps, base, extractor, (side, side, held[:_MOST_VALIDATED]))
    )


def _start(
    painter: Painter,
    preset: FastPreset | AdainPreset,
    steps: int,
    base: Mapping[str, Mapping[str, Tensor]] | None,
    extractor: Extractor,
    sides: tuple[Side, Side, list[Held]],
) -> Painting:
    if base is not None and NAME in base:
        load_network(painter, base[NAME])
    ema = make_ema(painter)
    device = training_device()
    for network in (painter, ema, extractor.network):
        network.to(device)
    optimizer = torch.optim.Adam(painter.parameters(), preset.learning_rate, _BETAS)
    content, style, held = sides
    return Painting(preset, steps, content, style, held, extractor, painter, ema, optimizer)


def _set_colors(painter: Painter, colors: ColorStatistics) -> None:
    painter.get_buffer("style_mean").copy_(torch.from_numpy(colors.mean))
    painter.get_buffer("style_covariance").copy_(torch.from_numpy(colors.covariance))


def _trainee(run: Painting) -> Trainee:
    return Trainee(
        networks={"painter": run.painter, NAME: run.ema},
        optimizers={"painter": run.optimizer},
        step=run.step,
        validate=run.validate,
        grid=run.grid,
        publish=(NAME,),
    )
