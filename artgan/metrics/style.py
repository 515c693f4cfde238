"""How much a stylized picture took on of the style, and how much it kept of its content."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.metrics.features import Extractor, prepared_batches


def style_statistics(
    extractor: Extractor, arrays: Sequence[np.ndarray], batch_size: int = 16
) -> list[np.ndarray]:
    """Compute the mean and standard deviation of each channel of the extractor's maps.

    Args:
        extractor: Network; VGG-19 sees brush and texture, the random one coarse colour only.
        arrays: N pictures (H, W, 3) uint8, sRGB.
        batch_size: Pictures in the network at a time.

    Returns:
        One array (N, 2 C) float64 for each map: means, then standard deviations.

    Raises:
        InvalidInputError: There are none, or one is no picture.
    """
    batches = [
        [_mean_and_std(found) for found in extractor.embed_maps(batch)]
        for batch in prepared_batches(extractor, arrays, batch_size)
    ]
    return [np.concatenate(scale) for scale in zip(*batches, strict=True)]


def _mean_and_std(found: Tensor) -> np.ndarray:
    flat = found.flatten(2).double()  # (B, C, H*W)
    return torch.cat([flat.mean(dim=2), flat.std(dim=2, correction=0)], dim=1).cpu().numpy()


def style_distance(stylized: Sequence[np.ndarray], style: Sequence[np.ndarray]) -> np.ndarray:
    """Measure how far each stylized picture is from a style, in units of the style's own spread.

    For each map, the squared distance of the picture's statistics to the style works' mean ones,
    divided by the style works' total variance; then the root of the mean over maps. A work of the
    style itself gives about 1 and the style's centre 0, so 1 is the aim and a lower value only
    means a more typical picture. Measure the unstylized sources too: that is what doing nothing
    gives.

    Args:
        stylized: `style_statistics` of N pictures.
        style: `style_statistics` of M works by the same extractor, M at least 2.

    Returns:
        (N,) float64, at least 0.

    Raises:
        InvalidInputError: The extractors differ, or the style works do not differ.

    References:
        Huang and Belongie 2017, "Arbitrary Style Transfer in Real-time with Adaptive Instance
        Normalization", eq. 13, https://arxiv.org/abs/1703.06868. Differs from its loss: relative
        to the spread of a set of works, so that values of different styles compare.
    """
    squares = []
    for made, works in zip(stylized, style, strict=True):
        if made.shape[1] != works.shape[1]:
            raise InvalidInputError(
                f"statistics must come from one extractor, got {made.shape[1]} and "
                f"{works.shape[1]} numbers a picture."
            )
        variance = float(works.var(axis=0, ddof=1).sum()) if len(works) > 1 else 0.0
        if not variance > 0.0:
            raise InvalidInputError(
                f"style must hold at least 2 works that differ, got {len(works)}. Add works."
            )
        squares.append(((made - works.mean(axis=0)) ** 2).sum(axis=1) / variance)
    return np.sqrt(np.mean(squares, axis=0))


def content_distance(
    extractor: Extractor,
    sources: Sequence[np.ndarray],
    stylized: Sequence[np.ndarray],
    batch_size: int = 16,
) -> np.ndarray:
    """Measure how far stylized pictures moved from their sources; 0 is unmoved, lower is better.

    One minus the cosine between the coarsest map's vectors at the same place, averaged over
    places: what is where, with little regard to contrast.

    Args:
        extractor: Network; the numbers of two networks do not compare.
        sources: N pictures (H, W, 3) uint8, sRGB.
        stylized: The N results, same order; sizes may differ.
        batch_size: Pictures in the network at a time.

    Returns:
        (N,) float64 in [0, 1].

    Raises:
        InvalidInputError: There are none, the numbers differ, or one is no picture.
    """
    if len(sources) != len(stylized):
        raise InvalidInputError(
            f"stylized must hold one picture a source, got {len(stylized)} for {len(sources)}."
        )
    before = prepared_batches(extractor, sources, batch_size)
    after = prepared_batches(extractor, stylized, batch_size)
    cosines = []
    for source, result in zip(before, after, strict=True):
        maps = [extractor.embed_maps(batch)[-1].double() for batch in (source, result)]
        cosines.append(F.cosine_similarity(maps[0], maps[1], dim=1).mean(dim=(1, 2)))
    return np.clip(1.0 - torch.cat(cosines).cpu().numpy(), 0.0, 1.0)
