import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from artgan.catalog.maintain import KEEP_FEATURES_DAYS, find
from artgan.catalog.table import open_catalog
from artgan.clock import now
from artgan.config import MaintainSettings
from artgan.metrics import feature_store
from artgan.metrics.feature_store import RENEWED_AFTER, FeatureStore, picture_sha256
from artgan.metrics.features import Extractor, extract, random_extractor
from artgan.metrics.style import style_statistics
from artgan.storage import Store, open_store


def pictures(count, start=0):
    return [
        np.random.default_rng(start + n).integers(0, 256, (24, 20 + n % 3, 3), dtype=np.uint8)
        for n in range(count)
    ]


class Counted:
    """An extractor that counts the pictures that go through its network."""

    def __init__(self, base: Extractor) -> None:
        self.seen = 0
        self.extractor = replace(base, prepare=lambda images: self._prepare(base, images))

    def _prepare(self, base, images):
        self.seen += len(images)
        return base.prepare(images)


@pytest.fixture
def store(any_root) -> Store:
    return open_store(any_root)


@pytest.fixture
def folder_store(tmp_path) -> Store:
    return open_store(str(tmp_path / "archive"))


def objects(store: Store) -> list[str]:
    return [entry.key for entry in store.entries("features")]


def test_features_are_computed_once_whoever_asks_and_stay_the_same_to_the_last_digit(store):
    first, second = Counted(random_extractor()), Counted(random_extractor())
    works = pictures(7)
    wanted = extract(random_extractor(), works)
    there = FeatureStore(store, first.extractor).features([*works, works[0]])
    again = FeatureStore(store, second.extractor).features(works[::-1])
    assert (first.seen, second.seen) == (7, 0)
    np.testing.assert_array_equal(there[:7], wanted)
    np.testing.assert_array_equal(again[::-1], wanted)
    assert there.dtype == np.float64


def test_only_pictures_that_are_new_go_through_the_network(store):
    counted = Counted(random_extractor())
    kept = FeatureStore(store, counted.extractor)
    kept.features(pictures(4))
    kept.features(pictures(6))
    assert counted.seen == 6


def test_changed_pixel_or_size_never_hits_what_was_kept(store):
    work = pictures(1)[0]
    pixel = work.copy()
    pixel[3, 5, 1] ^= 1
    turned = np.ascontiguousarray(work.reshape(work.shape[1], work.shape[0], 3))
    counted = Counted(random_extractor())
    kept = FeatureStore(store, counted.extractor)
    for number, picture in enumerate([work, pixel, turned], start=1):
        np.testing.assert_array_equal(
            kept.features([picture]), extract(random_extractor(), [picture])
        )
        assert counted.seen == number
    assert len({picture_sha256(one) for one in (work, pixel, turned)}) == 3


@pytest.mark.parametrize(
    "other",
    [
        random_extractor(seed=1),
        random_extractor(size_px=32),
        replace(random_extractor(), preprocessing="bilinear-64"),
        replace(random_extractor(), weights_sha256="0" * 64),
        # the same eight first digits, which are all that a folder's name shows
        replace(
            random_extractor(), weights_sha256=random_extractor().weights_sha256[:8] + 56 * "0"
        ),
    ],
)
def test_other_network_size_or_preprocessing_never_hits_what_was_kept(folder_store, other):
    FeatureStore(folder_store, random_extractor()).features(pictures(3))
    counted = Counted(other)
    FeatureStore(folder_store, counted.extractor).features(pictures(3))
    assert counted.seen == 3


def test_other_version_of_the_code_never_hits_what_was_kept(folder_store, monkeypatch):
    FeatureStore(folder_store, random_extractor()).features(pictures(3))
    monkeypatch.setattr(feature_store, "VERSION", "99.0")
    counted = Counted(random_extractor())
    FeatureStore(folder_store, counted.extractor).features(pictures(3))
    assert counted.seen == 3


def test_statistics_of_style_come_back_map_by_map(store):
    counted = Counted(random_extractor())
    kept = FeatureStore(store, counted.extractor)
    works = pictures(5)
    kept.style_statistics(works[:3])
    found = kept.style_statistics(works)
    assert counted.seen == 5
    for got, wanted in zip(found, style_statistics(random_extractor(), works), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-9)


def test_distance_depends_on_both_partners(store):
    kept = FeatureStore(store, random_extractor())
    asked: list[int] = []

    def compute(numbers):
        asked.extend(numbers)
        return np.array(numbers, dtype=float)

    works = pictures(3)
    assert kept.distances("d", works, ["a", "a", "b"], compute).tolist() == [0.0, 1.0, 2.0]
    assert kept.distances("d", works, ["a", "b", "b"], compute).tolist() == [0.0, 1.0, 2.0]
    assert asked == [0, 1, 2, 1]


def test_kept_features_are_plain_parquet_that_says_whose_they_are(folder_store):
    kept = FeatureStore(folder_store, random_extractor())
    works = pictures(3)
    found = kept.features(works)
    (key,) = objects(folder_store)
    assert key.startswith("features/random-conv-seed0-e3aa079a-bicubic-antialias-64/features-")
    table = pq.read_table(Path(folder_store.root) / key)
    rows = {row["picture_sha256"]: row["values"] for row in table.to_pylist()}
    np.testing.assert_array_equal(rows[picture_sha256(works[1])], found[1])


def test_damaged_or_lost_object_is_computed_again(folder_store):
    kept = FeatureStore(folder_store, random_extractor())
    wanted = kept.features(pictures(3))
    (key,) = objects(folder_store)
    folder_store.write(key, folder_store.read(key)[:-40])
    np.testing.assert_array_equal(kept.features(pictures(3)), wanted)
    folder_store.delete(key)
    np.testing.assert_array_equal(kept.features(pictures(3)), wanted)


def test_many_small_objects_become_one_and_lose_nothing(store):
    counted = Counted(random_extractor())
    kept = FeatureStore(store, counted.extractor)
    for number in range(26):
        kept.features(pictures(1, start=number))
    assert len(objects(store)) == 3
    kept.features(pictures(1, start=5) + pictures(1, start=25))
    assert counted.seen == 26


def test_rows_in_use_get_a_new_date_and_rows_that_are_not_go(folder_store, monkeypatch):
    def at(days):
        monkeypatch.setattr(feature_store, "now", lambda: now() + timedelta(days=days))

    counted = Counted(random_extractor())
    kept = FeatureStore(folder_store, counted.extractor)
    used, unused = pictures(1), pictures(1, start=50)
    kept.features(used + unused)
    at(RENEWED_AFTER.days + 1)
    kept.features(used)
    at(KEEP_FEATURES_DAYS + 5)
    for number in range(30):
        kept.features(pictures(1, start=100 + number))
    assert counted.seen == 32
    kept.features(used)
    assert counted.seen == 32
    kept.features(unused)
    assert counted.seen == 33


def test_maintenance_names_objects_that_nobody_used_for_three_months(folder_store):
    FeatureStore(folder_store, random_extractor()).features(pictures(2))
    catalog, settings = open_catalog(folder_store.root), MaintainSettings(root=folder_store.root)
    soon = [one for one in find(catalog, settings) if one.kind == "features"]
    late = find(catalog, settings, now() + timedelta(days=KEEP_FEATURES_DAYS + 1))
    assert soon == []
    assert [one.name for one in late if one.kind == "features"] == objects(folder_store)


_FILL = """
import sys
import numpy as np
from artgan.metrics.feature_store import FeatureStore
from artgan.metrics.features import random_extractor
from artgan.storage import open_store

kept = FeatureStore(open_store(sys.argv[1]), random_extractor())
for n in range(int(sys.argv[2]), int(sys.argv[3])):
    random = np.random.default_rng(n)
    kept.features([random.integers(0, 256, (24, 20, 3), dtype=np.uint8)])
"""


def writer(store: Store, start: int, end: int) -> subprocess.Popen:
    """A process that asks for the features of one picture after the other."""
    return subprocess.Popen([sys.executable, "-c", _FILL, store.root, str(start), str(end)])


def singly(end):
    """The pictures of a writer."""
    return [picture for n in range(end) for picture in pictures(1, start=n)]


def test_two_writers_at_once_lose_nothing(store):
    writers = [writer(store, 0, 14), writer(store, 8, 20)]
    assert [one.wait(120) for one in writers] == [0, 0]
    counted = Counted(random_extractor())
    found = FeatureStore(store, counted.extractor).features(singly(20))
    assert counted.seen == 0
    np.testing.assert_allclose(found, extract(random_extractor(), singly(20)), rtol=1e-5, atol=1e-6)


def test_killed_writer_leaves_whole_rows_that_the_next_one_takes_over(folder_store):
    killed = writer(folder_store, 0, 2000)
    deadline = time.monotonic() + 60
    while len(objects(folder_store)) < 10 and time.monotonic() < deadline:
        time.sleep(0.02)
    killed.kill()
    killed.wait(10)
    counted = Counted(random_extractor())
    works = singly(10)
    found = FeatureStore(folder_store, counted.extractor).features(works)
    assert counted.seen == 0
    np.testing.assert_allclose(found, extract(random_extractor(), works), rtol=1e-5, atol=1e-6)
