"""Trainings of simulation on an accelerator; skipped, and said so, where there is none."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from artgan.models.checkpoint import pack_weights
from artgan.models.simulators import load_simulator, sample
from artgan.presets import SimulationPreset
from artgan.training.simulation import build, ema_decay
from tests.training.state_to_state import run

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device to train on"),
]

TINY = SimulationPreset(size_px=16, base_channels=8, max_channels=16, latent=8, batch=4)
NETWORKS = {
    "skip": replace(TINY, continuous=1, classes=("prints", "paintings")),
    "style": replace(TINY, network="style", loss="non-saturating"),
    "dcgan": replace(TINY, network="dcgan", loss="wgan-gp"),
}
STEPS = 8


def works(count, seed=0):
    """Skies over grounds, each in its own colours."""
    rng = np.random.default_rng(seed)
    pictures = rng.normal(0, 8, (count, 20, 24, 3)) + rng.uniform(60, 220, (count, 1, 1, 3))
    pictures[:, 10:] -= 40
    return list(np.clip(pictures, 0, 255).astype(np.uint8))


def fresh(preset=TINY, seed=0):
    names = ["prints", "paintings"] * 6 if preset.classes else ()
    features = lambda pictures: np.array([p.mean((0, 1)) for p in pictures])  # noqa: E731
    return build(works(12), works(5, 9), preset, STEPS, seed, None, features, collections=names)


def weights(trainee):
    parameters = [p for network in trainee.networks.values() for p in network.parameters()]
    return torch.cat([p.detach().flatten() for p in parameters])


class Convolutions(TorchDispatchMode):
    """Notes what types convolutions compute with."""

    def __init__(self):
        super().__init__()
        self.types = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.convolution.default:
            self.types.add(args[0].dtype)
        return func(*args, **(kwargs or {}))


def test_a_killed_and_resumed_training_ends_alike():
    """Sums of an accelerator differ in the last bits, and what follows from them more.

    So not bit for bit: the difference is at most a twentieth of the way that the last steps went.
    A training that has lost its optimizers is off by about that way itself.
    """
    through, broken, resumed = fresh(), fresh(), fresh(seed=5)
    state = run(broken, 5)
    before = weights(broken)
    run(through, STEPS)
    run(resumed, STEPS, state)
    way = (weights(through) - before).norm()
    assert way > 0
    assert (weights(resumed) - weights(through)).norm() < 0.05 * way


@pytest.mark.parametrize("name", NETWORKS)
def test_steps_compute_in_bfloat16_and_stay_finite(name):
    trainee = fresh(NETWORKS[name])
    torch.manual_seed(0)
    with Convolutions() as seen:
        for number in range(5):
            losses = trainee.step(number)
            assert np.isfinite(list(losses.values())).all(), losses
    assert torch.bfloat16 in seen.types
    assert {p.dtype for p in trainee.networks["generator"].parameters()} == {torch.float32}
    assert bool(torch.isfinite(weights(trainee)).all())


def test_the_average_follows_the_generator():
    trainee = fresh()
    average, generator = (trainee.networks[name] for name in ("generator_ema", "generator"))
    assert {p.device.type for p in average.parameters()} == {"cuda"}
    torch.manual_seed(0)
    for number in range(4):
        before = [p.clone() for p in average.parameters()]
        trainee.step(number)
        kept = ema_decay(number, TINY.batch)
        for old, new, weight in zip(
            before, average.parameters(), generator.parameters(), strict=True
        ):
            torch.testing.assert_close(new, kept * old + (1 - kept) * weight)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_cpu_makes_the_same_works_of_a_model_from_the_accelerator(name):
    """Within 4 of 255 codes: convolutions of an accelerator keep 10 bits of each factor."""
    preset = NETWORKS[name]
    trainee = fresh(preset)
    run(trainee, STEPS)
    average = trainee.networks["generator_ema"]
    settings = {"preset": preset.__dict__}
    data = pack_weights({"generator_ema": average}, settings)
    generator = load_simulator(data).generator
    assert next(generator.parameters()).device.type == "cpu"
    seeds = range(6)
    for truncation in (1.0, 0.6):
        there = sample(average, seeds, truncation)
        here = sample(generator, seeds, truncation)
        assert here.std() > 0.01
        torch.testing.assert_close(here, there.cpu(), atol=4 / 255, rtol=0)
