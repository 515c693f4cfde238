"""Kernel distance (KID) between two sets of features, with an interval."""

from dataclasses import dataclass

import numpy as np

from artgan.metrics.gram import Gram, check_features, itself

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
    return _distance_in(Gram.of(real=real, generated=generated), "real", "generated")


def kid_x1000(real: np.ndarray, generated: np.ndarray) -> Estimate:
    """Give the kernel distance times 1000, the unit of the ``kid_x1000`` row.

    Arguments and errors are those of `kernel_distance`.
    """
    return _times_1000(kernel_distance(real, generated))


def kid_x1000_in(gram: Gram, real: str, generated: str) -> Estimate:
    """Give the kernel distance times 1000 of two sets, at least 3 pictures each, of a Gram."""
    return _times_1000(_distance_in(gram, real, generated))


def _times_1000(plain: Estimate) -> Estimate:
    """Change the unit; the only place that multiplies."""
    return Estimate(plain.value * KID_SCALE, plain.ci_low * KID_SCALE, plain.ci_high * KID_SCALE)


def _distance_in(gram: Gram, real: str, generated: str) -> Estimate:
    n, m = gram.size(real), gram.size(generated)
    real_rows, generated_rows = _own_sums(gram, real), _own_sums(gram, generated)
    real_total, generated_total = float(real_rows.sum()), float(generated_rows.sum())
    by_real, by_generated = _cross_sums(gram, real, generated)
    total = float(by_real.sum())
    value = _discrepancy(real_total, n, generated_total, m, total)
    without_real = _discrepancy(
        real_total - 2.0 * real_rows, n - 1, generated_total, m, total - by_real
    )
    without_generated = _discrepancy(
        real_total, n, generated_total - 2.0 * generated_rows, m - 1, total - by_generated
    )
    error = np.hypot(_jackknife_error(without_real), _jackknife_error(without_generated))
    return Estimate(float(value), float(value - _Z95 * error), float(value + _Z95 * error))


def _kernel(products: np.ndarray, dimension: int) -> np.ndarray:
    return (products / dimension + 1.0) ** 3


def _own_sums(gram: Gram, name: str) -> np.ndarray:
    """Row sums of a set's kernel without its diagonal."""
    rows = np.empty(gram.size(name))
    for where, products in gram.inner(name, name):
        kernel = _kernel(products, gram.dimension)
        kernel[itself(where, kernel)] = 0.0
        rows[where] = kernel.sum(axis=1)
    return rows


def _cross_sums(gram: Gram, first: str, second: str) -> tuple[np.ndarray, np.ndarray]:
    """Sums of the kernel between two sets, for each picture of the first and of the second."""
    rows, columns = np.empty(gram.size(first)), np.zeros(gram.size(second))
    for where, products in gram.inner(first, second):
        kernel = _kernel(products, gram.dimension)
        rows[where] = kernel.sum(axis=1)
        columns += kernel.sum(axis=0)
    return rows, columns


def _discrepancy(own_1: _Sum, n: int, own_2: _Sum, m: int, cross: _Sum) -> np.ndarray:
    """Unbiased squared discrepancy from kernel sums; arrays give one value for each entry."""
    return np.asarray(own_1 / (n * (n - 1)) + own_2 / (m * (m - 1)) - 2.0 * cross / (n * m))


def _jackknife_error(without_one: np.ndarray) -> float:
    n = len(without_one)
    return float(np.sqrt((n - 1) * np.var(without_one)))
