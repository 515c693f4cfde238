import torch

from artgan.models.blocks import Double, Halve, ResidualBlock


def test_a_residual_block_starts_as_the_identity():
    x = torch.rand(2, 8, 6, 10)
    assert torch.equal(ResidualBlock(8)(x), x)


def test_halving_and_doubling_change_the_resolution_by_two():
    x = torch.rand(1, 4, 12, 20)
    halved = Halve(4, 8)(x)
    assert halved.shape == (1, 8, 6, 10)
    assert Double(8, 4)(halved).shape == x.shape
