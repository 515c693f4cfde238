import pytest
import torch
from torch.nn import functional as F

from artgan.models.latents import Latents
from artgan.models.simulators import sample
from artgan.models.style_generator import (
    EqualLinear,
    StyleGenerator,
    mix_styles,
    modulated_convolution,
)


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return StyleGenerator(32, 8, 16, Latents(16))


@pytest.mark.parametrize("demodulate", [True, False])
def test_modulation_equals_kernels_scaled_for_each_work(demodulate):
    torch.manual_seed(0)
    x, weight, style = torch.randn(3, 4, 6, 6), torch.randn(5, 4, 3, 3), torch.randn(3, 4)
    made = modulated_convolution(x, weight, style, demodulate=demodulate)
    for work, its_style, found in zip(x, style, made, strict=True):
        kernel = weight * its_style[None, :, None, None]
        if demodulate:
            kernel = kernel / kernel.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()
        expected = F.conv2d(work[None], kernel, padding=1)[0]
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_demodulation_keeps_the_spread_whatever_the_style():
    torch.manual_seed(0)
    x, weight = torch.randn(8, 32, 16, 16), torch.randn(32, 32, 3, 3)
    for scale in (0.1, 1.0, 30.0):
        spread = modulated_convolution(x, weight, torch.full((8, 32), scale))[:, :, 1:-1, 1:-1]
        assert spread.std().item() == pytest.approx(1.0, rel=0.05)


def test_equal_layers_start_with_unit_spread_and_their_bias():
    torch.manual_seed(0)
    for rate in (1.0, 0.01):
        layer = EqualLinear(256, 512, rate=rate, bias=1.0)
        y = layer(torch.randn(64, 256))
        assert y.std().item() == pytest.approx(1.0, rel=0.1)
        assert y.mean().item() == pytest.approx(1.0, abs=0.1)


def test_styles_are_mixed_from_a_level_on():
    coarse, fine = torch.zeros(3, 4, 2), torch.ones(3, 4, 2)
    mixed = mix_styles(coarse, fine, torch.tensor([1, 3, 4]))[:, :, 0]
    assert mixed.tolist() == [[0, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_coarse_styles_move_forms_and_fine_ones_details(generator):
    z, noise = generator.draw(16, torch.Generator().manual_seed(0))
    styles, others = generator.begin(z), generator.begin(z.flip(0))
    works = generator.finish(styles, noise)
    last = len(generator.resolutions)
    fine = generator.finish(mix_styles(styles, others, torch.full((16,), last - 1)), noise)
    coarse = generator.finish(mix_styles(others, styles, torch.full((16,), 1)), noise)
    assert (fine - works).abs().max() > 1e-3
    assert (coarse - works).abs().max() > 1e-3
    assert torch.equal(
        generator.finish(mix_styles(styles, others, torch.full((16,), last)), noise), works
    )


def test_works_come_from_their_seed_alone_and_in_range(generator):
    alone, among = sample(generator, [7]), sample(generator, [3, 7, 5])[1:2]
    assert alone.shape == (1, 3, 32, 32)
    assert alone.min() >= 0
    assert alone.max() <= 1
    torch.testing.assert_close(alone, among, rtol=0, atol=1e-5)
    assert not torch.equal(alone, sample(generator, [8]))


def test_truncation_brings_works_nearer_to_each_other(generator):
    spreads = [sample(generator, range(8), t).std(dim=0).mean().item() for t in (1.0, 0.5, 0.0)]
    assert spreads[0] > spreads[1] > spreads[2]
    assert spreads[2] < 1e-5


def test_a_gradient_reaches_every_parameter():
    torch.manual_seed(0)
    generator = StyleGenerator(16, 8, 16, Latents(8, continuous=1, modes=2))
    works = generator(*generator.draw(4))
    (works * torch.randn_like(works)).sum().backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
