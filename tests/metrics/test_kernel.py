from itertools import permutations, product

import numpy as np
import pytest

from artgan.errors import InvalidInputError
from artgan.metrics.kernel import kernel_distance, kid_x1000


def features(n, d, seed, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def by_definition(x, y):
    """The unbiased estimator, pair by pair."""

    def k(a, b):
        return (sum(p * q for p, q in zip(a, b, strict=True)) / len(a) + 1.0) ** 3

    within = [np.mean([k(a, b) for a, b in permutations(side, 2)]) for side in (x, y)]
    return within[0] + within[1] - 2.0 * np.mean([k(a, b) for a, b in product(x, y)])


@pytest.mark.parametrize(("n", "m"), [(3, 3), (6, 9), (12, 5)])
def test_distance_agrees_with_the_definition_pair_by_pair(n, m):
    x, y = features(n, 7, 0), features(m, 7, 1, shift=0.4)
    assert kernel_distance(x, y).value == pytest.approx(by_definition(x, y), rel=1e-12)


def test_interval_is_that_of_leaving_each_picture_out_by_hand():
    x, y = features(6, 5, 0), features(8, 5, 1, shift=0.5)
    left_x = [by_definition(np.delete(x, i, axis=0), y) for i in range(6)]
    left_y = [by_definition(x, np.delete(y, i, axis=0)) for i in range(8)]
    error = np.sqrt(5 * np.var(left_x) + 7 * np.var(left_y))
    found = kernel_distance(x, y)
    assert found.ci_high - found.value == pytest.approx(1.959964 * error, rel=1e-9)
    assert found.value - found.ci_low == pytest.approx(1.959964 * error, rel=1e-9)


def test_distance_is_symmetric_and_stored_activations_give_the_expected_value(
    data_folder, expected
):
    stored = np.load(data_folder / "fid_fixture" / "acts_synthetic_f32.npz")
    for real, generated in (("real", "fake"), ("proc_a", "proc_b")):
        there = kernel_distance(stored[real], stored[generated])
        back = kernel_distance(stored[generated], stored[real])
        wanted = expected[f"{real}_vs_{generated}"]["kid_full_unbiased"]
        assert there.value == pytest.approx(wanted, abs=1e-10)
        assert back.value == pytest.approx(there.value, rel=1e-9)


def test_sets_alike_scatter_around_zero_and_their_intervals_cover_it():
    found = [kernel_distance(features(30, 16, s), features(30, 16, 1000 + s)) for s in range(60)]
    values = np.array([estimate.value for estimate in found])
    assert abs(values.mean()) < 3.0 * values.std() / np.sqrt(60)
    assert (values < 0.0).any()
    assert (values > 0.0).any()
    assert sum(e.ci_low <= 0.0 <= e.ci_high for e in found) >= 54


def gaussian_truth(a, b):
    """The distance of N(a, 1) from N(b, 1) in closed form."""
    d = len(a)

    def mean_kernel(p, q):
        pq, pp, qq = p @ q, p @ p, q @ q
        second = pq**2 + pp + qq + d
        third = pq**3 + 3.0 * pq * (pp + qq + d + 2)
        return 1.0 + 3.0 * pq / d + 3.0 * second / d**2 + third / d**3

    return mean_kernel(a, a) + mean_kernel(b, b) - 2.0 * mean_kernel(a, b)


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_interval_covers_the_truth_in_at_least_90_of_100_simulated_sets(shift):
    centre = np.full(16, shift)
    truth = gaussian_truth(np.zeros(16), centre)
    found = [
        kernel_distance(features(40, 16, s), features(40, 16, 500 + s) + centre) for s in range(100)
    ]
    values = np.array([estimate.value for estimate in found])
    assert abs(values.mean() - truth) < 3.0 * values.std() / 10.0
    assert sum(e.ci_low <= truth <= e.ci_high for e in found) >= 90


def test_sets_apart_have_an_interval_above_zero():
    assert kernel_distance(features(60, 16, 0), features(60, 16, 1, shift=0.7)).ci_low > 0.0


def test_table_value_is_a_thousand_times_the_plain_one():
    x, y = features(10, 6, 0), features(10, 6, 1)
    plain, table = kernel_distance(x, y), kid_x1000(x, y)
    assert table.value == pytest.approx(1000.0 * plain.value)
    assert table.ci_low == pytest.approx(1000.0 * plain.ci_low)
    assert table.ci_high == pytest.approx(1000.0 * plain.ci_high)


def test_fewer_than_three_pictures_are_refused():
    with pytest.raises(InvalidInputError, match="at least 3"):
        kernel_distance(features(2, 4, 0), features(9, 4, 1))
