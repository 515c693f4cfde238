"""Windows of a picture, smaller ones once memory did not suffice; room for what lies between."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from artgan.errors import InvalidInputError
from artgan.imaging.canvas import ArrayCanvas, Canvas, Window, windows

ALIGN_PX = 32
TILE_PX = 512
"""Larger windows were no faster on a CPU, whose caches they leave: at 1024 px a quarter slower."""
_SAID_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")

_log = logging.getLogger(__name__)


MakeCanvas = Callable[[tuple[int, int, int], np.dtype], Canvas]
"""Makes a black canvas of a shape and a kind of number."""


def compute_exactly() -> None:
    """Let convolutions on CUDA keep all 24 bits of their factors and add in one order, from now on.

    By default factors are rounded to TF32, of 11 bits: tiles would differ from the whole by a level
    or two, and CUDA from the CPU; and a fit that was killed would not go on to the same picture.
    Not undone afterwards: threads that stylize side by side share it.
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True


def array_canvas(shape: tuple[int, int, int], dtype: np.dtype) -> Canvas:
    """Make a canvas in memory."""
    return ArrayCanvas(np.zeros(shape, dtype))


@dataclass
class Tiles:
    """How a picture is worked on.

    Attributes:
        tile_px: Side of a window in pixels, a multiple of 32. It is halved when memory does not
            suffice, and stays so.
        make_canvas: Makes canvases for what is computed on the way.
    """

    tile_px: int = TILE_PX
    make_canvas: MakeCanvas = array_canvas

    def __post_init__(self) -> None:
        """Refuse what cannot be used."""
        if self.tile_px < ALIGN_PX or self.tile_px % ALIGN_PX:
            raise InvalidInputError(
                f"tile_px must be a multiple of {ALIGN_PX}, got {self.tile_px}. Use {TILE_PX}."
            )

    def over(self, size: tuple[int, int], work: Callable[[Window], None], scale: int = 1) -> None:
        """Do some work on all of a frame, window by window; nothing is left out.

        Args:
            size: Height and width of the frame.
            work: Does one window, wholly or, when memory does not suffice, not at all.
            scale: Pixels of the picture that stand behind one place of the frame, 1 to 32.
        """
        compute_exactly()
        waiting = list(windows(size, self.tile_px // scale))[::-1]
        while waiting:
            window = waiting.pop()
            if max(window.size) > self.tile_px // scale:
                waiting += list(_parts(window, self.tile_px // scale))[::-1]
                continue
            try:
                work(window)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error) or self.tile_px == ALIGN_PX:
                    raise
                tried = min(self.tile_px, scale * max(window.size))
                self.tile_px = max(ALIGN_PX, tried // 2 // ALIGN_PX * ALIGN_PX)
                _log.warning("out of memory; the run goes on with tiles of %d px", self.tile_px)
                waiting.append(window)


def _parts(window: Window, side: int) -> Iterator[Window]:
    for part in windows(window.size, side):
        rows = window.top + part.top, window.top + part.bottom
        yield Window(*rows, window.left + part.left, window.left + part.right)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory did not suffice, of this machine or of its device."""
    said = str(error).lower()
    kinds = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, kinds) or any(words in said for words in _SAID_OF_MEMORY)


def rounded_up(size: tuple[int, int], multiple: int) -> tuple[int, int]:
    """Return a height and width rounded up to multiples."""
    return -(-size[0] // multiple) * multiple, -(-size[1] // multiple) * multiple
