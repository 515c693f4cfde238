import pytest
import torch

from artgan.models.blocks import Double, Halve, ResidualBlock, clip_to_range


def test_a_residual_block_starts_as_the_identity():
    x = torch.rand(2, 8, 6, 10)
    assert torch.equal(ResidualBlock(8)(x), x)


def test_halving_and_doubling_change_the_resolution_by_two():
    x = torch.rand(1, 4, 12, 20)
    halved = Halve(4, 8)(x)
    assert halved.shape == (1, 8, 6, 10)
    assert Double(8, 4)(halved).shape == x.shape


@pytest.mark.parametrize(
    ("value", "slope", "expected"),
    [
        (0.5, 1.0, 1.0),
        (0.5, -1.0, -1.0),
        (-3.0, 1.0, 0.0),
        (-3.0, -1.0, -1.0),
        (4.0, 1.0, 1.0),
        (4.0, -1.0, 0.0),
    ],
)
def test_a_clipped_value_is_led_back_into_the_range_but_never_further_out(value, slope, expected):
    sums = torch.tensor([value], requires_grad=True)
    clipped = clip_to_range(sums)
    assert clipped.item() == min(max(value, 0.0), 1.0)
    (slope * clipped).sum().backward()
    assert sums.grad is not None
    assert sums.grad.item() == expected


def test_a_burnt_out_picture_comes_back_at_once_when_its_judge_has_changed_its_mind():
    sums = torch.full((4,), 0.2, requires_grad=True)
    optimizer = torch.optim.Adam([sums], lr=0.05)
    for wanted in [0.0] * 200 + [1.0] * 40:
        optimizer.zero_grad()
        liked = -clip_to_range(sums) if wanted == 0.0 else clip_to_range(sums)
        (-liked).mean().backward()
        optimizer.step()
    assert clip_to_range(sums).min() > 0.5
