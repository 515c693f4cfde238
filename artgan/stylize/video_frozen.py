"""Stylizers whose statistics are those of a shot, so that all its frames are treated alike.

A stylizer measures the picture that it is given. Frame by frame, the measures tremble with what
comes into sight, and so does the whole picture. Taken once from frames of the shot, they make each
frame a function of its own pixels alone.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from artgan.errors import InvalidInputError
from artgan.imaging.canvas import ArrayCanvas, Window
from artgan.models.painter import (
    BLOCK_HALO,
    DECODE_HALO,
    STEM_HALO_PX,
    STRIDE,
    Moments,
    mixed,
    restate,
)
from artgan.stylize.color import ColorStylizer, measure_colors, pool_colors
from artgan.stylize.paint import PaintStylizer, PictureMoments
from artgan.stylize.stylizer import Put, Source, Stylizer
from artgan.stylize.tiles import Tiles, compute_exactly, rounded_up
from artgan.stylize.translate import TranslateStylizer

MOST_SAMPLES = 8
_SAMPLED_PIXELS = 16_000_000


def sample_frames(length: int, pixels: int) -> list[int]:
    """Choose the frames of a shot that its statistics are taken from.

    Args:
        length: Frames of the shot.
        pixels: Pixels of a frame; of large frames fewer are taken, since they lie in memory
            together.

    Returns:
        Their numbers, evenly spread, the first and the last among them.
    """
    count = min(MOST_SAMPLES, max(2, _SAMPLED_PIXELS // pixels), length)
    return sorted({round(at) for at in np.linspace(0, length - 1, count)})


def frozen(stylizer: Stylizer, frames: Sequence[np.ndarray]) -> Stylizer:
    """Return a stylizer that treats every picture as it would treat these frames as one.

    Args:
        stylizer: Colour transfer, a translator or a painter.
        frames: (H, W, 3) uint8 of a shot, at least one.

    Raises:
        InvalidInputError: The stylizer fits each picture anew.
    """
    if isinstance(stylizer, PaintStylizer):
        return FrozenPaint(stylizer, frames)
    content = pool_colors([measure_colors(frame) for frame in frames])
    if isinstance(stylizer, ColorStylizer):
        return ColorStylizer(stylizer.style, content)
    if isinstance(stylizer, TranslateStylizer):
        return TranslateStylizer(stylizer.translator, content)
    raise InvalidInputError(
        f"stylizer of a film must have statistics to freeze, got {type(stylizer).__name__}. "
        "Use color, cut, fast or adain."
    )


class FrozenPaint(Stylizer):
    """A painter with the moments of some frames: a network of limited sight like any other.

    Args:
        of: The painter, with the manner that it gives.
        frames: (H, W, 3) uint8, of one size; their maps lie in memory together.
    """

    def __init__(self, of: PaintStylizer, frames: Sequence[np.ndarray]) -> None:
        self._of = of
        content = pool_colors([measure_colors(frame) for frame in frames])
        self._tint = of.tint(content)
        blocks = len(of.painter.trunk)
        reach_px = STEM_HALO_PX + STRIDE * (2 * BLOCK_HALO * blocks + DECODE_HALO)
        self._halo_px = -(-reach_px // STRIDE) * STRIDE
        self._moments = self._measure(frames)

    @torch.inference_mode()
    def _measure(self, frames: Sequence[np.ndarray]) -> list[tuple[Moments, Moments]]:
        """Return the moments of each block over all frames, and those it is given instead."""
        compute_exactly()
        of, found = self._of, []
        trunks = [of.painter.stem(self._whole(frame)) for frame in frames]
        for block, wanted in zip(of.painter.trunk, of.manner, strict=True):
            pooled = PictureMoments()
            inner = [block.inner(trunk) for trunk in trunks]
            for one in inner:
                pooled.add(one.cpu())
            own = Moments(*(part.to(of.device) for part in pooled.moments()))
            given = mixed([[own], [wanted]], [1 - of.alpha, of.alpha])[0]
            trunks = [
                trunk + block.added(restate(one, own, given))
                for trunk, one in zip(trunks, inner, strict=True)
            ]
            found.append((own, given))
        return found

    def _whole(self, frame: np.ndarray) -> Tensor:
        source = Source(ArrayCanvas(frame))
        height, width = rounded_up(source.size, STRIDE)
        return self._tinted(source, Window(0, height, 0, width))

    def _tinted(self, source: Source, window: Window) -> Tensor:
        return self._tint(source.levels(window).to(self._of.device)).clamp(0.0, 1.0)

    @torch.inference_mode()
    def stylize(self, source: Source, put: Put, tiles: Tiles) -> None:
        """See `Stylizer`."""
        painter, frame = self._of.painter, rounded_up(source.size, STRIDE)

        def work(window: Window) -> None:
            around = window.grown(self._halo_px, frame)
            tinted = self._tinted(source, around)
            trunk = painter.stem(tinted)
            for block, (own, given) in zip(painter.trunk, self._moments, strict=True):
                trunk = trunk + block.added(restate(block.inner(trunk), own, given))
            result = tinted + self._of.alpha * painter.decode(tinted, trunk)
            inside = window.grown(0, source.size)
            put(inside, result[(..., *inside.within(around))].cpu())

        tiles.over(frame, work)
