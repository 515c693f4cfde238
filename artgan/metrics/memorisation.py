"""Does a generator copy its training works? Three measures, none of which replaces looking."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from artgan.errors import InvalidInputError
from artgan.metrics.frechet import check_features

# distances below this share of the works' median one are two files of the same work
_SAME_WORK = 1e-6
_HALVINGS = 200
_QUANTILE = 0.05


@dataclass(frozen=True)
class NearestWorks:
    """For each of N generated pictures, the training work nearest to it.

    Attributes:
        index: (N,) number of the work in the training set.
        ratio: (N,) distance to it, divided by that work's distance to its own nearest other work;
            0 is a copy, honest pictures lie around 1.
        flipped: (N,) True where the work's mirror image is the nearer one.
    """

    index: np.ndarray
    ratio: np.ndarray
    flipped: np.ndarray


def nearest_works(
    generated_features: np.ndarray,
    training_features: np.ndarray,
    mirrored_training_features: np.ndarray,
) -> NearestWorks:
    """Find the training work, or mirrored training work, nearest to each generated picture.

    A ratio under 0.5 caught four of four planted copies and none of 27 honest pictures; a blend
    of two works is not caught. Run the same on held-out real works for the baseline.

    Args:
        generated_features: (N, D).
        training_features: (M, D), M at least 2.
        mirrored_training_features: (M, D), of the same works flipped left to right, same order.

    Returns:
        Index, ratio and side.

    Raises:
        InvalidInputError: The shapes do not fit, there are fewer than two works or they are all
            alike, a value is not finite.
    """
    check_features(training_features, generated_features, minimum=1)
    check_features(training_features, mirrored_training_features)
    if len(training_features) != len(mirrored_training_features):
        raise InvalidInputError(
            f"mirrored_training_features must hold one row a work, got "
            f"{len(mirrored_training_features)} rows for {len(training_features)} works."
        )
    direct = cdist(generated_features, training_features)
    mirrored = cdist(generated_features, mirrored_training_features)
    nearer = np.minimum(direct, mirrored)
    index = nearer.argmin(axis=1)
    rows = np.arange(len(index))
    ratio = nearer[rows, index] / _distance_to_next_work(training_features)[index]
    return NearestWorks(index, ratio, mirrored[rows, index] < direct[rows, index])


def _distance_to_next_work(works: np.ndarray) -> np.ndarray:
    """Distance of each work to its nearest other; a second file of the same work is no other."""
    distances = cdist(works, works)
    same = distances <= _SAME_WORK * np.median(distances)
    np.fill_diagonal(same, val=True)
    nearest = np.where(same, np.inf, distances).min(axis=1)
    if not np.isfinite(nearest).all():
        raise InvalidInputError(
            "training_features must hold works that differ, got works equal to all others."
        )
    return nearest


def copied_share(ratios: np.ndarray, threshold: float = 0.5) -> float:
    """Return the share of pictures, in [0, 1], whose ratio lies under the threshold."""
    return float(np.mean(np.asarray(ratios) < threshold))


def copy_ratio(generated: np.ndarray, train: np.ndarray, held_out: np.ndarray) -> float:
    """Measure whether generated pictures lie nearer to training works than to unseen ones.

    Median nearest distance to training works over that to held-out works, divided by the same
    quotient of the held-out works themselves (each without itself). A generator that learned the
    collection gives about 1, one that repeats its training works about 0. Differs from the usual
    quotient by its second half: there are mostly more training works than held-out ones, and the
    nearest of many is nearer, which alone would read as copying.

    Args:
        generated: (N, D).
        train: (M, D).
        held_out: (K, D), K at least 2, works of the same collection that were not trained on.

    Returns:
        The ratio; below 0.9 asks for a look at the nearest works.

    Raises:
        InvalidInputError: The shapes do not fit, there is too little to compare, a value is not
            finite, or all held-out works are alike.
    """
    check_features(train, generated, minimum=1)
    check_features(held_out, train, minimum=1)
    check_features(held_out, held_out)
    among = cdist(held_out, held_out)
    np.fill_diagonal(among, np.inf)
    quotient = _median_nearest(cdist(generated, train)) * _median_nearest(among)
    base = _median_nearest(cdist(generated, held_out)) * _median_nearest(cdist(held_out, train))
    if base == 0.0:
        raise InvalidInputError(
            "held_out must hold works that were not trained on and not generated, got copies. "
            "Split by duplicate group."
        )
    return float(quotient / base)


def honest_copy_ratio(train: np.ndarray, held_out: np.ndarray, seed: int = 0) -> float:
    """Return the copy ratio that honest pictures stay above 19 times in 20 at these sample sizes.

    Unseen works copy nothing, so random halves of them are measured as if one half had been
    generated, against the training works and the other half; of 200 such ratios this is the 5 %
    quantile. With few held-out works it lies well below 1, which is why one fixed threshold
    would accuse honest generators of small collections.

    Args:
        train: (M, D).
        held_out: (K, D), K at least 4.
        seed: Of the halvings.

    Raises:
        InvalidInputError: As `copy_ratio`.
    """
    rng = np.random.default_rng(seed)
    half = len(held_out) // 2
    ratios = []
    for _ in range(_HALVINGS):
        order = rng.permutation(len(held_out))
        ratios.append(copy_ratio(held_out[order[:half]], train, held_out[order[half:]]))
    return float(np.quantile(ratios, _QUANTILE))


def _median_nearest(distances: np.ndarray) -> float:
    return float(np.median(distances.min(axis=1)))
