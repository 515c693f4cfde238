"""There and back: the cycle closes, the pool is part of a checkpoint, one network is published."""

import numpy as np
import torch

from artgan.presets import CycleganPreset
from artgan.training.cycle import ImagePool, build
from artgan.training.promote import promote
from artgan.training.sides import Sides
from artgan.training.translations import shown
from tests.training.plain_works import features, works

TINY = CycleganPreset(
    short_side_px=24, crop_px=16, width=4, blocks=1, pool=3, batch=2, learning_rate=2e-3
)


def trainee(steps=6, seed=0, base=None):
    warm, cold = (200, 120, 60), (60, 100, 160)
    sides = Sides(works(8, warm, 0), works(4, warm, 1), works(8, cold, 2), works(4, cold, 3))
    return build(sides, TINY, steps, seed, base, features)


def test_a_training_with_its_pools_goes_on_bit_for_bit_after_a_kill(check_resumed):
    check_resumed(trainee, 6, (1, 4))


def test_it_starts_as_the_identity_both_ways():
    measured = trainee().validate()
    assert measured["changed_l1"] == measured["cycle_l1"] == 0.0
    assert measured["style_kid_x1000"] < measured["unchanged_kid_x1000"]


def test_the_cycle_loss_falls():
    torch.manual_seed(0)
    states = {}
    for name in ("translator_ema", "back_ema"):
        network = trainee().networks[name]
        torch.nn.init.normal_(network.head.weight, std=0.2)  # far from the identity
        states[name] = network.state_dict()
    subject = trainee(steps=40, base=states)
    cycles = []
    for number in range(40):
        torch.manual_seed(number)
        cycles.append(subject.step(number)["cycle"])
    assert np.mean(cycles[-5:]) < 0.5 * np.mean(cycles[:5])


def test_every_network_learns_and_the_judges_are_not_trained_by_the_translators():
    subject = trainee()
    before = {name: _copied(network) for name, network in subject.networks.items()}
    for number in range(2):
        torch.manual_seed(number)
        subject.step(number)
    for name, network in subject.networks.items():
        after = network.state_dict()
        assert any(not torch.equal(before[name][key], after[key]) for key in after), name
    judge = subject.networks["discriminator"]
    assert all(parameter.requires_grad for parameter in judge.parameters())


def _copied(network):
    return {key: value.clone() for key, value in network.state_dict().items()}


def test_a_pool_first_fills_and_then_shows_older_results_in_half_of_the_cases():
    torch.manual_seed(0)
    pool = ImagePool(5, 4)
    shown = []
    for number in range(200):
        images = torch.full((1, 3, 4, 4), number / 255)
        shown.append(round(float(pool.exchanged(images).mean()) * 255))
    assert shown[:5] == [0, 1, 2, 3, 4]
    older = [number - seen for number, seen in enumerate(shown) if seen != number]
    assert 70 < len(older) < 125
    assert min(older) > 0
    later = [seen for seen in shown if seen >= 5]
    assert len(set(later)) == len(later), "what was shown leaves the pool"


def test_judges_of_few_works_see_them_moved_and_mirrored_in_their_true_colours():
    torch.manual_seed(0)
    slope = torch.linspace(0.6, 1.0, 16).expand(40, 3, 16, 16)
    seen = shown(slope, 31)
    inside = seen[seen != 0.5]  # what comes in at the border
    assert set(inside.tolist()) <= set(slope[0, 0, 0].tolist())
    falling = (seen[:, 0, 8, 5] > seen[:, 0, 8, 10]).float().mean()
    assert 0.3 < falling < 0.7
    assert torch.equal(shown(slope, 100), slope)


def test_a_translator_that_loses_the_content_is_not_taken_into_use():
    good = {
        "style_kid_x1000": 20.0,
        "color_kid_x1000": 30.0,
        "unchanged_kid_x1000": 60.0,
        "content_distance": 0.2,
        "changed_l1": 0.03,
    }
    assert promote("cyclegan", good, None).promoted
    lost = promote("cyclegan", good | {"content_distance": 0.6}, None)
    assert "too little of the content" in lost.reason
    assert "colour transfer" in promote("cyclegan", good | {"style_kid_x1000": 31.0}, None).reason
    idle = promote("cyclegan", good | {"changed_l1": 0.001}, None)
    assert idle.reason == "paints next to nothing: 0.26 of 255 levels beyond colour"
