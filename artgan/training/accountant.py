"""How much a private training tells: the bound, and its words; read by reports, without torch."""

import math
from collections.abc import Mapping

import numpy as np
from scipy.special import gammaln

_ORDERS = range(2, 257)


def delta_for(works: int) -> float:
    """Return the chance that the bound fails: less than one in the number of works."""
    return float(works) ** -1.1


def epsilon(noise: float, rate: float, steps: int, delta: float) -> float:
    """Bound what a training tells of any one picture; under 1 is strong, over 10 is weak.

    An upper bound: only whole orders are tried, which costs a fiftieth below 20 and more than half
    where a bound says nothing any more.

    Args:
        noise: Standard deviation of the noise over the longest gradient of a work.
        rate: Chance of each work to enter a step.
        steps: Steps.
        delta: Chance that the bound fails.

    References:
        Mironov et al. 2019, "Renyi Differential Privacy of the Sampled Gaussian Mechanism",
        section 3.3, https://arxiv.org/abs/1908.10530; Balle et al. 2020, "Hypothesis Testing
        Interpretations and Renyi Differential Privacy", theorem 21,
        https://arxiv.org/abs/1905.09982 (from orders to epsilon)
    """
    return min(
        steps * _renyi(noise, rate, order)
        + math.log1p(-1 / order)
        - (math.log(delta) + math.log(order)) / (order - 1)
        for order in _ORDERS
    )


def _renyi(noise: float, rate: float, order: int) -> float:
    """The Renyi divergence of one step, at a whole order."""
    if rate >= 1:
        return order / (2 * noise**2)
    k = np.arange(order + 1)
    ways = gammaln(order + 1) - gammaln(k + 1) - gammaln(order - k + 1)
    chances = k * math.log(rate) + (order - k) * math.log1p(-rate)
    return float(np.logaddexp.reduce(ways + chances + (k * k - k) / (2 * noise**2))) / (order - 1)


def private_words(settings: Mapping[str, float], works: int, steps: int) -> str:
    """Say what a private training promises, in a sentence; empty if it was none.

    Args:
        settings: The model's preset.
        works: Works that it learned from.
        steps: Its steps.
    """
    noise = settings.get("privacy_noise", 0.0)
    if not noise or not works:
        return ""
    delta = delta_for(works)
    bound = epsilon(noise, min(1.0, settings["batch"] / works), steps, delta)
    strength = "strong" if bound <= 1 else "moderate" if bound <= 10 else "formally weak"
    return (
        f"Trained with differential privacy of single pictures: epsilon {bound:.1f} at delta "
        f"{delta:.1e}, which is {strength}. What was measured to decide on promotion is not "
        "covered."
    )
