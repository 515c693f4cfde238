"""What the codes of a simulation move, when they are turned as a curator turns them.

In each of some works one code goes from one end to the other while all else stays. What of a
property is the work's own is taken off; the rest is correlated with the code, and its way from end
to end is set beside the spread of real works. An untrained network has the one, but not the other.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from artgan.models.simulators import AnyGenerator, drawn

WORKS = 64
VALUES = np.linspace(-1.0, 1.0, 9)


@dataclass(frozen=True)
class Moved:
    """What one code moves most.

    Attributes:
        what: The property.
        correlation: Of the code with it, in [0, 1], within works.
        spreads: How far it moves from end to end, in standard deviations of real works.
    """

    what: str
    correlation: float
    spreads: float


@torch.no_grad()
def moves(generator: AnyGenerator, real: Tensor) -> list[Moved]:
    """Return for each continuous code what it moves most, beside real works (M, 3, H, W)."""
    z, noise = drawn(generator, range(WORKS))
    spread = {name: float(values.std()) for name, values in properties(real).items()}
    found = []
    for code in range(generator.latents.continuous):
        turned = [
            properties(generator(generator.latents.turned(z, code, value), noise).cpu())
            for value in VALUES.tolist()
        ]
        every = [
            moved(name, np.stack([one[name].numpy() for one in turned]), scale)
            for name, scale in spread.items()
        ]
        found.append(max(every, key=lambda one: one.correlation * one.spreads))
    return found


def moved(name: str, rows: np.ndarray, spread: float) -> Moved:
    """Measure a property, a row of works for each value of a code."""
    own = rows - rows.mean(axis=0)
    codes = np.broadcast_to(VALUES[:, None], own.shape)
    correlation = float(np.corrcoef(codes.ravel(), own.ravel())[0, 1])
    return Moved(name, abs(correlation), abs(float((rows[-1] - rows[0]).mean())) / spread)


def properties(works: Tensor) -> dict[str, Tensor]:
    """Measure works (B, 3, H, W): one number (B,) for each property."""
    red, _, blue = works.mean(dim=(2, 3)).T
    grey = works.mean(dim=1)
    middle = grey.shape[1] // 2
    return {
        "brightness": grey.mean(dim=(1, 2)),
        "contrast": grey.std(dim=(1, 2)),
        "warmth": red - blue,
        "saturation": (works.max(dim=1).values - works.min(dim=1).values).mean(dim=(1, 2)),
        "light from above": grey[:, :middle].mean(dim=(1, 2)) - grey[:, middle:].mean(dim=(1, 2)),
        "light from the left": grey[:, :, :middle].mean(dim=(1, 2))
        - grey[:, :, middle:].mean(dim=(1, 2)),
        "roughness": (grey[:, :, 1:] - grey[:, :, :-1]).abs().mean(dim=(1, 2)),
    }
