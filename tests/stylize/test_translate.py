import numpy as np
import torch

from artgan.imaging.tensors import arrays_to_batch
from artgan.stylize.stylizer import stylize_picture
from artgan.stylize.translate import TranslateStylizer, tint
from tests.stylize.conftest import levels_of, noise


def test_it_is_what_the_network_says_up_to_the_frame(translator):
    work = noise(64, 92, 3)
    with torch.no_grad():
        expected = translator(arrays_to_batch([tint(work, translator)]))[0].permute(1, 2, 0)
    result = levels_of(TranslateStylizer(translator), work, 32)
    # the network's own tint was rounded to codes
    assert np.abs(result - expected.numpy()).max() < 0.01


def test_the_work_itself_stays_as_it_is(translator):
    work = noise(37, 21, 3)
    before = work.copy()
    result = stylize_picture(TranslateStylizer(translator), work)
    assert result.dtype == np.uint8
    assert np.array_equal(work, before)
