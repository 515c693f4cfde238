import pytest
import torch

from artgan.metrics.robustness import climb, fgsm, margin, pgd, random_signs


def drawn(seed=0, count=6):
    """Pictures of 8 bits that no attack moves out of [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(20, 236, (count, 3, 8, 8), generator=generator) / 255


def linear(images):
    """A loss whose worst case is known: w.x, raised by at most the bound times |w|."""
    weights = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    return (images.double() * weights).sum(dim=(1, 2, 3)), weights


@pytest.mark.parametrize("codes", [1, 4, 8])
def test_attacks_on_a_linear_model_reach_its_worst_case_exactly(codes):
    images = drawn()
    before, weights = linear(images)
    most = codes / 255 * weights.abs().sum().item()
    for attacked in (
        fgsm(lambda x: linear(x)[0], images, codes),
        pgd(lambda x: linear(x)[0], images, codes, 20, 1),
    ):
        gained = linear(attacked)[0] - before
        torch.testing.assert_close(gained, torch.full_like(gained, most), rtol=1e-5, atol=0)
    by_chance = linear(random_signs(images, codes))[0] - before
    assert by_chance.abs().max() < most / 3


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device to try this on")
def test_attacks_on_an_accelerator_reach_the_same_worst_case_from_the_same_starts():
    images, (_, weights) = drawn().cuda(), linear(drawn())

    def loss(moved):
        return (moved.double() * weights.cuda()).sum(dim=(1, 2, 3))

    for attacked in (fgsm(loss, images, 8), pgd(loss, images, 8, 20, 2)):
        gained = loss(attacked) - loss(images)
        most = torch.full_like(gained, 8 / 255 * weights.abs().sum().item())
        torch.testing.assert_close(gained, most, rtol=1e-5, atol=0)
    there, here = (random_signs(x, 8, torch.Generator().manual_seed(1)) for x in (images, drawn()))
    torch.testing.assert_close(there.cpu(), here)  # a division by 255 may differ in its last bit


def test_what_is_given_back_can_be_stored_and_lies_within_the_bound():
    images = torch.randint(0, 256, (4, 3, 8, 8)) / 255
    for attacked in (
        random_signs(images, 8),
        fgsm(lambda x: x.square().sum((1, 2, 3)), images, 8),
        pgd(lambda x: torch.sin(40 * x).sum((1, 2, 3)), images, 8, 5, 2),
    ):
        codes = attacked * 255
        assert torch.equal(codes.round() / 255, attacked)
        assert (codes - images * 255).abs().max() < 8.01
        assert 0 <= attacked.min() <= attacked.max() <= 1


def test_more_starts_and_steps_never_help_the_defender():
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1),
        torch.nn.Tanh(),
        torch.nn.Flatten(),
        torch.nn.Linear(512, 3),
    )
    labels = torch.arange(6) % 3

    def loss(images):
        return margin(network(images), labels)

    images = drawn()
    with torch.no_grad():
        found = {
            "noise": loss(random_signs(images, 8, torch.Generator().manual_seed(1))),
            "once": loss(fgsm(loss, images, 8)),
            "one start": loss(pgd(loss, images, 8, 20, 1, torch.Generator().manual_seed(2))),
            "three": loss(pgd(loss, images, 8, 20, 3, torch.Generator().manual_seed(2))),
            "half": loss(pgd(loss, images, 4, 20, 3, torch.Generator().manual_seed(2))),
        }
    means = {name: losses.mean().item() for name, losses in found.items()}
    assert means["noise"] < means["once"] <= means["one start"] + 1e-3
    assert means["half"] < means["three"]
    assert (found["three"] >= found["one start"]).all()


def test_a_network_keeps_its_gradients_and_its_chances():
    weight = torch.nn.Parameter(torch.ones(3, 1, 1))
    images = drawn()
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    pgd(lambda x: (x * weight).sum((1, 2, 3)), images, 4, generator=torch.Generator())
    assert torch.equal(torch.rand(1), expected)
    assert weight.grad is None
    assert not climb(lambda x: (x * weight).sum((1, 2, 3)), images, 4, 2).requires_grad


def test_a_margin_is_above_zero_where_the_label_is_wrong():
    scores = torch.tensor([[2.0, 1.0, 0.0], [2.0, 1.0, 0.0]])
    assert margin(scores, torch.tensor([0, 2])).tolist() == [-1.0, 2.0]
