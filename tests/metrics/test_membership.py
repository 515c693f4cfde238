import numpy as np
import pytest
from scipy.stats import binomtest, mannwhitneyu

from artgan.errors import InvalidInputError
from artgan.metrics.intervals import difference_interval
from artgan.metrics.membership import Leak, Space, membership, sample_scores


def normal(n, seed, shift=0.0):
    return np.random.default_rng(seed).normal(shift, 1, n)


def test_ranks_and_intervals_are_those_of_scipy_and_of_the_paper():
    members, others = np.round(normal(37, 0, 0.7), 1), np.round(normal(120, 1), 1)
    leak = membership(members, others)
    expected = mannwhitneyu(members, others).statistic / (37 * 120)
    assert leak.auc == pytest.approx(expected)
    told = round(leak.tpr * 37)
    assert told == np.sum(members > np.sort(others)[-2])  # one of 120 may be accused
    exact = binomtest(told, 37).proportion_ci(method="exact")
    assert leak.tpr_interval == pytest.approx((exact.low, exact.high))
    # Newcombe 1998, table II, example (a): 56 of 70 against 48 of 80
    assert difference_interval(56 / 70, 48 / 80, 70, 80) == pytest.approx(
        (0.0524, 0.3339), abs=1e-4
    )


def test_scores_that_tell_everything_give_ones_and_yet_an_interval():
    leak = membership(normal(12, 0, 50.0), normal(9, 1))
    assert (leak.auc, leak.advantage, leak.tpr) == (1.0, 1.0, 1.0)
    assert leak.is_too_much
    assert 0.6 < leak.auc_interval[0] < 0.95
    assert leak.tpr_interval[0] == pytest.approx(0.025 ** (1 / 12))
    assert 0.3 < leak.advantage_interval[0] < 0.9


def guesses(m=24, n=16) -> list[Leak]:
    return [membership(normal(m, seed), normal(n, 1000 + seed)) for seed in range(60)]


def test_guessing_gains_nothing_where_the_best_threshold_in_hindsight_would():
    found = guesses()
    assert abs(np.mean([leak.advantage for leak in found])) < 0.03
    hindsight = []
    for seed in range(60):
        members, others = normal(24, seed), normal(16, 1000 + seed)
        cuts = np.concatenate([members, others])
        gains = [np.mean(members > cut) - np.mean(others > cut) for cut in cuts]
        hindsight.append(max(gains))
    assert np.mean(hindsight) > 0.15
    assert sum(leak.is_too_much for leak in found) <= 3


def test_nineteen_intervals_in_twenty_hold_the_truth():
    truth = 0.7602  # of normal scores that lie one apart
    rows = [membership(normal(30, s, 1.0), normal(20, 500 + s)).auc_interval for s in range(60)]
    assert sum(low <= truth <= high for low, high in rows) >= 54
    assert sum(low <= 0.5 <= high for low, high in (leak.auc_interval for leak in guesses())) >= 54


def features(n, seed, views=1, d=6):
    return np.random.default_rng(seed).normal(size=(views, n, d))


def test_samples_near_to_works_tell_them_and_honest_samples_do_not():
    members, others = features(20, 0), features(14, 1)
    copies = np.concatenate([members[0] + 0.05, features(40, 2)[0]])
    assert membership(*sample_scores([Space(members, others, copies)])).tpr == 1.0
    # honest ones at the smallest sizes, where one reference more or less would be seen
    ranks = []
    for seed in range(80):
        parts = features(6, 3 * seed), features(5, 3 * seed + 1), features(30, 3 * seed + 2)[0]
        ranks.append(membership(*sample_scores([Space(*parts)])).auc)
    assert np.mean(ranks) == pytest.approx(0.5, abs=0.05)


def test_a_copy_is_seen_in_any_one_kind_of_features_and_in_any_view():
    members, others, honest = features(20, 0, 3), features(14, 1, 3), features(40, 2)[0]
    blind = Space(members, others, honest)
    off_centre = Space(members, others, np.concatenate([members[2] + 0.05, honest]))
    assert membership(*sample_scores([blind])).tpr < 0.5
    assert membership(*sample_scores([off_centre])).tpr == 1.0
    assert membership(*sample_scores([blind, off_centre])).tpr == 1.0


def test_too_few_works_or_broken_scores_are_refused():
    with pytest.raises(InvalidInputError, match="at least 4 works a side, got 3 and 9"):
        membership(normal(3, 0), normal(9, 0))
    with pytest.raises(InvalidInputError, match="finite"):
        membership(np.array([0.0, 1.0, np.nan, 2.0]), normal(9, 0))
