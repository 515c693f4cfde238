from dataclasses import replace

import numpy as np
import pytest

from artgan.report import archive_network
from artgan.report.archive_network import FOLDER, find_archive_extractor, refresh_archive_network


def tinted(number):
    """A picture in the colours of its collection, which the first hundred of a number tells."""
    rng = np.random.default_rng(number)
    tint = np.array([200, 120, 60]) if number < 100 else np.array([60, 120, 200])
    return np.clip(tint + rng.normal(0, 25, (80, 96, 3)), 0, 255).astype(np.uint8)


@pytest.fixture
def two_collections(empty, monkeypatch):
    """An archive with 23 training works in each of two collections; trainings are short."""
    full = archive_network.train_archive_network

    def short(*sides, steps, codes):
        return full(*sides, steps=30 if steps == 200 else 31, codes=codes)

    monkeypatch.setattr(archive_network, "train_archive_network", short)
    empty.picture = tinted
    for collection in ("river", "hill"):
        empty.add_scans(collection, 46)
    return empty


def weights(archive):
    entries = archive.catalog.store.entries(FOLDER)
    return [entry.key for entry in entries if entry.key.endswith("weights.safetensors")]


def test_network_is_trained_once_and_stays_until_its_works_changed_by_a_quarter(two_collections):
    catalog = two_collections.catalog
    assert find_archive_extractor(catalog) is None
    assert "trained on 46 works of 2 labels" in refresh_archive_network(catalog)
    first = find_archive_extractor(catalog)
    assert first is not None
    assert refresh_archive_network(catalog) == "FD-archive as trained on 46 works"
    assert len(weights(two_collections)) == 1
    two_collections.add_scans("lake", 46)
    assert "of 3 labels" in refresh_archive_network(catalog)
    second = find_archive_extractor(catalog)
    assert second is not None
    assert second.label != first.label


def test_archive_of_one_collection_is_told_apart_by_artist_or_not_at_all(empty):
    empty.add_scans("river", 46)
    assert "fewer than two" in refresh_archive_network(empty.catalog)
    assert weights(empty) == []


def test_network_that_only_guesses_is_not_used_nor_trained_again(two_collections, monkeypatch):
    catalog = two_collections.catalog
    trained = archive_network.train_archive_network

    def guessing(*sides, **asked):
        return replace(trained(*sides, **asked), accuracy=0.5, guess=0.5)

    monkeypatch.setattr(archive_network, "train_archive_network", guessing)
    assert "tells 50% of 22 held-out works, guessing 50%" in refresh_archive_network(catalog)
    assert find_archive_extractor(catalog) is None
    assert refresh_archive_network(catalog) == "FD-archive as trained on 46 works"
