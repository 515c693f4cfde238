import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from artgan.errors import CorruptAssetError
from artgan.training.loop import (
    Trainee,
    apply_gradients,
    scale_learning_rate,
    step_seed,
    train,
    warmup_cosine,
)


class Shelf:
    """Keeps the last state, as object storage would."""

    def __init__(self):
        self.state = None
        self.saved = 0

    def load(self):
        return self.state

    def save(self, state):
        self.state, self.saved = state, self.saved + 1


class KilledError(Exception):
    pass


def line_fit(*, killed_at=None, broken_at=(), rate=0.05):
    """Fit a line to noisy points drawn anew in each step."""
    torch.manual_seed(0)
    line = nn.Linear(1, 1)
    optimizer = torch.optim.Adam(line.parameters(), rate)
    rates = []

    def step(number):
        if number == killed_at:
            raise KilledError
        x = torch.rand(8, 1)
        y = 3.0 * x - 1.0 + 0.1 * torch.randn(8, 1)
        error = (line(x) - y).square().mean()
        if number in broken_at:
            error = error * torch.nan
        scale_learning_rate(optimizer, warmup_cosine(number, 100))
        rates.append(optimizer.param_groups[0]["lr"])
        apply_gradients(error, optimizer, line.parameters())
        return {"error": float(error.detach())}

    def validate():
        return {"slope": float(line.weight.detach())}

    trainee = Trainee(
        networks={"line": line},
        optimizers={"line": optimizer},
        step=step,
        validate=validate,
        grid=lambda: np.zeros((1, 1, 3), np.uint8),
        publish=("line",),
    )
    return trainee, line, rates


def run(trainee, steps=100, shelf=None, seen=None, **options):
    shelf = shelf or Shelf()
    observe = (lambda _: None) if seen is None else seen.append
    options = {"validate_at": (0, 50, 100), "checkpoint_every_s": 0.0} | options
    return train(
        trainee, steps, 7, load_state=shelf.load, save_state=shelf.save, observe=observe, **options
    )


def test_it_learns_and_validates_where_asked():
    trainee, line, _ = line_fit()
    history = run(trainee, steps=100)
    assert [record["step"] for record in history] == [0, 50, 100]
    assert abs(float(line.weight.detach()) - 3.0) < abs(history[0]["slope"] - 3.0)


def test_a_killed_and_resumed_training_is_the_same_bit_for_bit():
    whole, line, _ = line_fit()
    history = run(whole)
    shelf = Shelf()
    first, _, _ = line_fit(killed_at=61)
    with pytest.raises(KilledError):
        run(first, shelf=shelf)
    second, resumed, _ = line_fit()
    assert run(second, shelf=shelf) == history
    for name, weights in line.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], weights)


def test_states_are_kept_at_the_start_and_at_the_end_whatever_the_interval():
    shelf = Shelf()
    trainee, _, _ = line_fit()
    run(trainee, shelf=shelf, checkpoint_every_s=1e9)
    assert shelf.saved == 2


def test_a_finished_training_is_not_done_again():
    shelf = Shelf()
    trainee, line, _ = line_fit()
    history = run(trainee, shelf=shelf)
    again, loaded, rates = line_fit()
    assert run(again, shelf=shelf) == history
    assert rates == []
    assert torch.equal(loaded.weight, line.weight)


def test_a_single_bad_step_changes_nothing():
    trainee, line, _ = line_fit(broken_at=(0,))
    before = line.weight.detach().clone()
    run(trainee, steps=1)
    assert torch.equal(line.weight, before)


def test_three_bad_steps_in_a_row_go_back_once_with_half_the_rate(monkeypatch):
    broken = {20, 21, 22}
    trainee, line, rates = line_fit(broken_at=broken)
    shelf = Shelf()
    load = shelf.load

    def load_and_mend():
        if shelf.saved > 1:
            broken.clear()
        return load()

    monkeypatch.setattr(shelf, "load", load_and_mend)
    run(trainee, shelf=shelf)
    full, halved = rates[20], rates[23]
    assert halved == pytest.approx(full / 2)
    assert math.isfinite(float(line.weight.detach()))


def test_bad_steps_at_half_the_rate_end_the_training_with_a_sentence():
    trainee, _, _ = line_fit(broken_at=range(20, 100))
    with pytest.raises(CorruptAssetError, match="losses must be finite"):
        run(trainee)


def test_the_halved_rate_survives_a_resume():
    broken = [5, 6, 7]
    shelf = Shelf()
    trainee, _, _ = line_fit(broken_at=broken, killed_at=30)
    shelf_load = shelf.load

    def load():
        broken.clear() if shelf.saved > 1 else None
        return shelf_load()

    shelf.load = load
    with pytest.raises(KilledError):
        run(trainee, shelf=shelf)
    resumed, _, rates = line_fit()
    run(resumed, shelf=shelf)
    assert rates[0] == pytest.approx(0.5 * 0.05 * warmup_cosine(30, 100))


def test_progress_tells_steps_losses_and_measures():
    seen = []
    trainee, _, _ = line_fit()
    run(trainee, seen=seen)
    assert (seen[-1].step, seen[-1].steps, seen[-1].left_s) == (100, 100, 0.0)
    assert seen[-1].steps_per_s > 0
    assert set(seen[-1].losses) == {"error"}
    assert set(seen[-1].measures) == {"slope"}


def test_each_seed_and_step_has_its_own_seed():
    seeds = {step_seed(seed, step) for seed in range(20) for step in range(500)}
    assert len(seeds) == 10_000
    assert step_seed(3, 4) == step_seed(3, 4)
    assert max(seeds) < 2**63


def test_the_learning_rate_rises_then_falls_to_a_twentieth():
    factors = [warmup_cosine(step, 1000) for step in range(1000)]
    assert factors[0] == pytest.approx(1 / 50)
    assert max(factors) == max(factors[45:60])
    assert factors[-1] == pytest.approx(0.05, abs=1e-4)
    assert all(a >= b for a, b in pairwise(factors[50:]))
