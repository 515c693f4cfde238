from itertools import pairwise

import numpy as np
import pytest

from artgan.errors import InvalidInputError
from artgan.stylize.video_shots import HEIGHT_PX, WIDTH_PX, Shot, find_shots
from tests.films import drawn

SIZE = (HEIGHT_PX, WIDTH_PX)


def grainy(picture, seed, sigma=4.0):
    grain = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def scene(seed, count, speed=0):
    """A camera over a picture, so many pixels of the small frame a frame."""
    whole = drawn(seed, (SIZE[0], SIZE[1] + speed * count))
    return [grainy(whole[:, speed * n : speed * n + SIZE[1]], n) for n in range(count)]


def starts(frames):
    cutting = find_shots(frames)
    shots = cutting.shots
    assert shots[0].start == 0
    assert shots[-1].stop == len(frames)
    assert all(one.stop == two.start for one, two in pairwise(shots))
    return [shot.start for shot in shots]


def test_each_cut_between_scenes_is_found_and_nothing_else():
    frames = [*scene(1, 9), *scene(2, 14, speed=1), *scene(3, 6), *scene(4, 1), *scene(5, 8)]
    assert starts(frames) == [0, 9, 23, 29, 30]


def test_fast_movement_a_flash_and_a_dissolve_are_no_cuts():
    assert starts(scene(1, 20, speed=6)) == [0]
    still = scene(2, 20)
    still[9] = np.full_like(still[9], 250)
    assert starts(still) == [0]
    one, two = drawn(3, SIZE).astype(float), drawn(4, SIZE)
    assert starts([(one + (two - one) * n / 19).astype(np.uint8) for n in range(20)]) == [0]


def test_a_single_frame_is_a_shot_and_repeated_frames_are_counted():
    frame = drawn(1, SIZE)
    assert find_shots([frame]).shots == [Shot(0, 1)]
    assert find_shots([frame, frame, drawn(1, SIZE), frame]).repeated == 1
    with pytest.raises(InvalidInputError, match="must have frames"):
        find_shots([])
