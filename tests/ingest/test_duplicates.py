import itertools
import time
import tracemalloc

import numpy as np
import pytest

from artgan.imaging.hashes import hamming_distances, hashes_to_array
from artgan.ingest.duplicates import KnownHashes, assign_groups

NONE = KnownHashes()


def test_pictures_of_one_work_share_a_group_named_by_the_smallest_scan():
    groups = assign_groups(
        [("c", "0000000000000000"), ("a", "000000000000000f"), ("b", "ffffffffffffffff")], NONE
    )
    assert groups == {"a": "a", "b": "b", "c": "a"}


def test_the_threshold_is_the_last_distance_that_counts():
    pair = [("a", "0000000000000000"), ("b", "000000000000000f")]
    assert assign_groups(pair, NONE, threshold=4)["b"] == "a"
    assert assign_groups(pair, NONE, threshold=3)["b"] == "b"


def test_a_new_scan_joins_the_nearest_known_group_whatever_its_own_name():
    known = KnownHashes(["00000000000000f0", "0000000000000001"], ["g1", "g2"])
    assert assign_groups([("a", "0000000000000000")], known) == {"a": "g2"}


def test_chains_are_followed_so_that_near_scans_never_part():
    chain = ["0000000000000000", "000000000000000f", "00000000000000ff", "0000000000000fff"]
    for names in itertools.permutations("abcd"):
        new = list(zip(names, chain, strict=True))
        assert set(assign_groups(new, NONE).values()) == {"a"}
        known = KnownHashes(["000000000000ffff"], ["old"])
        assert set(assign_groups(new, known).values()) == {"old"}


def test_the_order_of_arrival_within_a_run_does_not_matter():
    rng = np.random.default_rng(0)
    new = [(f"{n:03d}", f"{value:016x}") for n, value in enumerate(rng.integers(0, 64, 40))]
    known = KnownHashes(["0000000000000007", "0000000000000038"], ["g1", "g2"])
    turned = KnownHashes(known.phashes[::-1], known.groups[::-1])
    expected = assign_groups(new, known)
    for _ in range(5):
        rng.shuffle(new)
        assert assign_groups([(str(a), str(b)) for a, b in new], turned) == expected


def plain_groups(
    new: list[tuple[str, str]], known: KnownHashes, inherited: dict[str, str]
) -> dict[str, str]:
    """The rule of `assign_groups`, comparing all with all."""
    ordered = sorted(new)
    hashes = hashes_to_array([phash for _, phash in ordered])
    groups = {}
    if len(known.phashes):
        to_known = hamming_distances(hashes, hashes_to_array(known.phashes))
        for place, row in enumerate(to_known):
            near = [(distance, known.groups[at]) for at, distance in enumerate(row)]
            if min(near)[0] <= 4:
                groups[place] = min(near)[1]
    groups |= {at: inherited[name] for at, (name, _) in enumerate(ordered) if name in inherited}
    linked = hamming_distances(hashes, hashes) <= 4
    seeds = [sorted(groups)]
    while len(groups) < len(ordered) or seeds:
        queue = seeds.pop() if seeds else [min(set(range(len(ordered))) - set(groups))]
        for place in queue:
            groups.setdefault(place, ordered[place][0])
            for other in np.flatnonzero(linked[place]):
                if int(other) not in groups:
                    groups[int(other)] = groups[place]
                    queue.append(int(other))
    return {name: groups[place] for place, (name, _) in enumerate(ordered)}


def clustered(rng: np.random.Generator, centres: int, each: int, flips: int) -> list[str]:
    """Hashes around some centres, and many that share the bits of a nearly blank picture."""
    middle = rng.integers(0, 2**63, centres, dtype=np.uint64)
    hashes = np.repeat(middle, each)
    for _ in range(flips):
        hashes = hashes ^ (np.uint64(1) << rng.integers(0, 64, len(hashes), dtype=np.uint64))
    blank = rng.integers(0, 2**9, 60, dtype=np.uint64) << np.uint64(30)
    return [f"{int(value):016x}" for value in (*hashes, *blank, *hashes[:5])]


@pytest.mark.parametrize("seed", range(12))
def test_groups_are_those_of_comparing_all_with_all(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if seed % 2:  # every shared band counts as crowded, and every list is cut
        monkeypatch.setattr("artgan.ingest.near._TOO_MANY", 6)
        monkeypatch.setattr("artgan.ingest.near._AT_ONCE", 50)
    rng = np.random.default_rng(seed)
    hashes = clustered(rng, centres=25, each=12, flips=int(rng.integers(1, 6)))
    rng.shuffle(hashes)
    names = [f"{n:04d}" for n in rng.permutation(len(hashes))]
    split = int(rng.integers(0, 150))
    known = KnownHashes(hashes[:split], [f"g{n}" for n in rng.integers(0, 40, split)])
    new = list(zip(names[split:], hashes[split:], strict=True))
    # Equal pictures that inherit different groups would make the order matter.
    unique = [name for name, one in new if hashes.count(one) == 1]
    inherited = {name: f"v{n}" for n, name in enumerate(unique[:8])}
    assert assign_groups(new, known, inherited) == plain_groups(new, known, inherited)


def test_a_new_version_keeps_its_group_and_hands_it_on() -> None:
    known = KnownHashes(["0000000000000000"], ["near"])
    new = [("b", "0000000000000003"), ("a", "00000000000000ff"), ("c", "0000000000000fff")]
    groups = assign_groups(new, known, {"a": "work"})
    assert groups == {"a": "work", "b": "near", "c": "work"}


def test_a_crowd_of_nearly_blank_pictures_needs_little_memory() -> None:
    rng = np.random.default_rng(2)
    # 24,000 hashes that all share the low 26 bits, two of the five bands: 288 million pairs each.
    crowd = rng.integers(0, 2**38, 24_000, dtype=np.uint64) << np.uint64(26)
    new = [(f"{n:05d}", f"{int(value):016x}") for n, value in enumerate(crowd)]
    tracemalloc.start()
    started = time.process_time()
    groups = assign_groups(new, NONE)
    seconds, most = time.process_time() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(set(groups.values())) > 20_000
    assert most < 200e6
    assert seconds < 20


def test_a_hundred_thousand_new_scans_are_placed_among_as_many_known() -> None:
    rng = np.random.default_rng(3)
    hashes = [f"{int(value):016x}" for value in rng.integers(0, 2**63, 200_000)]
    known = KnownHashes(hashes[:100_000], hashes[:100_000])
    new = [(f"{n:06d}", one) for n, one in enumerate(hashes[99_950:])]
    groups = assign_groups(new, known)
    assert sum(groups[name] == one for name, one in new[:50]) == 50
    assert all(groups[name] == name for name, _ in new[50:])


def test_no_new_scans_give_no_groups():
    assert assign_groups([], KnownHashes(["0" * 16], ["g"])) == {}
