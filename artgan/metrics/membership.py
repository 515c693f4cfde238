"""Can somebody tell the works that a model learned from? What an attacker's scores are worth.

An attacker gives each work a score, the higher the likelier a member. Works that were learned from
and works that were not come from the same collection by a hash, so that nothing but the training
tells them apart. A good average says little: a few works that are told for sure are a leak, too,
which is what the share at one false alarm in a hundred is for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from artgan.errors import InvalidInputError
from artgan.metrics.gram import Gram
from artgan.metrics.intervals import (
    Interval,
    area_interval,
    area_under_curve,
    difference_interval,
    exact_interval,
)

MOST_ADVANTAGE = 0.1
"""What an attacker who has samples alone may gain before a model is refused."""
FEWEST_A_SIDE = 4
FALSE_ALARMS = 0.01
_HALVINGS = 100
_TINY = 1e-12


@dataclass(frozen=True)
class Leak:
    """What scores betray, each with its 95 % interval.

    Attributes:
        auc: Chance that a member has the higher score of the two; 0.5 is guessing.
        auc_interval: Newcombe 2006.
        advantage: Members found minus others accused, in [-1, 1], with a threshold that was
            chosen on other works; 0 is guessing.
        advantage_interval: Newcombe 1998.
        tpr: Share of the members above all but one in a hundred of the others.
        tpr_interval: Clopper and Pearson 1934.
        n_members: Works that were learned from.
        n_others: Works that were not; under 100, no false alarm at all is allowed for ``tpr``.
    """

    auc: float
    auc_interval: Interval
    advantage: float
    advantage_interval: Interval
    tpr: float
    tpr_interval: Interval
    n_members: int
    n_others: int

    @property
    def is_too_much(self) -> bool:
        """Whether the advantage is over the limit, and chance does not explain it."""
        return self.advantage > MOST_ADVANTAGE and self.advantage_interval[0] > 0.0


def membership(members: np.ndarray, others: np.ndarray, seed: int = 0) -> Leak:
    """Measure how well scores tell members from others.

    The advantage is that of an attacker who learned the threshold elsewhere: it is chosen on
    halves of both sides and used on the other halves, a hundred times. The threshold that is best
    in hindsight would gain 0.05 to 0.3 of nothing at the sizes of collections. Intervals take
    scores for independent.

    Args:
        members: (M,) scores of works that were learned from, M at least 4.
        others: (N,) scores of works that were not, N at least 4.
        seed: Of the halvings.

    Raises:
        InvalidInputError: There are too few scores, or one is not finite.

    References:
        Yeom et al. 2018, arXiv:1709.01604 (advantage); Carlini et al. 2022, arXiv:2112.03570
        (share at few false alarms).
    """
    members, others = (np.asarray(side, np.float64).ravel() for side in (members, others))
    if min(len(members), len(others)) < FEWEST_A_SIDE:
        raise InvalidInputError(
            f"scores must be of at least {FEWEST_A_SIDE} works a side, got {len(members)} and "
            f"{len(others)}. Add works."
        )
    if not (np.isfinite(members).all() and np.isfinite(others).all()):
        raise InvalidInputError(
            "scores must be finite, got NaN or infinity. Look for broken pictures."
        )
    sizes = len(members), len(others)
    auc = area_under_curve(members, others)
    found, accused = _shares(members, others, seed)
    threshold = np.sort(others)[-1 - int(FALSE_ALARMS * len(others))]
    told = int(np.sum(members > threshold))
    return Leak(
        auc,
        area_interval(auc, *sizes),
        found - accused,
        difference_interval(found, accused, *sizes),
        told / len(members),
        exact_interval(told, len(members)),
        *sizes,
    )


@dataclass(frozen=True)
class Space:
    """Features of one kind.

    Attributes:
        members: (V, M, D) of V views of each work that was learned from, the middle one central.
        others: (V, N, D) of V views of each work that was not.
        generated: (K, D) of samples.
    """

    members: np.ndarray
    others: np.ndarray
    generated: np.ndarray


def sample_scores(spaces: Sequence[Space]) -> tuple[np.ndarray, np.ndarray]:
    """Score works by how near the nearest sample comes, for one who has nothing but samples.

    The distance of a work to its nearest sample, in the view that comes nearest, over that to the
    nearest of the works that were not learned from: a work that is like no other is far from all
    samples as well, which alone says nothing. Of several kinds of features the lowest quotient
    counts, since a copy is near in one of them. Differs from the paper: it calibrates by a second
    model, trained on other works, of which a collection has none to spare.

    Args:
        spaces: The same works in the same order in each.

    Returns:
        Scores (M,) of the members and (N,) of the others; minus the logarithm of the quotient.

    Raises:
        InvalidInputError: The shapes do not fit, or a value is not finite.

    References:
        Chen et al. 2020, "GAN-Leaks", section 5.1 and 5.5, https://arxiv.org/abs/1909.03935
    """
    quotients = [_quotients(space) for space in spaces]
    members, others = (np.min(side, axis=0) for side in zip(*quotients, strict=True))
    return -members, -others


def _quotients(space: Space) -> tuple[np.ndarray, np.ndarray]:
    views, n = space.others.shape[:2]
    gram = Gram.of(
        members=space.members.reshape(-1, space.members.shape[2]),
        others=space.others.reshape(-1, space.others.shape[2]),
        generated=space.generated,
    )
    gram = gram.with_part("reference", "others", np.arange(n) + n * (views // 2))
    found = []
    for side, works in (("members", space.members.shape[1]), ("others", n)):
        # each work goes without one reference, the others without themselves, so that neither
        # side has more to be near to
        without = np.tile(np.arange(works) % n, views)
        to_samples = _nearest(gram, side, "generated").reshape(views, works).min(axis=0)
        to_works = _nearest(gram, side, "reference", without).reshape(views, works).min(axis=0)
        found.append(np.log(np.maximum(to_samples, _TINY) / np.maximum(to_works, _TINY)))
    return found[0], found[1]


def _nearest(gram: Gram, first: str, second: str, without: np.ndarray | None = None) -> np.ndarray:
    nearest = np.empty(gram.size(first))
    for where, distances in gram.distances(first, second):
        if without is not None:
            distances[np.arange(len(distances)), without[where]] = np.inf
        nearest[where] = distances.min(axis=1)
    return nearest


def _shares(members: np.ndarray, others: np.ndarray, seed: int) -> tuple[float, float]:
    """Members found and others accused with thresholds that were chosen on other works."""
    rng = np.random.default_rng(seed)
    shares = []
    for _ in range(_HALVINGS):
        halves = [np.array_split(rng.permutation(side), 2) for side in (members, others)]
        for here, there in ((0, 1), (1, 0)):
            threshold = _best_threshold(halves[0][here], halves[1][here])
            shares.append([np.mean(side[there] > threshold) for side in halves])
    found, accused = np.mean(shares, axis=0)
    return float(found), float(accused)


def _best_threshold(members: np.ndarray, others: np.ndarray) -> float:
    """The threshold above which members are found most and others accused least."""
    values = np.unique(np.concatenate([members, others]))
    found = 1 - np.searchsorted(np.sort(members), values, side="right") / len(members)
    accused = 1 - np.searchsorted(np.sort(others), values, side="right") / len(others)
    best = int(np.argmax(found - accused))
    # half way to the next value, since the works to come lie between those that were seen
    return float(values[best : best + 2].mean())
