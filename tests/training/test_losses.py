import pytest
import torch

from artgan.training.losses import (
    feature_matching,
    hinge_discriminator,
    hinge_generator,
    hole_l1,
)


def test_hole_l1_averages_over_the_holes_alone():
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 0.5
    mask = torch.zeros(2, 1, 32, 32)
    mask[..., :16, :16] = 1
    assert float(hole_l1(images + 0.1, images, mask)) == pytest.approx(0.1, abs=1e-6)
    assert float(hole_l1(torch.where(mask > 0, images, 9.0), images, mask)) == 0.0
    assert float(hole_l1(images + 0.1, images, torch.zeros_like(mask))) == 0.0


def test_the_hinge_leaves_patches_without_a_hole_out_of_the_filled_picture():
    real, filled = torch.full((1, 1, 2, 2), 2.0), torch.tensor([[[[-3.0, 5.0], [5.0, 5.0]]]])
    holed = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    assert float(hinge_discriminator(real, filled, holed)) == 0.0
    assert float(hinge_generator(filled, holed)) == 3.0
    assert float(hinge_discriminator(-real, filled, holed)) == 3.0


def test_feature_matching_averages_layers_and_holds_the_real_ones_fixed():
    real = [torch.zeros(1, 2, 4, 4, requires_grad=True), torch.zeros(1, 4, 2, 2)]
    filled = [torch.full((1, 2, 4, 4), 0.5, requires_grad=True), torch.full((1, 4, 2, 2), 1.5)]
    loss = feature_matching(real, filled)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(1.0)
    assert real[0].grad is None
    assert filled[0].grad is not None
