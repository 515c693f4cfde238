import pytest
import torch

from artgan.models.prefill import double_to, halve_known, push_pull


def holes(height, width, fraction, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(1, 1, height, width, generator=generator) < fraction).float()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (37, 51), (64, 64), (128, 3)])
def test_known_pixels_are_returned_as_they_came_at_any_size(height, width):
    images = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    mask = holes(height, width, 0.4)
    known = mask.expand_as(images) == 0
    assert torch.equal(push_pull(images, mask)[known], images[known])


def test_a_constant_image_is_filled_with_its_constant():
    # each weighted average of equal values is that value up to rounding of the weights
    images, mask = torch.full((2, 3, 45, 62), 0.3), holes(45, 62, 0.6).expand(2, -1, -1, -1)
    assert torch.allclose(push_pull(images, mask), images, atol=1e-6)


def test_what_lies_under_the_mask_is_ignored():
    mask = holes(32, 40, 0.3)
    images = torch.rand(1, 3, 32, 40, generator=torch.Generator().manual_seed(2))
    spoiled = torch.where(mask > 0, torch.nan, images)
    assert torch.equal(push_pull(images, mask), push_pull(spoiled, mask))


def test_a_ramp_is_continued_more_closely_than_by_the_mean():
    ramp = torch.linspace(0, 1, 64).expand(1, 3, 64, 64)
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 24:40, 24:40] = 1
    error = (push_pull(ramp, mask) - ramp).abs()[..., 24:40, 24:40].mean()
    of_the_mean = (0.5 - ramp).abs()[..., 24:40, 24:40].mean()
    assert error < 0.5 * of_the_mean


def test_filled_values_stay_between_the_known_ones():
    images = torch.rand(1, 1, 50, 50, generator=torch.Generator().manual_seed(3)) * 0.2 + 0.4
    filled = push_pull(images, holes(50, 50, 0.8))
    assert filled.min() >= 0.4 - 1e-6
    assert filled.max() <= 0.6 + 1e-6


def test_halving_uses_known_pixels_only_and_finds_cells_without_any():
    known = torch.arange(9.0).reshape(1, 1, 3, 3)
    weight = torch.tensor([[0.0, 1.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]]).reshape(1, 1, 3, 3)
    halved, cells = halve_known(known, weight)
    assert cells[0, 0].tolist() == [[1.0, 1.0], [0.0, 0.0]]
    assert halved[0, 0, 0].tolist() == pytest.approx([(1 + 4) / 2, (2 + 5) / 2])


def test_doubling_undoes_the_halving_of_a_ramp_away_from_the_border():
    ramp = torch.linspace(0, 1, 33).expand(1, 1, 21, 33)
    halved, _ = halve_known(ramp, torch.ones(1, 1, 21, 33))
    back = double_to(halved, (21, 33))
    assert back.shape == ramp.shape
    assert torch.allclose(back[..., 2:-2, 2:-2], ramp[..., 2:-2, 2:-2], atol=1e-6)
