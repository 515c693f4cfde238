import numpy as np
import pytest
import torch

from artgan.errors import InvalidInputError
from artgan.presets import StylePreset
from artgan.training.sides import Sides, draw_crops
from artgan.training.style import build, patch_contrast
from artgan.training.translations import content_distance
from tests.training.plain_works import features, works
from tests.training.state_to_state import run, weights

TINY = StylePreset(short_side_px=24, crop_px=16, width=4, blocks=1, patches=16, batch=2)


def trainee(seed=0, base=None):
    warm, cold = (200, 120, 60), (60, 100, 160)
    sides = Sides(works(8, warm, 0), works(4, warm, 1), works(8, cold, 2), works(4, cold, 3))
    return build(sides, TINY, 6, seed, base, features)


@pytest.fixture(autouse=True)
def one_thread():
    """Networks this small are slowed down by threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_a_killed_and_resumed_training_ends_bit_for_bit_alike():
    through, broken, resumed = trainee(), trainee(), trainee(seed=4)
    run(through, 6)
    run(resumed, 6, run(broken, 4))
    expected, reached = weights(through), weights(resumed)
    assert all(torch.equal(expected[name], reached[name]) for name in expected)


def test_untrained_it_already_has_the_collections_colours():
    measured = trainee().validate()
    assert measured["style_kid_x1000"] < 0.5 * measured["unchanged_kid_x1000"]
    assert measured["color_kid_x1000"] < 0.5 * measured["unchanged_kid_x1000"]
    assert 0 <= measured["content_distance"] < 0.3


def test_a_step_changes_every_network_and_reports_finite_losses():
    subject = trainee()
    before = weights(subject)
    for number in range(2):
        torch.manual_seed(number)
        losses = subject.step(number)
    assert set(losses) == {"discriminator", "adversarial", "contrast", "anchor"}
    assert all(np.isfinite(list(losses.values())))
    after = weights(subject)
    for network in subject.networks:
        changed = [key for key in before if key.startswith(network + ".")]
        assert any(not torch.equal(before[key], after[key]) for key in changed)


def test_measuring_is_repeatable_and_leaves_the_random_numbers_alone():
    subject = trainee()
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first = subject.validate()
    picture = subject.grid()
    assert torch.equal(torch.rand(1), expected)
    assert first == subject.validate()
    assert np.array_equal(picture, subject.grid())


def test_a_fine_tuning_starts_from_the_base_but_keeps_its_own_colours():
    first = trainee()
    run(first, 2)
    base = {name: network.state_dict() for name, network in first.networks.items()}
    base = {name: {k: v.clone() for k, v in state.items()} for name, state in base.items()}
    for name in ("translator", "translator_ema"):
        base[name]["style_mean"] += 1
    second = trainee(seed=2, base=base)
    for name in ("translator", "translator_ema"):
        started = second.networks[name].state_dict()
        assert torch.equal(started["head.weight"], base[name]["head.weight"])
        torch.testing.assert_close(started["style_mean"], base[name]["style_mean"] - 1)


def test_only_the_average_is_published():
    subject = trainee()
    assert subject.publish == ("translator_ema",)
    assert "discriminator" in subject.warm


def test_contrast_is_low_where_places_match_and_high_where_they_are_shuffled():
    keys = torch.nn.functional.normalize(torch.randn(1, 12, 32), dim=2)
    assert patch_contrast(keys, keys) < 0.05
    assert patch_contrast(keys.roll(1, dims=1), keys) > 5
    same = torch.ones(1, 12, 32) / 32**0.5
    assert patch_contrast(same, same).item() == pytest.approx(np.log(12), abs=1e-4)


def test_content_distance_ignores_brightness_and_contrast_but_not_forms():
    rng = np.random.default_rng(0)
    gray = np.repeat(rng.integers(0, 120, (9, 9, 1), dtype=np.uint8), 3, axis=2)
    assert content_distance(gray, gray + np.uint8(40)) == pytest.approx(0, abs=1e-9)
    assert content_distance(gray, 2 * gray) == pytest.approx(0, abs=1e-9)
    assert content_distance(gray, 255 - gray) == pytest.approx(2, abs=1e-9)
    assert content_distance(gray, np.full_like(gray, 7)) == 1


def test_crops_come_from_inside_the_works():
    work = torch.arange(20 * 30).reshape(1, 20, 30).float().expand(3, 20, 30)
    torch.manual_seed(0)
    crops = draw_crops([work], 16, 40)
    assert crops.shape == (40, 3, 16, 16)
    tops, lefts = crops[:, 0, 0, 0] // 30, crops[:, 0, 0, 0] % 30
    assert set(tops.tolist()) == {0, 1, 2, 3, 4}
    assert lefts.max() <= 14
    assert torch.equal(crops[0, 0, 15, 15] - crops[0, 0, 0, 0], torch.tensor(15.0 * 30 + 15))


def test_too_few_works_and_too_small_ones_are_refused():
    sides = [works(4, (99, 99, 99), seed) for seed in range(4)]
    with pytest.raises(InvalidInputError, match="style_val must hold at least 3 works"):
        build(Sides(sides[0], sides[1][:2], *sides[2:]), TINY, 1, 0, None, features)
    small = [np.zeros((12, 40, 3), np.uint8)] * 3
    with pytest.raises(InvalidInputError, match="content_train must have sides"):
        build(Sides(sides[0], sides[1], small, sides[3]), TINY, 1, 0, None, features)
