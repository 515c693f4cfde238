"""What translators make of held-out works, and how that is measured: `cut` and `cyclegan`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.metrics.features import normalise
from artgan.metrics.kernel import kid_x1000
from artgan.models.translator import Translator
from artgan.simulate.works import grid
from artgan.stylize.color import ColorStatistics, measure_colors, pool_colors, transfer_colors
from artgan.stylize.translate import tint
from artgan.training.augment import mirror, shift_position
from artgan.training.sides import Sides, center_square
from artgan.training.simulation import Features

_LUMA = (0.299, 0.587, 0.114)
_MOST_VALIDATED = 32
_ANCHOR_PX = 8
_SQUARED_BELOW = 0.1
FEW_WORKS = 100
_GRID_WORKS = 6
JUDGE_RATE = 4.0
"""How much faster a judge learns than what it judges. Spectrally normalised, it is a slow learner,
and translators that start as the identity wait for it (Heusel et al. 2017, "GANs Trained by a Two
Time-Scale Update Rule", https://arxiv.org/abs/1706.08500)."""


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


def kid_between(real: np.ndarray, generated: np.ndarray) -> float:
    """Return KID times 1000 of two sets of features, which are brought to one scale first."""
    return kid_x1000(*normalise(real, generated)).value


def pooled_colors(works: Sequence[np.ndarray]) -> ColorStatistics:
    """Return the colours of a collection: each work counts the same."""
    return pool_colors([measure_colors(work) for work in works])


@dataclass
class Held:
    """Held-out works of both sides, and what is compared on them.

    Attributes:
        style: Squares of the collection.
        content: Squares of other collections.
        color: The contents with the collection's colours, each by its own map.
        tinted: The contents in the collection's colours as a translator takes them.
        features: From N pictures to (N, D) float64.
    """

    style: list[np.ndarray]
    content: list[np.ndarray]
    color: list[np.ndarray]
    tinted: list[np.ndarray]
    features: Features

    @classmethod
    def of(cls, sides: Sides, side_px: int, translator: Translator, features: Features) -> "Held":
        """Prepare works for a translator that has its colours."""
        style = ColorStatistics(*translator.colors("style"))
        contents = [center_square(work, side_px) for work in sides.content_val[:_MOST_VALIDATED]]
        return cls(
            [center_square(work, side_px) for work in sides.style_val],
            contents,
            [transfer_colors(work, style) for work in contents],
            [tint(work, translator) for work in contents],
            features,
        )

    @torch.no_grad()
    def translated(self, translator: Translator) -> list[np.ndarray]:
        """Translate the contents, one at a time."""
        device = translator.head.weight.device
        results = [translator(arrays_to_batch([work]).to(device)) for work in self.tinted]
        return [batch_to_arrays(result)[0] for result in results]

    def grid(self, translator: Translator) -> np.ndarray:
        """Lay out contents, the same in the collection's colours, and translated: three rows."""
        rows = (self.content, self.color, self.translated(translator))
        columns = min(_GRID_WORKS, len(self.content))
        return grid([picture for row in rows for picture in row[:columns]], columns)

    @cached_property
    def _references(self) -> tuple[np.ndarray, dict[str, float]]:
        """Features of the collection's works, and the distances of the two baselines."""
        style = self.features(self.style)
        baselines = {
            "unchanged_kid_x1000": kid_between(style, self.features(self.content)),
            "color_kid_x1000": kid_between(style, self.features(self.color)),
        }
        return style, baselines

    def measures(self, translator: Translator) -> dict[str, float]:
        """Measure a translator: how near to the collection, and what of the content is lost."""
        style, baselines = self._references
        results = self.translated(translator)
        lost = [content_distance(*pair) for pair in zip(self.content, results, strict=True)]
        return {
            "style_kid_x1000": kid_between(style, self.features(results)),
            **baselines,
            "content_distance": float(np.mean(lost)),
        }


def give_colors(translators: Sequence[Translator], sides: Sides) -> None:
    """Let translators carry the colours of both sides' works."""
    style, content = pooled_colors(sides.style_train), pooled_colors(sides.content_train)
    for translator in translators:
        translator.set_colors("style", style.mean, style.covariance)
        translator.set_colors("content", content.mean, content.covariance)


def tinted_works(works: Sequence[np.ndarray], translator: Translator) -> list[Tensor]:
    """Return works as a translator takes them: (3, H, W) each, in the collection's colours."""
    return [arrays_to_batch([tint(work, translator)])[0] for work in works]


def return_loss(returned: Tensor, sources: Tensor) -> Tensor:
    """Measure how far pictures are that were translated and brought back; at least 0.

    The papers take the mean difference; here it is squared below a tenth of the range. Networks
    that start as the identity would else never leave it: there, the mean difference grows faster
    than whatever a discriminator promises for the first strokes.
    """
    return F.smooth_l1_loss(returned, sources, beta=_SQUARED_BELOW)


def anchor_loss(results: Tensor, sources: Tensor) -> Tensor:
    """Measure how far squares of 8 pixels moved on average; (B, 3, H, W) each, at least 0.

    Not in the papers: a small network at a short training otherwise repaints the whole picture to
    please the discriminator. Large shapes and colours come from the colour transfer. Squared near
    0, like `return_loss`: outlines darken a square a little.
    """
    return return_loss(F.avg_pool2d(results, _ANCHOR_PX), F.avg_pool2d(sources, _ANCHOR_PX))


def shown(images: Tensor, works: int) -> Tensor:
    """Move and mirror what a judge sees where it could learn the works by heart.

    Colours stay as they are. Both sides have the collection's, and a judge that saw them changed
    told works from pictures in their colours in 56 of 100 cases, after 150 steps on 31 works; with
    true colours in 80. Of the former, nothing can be learned.

    Args:
        images: (B, 3, H, W), works or results.
        works: How many works there are to learn from.
    """
    return shift_position(mirror(images)) if works < FEW_WORKS else images


def held_rate(number: int, steps: int) -> float:
    """Give the learning rate's factor: constant, then linearly to zero over the second half."""
    return min(1.0, 2 - 2 * number / steps)
