import numpy as np
import pytest

from artgan.errors import InvalidInputError
from artgan.metrics.diversity import density_coverage, diversity_ratio


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


def test_too_few_or_equal_works_are_refused():
    with pytest.raises(InvalidInputError, match="k must be"):
        density_coverage(features(5, 0), features(9, 1), k=5)
    with pytest.raises(InvalidInputError, match="works that differ"):
        diversity_ratio(features(5, 0), np.ones((4, 6)))
