"""What holds for every stylizer: tiles are the whole, nothing is left out."""

import numpy as np
import pytest
import torch

from artgan.errors import InvalidInputError
from artgan.imaging.canvas import Window
from artgan.metrics.tiling import seam_ratio
from artgan.stylize.tiles import Tiles
from tests.stylize.conftest import levels_of, noise

METHODS = ("color", "cut", "fast", "multi", "adain", "optim")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (37, 65)])
def test_tiles_of_any_size_give_what_the_whole_gives(make_stylizer, method, size):
    picture = noise(*size, 3)
    whole = levels_of(make_stylizer(method), picture, 512)
    tiled = levels_of(make_stylizer(method), picture, 32)
    assert np.abs(tiled - whole).max() < 1e-4


@pytest.mark.parametrize("method", METHODS)
def test_no_seam_shows_where_tiles_meet(make_stylizer, method):
    picture = noise(64, 70, 3)
    whole, tiled = (
        np.rint(255 * levels_of(make_stylizer(method), picture, tile_px).clip(0, 1))
        for tile_px in (512, 32)
    )
    ratio = seam_ratio(
        tiled.astype(np.uint8), whole.astype(np.uint8), range(32, 64, 32), range(32, 70, 32)
    )
    assert ratio == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("method", METHODS)
def test_every_stylizer_changes_the_picture(make_stylizer, method):
    picture = noise(40, 52, 3)
    assert np.abs(levels_of(make_stylizer(method), picture, 64) - picture / 255).mean() > 0.005


def test_out_of_memory_halves_tiles_and_leaves_nothing_out():
    done = np.zeros((200, 130), int)
    tried = []

    def work(window: Window) -> None:
        tried.append(window.size)
        if max(window.size) > 40:
            raise torch.OutOfMemoryError("CUDA out of memory")
        done[window.slices] += 1

    tiles = Tiles(128)
    tiles.over((200, 130), work)
    assert (done == 1).all()
    assert tiles.tile_px == 32
    assert tried[:3] == [(128, 128), (64, 64), (32, 32)]


def test_other_errors_and_the_smallest_tile_are_not_tried_again():
    def broken(_: Window) -> None:
        raise RuntimeError("shapes differ")

    def full(_: Window) -> None:
        raise MemoryError

    with pytest.raises(RuntimeError, match="shapes"):
        Tiles(64).over((64, 64), broken)
    with pytest.raises(MemoryError):
        Tiles(64).over((64, 64), full)
    with pytest.raises(InvalidInputError, match="tile_px must be a multiple of 32"):
        Tiles(40)
