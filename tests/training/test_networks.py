"""Each network of simulation in training: resumed exactly, and learning what it is for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from artgan.models.simulators import drawn, sample
from artgan.training.simulation import build
from tests.training.state_to_state import run, weights
from tests.training.two_modes import features, preset, sides, trained, works

PAIRS = [
    ("skip", "relativistic"),
    ("skip", "hinge"),
    ("style", "non-saturating"),
    ("dcgan", "non-saturating"),
    ("dcgan", "wgan-gp"),
]
COLLECTIONS = ("right", "left")


@pytest.fixture(autouse=True)
def one_thread():
    """Networks this small are slowed down by threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def fresh(network, loss, seed=0):
    chosen = replace(preset(network, loss, continuous=1, modes=2, classes=COLLECTIONS), batch=2)
    return build(works(6), works(3), chosen, 4, seed, None, features, collections=COLLECTIONS * 3)


@pytest.mark.parametrize(("network", "loss"), PAIRS)
def test_every_network_and_loss_goes_on_bit_for_bit_after_a_kill(network, loss):
    through, resumed = fresh(network, loss), fresh(network, loss, seed=5)
    before = weights(through)
    run(through, 4)
    run(resumed, 4, run(fresh(network, loss), 3))
    expected, reached = weights(through), weights(resumed)
    assert all(torch.equal(expected[name], reached[name]) for name in expected)
    for network_name in through.networks:
        names = [name for name in before if name.startswith(f"{network_name}.")]
        assert any(not torch.equal(before[name], expected[name]) for name in names)


@pytest.mark.slow
@pytest.mark.parametrize(("network", "loss"), PAIRS)
def test_every_network_finds_both_modes_of_two(network, loss):
    trainee, history = trained(preset(network, loss), 600)
    found = sides(sample(trainee.networks["generator_ema"], range(128)))
    left, right = (found > 0.2).mean(), (found < -0.2).mean()
    assert min(left, right) > 0.2
    assert left + right > 0.5
    assert history[-1]["kid_x1000"] < 0.7 * history[0]["kid_x1000"]


def test_a_class_is_obeyed():
    trainee, _ = trained(preset("skip", classes=COLLECTIONS), 120, collections=COLLECTIONS * 20)
    generator = trainee.networks["generator_ema"]
    for label, sign in enumerate((-1, 1)):
        asked = sides(sample(generator, range(50), label=label))
        assert (sign * asked > 0).mean() >= 0.9


@pytest.mark.slow
def test_a_code_moves_what_works_differ_in():
    rng = np.random.default_rng(3)
    greys = [
        np.clip(level + rng.normal(0, 6, (16, 16, 3)), 0, 255).astype(np.uint8)
        for level in rng.uniform(30, 230, 60)
    ]
    trainee, _ = trained(preset("skip", continuous=1), 200, greys)
    generator = trainee.networks["generator_ema"]
    z, noise = drawn(generator, range(100))
    dark, light = (
        generator(generator.latents.turned(z, 0, end), noise).mean((1, 2, 3)) for end in (-1.0, 1.0)
    )
    moved = (light - dark) * (light - dark).mean().sign()
    spread = float(np.std([grey.mean() / 255 for grey in greys]))
    assert moved.mean() > 0.7 * spread
    assert (moved > 0).float().mean() > 0.9


@pytest.mark.slow
def test_a_categorical_code_tells_two_modes_apart():
    trainee, _ = trained(preset("skip", modes=2), 400)
    generator = trainee.networks["generator_ema"]
    z, noise = drawn(generator, range(200))
    mode = generator.latents.codes(z)[1].argmax(dim=1).numpy()
    assert abs(np.corrcoef(mode, sides(generator(z, noise)))[0, 1]) > 0.7
