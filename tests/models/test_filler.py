from dataclasses import asdict

import pytest
import torch

from artgan.errors import CorruptAssetError
from artgan.models.checkpoint import pack_weights
from artgan.models.filler import Filler, fill_batch, load_filler
from artgan.models.prefill import push_pull
from artgan.presets import RestorationPreset

WIDTHS, BLOCKS = (8, 12, 16), (1, 1, 2)


def randomised(widths=WIDTHS, blocks=BLOCKS):
    torch.manual_seed(0)
    filler = Filler(widths, blocks).eval()
    with torch.no_grad():
        for weights in filler.parameters():
            weights.normal_(0.0, 0.1)
    return filler


def batch(side=48, count=2):
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(count, 3, side, side, generator=generator)
    mask = (torch.rand(count, 1, side, side, generator=generator) < 0.2).float()
    return images, mask


def test_an_untrained_filler_returns_the_prefill():
    images, mask = batch()
    filled = fill_batch(Filler(WIDTHS, BLOCKS), images, mask)
    assert torch.equal(filled, push_pull(images, mask))


def test_pixels_outside_the_holes_are_returned_as_they_came():
    images, mask = batch()
    known = mask.expand_as(images) == 0
    filled = fill_batch(randomised(), images, mask)
    assert torch.equal(filled[known], images[known])
    assert not torch.equal(filled, push_pull(images, mask))


@pytest.mark.parametrize(
    ("widths", "blocks"), [((8,), (2,)), ((8, 12), (1, 2)), ((8, 12, 16), (2, 1, 1))]
)
def test_nothing_beyond_the_receptive_radius_changes_an_output(widths, blocks):
    filler = randomised(widths, blocks)
    radius = filler.receptive_radius_px
    side = (2 * radius + 16) // 8 * 8
    images, mask = batch(side, 1)
    reach = 0
    with torch.no_grad():
        before = filler(images, mask)
        for offset in range(filler.stride):
            place = side // 2 + offset
            disturbed = images.clone()
            disturbed[..., place, place] += 10.0
            changed = (filler(disturbed, mask) != before).any(dim=1)[0].nonzero()
            reach = max(reach, int((changed - place).abs().max()))
    assert reach <= radius
    assert reach >= radius - 2 * filler.stride  # a bound from above, but not a loose one


def test_gradients_reach_every_weight():
    filler = randomised()
    images, mask = batch()
    filler(images, mask).square().sum().backward()
    for name, weights in filler.named_parameters():
        assert weights.grad is not None, name
        assert weights.grad.abs().sum() > 0, name


def test_it_learns_one_batch_by_heart():
    torch.manual_seed(0)
    filler = Filler(WIDTHS, BLOCKS)
    images, mask = batch(side=32)
    prefill = push_pull(images, mask)
    optimizer = torch.optim.Adam(filler.parameters(), 5e-3)
    errors = []
    for _ in range(50):
        error = ((filler(prefill, mask) - images) * mask).square().sum() / mask.sum()
        errors.append(float(error.detach()))
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    assert errors[-1] < 0.7 * errors[0]


def test_a_published_filler_fills_as_the_trained_one():
    filler = randomised()
    preset = asdict(RestorationPreset(widths=WIDTHS, blocks=BLOCKS))
    loaded = load_filler(pack_weights({"generator_ema": filler}, {"preset": preset}))
    images, mask = batch()
    assert not loaded.training
    assert torch.equal(fill_batch(loaded, images, mask), fill_batch(filler, images, mask))


def test_weights_of_another_architecture_are_refused():
    other = asdict(RestorationPreset(widths=(8, 12), blocks=(1, 1)))
    with pytest.raises(CorruptAssetError, match="must fit the network"):
        load_filler(pack_weights({"generator_ema": randomised()}, {"preset": other}))
    with pytest.raises(CorruptAssetError, match="widths and blocks"):
        load_filler(pack_weights({"generator_ema": randomised()}, {"kind": "style"}))
