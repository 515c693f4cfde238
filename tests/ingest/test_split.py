from collections import Counter

import pytest

from artgan.ingest.split import split_of

FROZEN = "train test train train train train val train val train train train"


def test_the_same_group_always_has_the_same_split():
    # Written down: a change here would mix what models trained on with what measures them.
    names = [f"group-{number}" for number in range(12)]
    assert [split_of(name) for name in names] == FROZEN.split()


def test_works_are_shared_out_as_60_20_20():
    counts = Counter(split_of(f"{number:064x}") for number in range(20_000))
    # Three standard deviations of a binomial count at 20 000 draws are below 0.011.
    assert counts["train"] / 20_000 == pytest.approx(0.6, abs=0.011)
    assert counts["val"] / 20_000 == pytest.approx(0.2, abs=0.009)
    assert counts["test"] / 20_000 == pytest.approx(0.2, abs=0.009)
