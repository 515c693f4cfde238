import pytest
import torch

from artgan.errors import InvalidInputError
from artgan.models.discriminator import Discriminator


@pytest.mark.parametrize(("size_px", "redrawn_px"), [(16, 16), (32, 32), (64, 32), (256, 64)])
def test_every_size_is_judged_by_five_by_five_logits(size_px, redrawn_px):
    discriminator = Discriminator(size_px, 8, 16)
    logits, noticed = discriminator(torch.rand(2, 3, size_px, size_px))
    assert logits.shape == (2, 1, 5, 5)
    redrawn = discriminator.redraw(noticed)
    assert redrawn.shape == (2, 3, redrawn_px, redrawn_px)
    assert redrawn.min() >= 0
    assert redrawn.max() <= 1


def test_the_published_size_holds_the_counted_parameters():
    counted = sum(parameter.numel() for parameter in Discriminator(32, 16, 128).parameters())
    assert counted == 142_132


def test_a_judgement_does_not_depend_on_the_batch():
    torch.manual_seed(0)
    discriminator = Discriminator(32, 8, 32)
    images = torch.rand(3, 3, 32, 32)
    alone, among = discriminator(images[:1])[0], discriminator(images)[0][:1]
    torch.testing.assert_close(alone, among, rtol=0, atol=1e-5)


def test_a_gradient_reaches_every_parameter():
    torch.manual_seed(0)
    discriminator = Discriminator(32, 8, 32)
    logits, noticed = discriminator(torch.rand(2, 3, 32, 32))
    (logits.sum() + discriminator.redraw(noticed).sum()).backward()
    for name, parameter in discriminator.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_it_learns_to_redraw_a_picture():
    torch.manual_seed(0)
    discriminator = Discriminator(16, 8, 32)
    image = torch.linspace(0, 1, 16).expand(1, 3, 16, 16).contiguous()
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=1e-2)
    losses = []
    for _ in range(50):
        loss = (discriminator.redraw(discriminator(image)[1]) - image).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def test_a_side_that_cannot_be_halved_to_eight_is_refused():
    with pytest.raises(InvalidInputError, match="size_px must be a power of two"):
        Discriminator(40, 8, 32)
