"""On an accelerator: tiles are the whole, results are the CPU's, full memory costs nothing."""

import numpy as np
import pytest
import torch

from artgan.imaging.canvas import ArrayCanvas
from artgan.stylize.paint import paint_own
from artgan.stylize.stylizer import Source, Stylizer
from artgan.stylize.tiles import Tiles
from artgan.stylize.video_frozen import frozen
from tests.stylize.conftest import levels_of, noise
from tests.stylize.test_tiles import METHODS

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device to try this on"),
]

LIKE_CPU = 1e-3
"""A quarter of a level of 255: sums of some thousand products in another order."""


@pytest.fixture(autouse=True)
def rounding():
    """TF32 is allowed, as it is in a fresh process."""
    torch.backends.cudnn.allow_tf32 = True


@pytest.mark.parametrize("method", METHODS)
def test_tiles_give_what_the_whole_gives(make_stylizer, method):
    picture = noise(149, 210, 3)
    whole, tiled = (
        levels_of(make_stylizer(method, "cuda"), picture, tile_px) for tile_px in (512, 64)
    )
    apart = np.abs(tiled - whole)
    if method == "optim":
        # Convolutions of another size add in another order, and where a gradient is next to
        # nothing Adam steps by its sign: seen on an H200, a place moved by two steps of 0.02.
        assert apart.mean() < 1e-3
        assert apart.max() < 0.1
    else:
        assert apart.max() < 1e-4


@pytest.mark.parametrize("method", METHODS)
def test_results_are_those_of_the_cpu(make_stylizer, method):
    picture = noise(70, 101, 3)
    found, expected = (
        levels_of(make_stylizer(method, device), picture, 64) for device in ("cuda", "cpu")
    )
    assert np.abs(found - expected).max() < LIKE_CPU


@pytest.mark.parametrize("method", ["cut", "fast", "adain"])
def test_frames_of_a_film_are_those_of_the_cpu(make_stylizer, method):
    frames = [noise(70, 101, 3), noise(70, 101, 3)[:, ::-1].copy()]
    found, expected = (
        levels_of(frozen(make_stylizer(method, device), frames), frames[0], 64)
        for device in ("cuda", "cpu")
    )
    assert np.abs(found - expected).max() < LIKE_CPU


def test_memory_that_is_full_halves_tiles_and_changes_nothing(make_painter):
    picture, stylizer = noise(1024, 1024, 3), paint_own(make_painter(True).to("cuda"))
    expected, left = painted(stylizer, picture)
    assert left == 1024, "what memory suffices for is done at once"
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    # what libraries keep for themselves, and room for a quarter of the picture
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 64e6) / total)
    try:
        found, left = painted(stylizer, picture)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert 32 <= left < 1024
    assert np.abs(found - expected).max() < 1e-4


def painted(stylizer: Stylizer, picture: np.ndarray) -> tuple[np.ndarray, int]:
    """Stylize without rounding; return the levels and the side of the tiles in the end."""
    result, tiles = np.full(picture.shape, np.nan, np.float32), Tiles(1024)

    def put(window, levels):
        result[window.slices] = levels[0].permute(1, 2, 0).numpy()

    stylizer.stylize(Source(ArrayCanvas(picture)), put, tiles)
    assert not np.isnan(result).any(), "a pixel is missing"
    return result, tiles.tile_px
