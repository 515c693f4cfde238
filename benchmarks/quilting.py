"""Image quilting, the classical way to make a texture: what ours is compared with.

Written from Efros and Freeman 2001, "Image Quilting for Texture Synthesis and Transfer",
https://doi.org/10.1145/383259.383296
"""

import numpy as np

TOLERANCE = 0.1


def quilt(source: np.ndarray, height: int, width: int, seed: int, block_px: int) -> np.ndarray:
    """Make a texture of blocks of a source, each laid over its neighbours along the best cut.

    Blocks are drawn among those whose overlap is at most a tenth worse than the best.

    Args:
        source: (h, w, 3) uint8, both sides above a block's.
        height: Height of the texture.
        width: Width of the texture.
        seed: Of all choices.
        block_px: Side of a block; a quarter of it lies over the next.

    Returns:
        (height, width, 3) uint8.
    """
    rng = np.random.default_rng(seed)
    overlap = block_px // 4
    step = block_px - overlap
    rows, columns = (-(-(side - overlap) // step) for side in (height, width))
    canvas = np.zeros((rows * step + overlap, columns * step + overlap, 3), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(
        source.astype(np.float32), (block_px, block_px), (0, 1)
    )
    blocks = windows.reshape(-1, 3, block_px, block_px).transpose(0, 2, 3, 1)
    strips = {covered: _strip(blocks, overlap, covered) for covered in _COVERED}
    for row in range(rows):
        for column in range(columns):
            top, left = row * step, column * step
            old = canvas[top : top + block_px, left : left + block_px]
            covered = column > 0, row > 0
            chosen = int(rng.integers(len(blocks)))
            if any(covered):
                errors = _errors(*strips[covered], _strip(old[None], overlap, covered)[0][0])
                near = errors <= (1 + TOLERANCE) * errors.min() + 1e-3
                chosen = int(rng.choice(np.flatnonzero(near)))
            block = blocks[chosen]
            keep = _cut(((block - old) ** 2).sum(axis=2), overlap, covered)
            old[:] = np.where(keep[..., None], old, block)
    return canvas[:height, :width].astype(np.uint8)


_COVERED = ((True, False), (False, True), (True, True))
"""Whether there are blocks to the left and above."""


def _strip(
    blocks: np.ndarray, overlap: int, covered: tuple[bool, bool]
) -> tuple[np.ndarray, np.ndarray]:
    """Return what of blocks (N, B, B, 3) lies over neighbours, (N, values), and its squares."""
    left, above = covered
    parts = [blocks[:, :, :overlap]] if left else []
    if above:
        parts.append(blocks[:, :overlap, overlap if left else 0 :])
    values = np.concatenate([part.reshape(len(blocks), -1) for part in parts], axis=1)
    return values, np.einsum("nv,nv->n", values, values)


def _errors(strips: np.ndarray, squares: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return np.maximum(squares - 2 * strips @ wanted + wanted @ wanted, 0)


def _cut(error: np.ndarray, overlap: int, covered: tuple[bool, bool]) -> np.ndarray:
    """Return where the old picture stays: on its side of the cheapest path through each overlap."""
    keep = np.zeros(error.shape, bool)
    left, above = covered
    if left:
        path = _cheapest(error[:, :overlap])
        keep[:, :overlap] |= np.arange(overlap) < path[:, None]
    if above:
        path = _cheapest(error[:overlap].T)
        keep[:overlap] |= (np.arange(overlap) < path[:, None]).T
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
