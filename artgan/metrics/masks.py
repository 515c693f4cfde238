"""Detected masks against true ones, pixel by pixel, over all pictures together."""

from collections.abc import Sequence

import numpy as np


def precision(found: Sequence[np.ndarray], truth: Sequence[np.ndarray]) -> float:
    """Return which part of the marked pixels is damaged, 0 if none is marked.

    Args:
        found: Masks, (H, W) bool each.
        truth: True masks, alike.
    """
    return _shared(found, truth) / max(_count(found), 1)


def recall(found: Sequence[np.ndarray], truth: Sequence[np.ndarray]) -> float:
    """Return which part of the damaged pixels is marked, 0 if none is damaged.

    Args:
        found: Masks, (H, W) bool each.
        truth: True masks, alike.
    """
    return _shared(found, truth) / max(_count(truth), 1)


def f1(found: Sequence[np.ndarray], truth: Sequence[np.ndarray]) -> float:
    """Return the harmonic mean of precision and recall, 0 if nothing is found.

    Args:
        found: Masks, (H, W) bool each.
        truth: True masks, alike.

    References:
        van Rijsbergen 1979, "Information Retrieval", chapter 7
    """
    return 2.0 * _shared(found, truth) / max(_count(found) + _count(truth), 1)


def altered(found: Sequence[np.ndarray]) -> float:
    """Return which part of undamaged pictures is marked, each picture counting the same.

    Args:
        found: Masks detected where there is no damage, (H, W) bool each, at least one.
    """
    return float(np.mean([mask.mean() for mask in found]))


def _shared(found: Sequence[np.ndarray], truth: Sequence[np.ndarray]) -> int:
    return sum(int((one & true).sum()) for one, true in zip(found, truth, strict=True))


def _count(masks: Sequence[np.ndarray]) -> int:
    return sum(int(mask.sum()) for mask in masks)
