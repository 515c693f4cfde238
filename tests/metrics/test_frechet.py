import numpy as np
import pytest
import scipy.linalg

from artgan.errors import InvalidInputError
from artgan.metrics import frechet
from artgan.metrics.frechet import frechet_distance, frechet_excess


def features(n, d, seed, scale=1.0, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) * scale + shift


def by_definition(real, generated):
    """Mean, covariance and matrix square root as the paper writes them, in complex numbers."""
    c1, c2 = np.cov(real, rowvar=False), np.cov(generated, rowvar=False)
    root = scipy.linalg.sqrtm((c1 @ c2).astype(complex))
    means = real.mean(axis=0) - generated.mean(axis=0)
    return means @ means + np.trace(c1) + np.trace(c2) - 2.0 * np.trace(root).real


def whitened(n, d, seed):
    """Features of mean 0 and covariance exactly 1."""
    x = features(n, d, seed)
    x -= x.mean(axis=0)
    q, _ = np.linalg.qr(x)
    return q * np.sqrt(n - 1)


@pytest.mark.parametrize("n", [5, 40])
def test_set_is_at_distance_zero_from_itself(n):
    x = features(n, 16, seed=0, shift=3.0)
    assert frechet_distance(x, x) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("n", [5, 40])
def test_shift_by_c_adds_the_square_of_its_length(n):
    x = features(n, 16, seed=0)
    c = np.arange(16.0)
    assert frechet_distance(x, x + c) == pytest.approx(c @ c, rel=1e-10)


def test_diagonal_gaussians_have_the_closed_form():
    x = whitened(60, 4, seed=0)
    s1, s2 = np.array([1.0, 2.0, 3.0, 4.0]), np.array([4.0, 1.0, 0.5, 7.0])
    wanted = np.sum((s1 - s2) ** 2) + 4 * 0.25
    assert frechet_distance(x * s1, x * s2 + 0.5) == pytest.approx(wanted, rel=1e-10)


def test_distance_is_symmetric_and_does_not_depend_on_rotation():
    x, y = features(30, 12, 0), features(50, 12, 1, scale=1.5, shift=0.3)
    turn, _ = np.linalg.qr(features(12, 12, 2))
    distance = frechet_distance(x, y)
    assert frechet_distance(y, x) == pytest.approx(distance, rel=1e-10)
    assert frechet_distance(x @ turn, y @ turn) == pytest.approx(distance, rel=1e-10)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (7, 25), (25, 7), (60, 90), (200, 12)])
def test_distance_agrees_with_the_definition_at_every_rank(n, m):
    x, y = features(n, 20, 0), features(m, 20, 1, scale=1.3, shift=0.2)
    # a rank-deficient square root keeps half the digits of the eigenvalues that should be zero
    rel = 1e-9 if min(n, m) > 20 else 1e-5
    assert frechet_distance(x, y) == pytest.approx(by_definition(x, y), rel=rel)


def test_both_exact_forms_agree_on_the_same_features():
    x, y = features(80, 30, 0), features(70, 30, 1, scale=1.2)
    _, a = frechet._centred(x)
    _, b = frechet._centred(y)
    singular = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    assert frechet._root_trace(a.T @ a, b.T @ b) == pytest.approx(singular, rel=1e-9)


def test_inner_products_alone_give_the_same_distance():
    x, y = features(20, 30, 0, shift=1.0), features(25, 30, 1, scale=1.2)
    joined = np.concatenate([x, y])
    found = frechet._gram_distance(joined @ joined.T, np.arange(20), np.arange(20, 45))
    assert found == pytest.approx(frechet_distance(x, y), rel=1e-7)


def test_stored_activations_give_the_exact_expected_distance(data_folder, expected):
    stored = np.load(data_folder / "fid_fixture" / "acts_synthetic_f32.npz")
    for real, generated in (("real", "fake"), ("proc_a", "proc_b")):
        numbers = expected[f"{real}_vs_{generated}"]
        distance = frechet_distance(stored[real], stored[generated])
        assert distance == pytest.approx(numbers["fd_exact_lowrank"], rel=1e-9)
        assert distance == pytest.approx(numbers["fd_pytorchfid_scipy_sqrtm"], rel=5e-5)


@pytest.mark.parametrize(
    ("real", "generated", "words"),
    [
        (np.zeros((3, 4)), np.zeros((3, 5)), "shapes"),
        (np.zeros((1, 4)), np.zeros((3, 4)), "at least 2"),
        (np.full((3, 4), np.nan), np.zeros((3, 4)), "finite"),
    ],
)
def test_features_that_cannot_be_compared_are_refused(real, generated, words):
    with pytest.raises(InvalidInputError, match=words):
        frechet_distance(real, generated)


def decaying(n, seed, shift=0.0):
    spread = 1.0 / np.sqrt(np.arange(1, 129))
    return features(n, 128, seed) * spread + shift * spread


def test_excess_is_nearly_free_of_the_bias_that_the_plain_distance_carries():
    truth = 0.25 * np.sum(1.0 / np.arange(1, 129))
    results = [
        frechet_excess(decaying(60, seed), decaying(60, 100 + seed, shift=0.5)) for seed in range(6)
    ]
    assert np.mean([r.fd for r in results]) > 3.0 * truth
    assert np.mean([r.fd_excess for r in results]) == pytest.approx(truth, rel=0.25)


def long_tailed(n, seed, scale=1.0, shift=0.0):
    """2,048 features whose distances of equal sets are those measured on photographs."""
    spread = np.sqrt(23.5 / np.arange(1, 2049))
    return (features(n, 2048, seed) * scale + shift) * spread


def test_excess_of_a_hundred_works_a_side_is_within_a_tenth_of_the_truth():
    shift = np.sqrt(37.19 / (23.5 / np.arange(1, 2049)).sum())
    found = [
        frechet_excess(long_tailed(100, s), long_tailed(100, 50 + s, shift=shift)) for s in range(8)
    ]
    assert np.mean([one.fd_floor for one in found]) > 150.0
    assert np.mean([one.fd_excess for one in found]) == pytest.approx(37.19, rel=0.1)
    assert sum(one.ci_low <= 37.19 <= one.ci_high for one in found) >= 7


@pytest.mark.parametrize("scale", [0.9, 1.1])
def test_excess_of_a_less_or_more_varied_generator_is_small_and_not_that_of_a_better_one(scale):
    truth = 0.01 * (23.5 / np.arange(1, 2049)).sum()
    found = [
        frechet_excess(long_tailed(100, s), long_tailed(100, 50 + s, scale)).fd_excess
        for s in range(6)
    ]
    # with a floor of the real works alone they would read 17 below and 22 above 0
    assert truth < 2.0
    assert abs(np.mean(found)) < 6.0


def test_interval_of_the_excess_covers_no_difference_and_a_real_difference():
    truth = 0.25 * np.sum(1.0 / np.arange(1, 129))
    null = [frechet_excess(decaying(40, s), decaying(40, 50 + s)) for s in range(10)]
    apart = [frechet_excess(decaying(40, s), decaying(40, 50 + s, 0.5)) for s in range(10)]
    assert sum(r.ci_low <= 0.0 <= r.ci_high for r in null) >= 8
    assert sum(r.ci_low <= truth <= r.ci_high for r in apart) >= 8


def test_interval_of_the_excess_shrinks_with_more_works_and_excludes_zero_when_far():
    few = frechet_excess(decaying(24, 0), decaying(24, 1, shift=1.0))
    many = frechet_excess(decaying(160, 0), decaying(160, 1, shift=1.0))
    assert many.ci_high - many.ci_low < few.ci_high - few.ci_low
    assert many.ci_low > 0.0


def test_excess_states_its_samples_and_repeats_with_its_seed():
    x, y = decaying(41, 0), decaying(15, 1)
    result = frechet_excess(x, y, seed=3)
    assert (result.n_real, result.n_generated, result.n_matched) == (41, 15, 7)
    assert result.fd_excess == result.fd - result.fd_floor
    assert result.ci_low < result.fd_excess < result.ci_high
    assert frechet_excess(x, y, seed=3) == result
    assert frechet_excess(x, y, seed=4) != result


def test_excess_of_too_few_works_is_refused():
    with pytest.raises(InvalidInputError, match="at least 8 real"):
        frechet_excess(decaying(7, 0), decaying(20, 1))
    with pytest.raises(InvalidInputError, match="8 generated"):
        frechet_excess(decaying(20, 0), decaying(7, 1))
