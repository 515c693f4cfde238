"""Distances of pictures in the maps of VGG-19: to the truth, to the source, to a style."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.metrics.features import Extractor, prepared_batches
from artgan.metrics.vgg import Vgg19Conv34

_TINY = 1e-10
_TEMPERATURE = 0.1


def feature_distance(
    extractor: Extractor,
    results: Sequence[np.ndarray],
    truths: Sequence[np.ndarray],
    batch_size: int = 16,
) -> np.ndarray:
    """Measure how different results look from their truths to a network; 0 is equal.

    At each place of each map the channels are scaled to length 1; the squared distance of the two
    vectors is averaged over places, then over maps. This is the form of LPIPS without its learned
    weights of channels, and in another network, so it must not be called LPIPS.

    Args:
        extractor: Network; numbers of two networks or sizes do not compare.
        results: N pictures (H, W, 3) uint8, sRGB.
        truths: The N pictures they should be, same order.
        batch_size: Pictures in the network at a time.

    Returns:
        (N,) float64 in [0, 2].

    Raises:
        InvalidInputError: There are none, the numbers differ, or one is no picture.

    References:
        Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual
        Metric", eq. 1, https://arxiv.org/abs/1801.03924
    """

    def distance(result: Tensor, truth: Tensor) -> Tensor:
        maps = zip(extractor.embed_maps(result), extractor.embed_maps(truth), strict=True)
        return torch.stack([_direction_distance(a, b) for a, b in maps]).mean(dim=0)

    return compare_pairs(extractor, results, truths, batch_size, distance)


def _direction_distance(result: Tensor, truth: Tensor) -> Tensor:
    """Mean over places of the squared distance between unit vectors: (B, C, h, w) to (B,)."""
    unit = [F.normalize(x.double(), dim=1, eps=_TINY) for x in (result, truth)]
    return (unit[0] - unit[1]).square().sum(dim=1).mean(dim=(1, 2))


def content_structure_distance(
    extractor: Extractor,
    stylized: Sequence[np.ndarray],
    sources: Sequence[np.ndarray],
    batch_size: int = 4,
) -> np.ndarray:
    """Measure how much of a source's inner likeness a stylized picture lost (CFSD); 0 is none.

    In the relu3_1 map of VGG-19 each place gets a softmax over its cosines with all places,
    divided by 0.1: which parts of the picture are like it. The value is the divergence
    KL(source || stylized) of these, averaged over places. Colour alone hardly matters.

    Differs from the authors' code, which takes products divided by the square of the number of
    channels, and sums over places: their softmax depends on the scale at which a file of weights
    happens to be stored (with ours it saturates), and their sum on the picture's size.

    Args:
        extractor: VGG-19 to conv3_4; at 128 px each picture takes 8 MB.
        stylized: N pictures (H, W, 3) uint8, sRGB.
        sources: The N pictures they were made from, same order.
        batch_size: Pictures in the network at a time.

    Returns:
        (N,) float64, at least 0, in nats.

    Raises:
        InvalidInputError: The network is another, there are no pictures, the numbers differ, or
            one is no picture.

    References:
        Chung et al. 2024, "Style Injection in Diffusion", section 5.1,
        https://arxiv.org/abs/2312.09008
    """
    network = extractor.network
    if not isinstance(network, Vgg19Conv34):
        raise InvalidInputError(
            f"extractor must be VGG-19 for this distance, got {extractor.name}. "
            "Name a folder with its weights."
        )

    def distance(result: Tensor, source: Tensor) -> Tensor:
        log_made, log_source = (
            _log_likeness(extractor.embed_by(network.relu3_1, x)) for x in (result, source)
        )
        divergence = log_source.exp() * (log_source - log_made)
        return divergence.sum(dim=2).mean(dim=1).clamp(min=0.0)

    return compare_pairs(extractor, stylized, sources, batch_size, distance)


def _log_likeness(found: Tensor) -> Tensor:
    """Log of each place's softmax over all places of a map: (B, C, h, w) to (B, L, L)."""
    places = F.normalize(found.flatten(2).double(), dim=1, eps=_TINY)  # (B, C, L)
    return F.log_softmax(places.transpose(1, 2) @ places / _TEMPERATURE, dim=2)


def gram_distance(
    extractor: Extractor,
    stylized: Sequence[np.ndarray],
    style: Sequence[np.ndarray],
    batch_size: int = 16,
) -> np.ndarray:
    """Measure how far pictures are from a style in the mean Gram matrix of its works.

    For each map, the norm of the difference of a picture's Gram matrix to the mean one of the
    style, divided by the norm of the latter (otherwise styles do not compare); then the mean over
    maps. A style's own works do not read 0 but their spread: measure them as well.

    Args:
        extractor: Network; numbers of two networks or sizes do not compare.
        stylized: N pictures (H, W, 3) uint8, sRGB.
        style: Works of the style.
        batch_size: Pictures in the network at a time.

    Returns:
        (N,) float64, at least 0; lower is nearer.

    Raises:
        InvalidInputError: A side is empty, or one is no picture.

    References:
        Gatys et al. 2016, "Image Style Transfer Using Convolutional Neural Networks", eq. 3; the
        division by the target's norm: Cheng et al. 2021, https://arxiv.org/abs/2104.10064
    """
    targets = style_grams(extractor, style, batch_size)
    return distance_to_grams(extractor, stylized, targets, batch_size)


def style_grams(
    extractor: Extractor, style: Sequence[np.ndarray], batch_size: int = 16
) -> list[Tensor]:
    """Return the mean Gram matrices of a style's works, (C, C) for each map; see `gram_distance`.

    For who measures many pictures against one style.
    """
    sums: list[Tensor] = []
    for batch in prepared_batches(extractor, style, batch_size):
        added = [gram.sum(dim=0) for gram in _grams(extractor, batch)]
        sums = [a + b for a, b in zip(sums, added, strict=True)] if sums else added
    return [total / len(style) for total in sums]


def distance_to_grams(
    extractor: Extractor,
    stylized: Sequence[np.ndarray],
    targets: Sequence[Tensor],
    batch_size: int = 16,
) -> np.ndarray:
    """Measure how far pictures are from what `style_grams` returned; see `gram_distance`."""
    found = []
    for batch in prepared_batches(extractor, stylized, batch_size):
        grams = _grams(extractor, batch)
        apart = [
            torch.linalg.matrix_norm(gram - target) / torch.linalg.matrix_norm(target)
            for gram, target in zip(grams, targets, strict=True)
        ]
        found.append(torch.stack(apart).mean(dim=0))
    return torch.cat(found).cpu().numpy()


def _grams(extractor: Extractor, batch: Tensor) -> list[Tensor]:
    """Products of channels averaged over places, for each map: (B, C, C)."""
    flat = [found.flatten(2).double() for found in extractor.embed_maps(batch)]
    return [x @ x.transpose(1, 2) / x.shape[2] for x in flat]


def compare_pairs(
    extractor: Extractor,
    results: Sequence[np.ndarray],
    others: Sequence[np.ndarray],
    batch_size: int,
    distance: Callable[[Tensor, Tensor], Tensor],
) -> np.ndarray:
    """Apply a distance of prepared batches to pictures and their partners: (N,) float64.

    Raises:
        InvalidInputError: There are none, the numbers differ, or one is no picture.
    """
    if len(results) != len(others):
        raise InvalidInputError(
            f"pictures must come in pairs, got {len(results)} and {len(others)}."
        )
    first = prepared_batches(extractor, results, batch_size)
    second = prepared_batches(extractor, others, batch_size)
    found = [distance(a, b) for a, b in zip(first, second, strict=True)]
    return torch.cat(found).cpu().numpy()
