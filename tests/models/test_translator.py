import numpy as np
import pytest
import torch

from artgan.errors import CorruptAssetError
from artgan.models.checkpoint import pack_weights
from artgan.models.translator import (
    PatchProjections,
    StyleDiscriminator,
    Translator,
    load_translator,
)


@pytest.fixture
def stirred():
    """A translator whose last layers are no longer zero."""
    torch.manual_seed(0)
    translator = Translator(4, 2)
    for parameter in translator.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    return translator


def test_untrained_it_changes_nothing_and_carries_the_colours():
    translator = Translator(4, 1)
    images = torch.rand(1, 3, 8, 8) / 2
    assert torch.equal(translator(images), images)
    mean, covariance = np.array([0.25, 0.0, 1.0]), np.diag([0.5, 1.0, 0.25])
    translator.set_colors("style", mean, covariance)
    assert np.array_equal(translator.colors("style")[0], mean)
    assert np.array_equal(translator.colors("style")[1], covariance)
    assert np.array_equal(translator.colors("content")[0], np.zeros(3))


def test_results_have_the_size_and_range_of_images(stirred):
    results = stirred(torch.rand(2, 3, 12, 20))
    assert results.shape == (2, 3, 12, 20)
    assert results.min() >= 0
    assert results.max() <= 1


def test_a_pixel_changes_nothing_beyond_the_reach(stirred):
    side, at = 160, 80
    images = torch.full((1, 3, side, side), 0.5)
    changed = images.clone()
    changed[0, :, at, at] = 1.0
    moved = (stirred(images) - stirred(changed)).abs().amax(dim=(0, 1, 2)) > 0
    touched = moved.nonzero().flatten()
    reached = max(at - int(touched.min()), int(touched.max()) - at)
    # Well inside: a pixel's own effect fades; the halo must hold at least what is measured.
    assert stirred.reach_px / 2 < reached <= stirred.reach_px


def test_a_gradient_reaches_every_parameter(stirred):
    stirred(torch.rand(1, 3, 16, 16)).square().sum().backward()
    for name, parameter in stirred.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_projections_are_unit_vectors_of_the_chosen_places(stirred):
    projections = PatchProjections(stirred.encoder_channels, 8)
    maps = stirred.encode(torch.rand(2, 3, 16, 16))
    places = [torch.tensor([0, 5, 7])] * 3
    for vectors in projections(maps, places):
        assert vectors.shape == (2, 3, 8)
        torch.testing.assert_close(vectors.norm(dim=2), torch.ones(2, 3))
    moved = [m.clone() for m in maps]
    moved[0][:, :, 0, 1] += 10  # place 1 was not chosen
    torch.testing.assert_close(projections(moved, places)[0], projections(maps, places)[0])


def test_the_discriminator_sees_half_a_crop():
    torch.manual_seed(0)
    discriminator = StyleDiscriminator(4).eval()
    images = torch.full((1, 3, 64, 64), 0.5, requires_grad=True)
    logits = discriminator(images)
    assert logits.shape == (1, 1, 14, 14)
    (slope,) = torch.autograd.grad(logits[0, 0, 7, 7], images)
    seen = slope.abs().amax(dim=(0, 1, 2)).nonzero().flatten()
    assert int(seen.max() - seen.min()) + 1 == 34


def test_a_published_translator_translates_alike(stirred):
    data = pack_weights({"translator_ema": stirred}, {"preset": {"width": 4, "blocks": 2}})
    images = torch.rand(1, 3, 16, 16)
    assert torch.equal(load_translator(data)(images), stirred(images))


def test_weights_of_another_kind_are_refused(stirred):
    with pytest.raises(CorruptAssetError, match="settings of a translator must hold"):
        load_translator(pack_weights({"translator_ema": stirred}, {"preset": {}}))
