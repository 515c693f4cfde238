"""Tone: fifteen numbers that undo varnish and fading, and the small network that guesses them.

The numbers act on each pixel by itself, so they can neither invent detail nor lose any, and they
can be undone. The network sees a thumbnail of 32 x 32 and nothing else of a work.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.models.blocks import LEAK
from artgan.models.checkpoint import load_network, unpack_weights

THUMBNAIL_PX = 32
NUMBERS = 15
_GAMMA_REACH = 0.7  # natural logarithm of the farthest exponent: 0.5 to 2
_SINGULAR_VALUES = (0.25, 4.0)
_CURVE_STEPS = 65_535
_QUANTILES = (0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98, 1.0)


@dataclass(frozen=True)
class ToneNumbers:
    """A curve and a mixture: ``y = matrix (x ** gamma) + offset``, for levels x in [0, 1].

    Attributes:
        gamma: Exponents of R, G and B, positive.
        matrix: Rows of the 3 x 3 mixture; its singular values lie in [1/4, 4].
        offset: What is added to R, G and B.
    """

    gamma: tuple[float, ...] = (1.0, 1.0, 1.0)
    matrix: tuple[tuple[float, ...], ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    offset: tuple[float, ...] = (0.0, 0.0, 0.0)

    @property
    def is_identity(self) -> bool:
        """Whether nothing changes."""
        return self == UNTONED

    def blend(self, strength: float) -> "ToneNumbers":
        """Go a part of the way from doing nothing to these numbers.

        Args:
            strength: 0 for nothing, 1 for all.
        """
        if strength == 0.0:
            return UNTONED
        gamma = np.array(self.gamma) ** strength
        matrix = _conditioned(np.eye(3) + strength * (np.array(self.matrix) - np.eye(3)))
        return _numbers(gamma, matrix, strength * np.array(self.offset))

    def without_colour(self) -> "ToneNumbers":
        """Return the numbers that do the same to a grey picture and keep it grey."""
        gamma = float(np.exp(np.log(self.gamma).mean()))
        gain = float(np.clip(np.array(self.matrix).sum(axis=1).mean(), *_SINGULAR_VALUES))
        return _numbers(
            np.full(3, gamma), gain * np.eye(3), np.full(3, float(np.mean(self.offset)))
        )

    def apply(self, levels: Tensor) -> Tensor:
        """Change the tone of (B, 3, H, W) levels on the CPU; what leaves [0, 1] is left so.

        The curve is looked up at 16 bits. Computed, it would differ in the last place between
        pixels that a processor takes eight at a time and those at the end of a row, and tiles
        would not equal the whole.
        """
        steps = np.arange(_CURVE_STEPS + 1) / _CURVE_STEPS
        curves = torch.from_numpy(steps ** np.array(self.gamma)[:, None]).float()
        places = levels.clamp(0.0, 1.0).mul(_CURVE_STEPS).round().long()
        curved = torch.stack([curves[c][places[:, c]] for c in range(3)], dim=1)
        matrix, offset = torch.tensor(self.matrix)[None], torch.tensor(self.offset)[None]
        return _mixed(curved, matrix, offset)

    def invert(self, levels: Tensor) -> Tensor:
        """Undo `apply` for (B, 3, H, W) levels that it gave; clipped ones stay clipped."""
        kind = levels.dtype
        inverse = torch.linalg.inv(torch.tensor(self.matrix, dtype=torch.float64))
        gamma = torch.tensor(self.gamma, dtype=torch.float64)[:, None, None]
        offset = torch.tensor(self.offset, dtype=torch.float64)[:, None, None]
        mixed = torch.einsum("ij,bjhw->bihw", inverse, levels.double() - offset)
        return (mixed.clamp(0.0, 1.0) ** (1.0 / gamma)).to(kind)

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON holds them."""
        return {
            "gamma": list(self.gamma),
            "matrix": [list(row) for row in self.matrix],
            "offset": list(self.offset),
        }


UNTONED = ToneNumbers()
"""The numbers that change nothing."""


def tone_from_json(values: dict[str, Any]) -> ToneNumbers:
    """Read what `ToneNumbers.to_json` wrote.

    Raises:
        InvalidInputError: If it is something else.
    """
    try:
        parts = [np.array(values[name], float) for name in ("gamma", "matrix", "offset")]
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInputError(f"tone must hold gamma, matrix, offset, got {values}.") from error
    if [part.shape for part in parts] != [(3,), (3, 3), (3,)]:
        raise InvalidInputError(f"tone must hold 3, 3 x 3 and 3 numbers, got {values}.")
    return _numbers(*parts)


def _numbers(gamma: np.ndarray, matrix: np.ndarray, offset: np.ndarray) -> ToneNumbers:
    rows = tuple(tuple(float(value) for value in row) for row in matrix)
    return ToneNumbers(tuple(map(float, gamma)), rows, tuple(map(float, offset)))


def _conditioned(matrix: np.ndarray) -> np.ndarray:
    """Bring the singular values of a mixture into bounds, so that it can be undone."""
    left, values, right = np.linalg.svd(matrix)
    if values.min() >= _SINGULAR_VALUES[0] and values.max() <= _SINGULAR_VALUES[1]:
        return matrix
    return (left * values.clip(*_SINGULAR_VALUES)) @ right


def apply_tone(levels: Tensor, gamma: Tensor, matrix: Tensor, offset: Tensor) -> Tensor:
    """Apply tones to pictures, one for each, with gradients for the numbers.

    Args:
        levels: (B, 3, H, W) in [0, 1].
        gamma: (B, 3).
        matrix: (B, 3, 3).
        offset: (B, 3).

    Returns:
        (B, 3, H, W), not clipped.
    """
    # the gradient of a power is not finite at zero
    curved = levels.clamp(1e-6, 1.0) ** gamma[:, :, None, None]
    return _mixed(torch.where(levels > 0.0, curved, 0.0), matrix, offset)


def _mixed(curved: Tensor, matrix: Tensor, offset: Tensor) -> Tensor:
    """Mix channels with sums written out: a matrix product adds in an order that sizes decide."""
    red, green, blue = curved.split(1, dim=1)
    weights = matrix.transpose(1, 2)[:, :, :, None, None]  # (B, from, to, 1, 1)
    mixed = weights[:, 0] * red + weights[:, 1] * green + weights[:, 2] * blue
    return mixed + offset[:, :, None, None]


class ToneNetwork(nn.Module):
    """Guesses the numbers from a thumbnail; before training it says: change nothing.

    It sees the thumbnail through four convolutions, and the quantiles of each channel, which tell
    the darkest and lightest levels: what a varnish moves first.

    Args:
        width: Channels of the first convolution; 16 makes 17,800 parameters.
    """

    quantiles: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        sizes = (3, width, 2 * width, 2 * width)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride=2, padding=1) for before, after in pairwise(sizes)
        )
        self.register_buffer("quantiles", torch.tensor(_QUANTILES), persistent=False)
        seen = 4 * width + 3 * len(_QUANTILES)
        self.hidden = nn.Linear(seen, 2 * width)
        self.head = nn.Linear(2 * width, NUMBERS)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, thumbnails: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map (B, 3, 32, 32) levels to gamma (B, 3), matrix (B, 3, 3) and offset (B, 3)."""
        levels = thumbnails.flatten(2)
        spread = torch.quantile(levels, self.quantiles.to(levels), dim=2)  # (Q, B, 3)
        x = thumbnails - 0.5
        for convolution in self.convolutions:
            x = F.leaky_relu(convolution(x), LEAK)
        seen = [x.mean(dim=(2, 3)), x.amax(dim=(2, 3)), spread.permute(1, 0, 2).flatten(1) - 0.5]
        raw = self.head(F.leaky_relu(self.hidden(torch.cat(seen, dim=1)), LEAK))
        bent, mixed, offset = raw.split((3, 9, 3), dim=1)
        gamma = torch.exp(_GAMMA_REACH * torch.tanh(bent))
        return gamma, torch.eye(3, device=raw.device) + mixed.unflatten(1, (3, 3)), offset

    @torch.inference_mode()
    def guess(self, thumbnail: np.ndarray) -> ToneNumbers:
        """Return the numbers for one thumbnail, (32, 32, 3) float32 levels in [0, 1]."""
        device = self.head.weight.device
        batch = torch.from_numpy(np.ascontiguousarray(thumbnail)).permute(2, 0, 1)[None]
        gamma, matrix, offset = (part[0].cpu().numpy() for part in self(batch.to(device)))
        return _numbers(gamma, _conditioned(matrix.astype(np.float64)), offset)


def load_tone(data: bytes) -> ToneNetwork:
    """Rebuild a published tone network, ready for inference.

    Args:
        data: What ``pack_weights`` made of a network named ``tone_ema`` and settings whose
            ``preset`` holds ``width``.

    Raises:
        CorruptAssetError: The bytes hold something else.
    """
    states, settings = unpack_weights(data)
    if "tone_ema" not in states:
        raise CorruptAssetError(
            f"weights must hold a tone network, got {sorted(states)}. Use a model of the kind tone."
        )
    network = ToneNetwork(settings["preset"]["width"])
    load_network(network, states["tone_ema"])
    return network.eval()
