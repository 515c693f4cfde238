"""Image quilting, the classical way to make a texture: what ours is compared with.

Written from Efros and Freeman 2001, "Image Quilting for Texture Synthesis and Transfer",
https://doi.org/10.1145/383259.383296
"""

import numpy as np

BLOCK_PX = 24
OVERLAP_PX = 6
TOLERANCE = 0.1


def quilt(source: np.ndarray, height: int, width: int, seed: int) -> np.ndarray:
    """Make a texture of blocks of a source, each laid over its neighbours along the best cut.

    Blocks are drawn among those whose overlap is at most a tenth worse than the best.

    Args:
        source: (h, w, 3) uint8, both sides above a block's.
        height: Height of the texture.
        width: Width of the texture.
        seed: Of all choices.

    Returns:
        (height, width, 3) uint8.
    """
    rng = np.random.default_rng(seed)
    step = BLOCK_PX - OVERLAP_PX
    rows, columns = (-(-(side - OVERLAP_PX) // step) for side in (height, width))
    canvas = np.zeros((rows * step + OVERLAP_PX, columns * step + OVERLAP_PX, 3), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(
        source.astype(np.float32), (BLOCK_PX, BLOCK_PX), (0, 1)
    )
    blocks = windows.reshape(-1, 3, BLOCK_PX, BLOCK_PX).transpose(0, 2, 3, 1)
    strips = {covered: _strip(blocks, *covered) for covered in _COVERED}
    for row in range(rows):
        for column in range(columns):
            top, left = row * step, column * step
            old = canvas[top : top + BLOCK_PX, left : left + BLOCK_PX]
            covered = column > 0, row > 0
            chosen = int(rng.integers(len(blocks)))
            if any(covered):
                errors = _errors(*strips[covered], _strip(old[None], *covered)[0][0])
                near = errors <= (1 + TOLERANCE) * errors.min() + 1e-3
                chosen = int(rng.choice(np.flatnonzero(near)))
            block = blocks[chosen]
            keep = _cut(((block - old) ** 2).sum(axis=2), *covered)
            old[:] = np.where(keep[..., None], old, block)
    return canvas[:height, :width].astype(np.uint8)


_COVERED = ((True, False), (False, True), (True, True))
"""Whether there are blocks to the left and above."""


def _strip(blocks: np.ndarray, left: bool, above: bool) -> tuple[np.ndarray, np.ndarray]:  # noqa: FBT001
    """Return what of blocks (N, B, B, 3) lies over neighbours, (N, values), and its squares."""
    parts = [blocks[:, :, :OVERLAP_PX]] if left else []
    if above:
        parts.append(blocks[:, :OVERLAP_PX, OVERLAP_PX if left else 0 :])
    values = np.concatenate([part.reshape(len(blocks), -1) for part in parts], axis=1)
    return values, np.einsum("nv,nv->n", values, values)


def _errors(strips: np.ndarray, squares: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return np.maximum(squares - 2 * strips @ wanted + wanted @ wanted, 0)


def _cut(error: np.ndarray, left: bool, above: bool) -> np.ndarray:  # noqa: FBT001
    """Return where the old picture stays: on its side of the cheapest path through each overlap."""
    keep = np.zeros(error.shape, bool)
    if left:
        path = _cheapest(error[:, :OVERLAP_PX])
        keep[:, :OVERLAP_PX] |= np.arange(OVERLAP_PX) < path[:, None]
    if above:
        path = _cheapest(error[:OVERLAP_PX].T)
        keep[:OVERLAP_PX] |= (np.arange(OVERLAP_PX) < path[:, None]).T
    return keep


def _cheapest(error: np.ndarray) -> np.ndarray:
    """Return the column of the cheapest path in each row, from top to bottom."""
    total = error.copy()
    for row in range(1, len(total)):
        before = np.pad(total[row - 1], 1, constant_values=np.inf)
        total[row] += np.minimum(np.minimum(before[:-2], before[1:-1]), before[2:])
    path = np.empty(len(total), int)
    path[-1] = total[-1].argmin()
    for row in range(len(total) - 2, -1, -1):
        low = max(0, path[row + 1] - 1)
        path[row] = low + total[row, low : path[row + 1] + 2].argmin()
    return path
