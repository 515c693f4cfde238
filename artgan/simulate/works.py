"""New works from a trained generator, each from its own seed alone."""

from collections.abc import Sequence

import numpy as np

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import batch_to_arrays
from artgan.models.simulators import AnyGenerator, sample


def simulate(
    generator: AnyGenerator,
    seeds: Sequence[int],
    truncation: float = 1.0,
    label: int | None = None,
) -> list[np.ndarray]:
    """Make one work per seed; the same seed gives the same work whatever stands beside it.

    Works are made one at a time: a library chooses its convolution kernels by the batch size, and
    different kernels round differently.

    Args:
        generator: Trained generator, in evaluation or training mode alike.
        seeds: One integer of at least 0 per work.
        truncation: Variety in [0, 1]: 1 is what was learned, 0 always the mean work.
        label: Class of the works, where the generator has classes; None draws it.

    Returns:
        One (size, size, 3) uint8 sRGB picture per seed.

    Raises:
        InvalidInputError: When a seed is negative or the truncation lies outside [0, 1].
    """
    if not 0.0 <= truncation <= 1.0:
        message = f"truncation must lie in [0, 1], got {truncation}. Take 1 for the full variety."
        raise InvalidInputError(message)
    for seed in seeds:
        if not 0 <= seed < 2**63:
            message = f"seeds must lie in [0, 2^63), got {seed}. Count from 0."
            raise InvalidInputError(message)
    return [batch_to_arrays(sample(generator, [seed], truncation, label))[0] for seed in seeds]


def grid(pictures: Sequence[np.ndarray], columns: int, gap_px: int = 2) -> np.ndarray:
    """Lay pictures of one size out in rows on white, from left to right.

    Args:
        pictures: At least one, all (H, W, 3) uint8 of one size.
        columns: Pictures per row, at least 1; the last row may be shorter.
        gap_px: White between and around the pictures, at least 0.

    Returns:
        (rows * (H + gap) + gap, columns * (W + gap) + gap, 3) uint8.

    Raises:
        InvalidInputError: When there is no picture, sizes differ, or a number is too small.
    """
    shapes = {picture.shape for picture in pictures}
    if len(shapes) != 1:
        message = (
            f"pictures must all have one size, got {sorted(shapes)}. Scale or crop them first."
        )
        raise InvalidInputError(message)
    if columns < 1 or gap_px < 0:
        message = (
            f"columns and gap_px must be at least 1 and 0, got {columns} and {gap_px}. "
            "Use 8 columns and a gap of 2."
        )
        raise InvalidInputError(message)
    height, width, _ = shapes.pop()
    rows = -(-len(pictures) // columns)
    step_y, step_x = height + gap_px, width + gap_px
    sheet = np.full((rows * step_y + gap_px, columns * step_x + gap_px, 3), 255, np.uint8)
    for position, picture in enumerate(pictures):
        top = gap_px + position // columns * step_y
        left = gap_px + position % columns * step_x
        sheet[top : top + height, left : left + width] = picture
    return sheet
