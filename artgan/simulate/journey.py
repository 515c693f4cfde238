"""A film through what a generator knows: from work to work and back to the first."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import batch_to_arrays
from artgan.models.simulators import AnyGenerator, drawn


def journey(
    generator: AnyGenerator,
    seeds: Sequence[int],
    frames: int,
    truncation: float = 1.0,
    label: int | None = None,
) -> Iterator[np.ndarray]:
    """Make the frames of a loop that passes the works of some seeds and slows down at each.

    The noise of the first work stays throughout, so that nothing flickers: the other works are
    passed with that noise in place of their own.

    Args:
        generator: Trained generator.
        seeds: At least two.
        frames: Frames of the whole loop, at least as many as seeds; evenly shared between them.
        truncation: Variety in [0, 1].
        label: Class of the works, where the generator has classes.

    Yields:
        (size, size, 3) uint8 pictures.

    Raises:
        InvalidInputError: When there are too few seeds or frames.
    """
    if len(seeds) < 2 or frames < len(seeds):
        message = (
            f"seeds must be at least 2 and frames as many, got {len(seeds)} and {frames}. "
            "Take 8 seeds and 160 frames."
        )
        raise InvalidInputError(message)
    z, noise = drawn(generator, seeds, label)
    still = [level[:1] for level in noise]
    for frame in range(frames):
        at, share = divmod(frame * len(seeds) / frames, 1.0)
        here, there = int(at), (int(at) + 1) % len(seeds)
        eased = 0.5 - 0.5 * math.cos(math.pi * share)
        way = generator.latents.between(z[here : here + 1], z[there : there + 1], eased)
        with torch.no_grad():
            yield batch_to_arrays(generator(way, still, truncation))[0]
