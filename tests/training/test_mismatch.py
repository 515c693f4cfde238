import math

import pytest
import torch

from artgan.models.judging import ClassMatch
from artgan.training.gan_losses import mismatch_loss

CLASSES = 3


@pytest.fixture
def match():
    """Classes that each look at a channel of their own."""
    match = ClassMatch(CLASSES, CLASSES)
    match.vectors.weight.data = torch.eye(CLASSES)
    return match


def maps(labels, strength):
    """Maps (B, 3, 4, 4) on which the channel of the label is this strong."""
    return strength * torch.eye(CLASSES)[labels][:, :, None, None].expand(-1, -1, 4, 4)


def test_works_that_fit_every_class_alike_cost_the_logarithm_of_two(match):
    labels = torch.arange(CLASSES)
    loss = mismatch_loss(match, torch.ones(CLASSES, CLASSES, 4, 4), labels)
    assert loss.item() == pytest.approx(math.log(2))


def test_works_that_fit_their_own_class_cost_nothing_and_others_much(match):
    labels = torch.arange(CLASSES).repeat(20)
    assert mismatch_loss(match, maps(labels, 50.0), labels) < 1e-6
    # the class that they show is drawn in half of the cases
    assert mismatch_loss(match, maps((labels + 1) % CLASSES, 50.0), labels) > 10


def test_the_own_class_comes_to_fit_better(match):
    torch.manual_seed(0)
    labels = torch.arange(CLASSES).repeat(4)
    seen = maps(labels, 1.0) + 0.5
    optimizer = torch.optim.SGD(match.parameters(), lr=1.0)
    torch.nn.init.zeros_(match.vectors.weight)
    for _ in range(20):
        optimizer.zero_grad()
        mismatch_loss(match, seen, labels).backward()
        optimizer.step()
    fits = torch.stack([match(seen, torch.full_like(labels, n)).flatten() for n in range(CLASSES)])
    assert torch.equal(fits.argmax(dim=0), labels)
