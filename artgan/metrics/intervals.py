"""Shares and ranks with their 95 % intervals, which have a width at 0 and 1 as well."""

from collections.abc import Callable

import numpy as np
from scipy.special import betaincinv

Interval = tuple[float, float]
_Z = 1.959964


def area_under_curve(first: np.ndarray, second: np.ndarray) -> float:
    """Return the share of the pairs in which the first has the higher score; ties count half."""
    ordered = np.sort(second)
    below = np.searchsorted(ordered, first) + np.searchsorted(ordered, first, side="right")
    return float(below.sum() / (2 * len(first) * len(second)))


def area_interval(area: float, m: int, n: int) -> Interval:
    """Return where the true area may lie that m and n scores gave.

    References:
        Newcombe 2006, "Confidence intervals for an effect size measure based on the Mann-Whitney
        statistic, part 2", Statistics in Medicine 25, 559-573, method 5
    """
    rest = (m + n) / 2 - 1

    def is_likely(true: float) -> bool:
        spread = 1 + rest * (1 - true) / (2 - true) + rest * true / (1 + true)
        return (true - area) ** 2 <= _Z**2 * true * (1 - true) * spread / (m * n)

    return _edge(is_likely, area, 0.0), _edge(is_likely, area, 1.0)


def _edge(is_likely: Callable[[float], bool], inside: float, outside: float) -> float:
    """The border between a value that is likely and one that is not, by halving."""
    for _ in range(50):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if is_likely(middle) else (inside, middle)
    return inside


def wilson(share: float, n: int) -> Interval:
    """Return where a true share may lie that n trials gave (Wilson 1927)."""
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n)) / (1 + _Z**2 / n)
    return float(middle - half), float(middle + half)


def difference_interval(first: float, second: float, m: int, n: int) -> Interval:
    """Return where the difference of two true shares may lie that m and n trials gave.

    References:
        Newcombe 1998, "Interval estimation for the difference between independent proportions",
        Statistics in Medicine 17, 873-890, method 10
    """
    (low, high), (least, most) = wilson(first, m), wilson(second, n)
    below = float(np.hypot(first - low, most - second))
    above = float(np.hypot(high - first, second - least))
    return first - second - below, first - second + above


def exact_interval(count: int, n: int) -> Interval:
    """Return where a true share may lie that counted so many of n (Clopper and Pearson 1934)."""
    low = 0.0 if count == 0 else float(betaincinv(count, n - count + 1, 0.025))
    high = 1.0 if count == n else float(betaincinv(count + 1, n - count, 0.975))
    return low, high
