"""Near-duplicates: scans of the same work, found by perceptual hash.

Groups are stable: a scan that has one keeps it for ever, since models were trained on splits that
follow from it. Only new scans are placed.
"""

from collections.abc import Sequence

import numpy as np

from artgan.imaging.hashes import hamming_distances, hashes_to_array

THRESHOLD_BITS = 4
"""On 548 real pictures all pairs up to 4 bits were the same work; at 10 eyes are needed."""

_CHUNK = 512


def assign_groups(
    new: Sequence[tuple[str, str]],
    known: Sequence[tuple[str, str, str]],
    threshold: int = THRESHOLD_BITS,
) -> dict[str, str]:
    """Give each new scan a duplicate group; groups of known scans never change.

    A new scan joins the group of the nearest known scan within the threshold. The rest are linked
    wherever two are within the threshold, in chains too, so that no two near scans can fall into
    different splits: a chain that touches a placed scan joins its group, one that does not is a
    new group, named by its smallest scan_id. The order of the input does not matter.

    Args:
        new: scan_id and perceptual hash of each new scan.
        known: scan_id, perceptual hash and group of each catalogued scan.
        threshold: Largest Hamming distance of two scans of one work, in bits.

    Returns:
        The group of each new scan, by scan_id.
    """
    if not new:
        return {}
    ordered = sorted(new)
    hashes = hashes_to_array([phash for _, phash in ordered])
    groups = _nearest_known(hashes, known, threshold)
    neighbours = _neighbours(hashes, threshold)
    _spread(groups, neighbours, sorted(groups))
    for place, (scan_id, _) in enumerate(ordered):
        if place not in groups:
            groups[place] = scan_id
            _spread(groups, neighbours, [place])
    return {scan_id: groups[place] for place, (scan_id, _) in enumerate(ordered)}


def _nearest_known(
    hashes: np.ndarray, known: Sequence[tuple[str, str, str]], threshold: int
) -> dict[int, str]:
    """Group of the nearest known scan, where one is near; of equally near ones the smallest."""
    groups: dict[int, str] = {}
    if not known:
        return groups
    ordered = sorted(known, key=lambda row: row[2])
    known_hashes = hashes_to_array([row[1] for row in ordered])
    for start in range(0, len(hashes), _CHUNK):
        distances = hamming_distances(hashes[start : start + _CHUNK], known_hashes)
        nearest = distances.argmin(axis=1)
        for offset in np.flatnonzero(distances.min(axis=1) <= threshold):
            groups[start + int(offset)] = ordered[nearest[offset]][2]
    return groups


def _neighbours(hashes: np.ndarray, threshold: int) -> dict[int, list[int]]:
    """Places of the others within the threshold, for each hash that has any."""
    found: dict[int, list[int]] = {}
    for start in range(0, len(hashes), _CHUNK):
        close = hamming_distances(hashes[start : start + _CHUNK], hashes) <= threshold
        for offset, other in zip(*np.nonzero(close), strict=True):
            if start + offset != other:
                found.setdefault(start + int(offset), []).append(int(other))
    return found


def _spread(groups: dict[int, str], neighbours: dict[int, list[int]], places: list[int]) -> None:
    """Hand groups on from these places to neighbours that have none, as far as the chain goes."""
    for place in places:
        for other in neighbours.get(place, ()):
            if other not in groups:
                groups[other] = groups[place]
                places.append(other)  # is walked in turn
