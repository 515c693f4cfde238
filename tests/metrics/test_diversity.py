import numpy as np
import pytest

from artgan.errors import InvalidInputError
from artgan.metrics.diversity import (
    density_coverage,
    diversity_ratio,
    precision_recall,
    vendi_score,
)


def features(n, seed, scale=1.0):
    return np.random.default_rng(seed).normal(size=(n, 6)) * scale


def test_diversity_is_one_for_the_real_set_and_follows_its_scale():
    real = features(20, 0)
    assert diversity_ratio(real, real) == pytest.approx(1.0)
    assert diversity_ratio(0.5 * real + 3.0, real) == pytest.approx(0.5)
    assert diversity_ratio(np.ones((9, 6)), real) == 0.0


def test_diversity_of_points_on_a_line_is_counted_by_hand():
    real = np.array([[0.0], [1.0], [3.0]])  # pairs 1, 3, 2
    generated = np.array([[0.0], [5.0]])
    assert diversity_ratio(generated, real) == pytest.approx(2.5)


def test_density_and_coverage_of_points_on_a_line_are_counted_by_hand():
    real = np.array([[0.0], [1.0], [3.0], [10.0]])  # radii at k = 1: 1, 1, 2, 7
    generated = np.array([[0.5], [3.5], [100.0]])  # in the balls of 0 and 1; of 3 and 10; of none
    found = density_coverage(real, generated, k=1)
    assert found.density == pytest.approx(4 / 3)
    assert found.coverage == pytest.approx(1.0)
    assert density_coverage(real, generated[2:], k=1).coverage == 0.0


def test_stored_activations_give_the_expected_density_and_coverage(data_folder, expected):
    stored = np.load(data_folder / "fid_fixture" / "acts_synthetic_f32.npz")
    for real, generated in (("real", "fake"), ("proc_a", "proc_b")):
        for k in (3, 5):
            wanted = expected[f"{real}_vs_{generated}"][f"prdc_k{k}"]
            found = density_coverage(stored[real], stored[generated], k)
            assert found.density == pytest.approx(wanted["density"])
            assert found.coverage == pytest.approx(wanted["coverage"])


def test_precision_and_recall_of_points_on_a_line_are_counted_by_hand():
    real = np.array([[0.0], [1.0], [3.0], [10.0]])  # radii at k = 1: 1, 1, 2, 7
    generated = np.array([[0.5], [17.0], [100.0], [101.0]])  # radii 16.5, 16.5, 1, 1
    found = precision_recall(real, generated, k=1)
    # 0.5 lies in two balls, 17 on the border of the last one, which counts as inside
    assert found.precision == pytest.approx(2 / 4)
    assert found.recall == pytest.approx(1.0)
    assert precision_recall(real, generated[2:], k=1).recall == 0.0


def test_precision_and_recall_change_places_with_the_sets():
    real, generated = features(30, 0), features(40, 1, scale=0.5)
    there, back = precision_recall(real, generated), precision_recall(generated, real)
    assert (there.precision, there.recall) == (back.recall, back.precision)
    assert there.precision > there.recall


def test_stored_activations_give_the_expected_precision_and_recall(data_folder, expected):
    stored = np.load(data_folder / "fid_fixture" / "acts_synthetic_f32.npz")
    for real, generated in (("real", "fake"), ("proc_a", "proc_b")):
        for k in (3, 5):
            wanted = expected[f"{real}_vs_{generated}"][f"prdc_k{k}"]
            found = precision_recall(stored[real], stored[generated], k)
            assert found.precision == pytest.approx(wanted["precision"])
            assert found.recall == pytest.approx(wanted["recall"])


def test_vendi_score_counts_pictures_that_have_nothing_in_common():
    assert vendi_score(np.eye(7)) == pytest.approx(7.0)
    assert vendi_score(np.ones((5, 3))) == pytest.approx(1.0)
    # three kinds, twice each, whatever the lengths
    kinds = np.repeat(np.eye(3), 2, axis=0) * np.arange(1, 7)[:, None]
    assert vendi_score(kinds) == pytest.approx(3.0)


def test_vendi_score_of_two_pictures_is_the_closed_form():
    cosine = 0.6
    shares = np.array([1 + cosine, 1 - cosine]) / 2
    wanted = np.exp(-(shares * np.log(shares)).sum())
    assert vendi_score(np.array([[1.0, 0.0], [cosine, 0.8]])) == pytest.approx(wanted)


def test_vendi_score_is_the_same_by_pictures_and_by_features(data_folder, expected):
    tall = features(50, 3)
    lengths = np.linalg.norm(tall, axis=1, keepdims=True)
    shares = np.linalg.eigvalsh((tall / lengths) @ (tall / lengths).T / 50)
    shares = shares[shares > 1e-12]
    assert vendi_score(tall) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))
    stored = np.load(data_folder / "fid_fixture" / "acts_synthetic_f32.npz")
    for name in ("real", "fake"):
        wanted = expected["real_vs_fake"][f"vendi_{name}"]
        assert vendi_score(stored[name]) == pytest.approx(wanted, rel=1e-6)


def test_too_few_or_equal_works_are_refused():
    with pytest.raises(InvalidInputError, match="k must be"):
        density_coverage(features(5, 0), features(9, 1), k=5)
    with pytest.raises(InvalidInputError, match="k must be"):
        precision_recall(features(9, 0), features(3, 1), k=3)
    with pytest.raises(InvalidInputError, match="all 0"):
        vendi_score(np.zeros((3, 4)))
    with pytest.raises(InvalidInputError, match="works that differ"):
        diversity_ratio(features(5, 0), np.ones((4, 6)))
