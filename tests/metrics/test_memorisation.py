import numpy as np
import pytest

from artgan.errors import InvalidInputError
from artgan.metrics.features import extract, random_extractor
from artgan.metrics.memorisation import copied_share, copy_ratio, nearest_works


def features(n, seed, d=24):
    return np.random.default_rng(seed).normal(size=(n, d))


def test_ratio_is_distance_over_the_works_own_next_distance():
    works = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 4.0]])
    found = nearest_works(np.array([[1.0, 0.0], [9.0, 0.0]]), works, works + 100.0)
    assert found.index.tolist() == [0, 1]
    np.testing.assert_allclose(found.ratio, [1.0 / 4.0, 1.0 / 10.0])
    assert found.flipped.tolist() == [False, False]


def test_work_that_is_near_only_in_the_mirror_is_found_and_marked():
    works = np.array([[0.0, 0.0], [10.0, 0.0]])
    mirrored = np.array([[0.0, 50.0], [0.0, 80.0]])
    found = nearest_works(np.array([[0.0, 79.0]]), works, mirrored)
    assert (found.index[0], found.flipped[0]) == (1, True)
    assert found.ratio[0] == pytest.approx(0.1)


def test_planted_copies_and_mirrors_of_pictures_are_caught_and_honest_ones_are_not(procedural):
    works = list(procedural(second_kind=False, n=24, size=64, seed=0))
    honest = list(procedural(second_kind=False, n=24, size=64, seed=9))
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 3, works[4].shape)
    noisy = np.clip(works[4] + grain, 0, 255).astype(np.uint8)
    planted = [noisy, works[7], np.ascontiguousarray(works[11][:, ::-1])]
    extractor = random_extractor()
    sets = [extract(extractor, x) for x in (planted + honest, works, [w[:, ::-1] for w in works])]
    found = nearest_works(*sets)
    assert found.index[:3].tolist() == [4, 7, 11]
    assert found.flipped[:3].tolist() == [False, False, True]
    assert (found.ratio[:3] < 0.5).all()
    assert copied_share(found.ratio[:3]) == 1.0
    assert copied_share(found.ratio[3:]) <= 0.1


def test_second_file_of_the_same_work_does_not_hide_a_copy():
    works = features(20, 0)
    works[5] = works[6]
    near_copy = works[5] + 0.01
    ratio = nearest_works(near_copy[None], works, works + 50.0).ratio[0]
    assert ratio < 0.1


def test_copied_share_counts_ratios_under_the_threshold():
    assert copied_share(np.array([0.1, 0.5, 0.49, 2.0])) == 0.5
    assert copied_share(np.array([0.1, 0.5, 0.49, 2.0]), threshold=0.2) == 0.25


def test_works_that_are_all_alike_or_mirrors_that_are_too_few_are_refused():
    with pytest.raises(InvalidInputError, match="works that differ"):
        nearest_works(features(3, 0), np.ones((4, 24)), np.ones((4, 24)))
    with pytest.raises(InvalidInputError, match="one row a work"):
        nearest_works(features(3, 0), features(5, 1), features(4, 2))


@pytest.mark.parametrize(("n_train", "n_held_out"), [(60, 60), (400, 40)])
def test_copy_ratio_of_honest_pictures_is_one_whatever_the_sizes_of_the_splits(n_train, n_held_out):
    found = [
        copy_ratio(features(200, s), features(n_train, 100 + s), features(n_held_out, 200 + s))
        for s in range(5)
    ]
    assert np.mean(found) == pytest.approx(1.0, abs=0.05)


def test_copy_ratio_of_repeated_training_works_is_near_zero():
    train, held_out = features(100, 0), features(30, 1)
    copies = train[np.random.default_rng(2).integers(0, 100, 200)] + 0.01
    assert copy_ratio(copies, train, held_out) < 0.1


def test_copy_ratio_refuses_held_out_works_that_are_among_the_training_ones():
    train = features(30, 0)
    with pytest.raises(InvalidInputError, match="not trained on"):
        copy_ratio(features(10, 1), train, train[:10])
