"""Near-duplicates: scans of the same work, found by perceptual hash.

Groups are stable: a scan that has one keeps it for ever, since models were trained on splits that
follow from it. Only new scans are placed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from artgan.imaging.hashes import hashes_to_array
from artgan.ingest.near import near_pairs

THRESHOLD_BITS = 4
"""On 548 real pictures all pairs up to 4 bits were the same work; at 10 eyes are needed."""

_NOWHERE = np.iinfo(np.int64).max


@dataclass(frozen=True)
class KnownHashes:
    """Perceptual hashes of the catalogued scans, each with its group.

    Attributes:
        phashes: Hashes, 16 hex digits each.
        groups: Group of each.
    """

    phashes: Sequence[str] = ()
    groups: Sequence[str] = ()


def assign_groups(
    new: Sequence[tuple[str, str]],
    known: KnownHashes,
    inherited: Mapping[str, str] | None = None,
    threshold: int = THRESHOLD_BITS,
) -> dict[str, str]:
    """Give each new scan a duplicate group; groups of known scans never change.

    A new version of a known scan inherits its group. Another new scan joins the group of the
    nearest known scan within the threshold. The rest are linked wherever two are within the
    threshold, in chains too, so that no two near scans can fall into different splits: a chain that
    touches a placed scan joins its group, one that does not is a new group, named by its smallest
    scan_id. The order of the input does not matter.

    Args:
        new: scan_id and perceptual hash of each new scan.
        known: Perceptual hashes and groups of the catalogued scans.
        inherited: Groups of new scans that have one already, by scan_id.
        threshold: Largest Hamming distance of two scans of one work, in bits.

    Returns:
        The group of each new scan, by scan_id.
    """
    if not new:
        return {}
    ordered = sorted(new)
    hashes, place_of = np.unique(hashes_to_array([one for _, one in ordered]), return_inverse=True)
    groups = _nearest_known(hashes, known, threshold)
    for (scan_id, _), place in reversed(list(zip(ordered, place_of.tolist(), strict=True))):
        if inherited and scan_id in inherited:
            groups[place] = inherited[scan_id]
    # Of equal pictures the first stands for all.
    first = np.full(len(hashes), _NOWHERE)
    np.minimum.at(first, place_of, np.arange(len(ordered)))
    chains = _chains(hashes, threshold)
    _spread(groups, hashes, first, chains, threshold)
    smallest = np.full(len(hashes), _NOWHERE)
    np.minimum.at(smallest, chains, first)
    return {
        scan_id: (inherited or {}).get(scan_id)
        or groups.get(place)
        or ordered[smallest[chains[place]]][0]
        for (scan_id, _), place in zip(ordered, place_of.tolist(), strict=True)
    }


def _nearest_known(hashes: np.ndarray, known: KnownHashes, threshold: int) -> dict[int, str]:
    """Group of the nearest known scan, where one is near; of equally near ones the smallest."""
    if not len(known.phashes):
        return {}
    names, rank = np.unique(np.asarray(known.groups, dtype=np.str_), return_inverse=True)
    values, place_of = np.unique(hashes_to_array(known.phashes), return_inverse=True)
    smallest = np.full(len(values), _NOWHERE)
    np.minimum.at(smallest, place_of, rank)
    best = np.full(len(hashes), _NOWHERE)
    for pairs in near_pairs(hashes, values, threshold):
        # The distance decides, then the name of the group.
        np.minimum.at(best, pairs.first, pairs.distances * len(names) + smallest[pairs.second])
    return {int(at): str(names[best[at] % len(names)]) for at in np.flatnonzero(best != _NOWHERE)}


def _chains(hashes: np.ndarray, threshold: int) -> np.ndarray:
    """Number the chains: (N,) int64, the same for all hashes that are linked."""
    labels = np.arange(len(hashes))
    for pairs in near_pairs(hashes, hashes, threshold):
        ends = labels[pairs.first], labels[pairs.second]
        while (parted := ends[0] != ends[1]).any():
            ends = ends[0][parted], ends[1][parted]
            np.minimum.at(labels, np.maximum(*ends), np.minimum(*ends))
            _shorten(labels)
            ends = labels[ends[0]], labels[ends[1]]
    return labels


def _shorten(labels: np.ndarray) -> None:
    """Let every label name the smallest of its chain, which names itself."""
    while (labels != (further := labels[labels])).any():
        labels[:] = further


def _spread(
    groups: dict[int, str],
    hashes: np.ndarray,
    first: np.ndarray,
    chains: np.ndarray,
    threshold: int,
) -> None:
    """Hand groups on along chains that touch a placed scan, to the nearest in steps first."""
    placed = np.zeros(len(hashes), bool)
    placed[list(groups)] = True
    touched = np.isin(chains, chains[placed])
    left = np.flatnonzero(touched & ~placed)
    front = np.flatnonzero(placed & np.isin(chains, chains[left]))
    front = front[np.argsort(first[front])]
    while len(left):
        giver = np.full(len(left), _NOWHERE)
        for pairs in near_pairs(hashes[left], hashes[front], threshold):
            np.minimum.at(giver, pairs.first, pairs.second)
        reached = np.flatnonzero(giver != _NOWHERE)
        reached = reached[np.lexsort((first[left[reached]], giver[reached]))]
        for at in reached:
            groups[int(left[at])] = groups[int(front[giver[at]])]
        front, left = left[reached], np.delete(left, reached)
