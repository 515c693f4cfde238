import pytest
import torch

from artgan.errors import CorruptAssetError
from artgan.models.checkpoint import pack_weights
from artgan.models.painter import Moments, Painter, load_painter, mixed, moments, restate


@pytest.fixture
def stirred():
    torch.manual_seed(0)
    painter = Painter(4, 2, own_manner=True)
    torch.nn.init.normal_(painter.head.weight, std=0.1)
    return painter


def test_untrained_it_changes_nothing():
    images = torch.rand(1, 3, 8, 12)
    for own in (True, False):
        painter = Painter(4, 1, own_manner=own)
        manner = painter.own_manner() if own else painter.manner_of(torch.rand(1, 3, 16, 16))
        assert torch.equal(painter(images, manner), images)


def test_restating_with_a_pictures_own_moments_is_instance_normalisation():
    features = torch.randn(2, 5, 9, 7) * 4 + 3
    plain = Moments(torch.zeros(1, 5), torch.ones(1, 5))
    expected = torch.nn.functional.instance_norm(features, eps=1e-5)
    torch.testing.assert_close(restate(features, moments(features), plain), expected)
    wanted = Moments(torch.randn(2, 5), torch.rand(2, 5) + 0.5)
    found = moments(restate(features, moments(features), wanted))
    torch.testing.assert_close(found.mean, wanted.mean, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.std, wanted.std, rtol=1e-3, atol=1e-4)


def test_manners_mix_in_proportion():
    first, second = ([Moments(torch.full((1, 2), v), torch.full((1, 2), v))] for v in (1.0, 5.0))
    (half,) = mixed([first, second], [1.0, 1.0])
    assert torch.equal(half.mean, torch.full((1, 2), 3.0))
    (most,) = mixed([first, second], [1.0, 3.0])
    assert torch.equal(most.std, torch.full((1, 2), 4.0))


def test_one_picture_of_a_batch_does_not_see_the_others(stirred):
    images = torch.rand(3, 3, 16, 20)
    together = stirred(images, stirred.own_manner())
    alone = stirred(images[1:2], stirred.own_manner())
    torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-5)


def test_a_published_painter_comes_back_as_it_was(stirred):
    settings = {"kind": "fast", "preset": {"width": 4, "blocks": 2}}
    loaded = load_painter(pack_weights({"painter_ema": stirred}, settings))
    images = torch.rand(1, 3, 12, 8)
    with torch.no_grad():
        expected = stirred(images, stirred.own_manner())
    assert torch.equal(loaded(images, loaded.own_manner()), expected)
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_other_weights_are_refused(stirred):
    with pytest.raises(CorruptAssetError, match="must hold kind and a preset's width and blocks"):
        load_painter(pack_weights({"painter_ema": stirred}, {"preset": {"width": 4}}))
    settings = {"kind": "adain", "preset": {"width": 4, "blocks": 2}}
    with pytest.raises(CorruptAssetError, match="weights must fit the network"):
        load_painter(pack_weights({"painter_ema": stirred}, settings))
