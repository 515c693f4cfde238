import numpy as np
import pytest

from artgan.enhance.tone import choose_tone, mean_difference, tone_picture, toned
from artgan.models.tone import UNTONED, ToneNumbers


class Says:
    """Stands for a network that guesses the same whatever it sees."""

    def __init__(self, numbers):
        self.numbers = numbers

    def guess(self, thumbnail):
        assert thumbnail.shape == (32, 32, 3)
        return self.numbers


def lighter(by):
    return ToneNumbers(offset=(by, by, by))


@pytest.fixture
def thumbnail():
    return np.random.default_rng(0).uniform(0.3, 0.6, (32, 32, 3)).astype(np.float32)


def test_a_small_change_is_not_made_and_a_large_one_wholly(thumbnail):
    assert choose_tone(Says(lighter(0.01)), thumbnail) == UNTONED
    assert choose_tone(Says(lighter(0.1)), thumbnail) == lighter(0.1).blend(1.0)
    between = choose_tone(Says(lighter(0.035)), thumbnail).offset[0]
    assert 0.0 < between < 0.035


def test_strength_scales_the_change(thumbnail):
    half = choose_tone(Says(lighter(0.2)), thumbnail, 0.5)
    assert half.offset == pytest.approx((0.1, 0.1, 0.1))
    assert choose_tone(Says(lighter(0.2)), thumbnail, 0.0) == UNTONED


def test_a_grey_scan_gets_numbers_that_keep_it_grey(thumbnail):
    warm = ToneNumbers(offset=(0.3, 0.1, 0.0))
    numbers = choose_tone(Says(warm), thumbnail, is_grey=True)
    assert len(set(numbers.offset)) == 1
    assert numbers.offset[0] == pytest.approx(0.4 / 3)


def test_pictures_of_eight_bits_are_toned_and_clipped():
    picture = np.full((4, 4, 3), (10, 100, 250), np.uint8)
    assert tone_picture(picture, lighter(0.1))[0, 0].tolist() == [36, 126, 255]
    levels = picture / np.float32(255)
    assert mean_difference(levels, toned(levels, lighter(0.1))) > 3
