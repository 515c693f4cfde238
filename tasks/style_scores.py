"""Scores of single renderings: how near to the style, how much of the work was lost."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from torch import Tensor

from artgan.catalog.works import load_pictures
from artgan.imaging.read import read_rgb
from artgan.metrics.features import Extractor, load_vgg_extractor
from artgan.metrics.perceptual import (
    content_structure_distance,
    distance_to_grams,
    style_grams,
)
from artgan.metrics.preprocess import to_long_side
from artgan.storage import Store
from artgan.stylize.color import (
    ColorStatistics,
    measure_colors,
    pool_colors,
    transfer_colors,
)
from tasks.outputs import Row

_SIDE_PX = 192


class Scorer:
    """Measures renderings in VGG-19's maps, each beside colour transfer alone.

    Pictures are brought to a long side of 192 px and keep their shape: the report's squares suit
    sets of works, but press the strokes of a long picture together.

    Args:
        store: The archive root.
        weights: Where VGG-19 lies; where it is not, nothing is measured.
    """

    def __init__(self, store: Store, weights: str | None) -> None:
        self._store = store
        squares = load_vgg_extractor(weights, _SIDE_PX)
        self._extractor = None
        if squares is not None:
            shapes = partial(to_long_side, size_px=_SIDE_PX)
            self._extractor = replace(
                squares, preprocessing=f"bicubic-antialias-long-{_SIDE_PX}", prepare=shapes
            )
        self._styles: dict[str, _Style] = {}

    def scores(self, job: Row, content: np.ndarray, styled: np.ndarray) -> Row:
        """Return the columns of the table outputs for a rendering; none without VGG-19."""
        if self._extractor is None:
            return {}
        style = self._style(job, self._extractor)
        plain = transfer_colors(content, style.colors)
        # one at a time: pictures of several shapes make no batch
        near = distance_to_grams(self._extractor, [styled, plain], style.grams, batch_size=1)
        lost = content_structure_distance(
            self._extractor, [styled, plain], [content, content], batch_size=1
        )
        return {
            "gram_distance": float(near[0]),
            "color_gram_distance": float(near[1]),
            "cfsd": float(lost[0]),
            "color_cfsd": float(lost[1]),
        }

    def scores_of_files(self, job: Row, styled: Path) -> Row:
        """Return the same for a rendering that may be large, measured on it made small."""
        if self._extractor is None:
            return {}
        content = read_rgb(self._store.read(job["access_path"]), _SIDE_PX)
        return self.scores(job, content, read_rgb(styled, _SIDE_PX))

    def _style(self, job: Row, extractor: Extractor) -> "_Style":
        if job["style"] not in self._styles:
            works = load_pictures(self._store, job["examples"], _SIDE_PX)
            colors = pool_colors([measure_colors(one) for one in works], job["shares"] or None)
            grams = style_grams(extractor, works, batch_size=1)
            self._styles[job["style"]] = _Style(colors, grams)
        return self._styles[job["style"]]


@dataclass(frozen=True)
class _Style:
    """What renderings in a style are measured against."""

    colors: ColorStatistics
    grams: list[Tensor]
