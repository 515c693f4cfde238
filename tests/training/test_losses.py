import math

import pytest
import torch

from artgan.training.losses import (
    feature_matching,
    gradient_l1,
    hinge_discriminator,
    hinge_generator,
    hole_log_mse,
    low_frequency_l1,
    masked_l1,
)


def pair(side=32):
    """An image, one that is brighter by 0.1, and a mask of the upper left quarter."""
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)) * 0.5
    mask = torch.zeros(2, 1, side, side)
    mask[..., : side // 2, : side // 2] = 1
    return images, images + 0.1, mask


@pytest.mark.parametrize("loss", [masked_l1, low_frequency_l1, gradient_l1])
def test_fidelity_losses_are_zero_for_the_truth_itself(loss):
    images, _, mask = pair()
    assert float(loss(images, images, mask)) == 0.0


def test_masked_l1_averages_over_the_mask_alone():
    images, brighter, mask = pair()
    outside = torch.where(mask > 0, images, brighter)
    assert float(masked_l1(brighter, images, mask)) == pytest.approx(0.1, abs=1e-6)
    assert float(masked_l1(outside, images, mask)) == 0.0
    assert float(masked_l1(brighter, images, torch.zeros_like(mask))) == 0.0


def test_log_mse_is_the_mean_over_crops_of_the_logarithm():
    images, brighter, mask = pair()
    predicted = torch.stack([brighter[0], images[1] + 0.2])
    expected = (math.log(0.01 + 1e-5) + math.log(0.04 + 1e-5)) / 2
    assert float(hole_log_mse(predicted, images, mask)) == pytest.approx(expected, abs=1e-4)


def test_low_frequency_loss_sees_a_shift_of_colour_but_no_fine_grain():
    images, brighter, mask = pair()
    checks = (torch.arange(32)[:, None] + torch.arange(32)) % 2 * 0.2 - 0.1
    grain = float(low_frequency_l1(images + checks, images, mask))
    assert grain < 1e-6
    assert float(low_frequency_l1(brighter, images, mask)) == pytest.approx(0.1 / 4, abs=1e-6)


def test_gradient_loss_sees_fine_grain_but_no_shift_of_colour():
    images, brighter, mask = pair()
    checks = (torch.arange(32)[:, None] + torch.arange(32)) % 2 * 0.2 - 0.1
    assert float(gradient_l1(brighter, images, mask)) < 1e-6
    assert float(gradient_l1(images + checks, images, mask)) > 0.15


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
