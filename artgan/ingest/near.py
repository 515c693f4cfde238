"""Pairs of perceptual hashes that differ in few bits, found without comparing all with all.

Two hashes that differ in at most t bits agree on at least one of t + 1 bands of bits (the
pigeonhole principle). So each band is sorted and only hashes that share one are compared. A band
that very many share, because a collection is full of nearly blank pictures, say, is cut into bands
again over the bits in which these still differ. The result is that of comparing all with all.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from artgan.imaging.hashes import PHASH_BITS

_ALL_BITS = np.arange(PHASH_BITS, dtype=np.uint64)
_AT_ONCE = 1 << 20
_TOO_MANY = 1 << 22


@dataclass(frozen=True)
class Pairs:
    """Some near pairs.

    Attributes:
        first: (P,) int64, places in the first set of hashes.
        second: (P,) int64, places in the second.
        distances: (P,) int64, bits in which they differ.
    """

    first: np.ndarray
    second: np.ndarray
    distances: np.ndarray


def near_pairs(
    first: np.ndarray, second: np.ndarray, threshold: int, bits: np.ndarray = _ALL_BITS
) -> Iterator[Pairs]:
    """Find every pair of one hash of each set within the threshold, each pair once.

    Pairs come in parts of about a million comparisons, so that memory stays modest whatever the
    hashes are. Hashes of one set should differ: equal ones are compared again and again.

    Args:
        first: (N,) uint64; the smaller set, for speed.
        second: (M,) uint64.
        threshold: Largest distance, in bits.
        bits: Numbers of the bits in which they may differ, more than the threshold.
    """
    masks = _bands(bits, threshold)
    for number, mask in enumerate(masks):
        for pairs in _sharing(first, second, threshold, mask):
            # A pair that shares an earlier band has been found there.
            differs = first[pairs.first] ^ second[pairs.second]
            fresh = np.ones(len(differs), bool)
            for earlier in masks[:number]:
                fresh &= (differs & earlier) != 0
            yield Pairs(pairs.first[fresh], pairs.second[fresh], pairs.distances[fresh])


def _bands(bits: np.ndarray, threshold: int) -> list[np.uint64]:
    parts = np.array_split(bits, threshold + 1)
    return [np.bitwise_or.reduce(np.uint64(1) << part) for part in parts]


def _sharing(
    first: np.ndarray, second: np.ndarray, threshold: int, mask: np.uint64
) -> Iterator[Pairs]:
    """Find the near pairs that agree under a mask."""
    order = np.argsort(first & mask, kind="stable")
    ordered, wanted = (first & mask)[order], second & mask
    low = np.searchsorted(ordered, wanted, side="left")
    counts = np.searchsorted(ordered, wanted, side="right") - low
    for here in _crowds(wanted, counts):
        there = order[low[here[0]] : low[here[0]] + counts[here[0]]]
        left = _varying(first[there], second[here])
        if not _is_worth_cutting(first[there], second[here], threshold, left):
            continue
        for pairs in near_pairs(first[there], second[here], threshold, left):
            yield Pairs(there[pairs.first], here[pairs.second], pairs.distances)
        counts[here] = 0
    places = np.flatnonzero(counts)
    for part in _parts(places, counts[places]):
        yield _compare(first, second, threshold, _joined(part, order, low, counts))


def _crowds(wanted: np.ndarray, counts: np.ndarray) -> list[np.ndarray]:
    """Places in the second set whose value asks for very many comparisons, value by value."""
    values, value_of, members = np.unique(wanted, return_inverse=True, return_counts=True)
    crowded = np.zeros(len(values), bool)
    crowded[value_of[members[value_of] * counts > _TOO_MANY]] = True
    return [np.flatnonzero(value_of == value) for value in np.flatnonzero(crowded)]


def _varying(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Numbers of the bits in which any two of these hashes differ."""
    differing = np.bitwise_or.reduce(first ^ first[0]) | np.bitwise_or.reduce(second ^ first[0])
    return _ALL_BITS[(np.uint64(1) << _ALL_BITS) & differing != 0]


def _is_worth_cutting(
    first: np.ndarray, second: np.ndarray, threshold: int, bits: np.ndarray
) -> bool:
    """Whether bands over these bits ask for less than half of the comparisons."""
    if len(bits) <= threshold:
        return False
    comparisons = 0
    for mask in _bands(bits, threshold):
        values, counts = np.unique(first & mask, return_counts=True)
        others, other_counts = np.unique(second & mask, return_counts=True)
        _, left, right = np.intersect1d(values, others, assume_unique=True, return_indices=True)
        comparisons += int(counts[left] @ other_counts[right])
    return comparisons < len(first) * len(second) // 2


def _parts(places: np.ndarray, counts: np.ndarray) -> Iterator[np.ndarray]:
    """Cut places into parts of about `_AT_ONCE` comparisons."""
    ends = np.cumsum(counts)
    numbers = (ends - counts) // _AT_ONCE
    for cut in np.split(places, np.flatnonzero(np.diff(numbers)) + 1):
        if len(cut):
            yield cut


def _joined(
    part: np.ndarray, order: np.ndarray, low: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Write out the candidates of some places: all of the first set that share the band."""
    many = counts[part]
    second = np.repeat(part, many)
    offsets = np.arange(len(second)) - np.repeat(np.cumsum(many) - many, many)
    return order[np.repeat(low[part], many) + offsets], second


def _compare(
    first: np.ndarray,
    second: np.ndarray,
    threshold: int,
    places: tuple[np.ndarray, np.ndarray],
) -> Pairs:
    distances = np.bitwise_count(first[places[0]] ^ second[places[1]]).astype(np.int64)
    near = distances <= threshold
    return Pairs(places[0][near], places[1][near], distances[near])
