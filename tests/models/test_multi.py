import numpy as np
import pytest
import torch

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.models.checkpoint import pack_weights
from artgan.models.multi import CollectionDiscriminator, MultiPainter, load_multi

NAMES = ("mist", "reeds", "snow")


@pytest.fixture
def stirred() -> MultiPainter:
    torch.manual_seed(0)
    multi = MultiPainter(4, 2, NAMES)
    torch.nn.init.normal_(multi.painter.head.weight, std=0.1)
    torch.nn.init.normal_(multi.manners, 1.0, 0.5)
    return multi.requires_grad_(requires_grad=False)


def test_untrained_it_changes_nothing_whatever_is_asked_for():
    images = torch.rand(3, 3, 16, 20)
    made = MultiPainter(4, 1, NAMES)(images, torch.tensor([0, 1, 2]))
    torch.testing.assert_close(made, images)


def test_each_picture_of_a_batch_gets_the_manner_that_it_asks_for(stirred):
    image = torch.rand(1, 3, 16, 20)
    together = stirred(image.expand(3, -1, -1, -1), torch.tensor([2, 0, 1]))
    for made, label in zip(together, (2, 0, 1), strict=True):
        torch.testing.assert_close(made[None], stirred(image, torch.tensor([label])))
    assert (together[0] - together[1]).abs().mean() > 1e-3
    assert together.min() >= 0
    assert together.max() <= 1


def test_a_further_collection_costs_a_hundredth_of_the_weights():
    few, more = (
        sum(p.numel() for p in MultiPainter(16, 4, NAMES[:count]).parameters()) for count in (2, 3)
    )
    assert more - few < 0.01 * few


def test_published_weights_come_back_with_names_and_colours(stirred):
    stirred.set_colors(1, np.array([0.1, 0.2, 0.3]), np.diag([0.01, 0.02, 0.03]))
    settings = {"kind": "multi", "preset": {"width": 4, "blocks": 2, "classes": list(NAMES)}}
    loaded = load_multi(pack_weights({"multi_ema": stirred}, settings))
    assert loaded.label("snow") == 2
    assert np.array_equal(loaded.colors(1)[0], [0.1, 0.2, 0.3])
    image, label = torch.rand(1, 3, 16, 16), torch.tensor([1])
    assert torch.equal(loaded(image, label), stirred(image, label))
    with pytest.raises(InvalidInputError, match="must be one of mist, reeds, snow, got 'fog'"):
        loaded.label("fog")
    with pytest.raises(CorruptAssetError, match="Use a model of the kind multi"):
        load_multi(pack_weights({"multi_ema": stirred}, {"preset": {"width": 4, "blocks": 2}}))


def test_each_collection_has_a_judge_of_its_own():
    torch.manual_seed(0)
    judge = CollectionDiscriminator(4, 3)
    images = torch.rand(1, 3, 64, 64).repeat(3, 1, 1, 1)
    logits = judge(images, torch.tensor([0, 2, 0]))
    assert logits.shape == (3, 1, 14, 14)
    assert torch.equal(logits[0], logits[2])
    assert not torch.allclose(logits[0], logits[1])
