"""What every stylizer is: a function of a whole picture that may be too large for memory."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.imaging.canvas import ArrayCanvas, Canvas, Window
from artgan.stylize.tiles import Tiles

Put = Callable[[Window, Tensor], None]
"""Takes the result of a window, (1, 3, h, w) in [0, 1]; what exceeds the range is clipped."""

_RGB = 3
_MASK_PEAK = 255.0


class Source:
    """A picture in the codes of its file, seen by networks as sRGB levels.

    Args:
        canvas: (H, W, C) uint8 or uint16, sRGB; C is 1 (grey), 2 (grey, alpha), 3 or 4.
    """

    def __init__(self, canvas: Canvas) -> None:
        self.canvas, self.size = canvas, canvas.size
        self.colours = _RGB if canvas.shape[2] >= _RGB else 1
        self.peak = float(np.iinfo(canvas.dtype).max)

    def levels(self, window: Window) -> Tensor:
        """Return (1, 3, h, w) float32 in [0, 1]; beyond the frame its edge is repeated."""
        inside = window.grown(0, self.size)
        codes = torch.from_numpy(self.canvas.read(inside)[..., : self.colours])
        plain = torch.contiguous_format
        levels = codes.permute(2, 0, 1)[None].to(torch.float32, memory_format=plain).div_(self.peak)
        beyond = window.right - inside.right, window.bottom - inside.bottom
        if any(beyond):
            levels = F.pad(levels, (0, beyond[0], 0, beyond[1]), mode="replicate")
        return levels.expand(-1, _RGB, -1, -1).contiguous()


class Stylizer(ABC):
    """One way to give pictures a style, with the style it gives."""

    @abstractmethod
    def stylize(self, source: Source, put: Put, tiles: Tiles) -> None:
        """Give ``put`` the whole result, window by window.

        Args:
            source: The picture.
            put: Takes results; every pixel of the frame once.
            tiles: How large windows may be: a bound of memory, and nothing else.
        """


@dataclass(frozen=True)
class Finish:
    """What is done with a result before it is written, whatever made it.

    Attributes:
        strength: Part of the result in what is written, from 0 (the picture as it is) to 1.
        keep_colours: Take only light and dark from the result, and the colours of the picture.
        regions: (H, W, 1) uint8 of the picture's size: 255 takes the result, 0 leaves the picture,
            values between mix the two; None takes the result everywhere.
    """

    strength: float = 1.0
    keep_colours: bool = False
    regions: Canvas | None = None


_LUMA = torch.tensor([0.299, 0.587, 0.114])[None, :, None, None]


class Writer:
    """Turns results into codes of the file: 8 or 16 bits, three colours, alpha as it was.

    Args:
        source: The picture.
        result: (H, W, 3 or 4) of the same kind of number.
        finish: What is done first.
    """

    def __init__(self, source: Source, result: Canvas, finish: Finish) -> None:
        self._source, self._result, self._finish = source, result, finish
        self.changed_pixels = 0

    def __call__(self, window: Window, styled: Tensor) -> None:
        """Write a window."""
        after = styled.clamp(0.0, 1.0)
        if self._finish != Finish():
            after = finished(self._source.levels(window), after, self._finish, window)
        codes = after[0].mul_(self._source.peak).round_().permute(1, 2, 0).numpy()
        codes = codes.astype(self._result.dtype, order="C")
        pixels = self._source.canvas.read(window)
        colours, alpha = np.split(pixels, [self._source.colours], axis=2)
        self.changed_pixels += int(np.count_nonzero((codes != colours).any(axis=2)))
        if alpha.shape[2]:
            codes = np.concatenate([codes, alpha], axis=2)
        self._result.write(window, codes)


def finished(before: Tensor, after: Tensor, finish: Finish, window: Window) -> Tensor:
    """Apply a finish to levels (1, 3, h, w) of a window."""
    if finish.keep_colours:
        light = ((after - before) * _LUMA).sum(dim=1, keepdim=True)
        after = before + light
    share = torch.tensor(finish.strength)
    if finish.regions is not None:
        codes = finish.regions.read(window)[..., 0].astype(np.float32)
        share = share * torch.from_numpy(codes).div_(_MASK_PEAK)
    return (before + share * (after - before)).clamp_(0.0, 1.0)


def result_shape(source: Canvas) -> tuple[int, int, int]:
    """Return the shape of a result: three colours, and alpha where the source has it."""
    height, width, channels = source.shape
    return height, width, _RGB + int(channels in (2, 4))


def stylize_canvas(
    stylizer: Stylizer,
    canvas: Canvas,
    result: Canvas,
    finish: Finish | None = None,
    tiles: Tiles | None = None,
) -> int:
    """Stylize a picture of any size into a canvas; return how many pixels differ from it.

    Args:
        stylizer: What gives the style.
        canvas: (H, W, 1 to 4) uint8 or uint16, sRGB.
        result: Canvas of `result_shape` and the same kind of number.
        finish: Strength and colours; the full result by default.
        tiles: Size of the windows, and where maps lie that are too large for memory.

    Raises:
        InvalidInputError: The regions have another size.
    """
    _check_regions(finish, canvas.size)
    source = Source(canvas)
    writer = Writer(source, result, finish or Finish())
    stylizer.stylize(source, writer, tiles or Tiles())
    return writer.changed_pixels


def _check_regions(finish: Finish | None, size: tuple[int, int]) -> None:
    regions = None if finish is None else finish.regions
    if regions is not None and regions.size != size:
        raise InvalidInputError(
            f"regions must have the size of the picture, {size[1]} x {size[0]}, got "
            f"{regions.size[1]} x {regions.size[0]}. Draw the mask on the upright scan."
        )


def stylize_picture(
    stylizer: Stylizer,
    picture: np.ndarray,
    finish: Finish | None = None,
    tiles: Tiles | None = None,
) -> np.ndarray:
    """Stylize a picture in memory, (H, W, 1 to 4) uint8 or uint16; see `stylize_canvas`."""
    canvas = ArrayCanvas(picture)
    made = np.zeros(result_shape(canvas), picture.dtype)
    stylize_canvas(stylizer, canvas, ArrayCanvas(made), finish, tiles)
    return made
