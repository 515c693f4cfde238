import io

import numpy as np
import pytest
import torch
from PIL import Image

from artgan.errors import InvalidInputError
from artgan.imaging.moving import enlarged, webp_film
from artgan.models.simulators import make_generator
from artgan.presets import SimulationPreset
from artgan.simulate.journey import journey
from artgan.simulate.works import simulate


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return make_generator(SimulationPreset(16, 8, 16, 8)).eval().requires_grad_(requires_grad=False)


def test_a_journey_passes_its_works_and_comes_back(generator):
    frames = [frame.astype(int) for frame in journey(generator, [4, 5, 6], 60)]
    assert len(frames) == 60
    assert np.array_equal(frames[0], simulate(generator, [4])[0])
    for number, seed in ((20, 5), (40, 6)):
        # the first work's noise stays, which an untrained generator does not show yet
        assert abs(frames[number] - simulate(generator, [seed])[0]).max() <= 1
    steps = [abs(a - b).mean() for a, b in zip(frames, frames[1:] + frames[:1], strict=True)]
    apart = abs(frames[0] - frames[20]).mean()
    assert max(steps) < 0.25 * apart
    assert steps[0] < 0.5 * steps[10]  # slows down at a work


def test_no_journey_without_a_way(generator):
    with pytest.raises(InvalidInputError, match="seeds must be at least 2"):
        next(journey(generator, [1], 10))


def test_a_film_is_read_back_frame_by_frame_with_its_label():
    frames = [np.full((32, 48, 3), 30 * n, np.uint8) for n in range(5)]
    content = webp_film(frames, 10, xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    with Image.open(io.BytesIO(content)) as film:
        assert (film.n_frames, film.size, film.info["loop"]) == (5, (48, 32), 0)
        assert b"xmpmeta" in film.info["xmp"]
        film.seek(3)
        assert abs(np.asarray(film.convert("RGB")).astype(int) - 90).max() < 6
        assert film.info["duration"] == 100
    with pytest.raises(InvalidInputError, match="at least one"):
        webp_film([], 10)


def test_small_pictures_are_enlarged_by_whole_pixels():
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    large = enlarged(picture, 5)
    assert large.shape == (6, 6, 3)
    assert np.array_equal(large[::3, ::3], picture)
    assert enlarged(large, 4) is large
