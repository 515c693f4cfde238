"""Training of a texture's bonuses: what one step does and how textures are measured."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.metrics.borders import border_ratio
from artgan.metrics.features import normalise
from artgan.metrics.kernel import kid_x1000
from artgan.models.pieces import continued
from artgan.models.texture import TextureGenerator
from artgan.training.loop import (
    Trainee,
    apply_gradients,
    scale_learning_rate,
    training_device,
)

Features = Callable[[Sequence[np.ndarray]], np.ndarray]

PASSES = 4
RATES = 0.01, 0.0005
PIECE_PX = 32
_TRAINED_PX = 96


@dataclass
class _Texture:
    """One run: the generator, its sources, and what a step needs to know."""

    generator: TextureGenerator
    sources: list[np.ndarray]
    optimizer: torch.optim.Optimizer
    steps: int
    seed: int
    features: Features

    def step(self, number: int) -> dict[str, float]:
        # How far bonuses must move apart is not known: the rate falls through all orders of it.
        scale_learning_rate(self.optimizer, (RATES[1] / RATES[0]) ** (number / self.steps))
        side = max(_TRAINED_PX, self.generator.least_px)
        _, passes = self.generator.sketch(side, side)
        loss = torch.stack([self.generator.misuse(did) for did in passes]).sum()
        apply_gradients(loss, self.optimizer, self.generator.parameters(), max_norm=math.inf)
        return {"misuse": loss.item()}

    def tile(self) -> tuple[np.ndarray, float]:
        side = max(max(source.shape[:2]) for source in self.sources)
        side = max(side, self.generator.least_px)
        rng = torch.Generator().manual_seed(self.seed)
        laid = self.generator(side, side, rng)
        return batch_to_arrays(laid.texture[None])[0], continued(laid.origin)

    def validate(self) -> dict[str, float]:
        tile, copied = self.tile()
        side = piece_px(self.sources)
        real = self.features([piece for one in self.sources for piece in pieces(one, side)])
        made = self.features(pieces(tile, side))
        kid = kid_x1000(*normalise(real, made))
        return {"kid_x1000": kid.value, "border_ratio": border_ratio(tile), "continued": copied}

    def grid(self) -> np.ndarray:
        tile, _ = self.tile()
        return np.tile(tile, (2, 2, 1))


def build(sources: Sequence[np.ndarray], steps: int, seed: int, features: Features) -> Trainee:
    """Prepare the training of a texture's generator on works or parts of works.

    Each step makes a small texture, counts how often each source patch was used, and moves bonuses
    accordingly: stochastic ascent of the semi-dual, as Galerne et al. 2018 do.

    Args:
        sources: Pictures (H, W, 3) uint8, both sides at least 12.
        steps: Steps that the run will take.
        seed: Of the texture that is measured.
        features: From N pictures to (N, D) float64, for the measures.

    Returns:
        What the loop trains.

    Raises:
        InvalidInputError: When there is no source or one is too small.
    """
    generator = make_texture(sources).to(training_device())
    side = max(_TRAINED_PX, generator.least_px)
    generator.set_bonuses(side, side, torch.Generator().manual_seed(seed))
    optimizer = torch.optim.SGD(generator.parameters(), RATES[0])
    run = _Texture(generator, list(sources), optimizer, steps, seed, features)
    return Trainee(
        networks={"texture": generator},
        optimizers={"texture": optimizer},
        step=run.step,
        validate=run.validate,
        grid=run.grid,
        publish=("texture",),
    )


def make_texture(sources: Sequence[np.ndarray]) -> TextureGenerator:
    """Make the untrained generator of a texture from pictures (H, W, 3) uint8."""
    tensors: list[Tensor] = [arrays_to_batch([source])[0] for source in sources]
    return TextureGenerator(tensors, PASSES)


def piece_px(sources: Sequence[np.ndarray]) -> int:
    """Return the side of the pieces that textures of some sources are compared by."""
    return min(PIECE_PX, *(min(source.shape[:2]) // 2 for source in sources))


def pieces(picture: np.ndarray, side: int) -> list[np.ndarray]:
    """Cut a picture into overlapping squares, four to a side."""
    height, width = picture.shape[:2]
    return [
        picture[top : top + side, left : left + side]
        for top in range(0, height - side + 1, side // 4)
        for left in range(0, width - side + 1, side // 4)
    ]
