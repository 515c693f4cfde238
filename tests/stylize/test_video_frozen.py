"""Statistics of a shot: the same for all its frames, and those of one frame when it is alone."""

import numpy as np
import pytest

from artgan.errors import InvalidInputError
from artgan.imaging.canvas import ArrayCanvas
from artgan.stylize.stylizer import Source
from artgan.stylize.tiles import Tiles
from artgan.stylize.video_frozen import frozen, sample_frames
from tests.stylize.conftest import levels_of, noise

METHODS = ("color", "cut", "fast", "adain")


@pytest.mark.parametrize("method", METHODS)
def test_frozen_on_a_picture_it_is_the_stylizer_itself(make_stylizer, method):
    picture = noise(52, 68, 3)
    own = make_stylizer(method)
    still = frozen(own, [picture])
    assert np.abs(levels_of(still, picture, 512) - levels_of(own, picture, 512)).max() < 1e-4


@pytest.mark.parametrize("method", METHODS)
def test_tiles_of_a_frozen_stylizer_are_the_whole(make_stylizer, method):
    frames = [noise(70, 101, 3), noise(70, 101, 3)[::-1].copy()]
    still = frozen(make_stylizer(method), frames)
    whole = levels_of(still, frames[0], 512)
    assert np.abs(levels_of(still, frames[0], 32) - whole).max() < 1e-4


@pytest.mark.parametrize("method", METHODS)
def test_what_comes_into_sight_elsewhere_changes_nothing_here(make_stylizer, method):
    """The reason for all this: by its own statistics, a frame trembles with what enters it."""
    frame = noise(64, 160, 3)
    entered = frame.copy()
    entered[:, 140:] = 255
    own = make_stylizer(method)
    still = frozen(own, [frame, entered])
    far = np.s_[:, :60]

    def change(stylizer):
        after, before = (levels_of(stylizer, one, 512) for one in (entered, frame))
        return np.abs(after - before)[far].max()

    assert change(own) > 0.005
    assert change(still) < 1e-5


def test_frames_of_several_sizes_of_light_are_one_picture_to_it(make_stylizer):
    """Statistics of two frames are those of the picture that both together are."""
    dark, light = (noise(64, 64, 3) // 2, 128 + noise(64, 64, 3) // 2)
    own = make_stylizer("color")
    still = frozen(own, [dark, light])
    joined = frozen(own, [np.vstack([dark, light])])
    assert np.allclose(levels_of(still, dark, 512), levels_of(joined, dark, 512), atol=1e-6)


def test_samples_are_spread_with_both_ends_and_few_of_large_frames():
    assert sample_frames(100, 10_000) == [0, 14, 28, 42, 57, 71, 85, 99]
    assert sample_frames(3, 10_000) == [0, 1, 2]
    assert sample_frames(1, 10_000) == [0]
    assert sample_frames(100, 8_000_000) == [0, 99]


def test_what_fits_each_picture_anew_is_refused():
    class Other:
        def stylize(self, source: Source, put: object, tiles: Tiles) -> None: ...

    with pytest.raises(InvalidInputError, match="statistics to freeze"):
        frozen(Other(), [noise(32, 32, 3)])  # pyright: ignore[reportArgumentType]
    assert Source(ArrayCanvas(noise(32, 32, 3))).size == (32, 32)
