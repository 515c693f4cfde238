"""Held-out works in the manner of each collection, and how a painter of all is measured on them."""

from collections.abc import Callable
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.metrics.discriminant import Discriminant
from artgan.models.multi import MultiPainter
from artgan.simulate.works import grid
from artgan.stylize.color import (
    ColorMap,
    ColorStatistics,
    mapped,
    measure_colors,
    transfer_colors,
)
from artgan.stylize.paint import multi_colors, multi_tint
from artgan.training.archive_network import Labelled
from artgan.training.sides import FEWEST_HELD_OUT, center_square
from artgan.training.simulation import Features
from artgan.training.translations import content_distance, kid_between

_MOST_CONTENTS = 16
_MOST_EXAMPLES = 64
_GRID_WORKS = 6

Make = Callable[[np.ndarray, int], np.ndarray]
"""Gives a picture the manner of the collection with a label."""


class Exam:
    """Held-out works of all collections.

    For each collection that has enough works, contents of the others are rendered in its manner,
    and compared with its own held-out works. Whether the collection asked for is obeyed is said by
    a discriminant that learned the collections' training works.

    Args:
        train: Works that the discriminant learns.
        val: Works to render, and to compare with.
        side_px: Side of the squares that are cut from their middle.
        features: From N pictures to (N, D) float64.

    Raises:
        InvalidInputError: Fewer than two collections have three held-out works.
    """

    def __init__(self, train: Labelled, val: Labelled, side_px: int, features: Features) -> None:
        self._train, self._side_px, self._features = train, side_px, features
        self._labels = np.asarray(val.labels)
        self._color: dict[str, float] | None = None
        self._squares = [center_square(work, side_px) for work in val.pictures]
        counts, known = np.bincount(self._labels), set(train.labels)
        self.styles = [
            label
            for label, number in enumerate(counts.tolist())
            if number >= FEWEST_HELD_OUT and label in known
        ]
        if len(self.styles) < 2:
            raise InvalidInputError(
                f"val must hold at least {FEWEST_HELD_OUT} works of 2 collections, got "
                f"{counts.tolist()}. Use fast or cut for a single collection."
            )

    def contents(self, label: int) -> list[tuple[np.ndarray, int]]:
        """Return works of the other collections with their labels, in turn from each."""
        rest = [
            [(self._squares[at], own) for at in np.flatnonzero(self._labels == own)]
            for own in self.styles
            if own != label
        ]
        longest = max(len(works) for works in rest)
        turns = [works[at] for at in range(longest) for works in rest if at < len(works)]
        return turns[:_MOST_CONTENTS]

    def compare(self, label: int, make: Make) -> dict[str, float]:
        """Measure contents in the manner of one collection.

        Returns:
            ``kid_x1000`` to the collection's works; ``obeyed``, the share taken for one of them;
            ``content_distance``, how much of the drawing is lost.
        """
        contents = [content for content, _ in self.contents(label)]
        results = [make(content, label) for content in contents]
        found = self._features(results)
        lost = [content_distance(*pair) for pair in zip(contents, results, strict=True)]
        return {
            "kid_x1000": kid_between(self._real[self._labels == label], found),
            "obeyed": float(np.mean(self._told(found) == label)),
            "content_distance": float(np.mean(lost)),
        }

    @cached_property
    def _told(self) -> Discriminant:
        labels = np.asarray(self._train.labels)
        own = [np.flatnonzero(labels == one)[:_MOST_EXAMPLES] for one in self.styles]
        chosen = np.concatenate(own)
        squares = [center_square(self._train.pictures[at], self._side_px) for at in chosen]
        return Discriminant(self._features(squares), labels[chosen])

    @cached_property
    def _real(self) -> np.ndarray:
        return self._features(self._squares)

    def _mean(self, make: Make) -> dict[str, float]:
        found = [self.compare(label, make) for label in self.styles]
        return {name: float(np.mean([one[name] for one in found])) for name in found[0]}

    def color(self, multi: MultiPainter) -> Make:
        """Return what gives colours alone, those that a painter carries."""

        def make(content: np.ndarray, label: int) -> np.ndarray:
            return transfer_colors(content, ColorStatistics(*multi.colors(label)))

        return make

    def painted(self, multi: MultiPainter) -> Make:
        """Return what a painter makes."""

        def make(content: np.ndarray, label: int) -> np.ndarray:
            way = multi_tint(measure_colors(content), multi_colors(multi), label)
            return batch_to_arrays(_through(multi, arrays_to_batch([content]), way, label))[0]

        return make

    def measures(self, multi: MultiPainter) -> dict[str, float]:
        """Measure a painter beside colours alone and works as they are, over all collections."""
        made = self._mean(self.painted(multi))
        if self._color is None:  # a training changes no colours
            self._color = self._mean(self.color(multi))
        color = self._color
        return {
            "style_kid_x1000": made["kid_x1000"],
            "unchanged_kid_x1000": self._unchanged["kid_x1000"],
            "color_kid_x1000": color["kid_x1000"],
            "content_distance": made["content_distance"],
            "obeyed": made["obeyed"],
            "color_obeyed": color["obeyed"],
            "recognised": self._recognised,
            **self.way_back(multi),
        }

    def way_back(self, multi: MultiPainter) -> dict[str, float]:
        """Measure what becomes of contents that are given a manner, and then their own again.

        Returns:
            ``changed_l1``, how far the painting went beyond colour, and ``cycle_l1``, how far from
            the content the way back ends; both mean differences of values in [0, 1].
        """
        changed, left = [], []
        for label in self.styles:
            for content, own in self.contents(label)[:_GRID_WORKS]:
                way = multi_tint(measure_colors(content), multi_colors(multi), label)
                image = arrays_to_batch([content])
                made = _through(multi, image, way, label)
                again = _through(multi, made, way.inverse(), own)
                changed.append(float(F.l1_loss(made, mapped(image, [way]))))
                left.append(float(F.l1_loss(again, image)))
        return {"changed_l1": float(np.mean(changed)), "cycle_l1": float(np.mean(left))}

    def grid(self, multi: MultiPainter) -> np.ndarray:
        """Lay out works of several collections, and below them the same in the manner of each."""
        contents = [self._squares[at] for at in self._first]
        rows = [[self.painted(multi)(one, label) for one in contents] for label in self.styles]
        side = min(min(one.shape[:2]) for one in contents)
        pictures = [center_square(one, side) for row in (contents, *rows) for one in row]
        return grid(pictures, len(contents))

    @cached_property
    def _first(self) -> list[int]:
        """Numbers of works, in turn from each collection."""
        own = [np.flatnonzero(self._labels == label).tolist() for label in self.styles]
        turns = [works[at] for at in range(max(map(len, own))) for works in own if at < len(works)]
        return turns[:_GRID_WORKS]

    @cached_property
    def _unchanged(self) -> dict[str, float]:
        return self._mean(lambda content, _: content)

    @cached_property
    def _recognised(self) -> float:
        """Share of held-out works of which the discriminant tells the collection."""
        among = np.isin(self._labels, self.styles)
        return float(np.mean(self._told(self._real[among]) == self._labels[among]))


@torch.no_grad()
def _through(multi: MultiPainter, image: Tensor, way: ColorMap, label: int) -> Tensor:
    device = multi.manners.device
    tinted = mapped(image, [way]).to(device)
    return multi(tinted, torch.tensor([label], device=device)).cpu()
