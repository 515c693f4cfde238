"""Do the borders of tiles show in a picture that was worked on tile by tile?"""

from collections.abc import Sequence

import numpy as np

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import check_picture


def seam_ratio(
    tiled: np.ndarray, whole: np.ndarray, rows: Sequence[int] = (), columns: Sequence[int] = ()
) -> float:
    """Compare the steps across tile borders with the same steps where there were no tiles.

    The mean absolute difference of the pixels on both sides of every border, divided by that at
    the same places of the picture made in one piece; 1 is no seam.

    Args:
        tiled: (H, W, 3) uint8, made tile by tile.
        whole: (H, W, 3) uint8, made at once by the same method.
        rows: First row of every tile but the topmost, from 1 to H - 1.
        columns: First column of every tile but the leftmost, from 1 to W - 1.

    Returns:
        At least 0. Where the whole picture is flat along all borders: 1 if the tiled one is as
        well, else infinity.

    Raises:
        InvalidInputError: Shapes or kinds differ, no border is named or one lies outside.
    """
    check_picture(tiled)
    check_picture(whole)
    if tiled.shape != whole.shape:
        raise InvalidInputError(
            f"tiled must have the whole picture's shape, got {tiled.shape} and {whole.shape}."
        )
    for name, borders, side in (("rows", rows, len(whole)), ("columns", columns, whole.shape[1])):
        if any(not 1 <= border < side for border in borders):
            raise InvalidInputError(
                f"{name} must lie from 1 to {side - 1}, got {list(borders)}. Name inner borders."
            )
    if not (len(rows) or len(columns)):
        raise InvalidInputError("rows and columns must name at least one border, got none.")
    seams, usual = (_step(picture, rows, columns) for picture in (tiled, whole))
    if usual == 0.0:
        return 1.0 if seams == 0.0 else float("inf")
    return seams / usual


def _step(picture: np.ndarray, rows: Sequence[int], columns: Sequence[int]) -> float:
    """Mean absolute difference across all borders, in levels."""
    levels = picture.astype(np.float64)
    down, right = np.asarray(rows, dtype=np.int64), np.asarray(columns, dtype=np.int64)
    steps = [levels[down] - levels[down - 1], levels[:, right] - levels[:, right - 1]]
    return float(np.mean(np.abs(np.concatenate([step.ravel() for step in steps]))))
