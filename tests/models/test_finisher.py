from dataclasses import asdict

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from artgan.errors import CorruptAssetError
from artgan.models.checkpoint import pack_weights
from artgan.models.finisher import (
    Denoiser,
    LowFrequencyLock,
    Upscaler,
    enlarge,
    load_denoiser,
    load_upscaler,
)
from artgan.presets import PRESETS


def awake(network, std=0.05, seed=0):
    """Give every layer random weights, so that all of them count."""
    torch.manual_seed(seed)
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.normal_(part.weight, std=std)
    return network.eval()


def denoiser():
    return awake(Denoiser((4, 8), (1, 2)))


def upscaler():
    return awake(Upscaler(8, 2))


def random_images(size=64, seed=0):
    return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(seed))


def test_an_untrained_denoiser_gives_the_picture_back():
    images = random_images()
    assert torch.equal(Denoiser((4, 8), (1, 1))(images), images)


def test_an_untrained_upscaler_is_the_bicubic_of_pillow():
    images = random_images(40)
    made = Upscaler(8, 1)(images)[0].detach().numpy()
    for channel in range(3):  # Pillow clips whole numbers half-way, but not floats
        source = Image.fromarray(images[0, channel].numpy())
        peer = np.asarray(source.resize((80, 80), Image.Resampling.BICUBIC))
        assert np.abs(made[channel] - peer).max() < 1e-5


@pytest.mark.parametrize("network", [denoiser(), upscaler()])
def test_no_pixel_outside_of_the_radius_counts(network):
    size, radius, factor = 128, network.receptive_radius_px, network.factor
    images = random_images(size)
    other = random_images(size, 1)
    middle = size // 2
    near = slice(middle - radius, middle + radius + 1)
    other[..., near, near] = images[..., near, near]
    spot = (..., factor * middle, factor * middle)
    with torch.no_grad():
        assert torch.equal(network(images)[spot], network(other)[spot])


@pytest.mark.parametrize("network", [denoiser(), upscaler()])
def test_colours_of_areas_cannot_drift(network):
    """Whatever the weights say, means over large areas stay."""
    images = random_images(128)
    with torch.no_grad():
        start = images if network.factor == 1 else enlarge(images, 2)
        correction = network(images) - start
    means = F.avg_pool2d(correction, 32)[..., 1:-1, 1:-1]
    assert correction.std() > 0.005
    assert means.abs().max() < 0.1 * correction.std()


def test_the_lock_takes_a_flat_correction_out_wholly():
    flat = torch.full((1, 3, 40, 40), 0.3)
    assert LowFrequencyLock()(flat).abs().max() < 1e-6


@pytest.mark.parametrize("network", [denoiser(), upscaler()])
def test_strength_goes_from_nothing_to_all(network):
    images = random_images()
    with torch.no_grad():
        none, half, all_ = (network(images, strength) for strength in (0.0, 0.5, 1.0))
    assert torch.allclose(half, (none + all_) / 2, atol=1e-6)
    assert torch.equal(none, images if network.factor == 1 else enlarge(images, 2))


def test_published_finishers_work_alike_and_are_small():
    preset = PRESETS["tiny"]
    first = awake(Denoiser(preset.denoise.widths, preset.denoise.blocks))
    data = pack_weights({"denoiser_ema": first}, {"preset": asdict(preset.denoise)})
    second = awake(Upscaler(preset.upscale.width, preset.upscale.blocks))
    more = pack_weights({"upscaler_ema": second}, {"preset": asdict(preset.upscale)})
    images = random_images()
    with torch.no_grad():
        assert torch.equal(load_denoiser(data)(images), first(images))
        assert torch.equal(load_upscaler(more)(images), second(images))
    for network in (first, second):
        assert sum(p.numel() for p in network.parameters()) <= 130_000


def test_weights_of_another_kind_are_refused():
    data = pack_weights({"upscaler_ema": upscaler()}, {"preset": {"width": 8}})
    with pytest.raises(CorruptAssetError, match="kind denoise"):
        load_denoiser(data)
    with pytest.raises(CorruptAssetError, match="kind upscale"):
        load_upscaler(data)


@pytest.mark.parametrize("network", [denoiser(), upscaler()])
def test_every_weight_learns(network):
    network(random_images(32)).square().mean().backward()
    for name, weights in network.named_parameters():
        assert weights.grad is not None, name
        assert weights.grad.abs().sum() > 0, name
