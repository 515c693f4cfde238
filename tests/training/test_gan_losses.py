"""Losses by name: their closed forms, their sides, and slopes that are known exactly."""

import numpy as np
import pytest
import torch

from artgan.training.gan_losses import LOSSES, between, gradient_penalty, slope_penalty

HIGH, LOW = torch.full((2, 1, 1, 1), 2.0), torch.full((2, 1, 1, 1), -1.0)
SOFTPLUS = {x: np.log1p(np.exp(x)) for x in (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0)}


@pytest.mark.parametrize(
    ("name", "judged_right", "judged_wrong", "fooled"),
    [
        ("relativistic", SOFTPLUS[-3.0], SOFTPLUS[3.0], SOFTPLUS[-3.0]),
        (
            "non-saturating",
            SOFTPLUS[-2.0] + SOFTPLUS[-1.0],
            SOFTPLUS[1.0] + SOFTPLUS[2.0],
            SOFTPLUS[-2.0],
        ),
        ("hinge", 0.0, 2.0 + 3.0, -2.0),
        ("wgan-gp", -3.0, 3.0, -2.0),
    ],
)
def test_losses_have_their_closed_forms_and_sides(name, judged_right, judged_wrong, fooled):
    loss = LOSSES[name]
    assert loss.discriminator(HIGH, LOW).item() == pytest.approx(judged_right, abs=1e-5)
    assert loss.discriminator(LOW, HIGH).item() == pytest.approx(judged_wrong, abs=1e-5)
    assert loss.generator(HIGH, LOW).item() == pytest.approx(fooled, abs=1e-5)
    assert loss.generator(LOW, HIGH) > loss.generator(HIGH, LOW)


def quadratic(images):
    """A critic whose slope is known: for u = 2 x - 1 in [-1, 1], half of |u|^2 has the slope u."""
    return (2 * images - 1).square().sum((1, 2, 3), keepdim=True) / 2


def test_penalties_equal_the_slope_of_a_known_critic():
    images = torch.rand(4, 3, 5, 5, requires_grad=True)
    norms = (2 * images - 1).flatten(1).norm(dim=1).detach()
    logits = quadratic(images)
    torch.testing.assert_close(gradient_penalty(logits, images), norms.square())
    torch.testing.assert_close(slope_penalty(logits, images), (norms - 1).square())


def test_the_slope_penalty_moves_a_critic_to_slope_one():
    scale = torch.tensor(0.3, requires_grad=True)
    images = torch.rand(3, 3, 2, 2)
    for _ in range(80):
        points = images.clone().requires_grad_()
        logits = scale * (2 * points - 1).sum((1, 2, 3), keepdim=True)
        loss = slope_penalty(logits, points).mean()
        # slope is scale in each of 12 values, so the penalty is (scale sqrt(12) - 1)^2
        expected = 2 * (scale * 12**0.5 - 1) * 12**0.5
        (found,) = torch.autograd.grad(loss, scale)
        torch.testing.assert_close(found, expected.detach(), atol=1e-4, rtol=1e-4)
        scale = (scale - 0.02 * found).detach().requires_grad_()
    assert scale.item() == pytest.approx(12**-0.5, abs=1e-3)


def test_a_flat_critic_has_a_penalty_and_a_finite_gradient():
    weight = torch.zeros(1, requires_grad=True)
    images = torch.rand(2, 3, 4, 4, requires_grad=True)
    penalty = slope_penalty((weight * images).sum((1, 2, 3), keepdim=True), images).mean()
    penalty.backward()
    assert penalty.item() == pytest.approx(1.0, abs=1e-4)
    assert torch.isfinite(weight.grad).all()


def test_points_between_lie_on_the_lines():
    real, generated = torch.rand(5, 3, 2, 2), torch.rand(5, 3, 2, 2)
    share = ((between(real, generated) - real) / (generated - real)).flatten(1)
    assert ((share >= 0) & (share <= 1)).all()
    torch.testing.assert_close(share, share[:, :1].expand_as(share), atol=1e-3, rtol=0)
    assert share[:, 0].unique().numel() == 5
