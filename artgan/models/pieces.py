"""Textures laid in pieces of works: each fits its neighbours and a sketch, all are used alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

PIECE_PX = 32
_OVERLAP = 4
_SKETCH_WEIGHT = 3.0
_USE_WEIGHT = 0.15
_SWEEPS = 2


@dataclass(frozen=True)
class Laid:
    """A texture and where it is from.

    Attributes:
        texture: (3, H, W) in [0, 1], every pixel one of the works.
        origin: (H, W) which pixel: works one after the other, row by row.
    """

    texture: Tensor
    origin: np.ndarray


def piece_side(sources: Sequence[Tensor]) -> int:
    """Return the side of the pieces that works (3, H, W) are cut into: a third of the least side.

    At most ``PIECE_PX`` and a multiple of 4, of which one part lies over the next piece.
    """
    least = min(min(source.shape[1:]) for source in sources)
    return max(_OVERLAP, min(PIECE_PX, least // 3) // _OVERLAP * _OVERLAP)


class _Source:
    """A work, where pieces can be cut from it, and how often they were.

    Sums over all pieces are correlations, which are products of Fourier transforms.
    """

    def __init__(self, work: Tensor, blurred: Tensor, side: int, start: int) -> None:
        self.work = work
        height, width = work.shape[1:]
        self.shape = height, width
        self.places = height - side + 1, width - side + 1
        self.waves = torch.fft.rfft2(torch.cat([work, blurred]))
        squares = torch.stack([work.square().sum(dim=0), blurred.square().sum(dim=0)])
        self.square_waves = torch.fft.rfft2(squares)
        self.bells = [_bells(count, side / 4) for count in self.places]
        self.used = torch.zeros(self.places)
        self.numbers = np.arange(start, start + height * width).reshape(height, width)

    def misfits(self, wanted: Tensor, weights: Tensor) -> Tensor:
        """Weigh the squared distances of all pieces from what is wanted there.

        Args:
            wanted: (6, S, S): what lies there, and the sketch, which is compared with the
                blurred work.
            weights: (2, S, S) of the pixels of both.

        Returns:
            One number for each place.
        """
        weighted = wanted.unflatten(0, (2, 3)) * weights[:, None]
        crossed = (self.waves * self._waves_of(weighted.flatten(0, 1)).conj()).sum(dim=0)
        own = (self.square_waves * self._waves_of(weights).conj()).sum(dim=0)
        sums = torch.fft.irfft2(own - 2 * crossed, s=self.shape)
        constant = (weighted * wanted.unflatten(0, (2, 3))).sum()
        return sums[: self.places[0], : self.places[1]] + constant

    def _waves_of(self, small: Tensor) -> Tensor:
        return torch.fft.rfft2(small, s=self.shape)

    def count(self, row: int, column: int, times: float) -> None:
        """Note that a piece was used, or that it no longer is: it, and those that lie near."""
        self.used += times * torch.outer(self.bells[0][row], self.bells[1][column])


def lay(sketch: Tensor, works: Sequence[Tensor], blurred: Sequence[Tensor], side: int) -> Laid:
    """Lay a texture without end in both directions out of pieces of works.

    Row by row, the piece is taken that fits best to the neighbours it will lie over, to the
    sketch, and to how often pieces from near its place were used already: that price is what
    makes a texture as varied as the works are. It is joined along the cheapest cut. Then all
    pieces are taken up again in turn, now between neighbours on all four sides.

    Differs from the paper: on a torus; a sketch in place of blocks at random, like the transfer of
    its section 4; the price, which is the stochastic ascent of a semi-discrete transport (Galerne
    et al. 2018, section 3) with one step for each piece; the second sweep.

    Args:
        sketch: (3, H, W) which colours lie where; both sides at least twice the pieces'.
        works: (3, h, w) in [0, 1] each, on the CPU like the sketch.
        blurred: The same, as blurred as the sketch.
        side: Side of the pieces, a multiple of 4, see `piece_side`.

    References:
        Efros and Freeman 2001, "Image Quilting for Texture Synthesis and Transfer",
        https://doi.org/10.1145/383259.383296
    """
    return _Laying(sketch, works, blurred, side).laid()


class _Laying:
    """The texture while it is laid."""

    def __init__(
        self, sketch: Tensor, works: Sequence[Tensor], blurred: Sequence[Tensor], side: int
    ) -> None:
        # The border of a tile goes through the middle of pieces.
        self.sketch = sketch.roll((side // 2, side // 2), (1, 2))
        self.side, self.overlap = side, side // _OVERLAP
        starts = np.cumsum([0, *(work[0].numel() for work in works)]).tolist()
        self.sources = [
            _Source(work, soft, side, start)
            for work, soft, start in zip(works, blurred, starts, strict=False)
        ]
        self.pixels = torch.cat([work.flatten(1) for work in works], dim=1)
        size = sketch.shape[1:]
        self.origin = np.full(tuple(size), -1, np.int64)
        self.canvas = torch.zeros_like(sketch)
        self.tops, self.lefts = (self._edges(length) for length in size)
        self.chosen: dict[tuple[int, int], tuple[int, int, int]] = {}
        self.scale = 0.0

    def _edges(self, length: int) -> list[int]:
        count = -(-length // (self.side - self.overlap))
        return [number * length // count for number in range(count)]

    def laid(self) -> Laid:
        for _ in range(_SWEEPS):
            for row in range(len(self.tops)):
                for column in range(len(self.lefts)):
                    self._lay(row, column)
        back = -(self.side // 2)
        return Laid(
            self.canvas.roll((back, back), (1, 2)), np.roll(self.origin, (back, back), (0, 1))
        )

    def _lay(self, row: int, column: int) -> None:
        rows = (self.tops[row] + np.arange(self.side)) % self.origin.shape[0]
        columns = (self.lefts[column] + np.arange(self.side)) % self.origin.shape[1]
        window = np.ix_(rows, columns)
        before = self.chosen.pop((row, column), None)
        if before is not None:
            self.sources[before[0]].count(*before[1:], -1.0)
        covered = (
            (before is not None or row > 0, before is not None or row == len(self.tops) - 1),
            (before is not None or column > 0, before is not None or column == len(self.lefts) - 1),
        )
        mask = _frame(self.side, self.overlap, covered)
        old = self.canvas[:, rows][:, :, columns]
        chosen = self._choose(old, mask, self.sketch[:, rows][:, :, columns])
        self.chosen[row, column] = chosen
        number, top, left = chosen
        source = self.sources[number]
        source.count(top, left, 1.0)
        new = source.work[:, top : top + self.side, left : left + self.side]
        keep = _kept((new - old).square().sum(dim=0).numpy(), self.overlap, covered)
        numbers = source.numbers[top : top + self.side, left : left + self.side]
        self.origin[window] = np.where(keep, self.origin[window], numbers)
        self.canvas[:, window[0], window[1]] = torch.where(torch.from_numpy(keep), old, new)

    def _choose(self, old: Tensor, mask: Tensor, sketch: Tensor) -> tuple[int, int, int]:
        """Return the source, and row and column of the place in it, of the cheapest piece."""
        weights = torch.stack(
            [
                mask / mask.sum().clamp(min=1),
                torch.full_like(mask, _SKETCH_WEIGHT / mask.numel()),
            ]
        )
        wanted = torch.cat([old, sketch])
        costs = [one.misfits(wanted, weights) for one in self.sources]
        every = torch.cat([cost.flatten() for cost in costs])
        spread = float(every.median() - every.min())
        self.scale = self.scale + 0.1 * (spread - self.scale) if self.scale else spread
        price = _USE_WEIGHT * self.scale
        costs = [c + price * one.used for c, one in zip(costs, self.sources, strict=True)]
        least = [float(cost.min()) for cost in costs]
        number = int(np.argmin(least))
        at = int(costs[number].argmin())
        return (number, *divmod(at, costs[number].shape[1]))


def _bells(length: int, spread: float) -> Tensor:
    """Return for each place in a row how near the others are, weighted up towards the ends."""
    places = torch.arange(length, dtype=torch.float32)
    bells = torch.exp(-(places[:, None] - places[None]).square() / (2 * spread**2))
    # Places near an end have fewer neighbours that could be used in their stead.
    return bells * (bells.sum(dim=0).max() / bells.sum(dim=0))[None]


Covered = tuple[tuple[bool, bool], tuple[bool, bool]]
"""Whether there are pieces above and below, to the left and to the right."""


def _frame(side: int, overlap: int, covered: Covered) -> Tensor:
    """Return 1 where a piece will lie over others, (S, S)."""
    (above, below), (left, right) = covered
    frame = torch.zeros(side, side)
    if above:
        frame[:overlap] = 1
    if below:
        frame[-overlap:] = 1
    if left:
        frame[:, :overlap] = 1
    if right:
        frame[:, -overlap:] = 1
    return frame


def _kept(error: np.ndarray, overlap: int, covered: Covered) -> np.ndarray:
    """Return where the old texture stays: beyond the cheapest path through each overlap."""
    keep = np.zeros(error.shape, bool)
    for axis, sides in enumerate(covered):
        # Views: what is written into them is written into ``keep``.
        across, kept = (error.T, keep.T) if axis == 0 else (error, keep)
        for turned, asked in zip((False, True), sides, strict=True):
            if asked:
                seen, into = (across[:, ::-1], kept[:, ::-1]) if turned else (across, kept)
                path = cheapest_path(seen[:, :overlap])
                into[:, :overlap] |= np.arange(overlap) < path[:, None]
    return keep


def cheapest_path(error: np.ndarray) -> np.ndarray:
    """Return the column of the cheapest path from top to bottom in each row of errors (H, W)."""
    padded = np.pad(error, ((0, 0), (1, 1)), constant_values=np.inf)
    total = padded[:, 1:-1]
    for before, own in pairwise(padded):
        own[1:-1] += np.minimum(np.minimum(before[:-2], before[1:-1]), before[2:])
    path = np.empty(len(total), np.int64)
    path[-1] = total[-1].argmin()
    for row in range(len(total) - 2, -1, -1):
        low = max(0, path[row + 1] - 1)
        path[row] = low + total[row, low : path[row + 1] + 2].argmin()
    return path


def continued(origin: np.ndarray) -> float:
    """Return the fraction of pixels whose right neighbour is also theirs in the work."""
    return float((np.diff(origin, axis=1) == 1).mean())
