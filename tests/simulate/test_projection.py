import numpy as np
import pytest
import torch

from artgan.models.latents import starts
from artgan.models.simulators import make_generator
from artgan.presets import SimulationPreset
from artgan.simulate.projection import project
from artgan.simulate.works import simulate


@pytest.mark.parametrize("network", ["skip", "style", "dcgan"])
def test_a_work_of_the_generator_is_found_again(network):
    torch.manual_seed(0)
    generator = make_generator(SimulationPreset(16, 8, 16, 8, network=network))
    generator.eval().requires_grad_(requires_grad=False)
    work = simulate(generator, [10_000])[0]
    found = project(generator, work)
    spread = np.stack(simulate(generator, range(20))).astype(float).std(axis=0).mean()
    assert found.rms < 0.5 * found.rms_before
    assert found.rms < 0.3 * spread
    assert found.unusualness < 1.5
    assert np.array_equal(found.picture, project(generator, work).picture)


@pytest.mark.parametrize("network", ["skip", "style", "dcgan"])
def test_a_work_of_a_class_is_found_within_its_class(network):
    torch.manual_seed(0)
    preset = SimulationPreset(16, 8, 16, 8, network=network, classes=("dark", "light"))
    generator = make_generator(preset).eval().requires_grad_(requires_grad=False)
    for name, parameter in generator.named_parameters():
        if "modulation.weight" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    found = project(generator, simulate(generator, [10_000], label=1)[0], label=1)
    assert found.rms < 0.5 * found.rms_before
    assert found.unusualness < 1.5
    known = starts(generator, torch.device("cpu"), 1)
    steady = known.std(dim=0) < 1e-6
    assert torch.equal(found.start[steady], known[0][steady])
    assert bool(steady.any()) == (network == "skip")


def test_what_a_generator_cannot_make_stays_far():
    torch.manual_seed(0)
    generator = make_generator(SimulationPreset(16, 8, 16, 8))
    generator.eval().requires_grad_(requires_grad=False)
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    own = project(generator, simulate(generator, [3])[0], steps=60)
    assert project(generator, noise, steps=60).rms > 5 * own.rms
