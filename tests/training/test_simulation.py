from dataclasses import replace

import numpy as np
import pytest
import torch

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.metrics.memorisation import pixel_features
from artgan.presets import SimulationPreset
from artgan.training.gan_losses import gradient_penalty, least_squares_loss, relativistic_loss
from artgan.training.loop import train
from artgan.training.promote import promote
from artgan.training.simulation import build, ema_decay, rate_factor
from artgan.training.squares import scale_work, square

TINY = SimulationPreset(size_px=16, base_channels=8, max_channels=16, latent=8, batch=4)


def works(count, seed=0):
    """Pictures of a sky over ground, each in its own colours."""
    rng = np.random.default_rng(seed)
    pictures = []
    for _ in range(count):
        picture = rng.normal(0, 8, (20, 24, 3)) + rng.uniform(120, 220, 3)
        picture[rng.integers(6, 14) :] -= rng.uniform(60, 110, 3)
        pictures.append(np.clip(picture, 0, 255).astype(np.uint8))
    return pictures


def features(pictures):
    """Means and spreads of the colours, over the upper and the lower half."""
    halves = [half for p in pictures for half in np.array_split(p / 255.0, 2)]
    rows = [np.concatenate([half.mean((0, 1)), half.std((0, 1))]) for half in halves]
    return np.array(rows).reshape(len(pictures), -1)


def trainee(seed=0, base=None, **kwargs):
    return build(works(12), works(5, seed=9), TINY, 8, seed, base, features, **kwargs)


@pytest.fixture(autouse=True)
def one_thread():
    """Networks this small are slowed down by threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(subject, steps, state=None, validate_at=()):
    kept = [state]
    history = train(
        subject,
        steps,
        0,
        load_state=lambda: kept[-1],
        save_state=kept.append,
        validate_at=validate_at,
        observe=lambda _: None,
    )
    return kept[-1], history


def weights(subject):
    return {
        f"{name}.{key}": value.clone()
        for name, network in subject.networks.items()
        for key, value in network.state_dict().items()
    }


def test_a_killed_and_resumed_training_ends_bit_for_bit_alike():
    through, broken, resumed = trainee(), trainee(), trainee(seed=5)
    run(through, 8)
    state, _ = run(broken, 5)
    run(resumed, 8, state)
    expected, reached = weights(through), weights(resumed)
    assert expected.keys() == reached.keys()
    assert all(torch.equal(expected[name], reached[name]) for name in expected)


def test_a_step_changes_every_network_and_reports_finite_losses():
    subject = trainee()
    before = weights(subject)
    torch.manual_seed(0)
    first, second = subject.step(0), subject.step(1)
    assert set(first) == {"discriminator", "redrawing", "penalty", "generator"}
    assert set(second) == {"discriminator", "redrawing", "generator"}
    assert all(np.isfinite(list((first | second).values())))
    after = weights(subject)
    for network in subject.networks:
        changed = [k for k in before if k.startswith(network + ".")]
        assert any(not torch.equal(before[name], after[name]) for name in changed)


def test_measuring_is_repeatable_and_leaves_the_random_numbers_alone():
    subject = trainee()
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first = subject.validate()
    picture = subject.grid()
    assert torch.equal(torch.rand(1), expected)
    assert first == subject.validate()
    assert first["kid_low"] < first["kid_x1000"] < first["kid_high"]
    assert set(first) >= {"copy_ratio", "diversity_ratio"}
    assert np.array_equal(picture, subject.grid())
    assert picture.dtype == np.uint8


def test_training_comes_nearer_to_held_out_works():
    preset = replace(TINY, learning_rate=3e-3, batch=8)
    subject = build(works(40), works(20, seed=9), preset, 80, 0, None, features)
    _, history = run(subject, 80, validate_at=(0, 80))
    assert history[-1]["kid_high"] < history[0]["kid_low"]


def test_a_fine_tuning_starts_from_all_three_networks():
    first = trainee()
    run(first, 3)
    base = {name: network.state_dict() for name, network in first.networks.items()}
    second = trainee(seed=1, base=base)
    expected, reached = weights(first), weights(second)
    assert all(torch.equal(expected[name], reached[name]) for name in expected)


def test_a_published_model_alone_is_enough_to_start_from():
    first = trainee()
    run(first, 3)
    average = first.networks["generator_ema"].state_dict()
    started = trainee(base={"generator_ema": average}).networks["generator"].state_dict()
    assert all(torch.equal(started[name], average[name]) for name in average)


def test_the_first_steps_are_small():
    first = trainee()
    before = weights(first)
    torch.manual_seed(0)
    first.step(0)
    after = weights(first)
    # Adam moves a weight by about the rate; the rate rises to its value over 50 steps
    moved = max((before[k] - after[k]).abs().max().item() for k in before if "generator." in k)
    assert 0 < moved < 0.05 * TINY.learning_rate


def test_the_rate_rises_stays_and_falls_to_a_tenth():
    rates = [rate_factor(step, 1000) for step in (0, 24, 49, 500, 750, 1000)]
    assert rates == pytest.approx([0.02, 0.5, 1.0, 1.0, 0.55, 0.1])


@pytest.mark.parametrize("network", ["skip", "dcgan"])
def test_a_fine_tuning_can_leave_early_levels_of_the_discriminator_alone(network):
    preset = replace(TINY, network=network, frozen=1)
    first = build(works(12), works(5), preset, 8, 0, None, features)
    before = weights(first)
    run(first, 2)
    started = weights(first)
    early = "discriminator.stem" if network == "skip" else "discriminator.blocks.0"
    frozen = [name for name in started if name.startswith(early)]
    assert any(not torch.equal(before[name], started[name]) for name in frozen)  # from nothing
    base = {name: net.state_dict() for name, net in first.networks.items()}
    second = build(works(12), works(5), preset, 8, 0, base, features)
    run(second, 2)
    ended = weights(second)
    assert all(torch.equal(started[name], ended[name]) for name in frozen)
    judging = [name for name in ended if name == "discriminator.judge.weight"]
    assert all(not torch.equal(started[name], ended[name]) for name in judging)


def test_weights_of_another_size_are_refused():
    other = build(works(3), works(3), replace(TINY, latent=4), 1, 0, None, features)
    base = {name: network.state_dict() for name, network in other.networks.items()}
    with pytest.raises(CorruptAssetError, match="weights must fit"):
        trainee(base=base)


def test_the_discriminator_is_kept_but_never_published():
    subject = trainee()
    assert subject.publish == ("generator_ema",)
    assert set(subject.warm) == {"generator", "discriminator"}


def test_a_generator_that_has_its_works_by_heart_betrays_them_and_is_refused():
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (24, 4, 4, 3), dtype=np.uint8)
    pictures = [np.kron(one, np.ones((4, 4, 1), np.uint8)) for one in blocks]
    preset = replace(TINY, latent=12, max_channels=32)
    subject = build(pictures[:12], pictures[12:], preset, 1, 0, None, pixel_features)
    honest = subject.validate()
    assert honest["membership_advantage_low"] < 0.1
    generator = subject.networks["generator_ema"].requires_grad_()
    targets = torch.stack([square(scale_work(one, 16), 0.5) for one in pictures[:12]])
    optimizer = torch.optim.Adam(generator.parameters(), 1e-2)
    torch.manual_seed(0)
    for _ in range(100):  # each start is answered with the work that its largest number names
        z, noise = generator.draw(32)
        loss = (generator(z, noise) - targets[z.argmax(dim=1)]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    measures = subject.validate()
    assert measures["membership_advantage"] > 0.5
    assert not promote("simulation", measures, None).promoted
    others_fine = {"copy_ratio": 1.0, "honest_copy_ratio": 0.9, "diversity_ratio": 1.0}
    decision = promote("simulation", measures | others_fine, None)
    assert not decision.promoted
    assert "tell its training works from others: advantage" in decision.reason
    assert promote("simulation", honest | others_fine, None).promoted


@pytest.mark.parametrize(("network", "part"), [("skip", 0.5), ("style", 0.5), ("dcgan", 1.0)])
def test_a_discriminator_sees_true_colours_in_half_of_the_works_but_that_of_dcgan(network, part):
    preset = replace(TINY, network=network)
    subject = build(works(3), works(3), preset, 1, 0, None, features)
    torch.manual_seed(0)
    shown = subject.step.__self__.adversaries.augment(torch.full((400, 3, 16, 16), 0.25))
    changed = (shown[:, :, 8, 8] != 0.25).any(dim=1).float().mean()
    assert float(changed) == pytest.approx(part, abs=0.08)


def test_works_are_mirrored_only_when_asked():
    halves = np.zeros((16, 16, 3), np.uint8)
    halves[:, 8:] = 255
    for flip, expected in ((False, {0.0}), (True, {0.0, 1.0})):
        subject = build([halves], works(3), TINY, 1, 0, None, features, flip=flip)
        torch.manual_seed(0)
        drawn = torch.cat([subject.step.__self__.draw_works()[0] for _ in range(8)])
        assert set(drawn[:, 0, 0, 0].tolist()) == expected


def test_a_class_is_drawn_by_the_root_of_the_number_of_its_works():
    dark, light = np.zeros((16, 16, 3), np.uint8), np.full((16, 16, 3), 255, np.uint8)
    preset = replace(TINY, classes=("many", "few"), batch=50)
    pictures, names = [dark] * 16 + [light], ["many"] * 16 + ["few"]
    subject = build(pictures, works(3), preset, 1, 0, None, features, collections=names)
    torch.manual_seed(0)
    drawn = [subject.step.__self__.draw_works() for _ in range(40)]
    labels = torch.cat([of for _, of in drawn])
    assert torch.equal(torch.cat([real for real, _ in drawn])[:, 0, 0, 0], labels.float())
    assert float(labels.float().mean()) == pytest.approx(1 / 5, abs=0.04)


def test_small_or_few_works_are_refused():
    with pytest.raises(InvalidInputError, match="at least size_px=16"):
        build([np.zeros((15, 40, 3), np.uint8)], works(3), TINY, 1, 0, None, features)
    with pytest.raises(InvalidInputError, match="train and val must hold"):
        build(works(3), works(2), TINY, 1, 0, None, features)


def test_a_square_slides_along_the_long_side():
    work = scale_work(np.arange(30 * 60 * 3, dtype=np.uint8).reshape(30, 60, 3), 15)
    assert work.shape == (3, 15, 30)
    assert torch.equal(square(work, 0.0), work[:, :, :15])
    assert torch.equal(square(work, 1.0), work[:, :, 15:])


def test_the_average_starts_as_a_copy_and_slows_down_to_its_bound():
    assert ema_decay(0, 16) == 0.0
    # after 1,000 steps of 16 works the half-life is 800 works, 50 steps
    assert ema_decay(1000, 16) ** 50 == pytest.approx(0.5)
    assert ema_decay(10**7, 16) ** (10_000 / 16) == pytest.approx(0.5)


def test_the_relativistic_loss_has_its_closed_form_and_sides():
    high, low = torch.tensor([[[[2.0]]]]), torch.tensor([[[[-1.0]]]])
    assert relativistic_loss(high, low).item() == pytest.approx(np.log1p(np.exp(-3)), abs=1e-6)
    assert relativistic_loss(low, high).item() == pytest.approx(np.log1p(np.exp(3)), abs=1e-5)


def test_the_penalty_is_the_squared_slope_in_the_range_minus_one_to_one():
    images = torch.rand(2, 3, 4, 4, requires_grad=True)
    # mean over two patches of 2 x 3 (2u - 1) and of 0: slope in (2u - 1) is 3 at each value
    logits = torch.stack([6 * (2 * images - 1).sum((1, 2, 3)), torch.zeros(2)], dim=1)
    penalty = gradient_penalty(logits[:, :, None, None], images)
    torch.testing.assert_close(penalty, torch.full((2,), 48 * 9.0))


def test_least_squares_is_zero_at_the_target():
    assert least_squares_loss(torch.ones(1, 1, 2, 2), 1.0).item() == 0
    assert least_squares_loss(torch.ones(1, 1, 2, 2), 0.0).item() == 1
