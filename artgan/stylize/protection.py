"""Change a published picture within a bound, so that its style is harder to imitate.

The Gram matrices and features of VGG-19 are moved as far as the bound lets them, as the picture is
and halved in turn, so that something is left after both. Whoever imitates by these networks learns
another style, or so it was meant: painters that train for long enough get over it (measured in
`benchmarks/protection.py`), scaling, noise or a purifying network take it away, and the one who
copies moves second. Nothing is promised of networks of another kind.

References:
    Shan et al. 2023, "Glaze", https://arxiv.org/abs/2302.04222, for the aim; Madry et al. 2018,
    https://arxiv.org/abs/1706.06083, for the way; Athalye et al. 2018, "Synthesizing Robust
    Adversarial Examples", https://arxiv.org/abs/1707.07397, for looking through changes;
    Hoenig et al. 2025, "Adversarial Perturbations Cannot Reliably Protect Artists From Generative
    AI", https://arxiv.org/abs/2406.12027, for how it is undone
"""

from collections.abc import Callable
from itertools import cycle, pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.errors import InvalidInputError, MissingAssetError
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays, check_picture
from artgan.metrics.robustness import climb, stored
from artgan.metrics.vgg import Vgg19Conv34, load_vgg
from artgan.stylize.losses import gram
from artgan.weights import VGG19_CONV3_4, find_weights

STEPS = 20
TILE_PX = 256
SMALLEST_PX = 16
_TINY = 1e-12


def protecting_network(location: str | None) -> Vgg19Conv34:
    """Load the network whose view protection changes.

    Raises:
        MissingAssetError: Its weights are not there; in one sentence, with what to do.
    """
    path = find_weights(VGG19_CONV3_4, location)
    if path is None:
        raise MissingAssetError(
            f"weights for protection must hold {VGG19_CONV3_4.file_names[0]}, got none at "
            f"{location!r}. Name a folder or prefix that has it with --weights, or leave "
            "protection out."
        )
    return load_vgg(path)


def protect(
    picture: np.ndarray, network: Vgg19Conv34, codes: int, seed: int = 0, steps: int = STEPS
) -> np.ndarray:
    """Return a picture that looks nearly the same and teaches another style.

    It is worked at in tiles of about 256 px, 0.2 seconds of a core for each step of a tile.

    Args:
        picture: (H, W, 3) uint8 sRGB, at least 16 px on both sides.
        network: VGG-19, whose view is changed.
        codes: Most that a value may change, of 255; 4 hardly show, 8 show on even ground.
        seed: Of the random starts.
        steps: Steps of each tile.

    Returns:
        The same shape.

    Raises:
        InvalidInputError: It is no picture, or too small.
    """
    check_picture(picture)
    if min(picture.shape[:2]) < SMALLEST_PX:
        raise InvalidInputError(
            f"picture must have sides of at least {SMALLEST_PX} px to be protected, got "
            f"{picture.shape[:2]}. Publish it as it is."
        )
    generator, device = torch.Generator().manual_seed(seed), network.mean.device
    made = np.empty_like(picture)
    for rows in _parts(picture.shape[0]):
        for columns in _parts(picture.shape[1]):
            tile = arrays_to_batch([np.ascontiguousarray(picture[rows, columns])]).to(device)
            moved = climb(away_from(tile, network), tile, codes, steps, generator)
            made[rows, columns] = batch_to_arrays(stored(moved, tile, codes))[0]
    return made


def _parts(side: int) -> list[slice]:
    """Cut a side into parts of nearly one length."""
    count = -(-side // TILE_PX)
    ends = np.linspace(0, side, count + 1).round().astype(int).tolist()
    return [slice(start, end) for start, end in pairwise(ends)]


def away_from(images: Tensor, network: Vgg19Conv34) -> Callable[[Tensor], Tensor]:
    """Return a loss that rises as pictures leave what images (B, 3, H, W) are to a network.

    It looks at pictures as they are and halved, in turn.
    """
    ways: tuple[Callable[[Tensor], Tensor], ...] = (_as_it_is, _halved)
    with torch.inference_mode():
        seen = [network.maps(way(images)) for way in ways]
    wanted = [[one.clone() for one in maps] for maps in seen]
    turns = cycle(zip(ways, wanted, strict=True))

    def loss(moved: Tensor) -> Tensor:
        way, before = next(turns)
        return changed(network.maps(way(moved)), before)

    return loss


def _as_it_is(images: Tensor) -> Tensor:
    return images


def _halved(images: Tensor) -> Tensor:
    return F.avg_pool2d(images, 2)


def changed(maps: list[Tensor], before: list[Tensor]) -> Tensor:
    """Say how far maps and their Gram matrices are from what they were, relative to that: (B,)."""
    features = _apart(maps[-1], before[-1])
    styles = [_apart(gram(now), gram(then)) for now, then in zip(maps, before, strict=True)]
    return features + torch.stack(styles).mean(dim=0)


def _apart(now: Tensor, then: Tensor) -> Tensor:
    along = tuple(range(1, now.ndim))
    return (now - then).square().sum(dim=along) / (then.square().sum(dim=along) + _TINY)
