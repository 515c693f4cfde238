"""How visible the border of a tile is where tiles meet."""

import numpy as np

from artgan.imaging.tensors import check_picture


def seam_ratio(picture: np.ndarray) -> float:
    """Divide the steps across the border of a tile by the steps everywhere in it.

    The tile is laid beside and below itself; a step is the mean absolute difference of two
    neighbouring columns, or rows. The border of one tile is a small sample: of a texture without
    any seam it reads 1 give or take a tenth, and means over tiles come nearer.

    Args:
        picture: (H, W, 3) uint8.

    Returns:
        About 1 where nothing shows, above where there is an edge, below where it is blurred.
    """
    check_picture(picture)
    values = picture.astype(np.float64)
    steps = [np.abs(values - np.roll(values, 1, axis)) for axis in (0, 1)]
    seams = steps[0][:1].sum() / picture.shape[1] + steps[1][:, :1].sum() / picture.shape[0]
    everywhere = sum(step.mean() for step in steps) * picture.shape[2]
    return float(seams / everywhere) if everywhere else 1.0
