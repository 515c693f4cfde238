"""Features of a whole picture between two layers: in memory where there is room, else in files."""

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from artgan.imaging.canvas import Canvas, Window
from artgan.stylize.tiles import Tiles, is_out_of_memory

ROOM_BYTES = 500_000_000
"""What maps may take in memory."""
_FLOAT_BYTES = 4


class Map(Protocol):
    """Features of a frame, read and written by windows, (1, C, h, w) float32 each."""

    def read(self, window: Window) -> Tensor:
        """Return the features of a window; not to be changed."""
        ...

    def write(self, window: Window, features: Tensor) -> None:
        """Put features into a window; they belong to the map from then on."""
        ...


class TensorMap:
    """A map in the memory of a device, where nothing is copied if one window is all of it."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor

    def read(self, window: Window) -> Tensor:
        """See `Map`."""
        return self._tensor[(..., *window.slices)]

    def write(self, window: Window, features: Tensor) -> None:
        """See `Map`."""
        if features.shape == self._tensor.shape:
            self._tensor = features
        else:
            self._tensor[(..., *window.slices)] = features


class CanvasMap:
    """A map on a canvas, whose windows travel to a device and back.

    Args:
        canvas: (H, W, C) float32.
        device: Where features are computed.
    """

    def __init__(self, canvas: Canvas, device: torch.device) -> None:
        self._canvas, self._device = canvas, device

    def read(self, window: Window) -> Tensor:
        """See `Map`."""
        features = torch.from_numpy(self._canvas.read(window)).permute(2, 0, 1)[None]
        return features.to(self._device)

    def write(self, window: Window, features: Tensor) -> None:
        """See `Map`."""
        self._canvas.write(window, features[0].permute(1, 2, 0).cpu().numpy())


def make_maps(
    count: int, size: tuple[int, int], channels: int, device: torch.device, tiles: Tiles
) -> list[Map]:
    """Make maps of zeros for a frame of a size.

    In the memory of the device if all of them fit into `ROOM_BYTES`; else, and where the device
    has no such memory, on what ``tiles`` makes.
    """
    if count * size[0] * size[1] * channels * _FLOAT_BYTES <= ROOM_BYTES:
        try:
            return [TensorMap(torch.zeros(1, channels, *size, device=device)) for _ in range(count)]
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
    shape = (*size, channels)
    canvases = [tiles.make_canvas(shape, np.dtype(np.float32)) for _ in range(count)]
    return [CanvasMap(canvas, device) for canvas in canvases]
