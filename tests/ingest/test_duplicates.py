import itertools

import numpy as np

from artgan.imaging.hashes import hamming_distances, hashes_to_array
from artgan.ingest.duplicates import assign_groups


def test_pictures_of_one_work_share_a_group_named_by_the_smallest_scan():
    groups = assign_groups(
        [("c", "0000000000000000"), ("a", "000000000000000f"), ("b", "ffffffffffffffff")], []
    )
    assert groups == {"a": "a", "b": "b", "c": "a"}


def test_the_threshold_is_the_last_distance_that_counts():
    pair = [("a", "0000000000000000"), ("b", "000000000000000f")]
    assert assign_groups(pair, [], threshold=4)["b"] == "a"
    assert assign_groups(pair, [], threshold=3)["b"] == "b"


def test_a_new_scan_joins_the_nearest_known_group_whatever_its_own_name():
    known = [("m", "00000000000000f0", "g1"), ("n", "0000000000000001", "g2")]
    assert assign_groups([("a", "0000000000000000")], known) == {"a": "g2"}


def test_chains_are_followed_so_that_near_scans_never_part():
    chain = ["0000000000000000", "000000000000000f", "00000000000000ff", "0000000000000fff"]
    for names in itertools.permutations("abcd"):
        new = list(zip(names, chain, strict=True))
        assert set(assign_groups(new, []).values()) == {"a"}
        assert set(assign_groups(new, [("k", "000000000000ffff", "old")]).values()) == {"old"}


def test_the_order_of_arrival_within_a_run_does_not_matter():
    rng = np.random.default_rng(0)
    new = [(f"{n:03d}", f"{value:016x}") for n, value in enumerate(rng.integers(0, 64, 40))]
    known = [("k1", "0000000000000007", "g1"), ("k2", "0000000000000038", "g2")]
    expected = assign_groups(new, known)
    for _ in range(5):
        rng.shuffle(new)
        assert assign_groups([(str(a), str(b)) for a, b in new], known[::-1]) == expected


def test_agrees_with_a_plain_search_for_linked_scans():
    rng = np.random.default_rng(1)
    centres = rng.integers(0, 2**63, 60, dtype=np.uint64)
    flips = np.uint64(1) << rng.integers(0, 64, (60, 20), dtype=np.uint64)
    hashes = [f"{int(value):016x}" for value in (centres[:, None] ^ flips).ravel()]
    new = [(f"{n:05d}", one) for n, one in enumerate(hashes)]  # more than one chunk
    groups = assign_groups(new, [])
    values = hashes_to_array(hashes)
    for row, column in np.argwhere(hamming_distances(values, values) <= 4):
        assert groups[new[row][0]] == groups[new[column][0]]
    assert len(set(groups.values())) == 60


def test_no_new_scans_give_no_groups():
    assert assign_groups([], [("k", "0" * 16, "g")]) == {}
