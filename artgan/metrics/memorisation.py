"""Does a generator copy its training works? Three measures, none of which replaces looking."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import arrays_to_batch
from artgan.metrics.gram import Gram, check_features, itself
from artgan.metrics.preprocess import to_square

# distances below this share of the works' typical one are two files of the same work
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

    Searched by a network and by `pixel_features`, a ratio under 0.5 in either caught four of four
    planted copies and none of 27 honest pictures; a blend of two works is not caught. Run the same
    on held-out real works for the baseline.

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
    gram = Gram.of(
        generated=generated_features,
        training=training_features,
        mirrored=mirrored_training_features,
    )
    return nearest_works_in(gram, "generated", "training", "mirrored")


def pixel_features(pictures: Sequence[np.ndarray], side_px: int = 32) -> np.ndarray:
    """Scale pictures to small squares and take their pixels as features.

    A network may not see that only the light changed; pixels hardly see texture. A copy is near
    in one of the two.

    Args:
        pictures: N pictures (H, W, 3) uint8, of any size.
        side_px: Side of the squares.

    Returns:
        (N, 3 side_px^2) float64 in [0, 1].

    Raises:
        InvalidInputError: One is no picture.
    """
    squares = [to_square(arrays_to_batch([picture]), side_px) for picture in pictures]
    return torch.cat(squares).flatten(1).double().numpy()


def nearer(first: NearestWorks, second: NearestWorks) -> NearestWorks:
    """Take for each picture the work that either of two searches found at the lower ratio."""
    chosen = first.ratio <= second.ratio
    return NearestWorks(
        np.where(chosen, first.index, second.index),
        np.minimum(first.ratio, second.ratio),
        np.where(chosen, first.flipped, second.flipped),
    )


def nearest_works_in(gram: Gram, generated: str, training: str, mirrored: str) -> NearestWorks:
    """Give the `nearest_works` of three sets of a Gram."""
    size = gram.size(generated)
    index, flipped = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.bool_)
    distance = np.empty(size)
    pairs = zip(
        gram.distances(generated, training), gram.distances(generated, mirrored), strict=True
    )
    for (where, direct), (_, turned) in pairs:
        either = np.minimum(direct, turned)
        rows, found = np.arange(len(either)), either.argmin(axis=1)
        index[where], distance[where] = found, either[rows, found]
        flipped[where] = turned[rows, found] < direct[rows, found]
    ratio = distance / _distance_to_next_work(gram, training)[index]
    return NearestWorks(index, ratio, flipped)


def _distance_to_next_work(gram: Gram, works: str) -> np.ndarray:
    """Distance of each work to its nearest other; a second file of the same work is no other."""
    same = _SAME_WORK * gram.spread(works)
    nearest = np.empty(gram.size(works))
    for where, distances in gram.distances(works, works):
        distances[distances <= same] = np.inf
        distances[itself(where, distances)] = np.inf
        nearest[where] = distances.min(axis=1)
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
    gram = Gram.of(generated=generated, train=train, held_out=held_out)
    return copy_ratio_in(gram, "generated", "train", "held_out")


def copy_ratio_in(gram: Gram, generated: str, train: str, held_out: str) -> float:
    """Give the `copy_ratio` of three sets of a Gram, at least 2 works held out."""
    return _quotient(
        _nearest(gram, generated, train),
        _nearest(gram, held_out, held_out),
        _nearest(gram, generated, held_out),
        _nearest(gram, held_out, train),
    )


def _nearest(gram: Gram, first: str, second: str) -> np.ndarray:
    """Distance of each picture of the first set to its nearest in the second, itself left out."""
    nearest = np.empty(gram.size(first))
    for where, distances in gram.distances(first, second):
        if first == second:
            distances[itself(where, distances)] = np.inf
        nearest[where] = distances.min(axis=1)
    return nearest


def _quotient(
    to_train: np.ndarray, among: np.ndarray, to_held_out: np.ndarray, held_out_to_train: np.ndarray
) -> float:
    """The copy ratio from nearest distances: of the generated, of the held-out, and so again."""
    base = float(np.median(to_held_out) * np.median(held_out_to_train))
    if base == 0.0:
        raise InvalidInputError(
            "held_out must hold works that were not trained on and not generated, got copies. "
            "Split by duplicate group."
        )
    return float(np.median(to_train) * np.median(among)) / base


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
    check_features(held_out, train, minimum=1)
    check_features(held_out, held_out, minimum=4)
    gram = Gram.of(train=train, held_out=held_out)
    to_train = _nearest(gram, "held_out", "train")
    among = np.concatenate([strip for _, strip in gram.distances("held_out", "held_out")])
    np.fill_diagonal(among, np.inf)
    rng = np.random.default_rng(seed)
    ratios = []
    for _ in range(_HALVINGS):
        first, second = np.array_split(rng.permutation(len(held_out)), [len(held_out) // 2])
        ratios.append(
            _quotient(
                to_train[first],
                among[np.ix_(second, second)].min(axis=1),
                among[np.ix_(first, second)].min(axis=1),
                to_train[second],
            )
        )
    return float(np.quantile(ratios, _QUANTILE))
