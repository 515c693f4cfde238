"""Damage laid over a picture, kept apart from the picture that it is laid over.

Whatever covers or tints a pixel maps its colour p linearly, and so does a stack of such layers:
``gain p + colour``. A third part, ``light``, is added where the picture is dark, for cracks that
are dark on light paint are light on dark paint. Drawn once, an overlay can be laid over any
picture in a millisecond.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from artgan.degrade.kinds import VISIBLE
from artgan.presets import OPAQUE, DamageClass

_DARK, _DARK_SOFTNESS = 0.4, 0.25
_CODES = 255.0
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True)
class Overlay:
    """Damage of one square or oblong crop; 8 bits are enough, since they end as 8-bit pixels.

    Attributes:
        gain: What is left of the picture, (H, W, 3) uint8, 255 for all of it.
        colour: What is added to it, (H, W, 3) uint8.
        light: What is added besides where the picture is dark, (H, W, 3) uint8.
        coverage: How much each class that was drawn changes each pixel, (H, W) uint8, 255 for
            complete replacement.
    """

    gain: np.ndarray
    colour: np.ndarray
    light: np.ndarray
    coverage: Mapping[DamageClass, np.ndarray]

    def mask(self, kind: DamageClass) -> np.ndarray:
        """Return where a class visibly changes the picture, (H, W) bool."""
        if kind not in self.coverage:
            return np.zeros(self.gain.shape[:2], dtype=bool)
        return self.coverage[kind] > _CODES * VISIBLE[kind]

    def union(self) -> np.ndarray:
        """Return where an opaque class covers the picture, (H, W) bool."""
        return np.any([self.mask(kind) for kind in OPAQUE], axis=0)

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """Lay the damage over a picture (H, W, 3) uint8 of the same size; return a new one."""
        damaged = self.gain.astype(np.float32) * picture
        damaged *= 1.0 / _CODES
        damaged += self.colour
        if self.light.any():
            damaged += self.light * _darkness(picture)[..., None]
        return np.clip(np.rint(damaged), 0, 255).astype(np.uint8)

    def corner(self, side: int) -> "Overlay":
        """Return its top left corner."""
        part = slice(side)
        coverage: dict[DamageClass, np.ndarray] = {
            kind: array[part, part] for kind, array in self.coverage.items()
        }
        gain, colour, light = (one[part, part] for one in (self.gain, self.colour, self.light))
        return Overlay(gain, colour, light, coverage)

    def moved(self, turn: int, top: int, left: int) -> "Overlay":
        """Return it turned by quarters, mirrored from the fourth on, and shifted with wrap-around.

        Args:
            turn: 0 to 7.
            top: Rows to shift by.
            left: Columns to shift by.
        """

        def move(array: np.ndarray) -> np.ndarray:
            array = np.rot90(array, turn % 4)
            array = array[::-1] if turn >= 4 else array
            return np.roll(array, (top, left), (0, 1))

        coverage: dict[DamageClass, np.ndarray] = {
            kind: move(array) for kind, array in self.coverage.items()
        }
        return Overlay(move(self.gain), move(self.colour), move(self.light), coverage)


def _darkness(picture: np.ndarray) -> np.ndarray:
    """Say how dark the surroundings of each pixel are: (H, W) float32, 1 for dark, 0 for light."""
    side = 2 * round(max(picture.shape[:2]) / 100) + 3
    luma = cv2.blur(picture.astype(np.float32) @ _LUMA, (side, side)) / _CODES
    return np.clip((_DARK - luma) / _DARK_SOFTNESS + 0.5, 0.0, 1.0)


@dataclass
class Sheet:
    """An overlay in the making: layers are laid on it one after the other.

    Attributes:
        size: Side in pixels.
        rng: Source of all randomness.
        light_from: Direction (x, y) that the light comes from, of length 1; the same for all
            damage of a picture.
    """

    size: int
    rng: np.random.Generator
    light_from: np.ndarray = field(init=False)
    gain: np.ndarray = field(init=False)
    colour: np.ndarray = field(init=False)
    light: np.ndarray = field(init=False)
    coverage: dict[DamageClass, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        angle = self.rng.uniform(-0.85, -0.65) * np.pi  # from above, mostly from the left
        self.light_from = np.array([np.cos(angle), np.sin(angle)])
        shape = (self.size, self.size, 3)
        self.gain = np.ones(shape, np.float32)
        self.colour, self.light = np.zeros(shape, np.float32), np.zeros(shape, np.float32)

    @property
    def unit(self) -> float:
        """Pixels in a 256th of the side; all lengths are given in these."""
        return self.size / 256.0

    def cover(
        self, alpha: np.ndarray, colour: np.ndarray, on_dark: np.ndarray | None = None
    ) -> None:
        """Lay paint of some opacity over what is there.

        Args:
            alpha: (S, S) float32 in [0, 1].
            colour: Colour in [0, 1], (3,) or (S, S, 3).
            on_dark: Colour where the picture is dark, (3,), nowhere darker than ``colour``; the
                same if it is not given.
        """
        alpha = alpha[..., None]
        self._dim(1.0 - alpha)
        self.colour += alpha * colour
        if on_dark is not None:
            self.light += alpha * (on_dark - colour)

    def tint(self, alpha: np.ndarray, colour: np.ndarray) -> None:
        """Multiply what is there by a colour (3,) in [0, 1], as far as alpha (S, S) goes."""
        self._dim(1.0 - alpha[..., None] * (1.0 - colour))

    def _dim(self, kept: np.ndarray) -> None:
        self.gain *= kept
        self.colour *= kept
        self.light *= kept

    def record(self, kind: DamageClass, alpha: np.ndarray) -> None:
        """Note how much a class changes each pixel, (S, S) in [0, 1]."""
        before = self.coverage.get(kind)
        self.coverage[kind] = alpha if before is None else np.maximum(before, alpha)

    def overlay(self, height: int, width: int) -> Overlay:
        """Return what was laid, scaled down to the longer side and cut to the other."""
        side = max(height, width)

        def codes(array: np.ndarray) -> np.ndarray:
            if side != self.size:
                array = cv2.resize(array, (side, side), interpolation=cv2.INTER_AREA)
            rounded = np.clip(np.rint(array * _CODES), 0, _CODES).astype(np.uint8)
            return np.ascontiguousarray(rounded[:height, :width])

        return Overlay(
            codes(self.gain),
            codes(self.colour),
            codes(self.light),
            {kind: codes(array) for kind, array in self.coverage.items()},
        )
