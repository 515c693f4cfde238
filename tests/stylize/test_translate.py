import numpy as np
import pytest
import torch

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.models.translator import Translator
from artgan.stylize.translate import tint, translate


@pytest.fixture(scope="module")
def translator():
    torch.manual_seed(0)
    translator = Translator(4, 1)
    translator.set_colors("style", np.full(3, 0.5), np.diag([0.05, 0.06, 0.07]))
    translator.set_colors("content", np.full(3, 0.4), np.diag([0.08, 0.05, 0.07]))
    for parameter in translator.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    return translator


def picture(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (64, 64), (37, 101)])
def test_every_size_comes_out_as_it_went_in(translator, shape):
    work = picture(*shape)
    before = work.copy()
    result = translate(work, translator)
    assert result.shape == work.shape
    assert result.dtype == np.uint8
    assert np.array_equal(work, before)


def test_it_does_something(translator):
    work = picture(32, 32)
    assert np.abs(translate(work, translator).astype(int) - work).mean() > 0.5


@pytest.mark.parametrize("tile_px", [16, 32, 52])
def test_tiles_give_the_picture_that_the_whole_gives(translator, tile_px):
    work = picture(90, 131)
    whole, tiled = translate(work, translator, 512), translate(work, translator, tile_px)
    # sums in another order may round a level that lies between two codes the other way
    assert np.abs(whole.astype(int) - tiled).max() <= 1
    assert (whole != tiled).mean() < 1e-3


def test_inside_it_is_what_the_network_says(translator):
    work = picture(160, 160)
    with torch.no_grad():
        tinted = tint(work, translator)
        expected = batch_to_arrays(translator(arrays_to_batch([tinted])))[0]
    inner = slice(translator.reach_px, -translator.reach_px)
    result = translate(work, translator)
    assert np.abs(result[inner, inner].astype(int) - expected[inner, inner]).max() <= 1


def test_tiles_that_do_not_fit_and_no_pictures_are_refused(translator):
    with pytest.raises(InvalidInputError, match="tile_px must be a positive multiple of 4"):
        translate(picture(8, 8), translator, 30)
    with pytest.raises(InvalidInputError, match="at least one pixel"):
        translate(np.zeros((0, 4, 3), np.uint8), translator)
    with pytest.raises(InvalidInputError, match="uint8 arrays"):
        translate(np.zeros((4, 4), np.uint8), translator)
