"""How varied generated pictures are, and how much of the real set they reach."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist, pdist

from artgan.errors import InvalidInputError
from artgan.metrics.frechet import check_features


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
    spread = float(pdist(real).mean())
    if spread == 0.0:
        raise InvalidInputError("real must hold works that differ, got equal features. Add works.")
    return float(pdist(generated).mean()) / spread


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
    if not 1 <= k < len(real):
        raise InvalidInputError(
            f"k must be from 1 to below the number of real works, got {k} with {len(real)}."
        )
    # column 0 of the sorted distances is the work itself
    radius = np.partition(cdist(real, real), k, axis=1)[:, k]
    inside = cdist(real, generated) < radius[:, None]  # (N, M)
    return DensityCoverage(
        density=float(inside.sum(axis=0).mean() / k),
        coverage=float(inside.any(axis=1).mean()),
    )
