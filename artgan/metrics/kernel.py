"""Kernel distance (KID) between two sets of features, with an interval."""

from dataclasses import dataclass

import numpy as np

from artgan.metrics.frechet import check_features

KID_SCALE = 1000.0
_Z95 = 1.959964
_Sum = float | np.ndarray


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval.

    Attributes:
        value: The estimate.
        ci_low: Lower end.
        ci_high: Upper end.
    """

    value: float
    ci_low: float
    ci_high: float


def kernel_distance(real: np.ndarray, generated: np.ndarray) -> Estimate:
    """Measure how far two sets of features are apart; 0 is alike, lower is better.

    The unbiased estimate of the squared maximum mean discrepancy with the kernel
    (x.y / D + 1)^3 over all pictures at once. Unbiased means that sets which cannot be told apart
    scatter around 0, so half of them read below it. The interval is a delete-one jackknife over
    both sides. Differs from the paper: one estimate over all pictures, not a mean over random
    subsets, whose spread measures the subset size and not the error.

    Args:
        real: (N, D), N at least 3.
        generated: (M, D), M at least 3.

    Returns:
        The plain value; `kid_x1000` gives what tables show.

    Raises:
        InvalidInputError: The shapes do not fit, a side has fewer than 3, a value is not finite.

    References:
        Binkowski et al. 2018, "Demystifying MMD GANs", section 4 and appendix D,
        https://arxiv.org/abs/1801.01401
    """
    check_features(real, generated, minimum=3)
    real, generated = (np.asarray(side, dtype=np.float64) for side in (real, generated))
    real_rows, real_total = _own_sums(real)
    generated_rows, generated_total = _own_sums(generated)
    cross = _kernel(real, generated)
    total = float(cross.sum())
    value = _discrepancy(real_total, len(real), generated_total, len(generated), total)
    without_real = _discrepancy(
        real_total - 2.0 * real_rows,
        len(real) - 1,
        generated_total,
        len(generated),
        total - cross.sum(axis=1),
    )
    without_generated = _discrepancy(
        real_total,
        len(real),
        generated_total - 2.0 * generated_rows,
        len(generated) - 1,
        total - cross.sum(axis=0),
    )
    error = np.hypot(_jackknife_error(without_real), _jackknife_error(without_generated))
    return Estimate(float(value), float(value - _Z95 * error), float(value + _Z95 * error))


def kid_x1000(real: np.ndarray, generated: np.ndarray) -> Estimate:
    """Give the kernel distance times 1000, the unit of the ``kid_x1000`` row.

    This is the only place that multiplies. Arguments and errors are those of `kernel_distance`.
    """
    plain = kernel_distance(real, generated)
    return Estimate(plain.value * KID_SCALE, plain.ci_low * KID_SCALE, plain.ci_high * KID_SCALE)


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1.0) ** 3


def _own_sums(x: np.ndarray) -> tuple[np.ndarray, float]:
    """Sums of a set's kernel without its diagonal: for each row, and in all."""
    kernel = _kernel(x, x)
    np.fill_diagonal(kernel, 0.0)
    rows = kernel.sum(axis=1)
    return rows, float(rows.sum())


def _discrepancy(own_1: _Sum, n: int, own_2: _Sum, m: int, cross: _Sum) -> np.ndarray:
    """Unbiased squared discrepancy from kernel sums; arrays give one value for each entry."""
    return np.asarray(own_1 / (n * (n - 1)) + own_2 / (m * (m - 1)) - 2.0 * cross / (n * m))


def _jackknife_error(without_one: np.ndarray) -> float:
    n = len(without_one)
    return float(np.sqrt((n - 1) * np.var(without_one)))
