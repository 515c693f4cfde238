"""One painter for all collections: obeyed, resumed exactly, measured beside colour alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from artgan.errors import InvalidInputError
from artgan.presets import MultiPreset
from artgan.training.archive_network import Labelled
from artgan.training.multi import build
from artgan.training.multi_exam import Exam
from artgan.training.promote import promote
from tests.training.plain_works import features, works

NAMES = ("dawn", "dusk", "noon")
TONES = ((200, 120, 60), (60, 100, 160), (200, 200, 90))
TINY = MultiPreset(
    short_side_px=24, crop_px=16, width=4, blocks=1, batch=2, learning_rate=2e-3, classes=NAMES
)


def labelled(count, seed, of=range(3)):
    pictures = [work for label in of for work in works(count, TONES[label], seed + label)]
    return Labelled(pictures, [label for label in of for _ in range(count)])


def trainee(steps=6, seed=0, base=None, preset=TINY):
    return build(labelled(5, 0), labelled(3, 50), preset, steps, seed, base, features)


def test_a_training_goes_on_bit_for_bit_after_a_kill(check_resumed):
    check_resumed(trainee, 6, (1, 4))


def test_untrained_it_gives_the_colours_of_the_collection_asked_for():
    measured = trainee().validate()
    assert measured["changed_l1"] == 0.0
    assert measured["cycle_l1"] < 0.02  # what colours lose beyond the range, and no more
    assert measured["recognised"] == 1.0
    assert measured["color_obeyed"] == 1.0
    assert measured["obeyed"] > 0.5  # colours pooled with those of all are moved less
    assert measured["style_kid_x1000"] < 0.5 * measured["unchanged_kid_x1000"]


def test_works_as_they_are_are_not_taken_for_another_collection():
    exam = Exam(labelled(5, 0), labelled(3, 50), 24, features)
    assert exam.compare(0, lambda content, _: content)["obeyed"] == 0.0
    assert {own for _, own in exam.contents(1)} == {0, 2}


def test_the_cycle_loss_falls():
    started = trainee().networks["multi_ema"]
    torch.manual_seed(0)
    torch.nn.init.normal_(started.painter.head.weight, std=0.2)  # far from the identity
    subject = trainee(60, base={"multi_ema": started.state_dict()})
    cycles = []
    for number in range(60):
        torch.manual_seed(number)
        cycles.append(subject.step(number)["cycle"])
    assert np.mean(cycles[-5:]) < 0.5 * np.mean(cycles[:5])


def test_manners_of_collections_come_apart_and_every_network_learns():
    subject = trainee()
    before = {
        f"{name}.{key}": value.clone()
        for name, network in subject.networks.items()
        for key, value in network.state_dict().items()
    }
    for number in range(4):
        torch.manual_seed(number)
        subject.step(number)
    for name, network in subject.networks.items():
        state = network.state_dict()
        assert any(not torch.equal(before[f"{name}.{key}"], state[key]) for key in state), name
    manners = subject.networks["multi"].manners
    assert len({tuple(manner.flatten().tolist()) for manner in manners}) == 3


def test_a_model_in_use_is_measured_though_one_of_its_collections_is_gone():
    first = trainee()
    base = {"multi_ema": first.networks["multi_ema"].state_dict()}
    sides = labelled(5, 0, (0, 2)), labelled(3, 50, (0, 2))
    again = build(*sides, TINY, 6, 0, base, features)
    assert np.isfinite(again.validate()["style_kid_x1000"])
    torch.manual_seed(0)
    assert np.isfinite(again.step(0)["adversarial"])


def test_fewer_than_two_collections_are_refused():
    one = replace(TINY, classes=("dawn",))
    with pytest.raises(InvalidInputError, match="at least 2 of the collections"):
        build(labelled(5, 0, (0,)), labelled(3, 50, (0,)), one, 6, 0, None, features)
    with pytest.raises(InvalidInputError, match="val must hold at least 3 works of 2"):
        build(labelled(5, 0), labelled(3, 50, (0,)), TINY, 6, 0, None, features)


def test_a_painter_whose_collections_are_taken_for_others_is_not_taken_into_use():
    good = {
        "style_kid_x1000": 20.0,
        "color_kid_x1000": 30.0,
        "unchanged_kid_x1000": 60.0,
        "content_distance": 0.2,
        "obeyed": 0.8,
        "color_obeyed": 0.6,
    }
    assert promote("multi", good, None).promoted
    confused = promote("multi", good | {"obeyed": 0.5}, None)
    assert confused.reason == "taken for the collection asked for in 50%, colour alone in 60%"
