from dataclasses import replace

import numpy as np
import pytest
import torch

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.presets import RestorationPreset
from artgan.training import restoration
from artgan.training.restoration import Schedule, build

TINY = RestorationPreset(
    short_side_px=40,
    crop_px=32,
    widths=(4, 8),
    blocks=(1, 1),
    discriminator_width=4,
    batch=2,
    gan_fraction=0.5,
)


def works(count=3, seed=0):
    """Pictures with stripes of a random direction: something that a filler can learn."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:40, 0:56]
    pictures = []
    for _ in range(count):
        angle, colours = rng.uniform(0, np.pi), rng.uniform(30, 100, 3)
        wave = np.sin((rows * np.sin(angle) + columns * np.cos(angle)) / 2.5)[..., None]
        pictures.append(np.rint(127 + wave * colours).astype(np.uint8))
    return pictures


def test_a_resumed_training_is_the_same_bit_for_bit_in_both_stages(check_resumed, monkeypatch):
    monkeypatch.setattr(restoration, "VALIDATION_CROPS", 8)
    # stopped in the first stage, in the judge's warm-up and in the second
    check_resumed(lambda: build(works(), works(2, 1), TINY, 16, 0, None), 16, stops=[5, 9, 13])


def test_the_filler_starts_as_the_prefill_and_becomes_better(run):
    trainee = build(works(8), works(4, 1), replace(TINY, batch=4, gan_fraction=0.0), 150, 0, None)
    first, last = run(trainee, 150)
    assert first["hole_psnr_db"] == pytest.approx(first["prefill_db"])
    assert last["hole_psnr_db"] > first["hole_psnr_db"] + 0.25
    for peer in ("telea_db", "navier_stokes_db", "prefill_db"):
        assert last[peer] == first[peer]


def test_validation_leaves_weights_and_random_numbers_as_they_were():
    trainee = build(works(), works(2, 1), TINY, 16, 0, None)
    state = torch.random.get_rng_state()
    assert trainee.validate() == trainee.validate()
    trainee.grid()
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_stages_train_what_they_should():
    trainee = build(works(), works(2, 1), TINY, 20, 0, None)
    schedule = Schedule.plan(20, 0.5, warm=False)
    assert (schedule.gan_from, schedule.warmup_steps) == (10, 2)
    assert set(trainee.step(3)) == {"fidelity"}
    before = [weights.clone() for weights in trainee.networks["generator"].parameters()]
    assert set(trainee.step(11)) == {"discriminator"}
    after = list(trainee.networks["generator"].parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert "adversarial" in trainee.step(15)


def test_each_part_has_a_learning_rate_that_rises_and_falls():
    schedule = Schedule.plan(1000, 0.4, warm=False)
    learning_from = schedule.gan_from + schedule.warmup_steps
    first = [schedule.generator_factor(step) for step in range(600)]
    second = [schedule.generator_factor(step) for step in range(learning_from, 1000)]
    for part in (first, second):
        assert max(part) == pytest.approx(1.0, rel=0.05)
        assert part[0] < 0.1
        assert part[-1] == pytest.approx(0.05, rel=0.05)


def test_fidelity_is_finished_before_the_game_begins():
    trainee = build(works(), works(2, 1), TINY, 20, 0, None)
    before = {}
    for step in range(20):
        trainee.step(step)
        for name in ("generator_ema", "perceptual"):
            weights = [one.clone() for one in trainee.networks[name].parameters()]
            if step > 9:
                same = all(torch.equal(a, b) for a, b in zip(before[name], weights, strict=True))
                rests = name == "generator_ema" or step < 12
                assert same == rests, (name, step)
            before[name] = weights


def states_of_a_base(run):
    base = build(works(), works(2, 1), TINY, 16, 0, None)
    run(base, 16)
    return base, {n: base.networks[n].state_dict() for n in (*base.publish, *base.warm)}


def distance(states, others):
    return sum(float((states[name] - others[name]).abs().sum()) for name in states)


def test_a_fine_tuning_begins_its_second_part_with_what_the_base_learned_in_its_own(run):
    _, states = states_of_a_base(run)
    tuned = build(works(), works(2, 1), TINY, 8, 1, states)
    tuned.step(4)
    lively = tuned.networks["perceptual"].state_dict()
    to_lively = distance(lively, states["perceptual"])
    assert to_lively < 0.2 * distance(lively, states["generator_ema"])
    faithful = tuned.networks["generator_ema"].state_dict()
    assert distance(faithful, states["generator_ema"]) == 0


def test_a_fine_tuning_stopped_where_its_parts_meet_is_the_same_bit_for_bit(
    run, check_resumed, monkeypatch
):
    monkeypatch.setattr(restoration, "VALIDATION_CROPS", 8)
    _, states = states_of_a_base(run)
    copies = {name: {k: w.clone() for k, w in one.items()} for name, one in states.items()}
    check_resumed(lambda: build(works(), works(2, 1), TINY, 8, 1, copies), 8, stops=[4, 5])


def test_fine_tuning_starts_from_the_base_and_needs_no_warm_up(run):
    base, states = states_of_a_base(run)
    tuned = build(works(), works(2, 1), TINY, 8, 1, states)
    assert tuned.validate()["hole_psnr_db"] == base.validate()["hole_psnr_db"]
    assert "adversarial" in tuned.step(4)
    assert "adversarial" not in build(works(), works(2, 1), TINY, 16, 1, None).step(8)


def test_a_base_of_another_architecture_is_refused():
    base = build(works(), works(2, 1), TINY, 4, 0, None)
    states = {"generator_ema": base.networks["generator_ema"].state_dict()}
    with pytest.raises(CorruptAssetError, match="must fit"):
        build(works(), works(2, 1), replace(TINY, widths=(8, 8)), 4, 0, states)


def test_empty_sets_and_small_pictures_are_refused():
    with pytest.raises(InvalidInputError, match="val must hold at least one"):
        build(works(), [], TINY, 4, 0, None)
    with pytest.raises(InvalidInputError, match="train must hold pictures of at least 32 px"):
        build([picture[:20] for picture in works()], works(), TINY, 4, 0, None)


def test_the_grid_shows_five_rows_of_crops():
    grid = build(works(), works(2, 1), TINY, 4, 0, None).grid()
    assert grid.dtype == np.uint8
    assert grid.shape == (5 * 32, 8 * 32, 3)
