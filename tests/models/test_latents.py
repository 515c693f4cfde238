import pytest
import torch

from artgan.models.latents import Latents

LATENTS = Latents(normal=32, continuous=2, modes=3, classes=4)


def test_parts_have_their_distributions_and_places():
    z = LATENTS.draw(2000, torch.Generator().manual_seed(0))
    assert z.shape == (2000, LATENTS.length) == (2000, 41)
    continuous, modes = LATENTS.codes(z)
    assert continuous.min() >= -1
    assert continuous.max() <= 1
    assert continuous.var().item() == pytest.approx(1 / 3, rel=0.1)
    assert (modes.sum(dim=1) == 1).all()
    assert modes.mean(dim=0).tolist() == pytest.approx([1 / 3] * 3, abs=0.05)
    assert z[:, :32].std().item() == pytest.approx(1, rel=0.05)


def test_codes_are_evened_and_random_numbers_and_classes_left():
    z = LATENTS.draw(4)
    evened = LATENTS.evened() * LATENTS.scaled(z)
    assert torch.allclose(evened[:, 32:37], z[:, 32:37])
    assert torch.equal(evened[:, :32], LATENTS.scaled(z)[:, :32])
    assert torch.equal(evened[:, 37:], LATENTS.scaled(z)[:, 37:])


def test_labels_are_those_that_were_asked_for():
    asked = torch.tensor([3, 0, 1])
    assert torch.equal(LATENTS.labels(LATENTS.draw(3, labels=asked)), asked)
    assert Latents(8).labels(Latents(8).draw(2)) is None


def test_random_numbers_without_codes_are_those_of_torch():
    drawn = Latents(8).draw(3, torch.Generator().manual_seed(5))
    assert torch.equal(drawn, torch.randn(3, 8, generator=torch.Generator().manual_seed(5)))


def test_scaling_gives_all_one_length_and_leaves_codes_in_proportion():
    z = LATENTS.draw(4)
    scaled = LATENTS.scaled(z)
    torch.testing.assert_close(scaled[:, :32].norm(dim=1), torch.full((4,), 32**0.5))
    ratio = scaled[:, 32:34] / z[:, 32:34]
    torch.testing.assert_close(ratio, torch.full((4, 2), 0.5 * 32**0.5))


def test_turning_and_switching_change_one_code_alone():
    z = LATENTS.draw(2)
    turned, switched = LATENTS.turned(z, 1, 0.25), LATENTS.switched(z, 2)
    assert (turned[:, 33] == 0.25).all()
    assert torch.equal(turned[:, :33], z[:, :33])
    assert torch.equal(turned[:, 34:], z[:, 34:])
    assert LATENTS.codes(switched)[1].argmax(dim=1).tolist() == [2, 2]
    assert torch.equal(switched[:, :34], z[:, :34])
    assert torch.equal(LATENTS.labels(switched), LATENTS.labels(z))


def test_redrawing_keeps_codes_and_classes():
    z = LATENTS.draw(3)
    again = LATENTS.redrawn(z)
    assert torch.equal(again[:, 32:], z[:, 32:])
    assert not torch.equal(again[:, :32], z[:, :32])


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_the_way_between_two_stays_on_the_sphere(share):
    plain = Latents(64, continuous=1)
    a, b = (plain.draw(1, torch.Generator().manual_seed(seed)) for seed in (0, 1))
    a[:, :64], b[:, :64] = (8 * x[:, :64] / x[:, :64].norm() for x in (a, b))
    way = plain.between(a, b, share)
    assert way[:, :64].norm().item() == pytest.approx(8, rel=1e-4)
    torch.testing.assert_close(way[:, 64], torch.lerp(a[:, 64], b[:, 64], share))
    if share in {0.0, 1.0}:
        torch.testing.assert_close(way, b if share else a, atol=1e-4, rtol=0)


def test_two_equal_latents_have_a_way_of_no_length():
    a = Latents(8).draw(1)
    torch.testing.assert_close(Latents(8).between(a, a.clone(), 0.5), a)
