"""How varied generated pictures are, how much of the real set they reach, how typical they are."""

from dataclasses import dataclass

import numpy as np

from artgan.errors import InvalidInputError
from artgan.metrics.gram import Gram, check_features, itself


@dataclass(frozen=True)
class DensityCoverage:
    """Fidelity and reach of generated pictures among real works.

    Attributes:
        density: How many real neighbourhoods a generated picture lies in, over k; about 1 for
            pictures like the real ones, more for pictures crowded in the middle.
        coverage: Share of real works, in [0, 1], with a generated picture in their neighbourhood.
    """

    density: float
    coverage: float


@dataclass(frozen=True)
class PrecisionRecall:
    """Fidelity and reach by neighbourhoods of both sets.

    Attributes:
        precision: Share of generated pictures, in [0, 1], that lie in a real neighbourhood.
        recall: Share of real works, in [0, 1], that lie in a generated picture's neighbourhood.
    """

    precision: float
    recall: float


def diversity_ratio(generated: np.ndarray, real: np.ndarray) -> float:
    """Divide the mean distance between generated pictures by that between real works.

    Args:
        generated: (N, D), N at least 2.
        real: (M, D), M at least 2.

    Returns:
        About 1 for the variety of the real set, 0 for a generator stuck on one picture.

    Raises:
        InvalidInputError: The shapes do not fit, a side is too small, a value is not finite, or
            all real works are alike.
    """
    check_features(real, generated)
    return diversity_ratio_in(Gram.of(real=real, generated=generated), "generated", "real")


def diversity_ratio_in(gram: Gram, generated: str, real: str) -> float:
    """Give the `diversity_ratio` of two sets of a Gram."""
    spread = _mean_distance(gram, real)
    if spread == 0.0:
        raise InvalidInputError("real must hold works that differ, got equal features. Add works.")
    return _mean_distance(gram, generated) / spread


def _mean_distance(gram: Gram, name: str) -> float:
    total = 0.0
    for where, distances in gram.distances(name, name):
        distances[itself(where, distances)] = 0.0
        total += float(distances.sum())
    return total / (gram.size(name) * (gram.size(name) - 1))


def vendi_score(features: np.ndarray) -> float:
    """Count how many different pictures a set holds in effect.

    The exponential of the entropy of the eigenvalues of the matrix of cosines, divided by N. It
    grows with N: compare sets of one size. Features of one sign all point one way and read about
    1; take features from which the mean of the real set was subtracted.

    Args:
        features: (N, D), N at least 2.

    Returns:
        From 1, where all point one way, to N, where none has anything in common with another.

    Raises:
        InvalidInputError: There are too few, a value is not finite, or a picture's features are
            all 0, so that they have no direction.

    References:
        Friedman and Dieng 2023, "The Vendi Score: A Diversity Evaluation Metric for Machine
        Learning", definition 3.1, https://arxiv.org/abs/2210.02410
    """
    check_features(features, features)
    features = np.asarray(features, dtype=np.float64)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    if not (lengths > 0.0).all():
        raise InvalidInputError("features must not be all 0 for a picture, got such a picture.")
    directions = features / lengths
    n, d = directions.shape
    # both products have the same eigenvalues but for zeros; the smaller one is taken
    cosines = directions @ directions.T if n <= d else directions.T @ directions
    shares = np.linalg.eigvalsh(cosines / n)
    shares = shares[shares > 0.0]
    return float(np.exp(-np.sum(shares * np.log(shares))))


def density_coverage(real: np.ndarray, generated: np.ndarray, k: int = 5) -> DensityCoverage:
    """Count generated pictures in the neighbourhoods of real works.

    A work's neighbourhood is the ball that reaches to its k-th nearest other work. Both numbers
    depend on both sample sizes: compare at equal ones, and do not show them below 50 works.

    Args:
        real: (N, D), N above k.
        generated: (M, D).
        k: Neighbours that set a ball's radius.

    Returns:
        Density and coverage.

    Raises:
        InvalidInputError: The shapes do not fit, N is not above k, a value is not finite.

    References:
        Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics for Generative Models",
        eqs. 3 and 4, https://arxiv.org/abs/2002.09797
    """
    check_features(real, generated, minimum=1)
    return density_coverage_in(Gram.of(real=real, generated=generated), "real", "generated", k)


def density_coverage_in(gram: Gram, real: str, generated: str, k: int = 5) -> DensityCoverage:
    """Give the `density_coverage` of two sets of a Gram."""
    radius = _radii(gram, real, k)
    inside, reached = 0, np.empty(len(radius), dtype=np.bool_)
    for where, distances in gram.distances(real, generated):
        within = distances < radius[where, None]
        inside += int(within.sum())
        reached[where] = within.any(axis=1)
    density = inside / gram.size(generated) / k
    return DensityCoverage(density=float(density), coverage=float(reached.mean()))


def precision_recall(real: np.ndarray, generated: np.ndarray, k: int = 3) -> PrecisionRecall:
    """Count pictures of either set that lie in a neighbourhood of the other.

    A neighbourhood is the closed ball that reaches to the k-th nearest picture of its own set.
    Both saturate in small sets (24 visibly degraded pictures read 1 and 1): compare at equal
    sizes, beside density and coverage, and do not show them below 50 works.

    Args:
        real: (N, D), N above k.
        generated: (M, D), M above k.
        k: Neighbours that set a ball's radius.

    Returns:
        Precision and recall.

    Raises:
        InvalidInputError: The shapes do not fit, a side is not above k, a value is not finite.

    References:
        Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative
        Models", eqs. 1 and 2, https://arxiv.org/abs/1904.06991
    """
    check_features(real, generated, minimum=1)
    return precision_recall_in(Gram.of(real=real, generated=generated), "real", "generated", k)


def precision_recall_in(gram: Gram, real: str, generated: str, k: int = 3) -> PrecisionRecall:
    """Give the `precision_recall` of two sets of a Gram."""
    real_radius, generated_radius = _radii(gram, real, k), _radii(gram, generated, k)
    precise = np.zeros(len(generated_radius), dtype=np.bool_)
    recalled = np.empty(len(real_radius), dtype=np.bool_)
    for where, distances in gram.distances(real, generated):
        precise |= (distances <= real_radius[where, None]).any(axis=0)
        recalled[where] = (distances <= generated_radius).any(axis=1)
    return PrecisionRecall(float(precise.mean()), float(recalled.mean()))


def _radii(gram: Gram, name: str, k: int) -> np.ndarray:
    """Distance of each picture of a set to its k-th nearest other."""
    size = gram.size(name)
    if not 1 <= k < size:
        raise InvalidInputError(
            f"k must be from 1 to below the number of {name} pictures, got {k} with {size}."
        )
    radius = np.empty(size)
    for where, distances in gram.distances(name, name):
        distances[itself(where, distances)] = np.inf
        radius[where] = np.partition(distances, k - 1, axis=1)[:, k - 1]
    return radius
