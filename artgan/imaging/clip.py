"""Clips: frames at a constant rate, and what is known of them before they are there."""

import importlib
import importlib.util
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol, TypeVar

import numpy as np

from artgan.errors import MissingAssetError

_HD_HEIGHT_PX = 720
# ITU-T H.273 numbers of colour matrices -> those of FFmpeg's scaler
_BT709, _BT601 = 1, 5
_MATRICES = {1: _BT709, 4: 4, 5: _BT601, 6: _BT601, 7: 7, 9: 9, 10: 9}
LUMA_WEIGHTS = {
    _BT709: (0.2126, 0.0722),
    4: (0.30, 0.11),
    _BT601: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
"""Weights of red and of blue in luma, by the scaler's number of a matrix."""
LIMITED, FULL = 1, 2
"""Ranges of codes: 16 to 235, and 0 to 255."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class ColourTags:
    """How the numbers of a film mean colours, in the code points of ITU-T H.273; 2 is unspecified.

    Attributes:
        primaries: Of red, green and blue.
        transfer: From light to code.
        matrix: Between RGB and luma with two differences.
        range: 1 is limited (16 to 235), 2 full, 0 unspecified.
    """

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    range: int = 0


@dataclass(frozen=True)
class ClipFacts:
    """What is known of a clip before its frames are.

    Attributes:
        width_px: Width of upright frames, even.
        height_px: Height of upright frames, even.
        rate: Frames a second, constant.
        tags: Meaning of its colours.
        start_s: Time of its first frame on the file's clock, in seconds.
        aspect: Width of a pixel by its height.
        turns: Quarter turns, counterclockwise, that make its frames upright.
        audio: Codecs of its sounds.
    """

    width_px: int
    height_px: int
    rate: Fraction
    tags: ColourTags = ColourTags()
    start_s: Fraction = Fraction(0)
    aspect: Fraction = Fraction(1)
    turns: int = 0
    audio: tuple[str, ...] = ()

    @property
    def matrix(self) -> int:
        """Matrix by FFmpeg's number; where none is stated, the one that players take."""
        assumed = _BT709 if self.height_px >= _HD_HEIGHT_PX else _BT601
        return _MATRICES.get(self.tags.matrix, assumed)

    @property
    def range(self) -> int:
        """Range of codes; limited where none is stated."""
        return self.tags.range or LIMITED


class Clip(Protocol):
    """Frames at a constant rate, from a file or made on the way."""

    facts: ClipFacts

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
        """Yield frames (H, W, 3) uint8, upright; one that stands longer is yielded again itself."""
        ...


def video_library() -> Any:  # noqa: ANN401 - a package that need not be there
    """Return the package av.

    Raises:
        MissingAssetError: If it is not installed.
    """
    if importlib.util.find_spec("av") is None:
        raise MissingAssetError(
            "package av must be installed for films, got none. Install it with "
            '`pip install "artgan[video]"`.'
        )
    return importlib.import_module("av")


def at_rate(
    timed: Iterable[tuple[Fraction, Item]], start_s: Fraction, rate: Fraction
) -> Iterator[tuple[int, Item]]:
    """Bring items that come at any times to a constant rate.

    Each tick shows the newest item whose time, to the nearest tick, has come. Items repeat where
    they are too few, and are left out where they are too many, or go back in time.

    Args:
        timed: Items with their times in seconds.
        start_s: Time of tick 0.
        rate: Ticks a second.

    Yields:
        Ticks without a gap, each with its item.
    """
    held: tuple[int, Item] | None = None
    newest = start_s
    for time, item in timed:
        tick = math.floor((time - start_s) * rate + Fraction(1, 2))
        if held is not None:
            if time < newest:
                continue
            yield from ((one, held[1]) for one in range(held[0], tick))
        held, newest = (tick, item), time
    if held is not None:
        yield held
