import numpy as np
import pytest
import torch
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import batch_to_arrays
from artgan.metrics.borders import border_ratio
from artgan.models.texture import TextureGenerator


def strokes(height=40, width=44, seed=0):
    """Soft strokes in a few colours."""
    rng = torch.Generator().manual_seed(seed)
    noise = F.pad(torch.rand(1, 3, height, width, generator=rng), (4, 4, 1, 1), mode="reflect")
    return (F.avg_pool2d(noise, (3, 9), stride=1)[0] * 3 - 1).clamp(0, 1)


def tile(generator, seed, height=64, width=72):
    return generator(height, width, torch.Generator().manual_seed(seed)).texture


def passes_of(generator, seed, height=64, width=72):
    with torch.no_grad():
        return generator.sketch(height, width, torch.Generator().manual_seed(seed))[1]


@pytest.fixture(scope="module")
def generator():
    return TextureGenerator([strokes()], passes=2)


def test_a_seed_makes_one_texture_of_any_size_in_the_colours_of_the_source(generator):
    for height, width in ((64, 64), (33, 71), (generator.least_px, 90)):
        texture = tile(generator, 3, height, width)
        assert texture.shape == (3, height, width)
        assert torch.equal(texture, tile(generator, 3, height, width))
        assert not torch.equal(texture, tile(generator, 4, height, width))
        colours = {tuple(pixel) for pixel in strokes().flatten(1).T.tolist()}
        assert all(tuple(pixel) in colours for pixel in texture.flatten(1).T.tolist())


def test_the_sketch_has_half_the_resolution_and_softer_colours(generator):
    with torch.no_grad():
        sketch, passes = generator.sketch(33, 71, torch.Generator().manual_seed(3))
    assert sketch.shape == (1, 3, 17, 36)
    assert [(did.level, did.number) for did in passes] == [(0, 0), (0, 1)]
    for channel, source in zip(sketch[0], strokes(), strict=True):
        assert source.min() - 1e-5 <= channel.min() <= channel.max() <= source.max() + 1e-5


def test_the_border_of_a_texture_is_like_any_place_in_it(generator):
    tiles = [batch_to_arrays(tile(generator, seed)[None])[0] for seed in range(12)]
    assert np.mean([border_ratio(one) for one in tiles]) == pytest.approx(1.0, abs=0.12)
    cut = [one[:-9, :-9] for one in tiles]
    assert np.mean([border_ratio(one) for one in cut]) > 1.6


def test_a_source_of_one_colour_gives_that_colour():
    plain = torch.tensor([0.2, 0.5, 0.7])[:, None, None].expand(3, 20, 24)
    texture = tile(TextureGenerator([plain], passes=1), 0, 20, 31)
    torch.testing.assert_close(texture, plain[:, :1, :1].expand_as(texture))


def test_patches_of_all_sources_are_used():
    dark, light = strokes(seed=1) / 3, 1 - strokes(seed=2) / 3
    brightness = tile(TextureGenerator([dark, light], passes=1), 0, 96, 96).mean(dim=0)
    assert (brightness < 0.4).float().mean() > 0.1
    assert (brightness > 0.6).float().mean() > 0.1


def test_a_bonus_decides_what_is_taken():
    dear = TextureGenerator([strokes()], passes=2)
    with torch.no_grad():
        for level in dear.levels:
            level.bonuses[:, 17] = 100.0
    passes = passes_of(dear, 0)
    assert all((did.chosen == 17).all() for did in passes)
    assert passes[-1].chosen.numel() == 16 * 18


def test_the_slope_along_a_bonus_is_how_often_a_patch_was_used_less_its_share(generator):
    did = passes_of(generator, 0)[-1]
    level = generator.levels[did.level]
    (slope,) = torch.autograd.grad(generator.misuse(did), level.bonuses)
    count = level.bonuses.shape[1]
    used = torch.bincount(did.chosen, minlength=count) * count / len(did.chosen)
    torch.testing.assert_close(slope[did.number] / level.scales[did.number], used - 1)
    assert not slope[1 - did.number].any()


def test_at_the_first_bonuses_every_patch_is_about_to_be_taken():
    made = TextureGenerator([strokes()], passes=1)
    made.set_bonuses(64, 72, torch.Generator().manual_seed(0))
    bonuses = [level.bonuses[0] for level in made.levels]
    assert all((bonus >= 0).all() and bonus.mean() > 0 for bonus in bonuses)
    passes = passes_of(made, 0)
    kept = passes[0].chosen.unique()
    with torch.no_grad():
        made.levels[0].bonuses += 0.01 * bonuses[0].mean() * (torch.arange(len(bonuses[0])) == 5)
    passes = passes_of(made, 0)
    assert 5 in passes[0].chosen
    assert len(kept) > 20


def test_small_sources_and_textures_are_refused(generator):
    with pytest.raises(InvalidInputError, match="at least 12 pixels a side, got 1"):
        TextureGenerator([strokes(11, 40)], passes=1)
    with pytest.raises(InvalidInputError, match="at least one picture"):
        TextureGenerator([], passes=1)
    with pytest.raises(InvalidInputError, match="sides of a texture must be at least 24"):
        generator(23, 64)
