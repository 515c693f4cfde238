import numpy as np
import pytest
import torch

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


def test_what_a_generator_cannot_make_stays_far():
    torch.manual_seed(0)
    generator = make_generator(SimulationPreset(16, 8, 16, 8))
    generator.eval().requires_grad_(requires_grad=False)
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    own = project(generator, simulate(generator, [3])[0], steps=60)
    assert project(generator, noise, steps=60).rms > 5 * own.rms
