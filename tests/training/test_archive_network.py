from hashlib import sha256

import numpy as np
import pytest
import torch

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.imaging.read import read_rgb
from artgan.imaging.tensors import arrays_to_batch
from artgan.metrics.archive_network import archive_extractor
from artgan.metrics.features import extract, normalise
from artgan.metrics.frechet import frechet_distance
from artgan.metrics.robustness import margin, pgd
from artgan.training.archive_network import LOADED_PX, Labelled, train_archive_network

NAMES = ("upright", "tilted")


def strokes(count, seed, *, tilted):
    """Pictures of parallel strokes, all upright or all tilted, in any colour."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:72, 0:80]
    pictures = []
    for _ in range(count):
        along = x + (y if tilted else 0)
        wave = np.sin(along / rng.uniform(1.5, 3.0) + rng.uniform(0, 6))
        picture = (
            128 + 60 * wave[..., None] * rng.uniform(0.3, 1, 3) + rng.normal(0, 20, (72, 80, 3))
        )
        pictures.append(np.clip(picture, 0, 255).astype(np.uint8))
    return pictures


def labelled(count, seed):
    pictures = strokes(count, seed, tilted=False) + strokes(count, seed + 1, tilted=True)
    return Labelled(pictures, [0] * count + [1] * count)


@pytest.fixture(scope="module")
def trained():
    return train_archive_network(labelled(16, 0), labelled(8, 50), NAMES, steps=60)


def test_network_learns_to_tell_unseen_works_apart(trained):
    assert trained.guess == 0.5
    assert trained.accuracy >= 0.9


def test_features_of_one_kind_are_nearer_to_each_other_than_to_the_other_kind(trained):
    extractor = archive_extractor(trained.content)
    sets = [strokes(12, 7, tilted=False), strokes(12, 8, tilted=False), strokes(12, 9, tilted=True)]
    same, also, other = normalise(*(extract(extractor, pictures) for pictures in sets))
    assert frechet_distance(same, other) > 2.0 * frechet_distance(same, also)


def test_extractor_is_named_after_its_own_bytes_and_never_fid(trained):
    extractor = archive_extractor(trained.content)
    assert extractor.label == f"FD-archive-{extractor.weights_sha256[:8]}"
    assert not extractor.is_fid
    features = extract(extractor, strokes(2, 0, tilted=True))
    assert features.shape == (2, 128)
    maps = extractor.maps(arrays_to_batch(strokes(1, 0, tilted=True)))
    assert [found.shape[1] for found in maps] == [24, 48, 96]


def test_same_works_and_seed_give_the_same_bytes_and_another_seed_others():
    few = labelled(4, 0)
    first, second = (train_archive_network(few, few, NAMES, steps=3).content for _ in range(2))
    assert first == second
    assert train_archive_network(few, few, NAMES, seed=1, steps=3).content != first


def test_a_hardened_network_is_another_and_the_same_seed_gives_the_same_one():
    few = labelled(4, 0)
    first, second = (
        train_archive_network(few, few, NAMES, steps=4, codes=8).content for _ in range(2)
    )
    assert first == second
    assert first != train_archive_network(few, few, NAMES, steps=4).content


def told_under_attack(content, test, codes):
    extractor = archive_extractor(content)
    network, wanted = extractor.network, torch.tensor(test.labels)
    images = torch.cat([extractor.prepare(arrays_to_batch([one])) for one in test.pictures])
    images = (images * 255).round() / 255

    def loss(moved):
        return margin(network.classify(moved), wanted)

    changed = pgd(loss, images, codes, restarts=1, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return float((loss(changed) <= 0).double().mean())


SPLITS, PLAIN, HARD = 3, 80, 160


def split_by(seed, pictures):
    """Works of three collections, a third of each held out by the hash of seed and name."""
    train, test = ([], []), ([], [])
    for label, named in enumerate(pictures):
        ranked = sorted(named, key=lambda one: sha256(f"{seed}:{one[0]}".encode()).digest())
        for number, (_, picture) in enumerate(ranked):
            side = test if number % 3 == 0 else train
            side[0].append(picture)
            side[1].append(label)
    return Labelled(*train), Labelled(*test)


@pytest.mark.slow
def test_hardening_raises_what_is_told_under_attack_by_twenty_points_and_costs_a_little(real_data):
    names = ("van_gogh", "ukiyo_e", "monet_256")
    pictures = [
        [(f.name, read_rgb(f.read_bytes(), LOADED_PX)) for f in files[:30]]
        for files in (sorted((real_data / "scans" / name).iterdir()) for name in names)
    ]
    found = []
    for seed in range(SPLITS):
        train, test = split_by(seed, pictures)
        plain = train_archive_network(train, test, names, seed, steps=PLAIN)
        hardened = train_archive_network(train, test, names, seed, steps=HARD, codes=8)
        under = [told_under_attack(one.content, test, 8) for one in (plain, hardened)]
        found.append([*under, plain.accuracy, hardened.accuracy])
    attacked, attacked_hardened, plain, hardened = np.mean(found, axis=0)
    assert attacked_hardened >= attacked + 0.2, found
    assert hardened >= plain - 0.15, found


def test_label_without_works_or_foreign_bytes_are_refused():
    one = Labelled(strokes(3, 0, tilted=True), [0, 0, 0])
    with pytest.raises(InvalidInputError, match="work of each label"):
        train_archive_network(one, one, NAMES, steps=1)
    with pytest.raises(CorruptAssetError):
        archive_extractor(b"something else")
