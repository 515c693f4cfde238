from dataclasses import replace

import numpy as np
import pytest

from artgan.degrade.ageing import Ageing, age, aged_for_sure, random_ageing, to_levels, to_linear

K = np.array([0.10, 0.28, 0.85])


def ramp(height=40, width=60, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_same_seed_ages_alike_and_leaves_the_picture_alone():
    picture = ramp()
    before = picture.copy()
    first, second = (age(picture, aged_for_sure(np.random.default_rng(7))) for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, picture)
    assert np.array_equal(picture, before)
    assert first.dtype == np.uint8


def test_no_ageing_changes_nothing():
    assert np.array_equal(age(ramp(), Ageing()), ramp())


def test_varnish_absorbs_as_beer_lambert_says():
    picture = np.full((8, 8, 3), 200, np.uint8)
    for depth in (0.3, 0.6, 1.2):
        found = to_linear(age(picture, Ageing(depth=depth))[0, 0] / 255.0)
        expected = to_linear(np.array(200 / 255.0)) * np.exp(-K * depth)
        # half a code at this level is 0.3 % of the light, more in the darker blue
        assert found == pytest.approx(expected, rel=0.015)


def test_scatter_lifts_black_to_the_colour_of_the_haze():
    black = np.zeros((4, 4, 3), np.uint8)
    found = to_linear(age(black, Ageing(depth=0.5, scatter=0.08))[0, 0] / 255.0)
    assert found == pytest.approx(0.08 * np.array([0.9, 0.75, 0.45]), rel=0.03)


def test_fading_takes_saturation_and_moves_to_light_grey():
    picture = np.full((2, 2, 3), (220, 40, 100), np.uint8)
    f = 0.6
    grey = 120.0
    paler = grey + (np.array([220.0, 40.0, 100.0]) - grey) * (1 - 0.85 * f)
    expected = paler + (0.706 * 255 - paler) * 0.35 * f
    assert age(picture, Ageing(fading=f))[0, 0] == pytest.approx(expected, abs=0.6)


def test_an_uneven_coat_varies_by_less_than_a_third_and_slowly():
    picture = np.full((96, 144, 3), 180, np.uint8)
    even = Ageing(depth=1.0)
    uneven = to_linear(age(picture, replace(even, uneven_seed=3))[..., 2] / 255.0)
    depth = -np.log(uneven / to_linear(np.array(180 / 255.0))) / K[2]
    assert 0.65 < depth.min() < 0.9
    assert 1.1 < depth.max() < 1.35
    assert np.abs(np.diff(depth, axis=0)).max() < 0.06


def test_kinds_of_ageing_come_as_often_as_they_should():
    rng = np.random.default_rng(0)
    drawn = [random_ageing(rng) for _ in range(4000)]
    # the spread of a share of 4000 is 0.008
    assert np.mean([one.depth > 0 for one in drawn]) == pytest.approx(0.5, abs=0.03)
    assert np.mean([one.fading > 0 for one in drawn]) == pytest.approx(0.4, abs=0.03)
    assert max(one.depth for one in drawn) <= 1.2
    assert max(one.scatter for one in drawn) <= 0.08
    assert max(one.fading for one in drawn) <= 0.6
    assert all(one.depth > 0 for one in drawn if one.uneven_seed is not None)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (37, 511)])
def test_any_size_is_aged(size):
    picture = ramp(*size)
    assert age(picture, Ageing(1.0, 0.05, 0.4, 2)).shape == picture.shape


def test_the_curves_are_those_of_srgb_and_undo_each_other():
    levels = np.linspace(0, 1, 1001, dtype=np.float32)
    assert to_levels(to_linear(levels)) == pytest.approx(levels, abs=1e-3)
    assert to_linear(np.array([0.5, 1.0])) == pytest.approx([0.21404, 1.0], abs=1e-4)
