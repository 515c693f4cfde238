import pytest
import torch

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.models.checkpoint import load_network, pack_weights
from artgan.models.generator import Generator, channels_at
from artgan.models.simulators import load_generator, sample


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return Generator(32, 8, 32, 16)


def louder(generator):
    """Give every level a noise that shows."""
    for name, parameter in generator.named_parameters():
        if name.endswith("noise_strength"):
            torch.nn.init.constant_(parameter, 5.0)
    return generator


@pytest.mark.parametrize("size_px", [16, 32, 64])
def test_works_are_square_and_in_range(size_px):
    works = sample(Generator(size_px, 8, 32, 16), [1, 2])
    assert works.shape == (2, 3, size_px, size_px)
    assert works.dtype == torch.float32
    assert works.min() >= 0
    assert works.max() <= 1


def test_the_published_sizes_hold_the_counted_parameters():
    counted = {
        name: parameter.numel()
        for name, parameter in Generator(32, 16, 128, 128).named_parameters()
    }
    modulation = sum(n for name, n in counted.items() if "modulation" in name)
    assert modulation == (128 + 1) * 4 * (64 + 32 + 16)
    assert sum(counted.values()) - modulation == 802_999


def test_channels_double_at_each_halving_up_to_the_cap():
    assert [channels_at(r, 32, 16, 64) for r in (32, 16, 8, 4)] == [16, 32, 64, 64]


def test_a_work_does_not_depend_on_its_batch(generator):
    alone = sample(generator, [7])
    among = sample(generator, [3, 7, 5])[1:2]
    # float32 sums of a few hundred products may be ordered differently in another batch size
    torch.testing.assert_close(alone, among, rtol=0, atol=1e-5)


def test_seeds_decide_latents_and_noise():
    generator = louder(Generator(16, 8, 32, 16))
    assert torch.equal(sample(generator, [4]), sample(generator, [4]))
    assert not torch.equal(sample(generator, [4]), sample(generator, [5]))
    z, noise = generator.draw(1, torch.Generator().manual_seed(4))
    silent = generator(z, [torch.zeros_like(level) for level in noise])
    assert (silent - sample(generator, [4])).abs().max() > 1e-3


def test_the_length_of_the_latent_does_not_matter(generator):
    z, noise = generator.draw(2, torch.Generator().manual_seed(0))
    torch.testing.assert_close(generator(z, noise), generator(5 * z, noise), atol=1e-5, rtol=0)


def test_truncation_brings_works_nearer_to_each_other(generator):
    spreads = [sample(generator, range(8), t).std(dim=0).mean().item() for t in (1.0, 0.5, 0.0)]
    assert spreads[0] > spreads[1] > spreads[2]
    assert spreads[2] < 0.2 * spreads[0]


def test_a_gradient_reaches_every_parameter():
    generator = louder(Generator(16, 8, 32, 16))
    torch.manual_seed(0)
    generator(*generator.draw(2)).square().sum().backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_latents_steer_each_level_beside_the_first_map():
    torch.manual_seed(0)
    generator = Generator(16, 8, 32, 16)
    z, noise = generator.draw(1)
    start = generator.begin(z, noise)
    other = start.clone()
    other[:, :16] = generator.begin(*generator.draw(1))[:, :16]
    assert torch.equal(generator.finish(start, noise), generator.finish(other, noise))
    for block in generator.blocks:
        torch.nn.init.normal_(block.modulation.weight)
        changed = generator.finish(other, noise) - generator.finish(start, noise)
        assert changed.abs().max() > 1e-2
        torch.nn.init.zeros_(block.modulation.weight)


def test_it_learns_a_picture_by_heart():
    torch.manual_seed(0)
    generator = Generator(16, 8, 32, 16)
    target = torch.linspace(0, 1, 16).expand(1, 3, 16, 16)
    inputs = generator.draw(1)
    optimizer = torch.optim.Adam(generator.parameters(), lr=1e-2)
    start = (generator(*inputs) - target).square().mean().item()
    for _ in range(50):
        optimizer.zero_grad()
        loss = (generator(*inputs) - target).square().mean()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05 * start


@pytest.mark.parametrize("size_px", [8, 48])
def test_sizes_that_cannot_be_doubled_up_to_are_refused(size_px):
    with pytest.raises(InvalidInputError, match="size_px must be a power of two"):
        Generator(size_px, 8, 32, 16)


def test_channels_that_make_no_groups_are_refused():
    with pytest.raises(InvalidInputError, match="base_channels must be a multiple of 8"):
        Generator(16, 12, 32, 16)


def test_a_published_generator_makes_the_same_works(generator):
    preset = {"size_px": 32, "base_channels": 8, "max_channels": 32, "latent": 16}
    loaded = load_generator(pack_weights({"generator_ema": generator}, {"preset": preset}))
    assert torch.equal(sample(loaded, [3]), sample(generator, [3]))
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_a_generator_from_before_there_was_modulation_makes_the_same_works(generator):
    state = generator.state_dict()
    weights = {name: one for name, one in state.items() if "modulation" not in name}
    loaded = Generator(32, 8, 32, 16)
    load_network(loaded, weights)
    assert torch.equal(sample(loaded, [3]), sample(generator, [3]))
    del weights["blocks.0.conv.weight"]
    with pytest.raises(CorruptAssetError, match=r"blocks\.0\.conv\.weight"):
        load_network(loaded, weights)


def test_weights_of_another_kind_are_refused(generator):
    with pytest.raises(CorruptAssetError, match="settings of a generator must hold"):
        load_generator(pack_weights({"generator_ema": generator}, {"preset": {"widths": [4]}}))
