"""How visible the border of a tile is where tiles meet."""

import numpy as np

from artgan.imaging.tensors import check_picture

NEXT_TO = 4


def border_ratio(picture: np.ndarray) -> float:
    """Divide the steps across the border of a tile by the steps next to it.

    The tile is laid beside and below itself; a step is the mean absolute difference of two
    neighbouring columns, or rows. Those across the border are compared with the four on either
    side of it: what lies there is alike, so that one tile is enough to tell a seam from chance.

    Args:
        picture: (H, W, 3) uint8.

    Returns:
        About 1 where nothing shows, above where there is an edge, below where it is blurred.
    """
    check_picture(picture)
    values = picture.astype(np.float64)
    offsets = [offset for offset in range(-NEXT_TO, NEXT_TO + 1) if offset]
    across = beside = 0.0
    for axis in (0, 1):
        steps = np.abs(values - np.roll(values, 1, axis)).mean(axis=(1 - axis, 2))
        across += steps[0]
        beside += np.take(steps, offsets, mode="wrap").mean()
    return float(across / beside) if beside else 1.0
