"""What holds for every network of simulation."""

from dataclasses import asdict, replace
from typing import get_args

import pytest
import torch

from artgan.models.checkpoint import pack_weights
from artgan.models.judging import code_loss
from artgan.models.simulators import (
    drawn,
    load_simulator,
    make_discriminator,
    make_generator,
    sample,
)
from artgan.presets import PRESETS, NetworkName, SimulationPreset, architecture

NETWORKS = get_args(NetworkName)
SMALL = SimulationPreset(16, 8, 16, 8, continuous=2, modes=3, classes=("prints", "rivers"))


def pair(network):
    torch.manual_seed(0)
    preset = replace(SMALL, network=network)
    return make_generator(preset), make_discriminator(preset)


@pytest.mark.parametrize("network", NETWORKS)
def test_codes_and_classes_reach_the_works(network):
    generator, _ = pair(network)
    z, noise = drawn(generator, [1], label=0)
    latents = generator.latents
    changed = [
        latents.turned(z, 0, -z[0, 8].sign()),
        latents.switched(z, 1),
        latents.switched(z, 2),
    ]
    changed.append(drawn(generator, [1], label=1)[0])
    assert torch.equal(changed[-1][:, :-2], z[:, :-2])
    works = [generator(one, noise) for one in (z, *changed)]
    differences = [(works[0] - work).abs().max() for work in works[1:]]
    assert sum(difference > 1e-4 for difference in differences) >= 3


@pytest.mark.parametrize("network", NETWORKS)
def test_a_judgement_does_not_depend_on_the_batch_but_on_the_class(network):
    _, discriminator = pair(network)
    images = torch.rand(3, 3, 16, 16)
    labels = torch.tensor([0, 1, 1])
    logits, noticed = discriminator(images, labels)
    alone, _ = discriminator(images[1:2], labels[1:2])
    torch.testing.assert_close(alone, logits[1:2], rtol=0, atol=1e-5)
    assert not torch.equal(discriminator(images, 1 - labels)[0], logits)
    continuous, modes = discriminator.read(noticed)
    assert continuous.shape == (3, 2)
    assert modes.shape == (3, 3)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_discriminator_learns_to_read_codes(network):
    _, discriminator = pair(network)
    codes = torch.tensor([[-0.5, 0.2], [0.9, -0.9]]), torch.eye(3)[[0, 2]]
    images = torch.rand(2, 3, 16, 16)
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=5e-3)
    losses = []
    for _ in range(40):
        loss = code_loss(discriminator.read(discriminator(images)[1]), codes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.parametrize("network", NETWORKS)
def test_a_published_model_is_known_by_its_settings(network):
    generator, _ = pair(network)
    settings = {"preset": asdict(replace(SMALL, network=network))}
    loaded = load_simulator(pack_weights({"generator_ema": generator}, settings))
    assert type(loaded.generator) is type(generator)
    assert torch.equal(sample(loaded.generator, [3], label=1), sample(generator, [3], label=1))
    assert loaded.label_of("rivers") == 1
    assert loaded.label_of("walls") is None


def test_settings_from_before_there_were_several_networks_are_read():
    preset = SimulationPreset(16, 8, 16, 8)
    generator = make_generator(preset)
    names = ("size_px", "base_channels", "max_channels", "latent", "batch", "gamma")
    old = {name: asdict(preset)[name] for name in names}
    loaded = load_simulator(pack_weights({"generator_ema": generator}, {"preset": old}))
    assert torch.equal(sample(loaded.generator, [0]), sample(generator, [0]))
    assert architecture("simulation", old) == architecture("simulation", asdict(preset))


def test_networks_and_codes_are_part_of_the_architecture():
    preset = PRESETS["tiny"].simulation
    kinds = [
        preset,
        replace(preset, network="style"),
        replace(preset, continuous=1),
        replace(preset, classes=("a", "b")),
    ]
    known = [architecture("simulation", asdict(one)) for one in kinds]
    assert all(known[a] != known[b] for a in range(4) for b in range(a))
    assert architecture("simulation", asdict(replace(preset, loss="hinge"))) == known[0]
