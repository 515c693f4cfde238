from dataclasses import replace

import numpy as np
import pytest
import torch

from artgan.config import TrainSettings
from artgan.errors import InvalidInputError
from artgan.models.simulators import make_discriminator
from artgan.presets import SimulationPreset
from artgan.training.accountant import delta_for, epsilon, private_words
from artgan.training.gan_losses import LOSSES
from artgan.training.private import (
    CLIP,
    SIDES,
    PrivateAdversaries,
    clipped_sum,
)
from artgan.training.simulation import build
from tests.training.test_simulation import TINY, features, weights, works

PRIVATE = replace(TINY, loss="non-saturating", privacy_noise=1.0)


@pytest.mark.parametrize(
    ("works_", "batch", "steps", "noise", "opacus"),
    [
        (500, 32, 10_000, 2.0, 17.0),
        (500, 32, 10_000, 4.0, 6.4),
        (3000, 32, 20_000, 1.0, 9.5),
        (3000, 32, 20_000, 2.0, 3.2),
        (20_000, 64, 50_000, 1.0, 4.3),
        (20_000, 64, 50_000, 4.0, 0.69),
    ],
)
def test_the_bound_is_that_of_opacus(works_, batch, steps, noise, opacus):
    found = epsilon(noise, batch / works_, steps, delta_for(works_))
    assert found == pytest.approx(opacus, rel=0.02)


def test_the_bound_of_all_works_in_every_step_has_a_closed_form_and_more_of_anything_raises_it():
    # without sampling a step is one Gaussian mechanism, whose Renyi divergence is a / (2 s^2)
    order = np.arange(2, 257)
    plain = 10 * order / (2 * 5.0**2) + np.log1p(-1 / order)
    plain -= (np.log(1e-5) + np.log(order)) / (order - 1)
    assert epsilon(5.0, 1.0, 10, 1e-5) == pytest.approx(plain.min())
    assert epsilon(5.0, 1 - 1e-9, 10, 1e-5) == pytest.approx(plain.min(), rel=1e-3)
    base = epsilon(1.0, 0.01, 1000, 1e-5)
    assert base < epsilon(0.8, 0.01, 1000, 1e-5)
    assert base < epsilon(1.0, 0.02, 1000, 1e-5)
    assert base < epsilon(1.0, 0.01, 2000, 1e-5)
    assert base < epsilon(1.0, 0.01, 1000, 1e-7)


@pytest.mark.parametrize("network", ["skip", "dcgan"])
@pytest.mark.parametrize("name", list(SIDES))
def test_gradients_are_those_of_each_work_alone_shortened(network, name):
    torch.manual_seed(0)
    judge = make_discriminator(replace(TINY, network=network))
    images, loss = (
        torch.rand(5, 3, 16, 16) * torch.tensor([0.01, 1, 3, 1, 9]).view(5, 1, 1, 1),
        SIDES[name][0],
    )
    expected: dict[str, torch.Tensor] = {}
    lengths = []
    for image in images:
        judge.zero_grad()
        loss(judge(image[None])[0]).backward()
        own = {key: p.grad for key, p in judge.named_parameters() if p.grad is not None}
        length = torch.stack([one.norm() for one in own.values()]).norm()
        lengths.append(float(length))
        for key, one in own.items():
            expected[key] = expected.get(key, 0) + one * min(1.0, CLIP / float(length))
    assert max(lengths) > CLIP
    found = clipped_sum(judge, images, loss)
    assert set(found) == set(expected)
    for key, one in found.items():
        torch.testing.assert_close(one, expected[key], rtol=1e-4, atol=1e-6)
    assert not any(one.any() for one in clipped_sum(judge, images[:0], loss).values())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device to try this on")
@pytest.mark.parametrize("network", ["skip", "dcgan"])
def test_gradients_of_works_on_an_accelerator_are_those_on_the_cpu(network):
    torch.backends.cudnn.allow_tf32 = False
    torch.manual_seed(0)
    judge = make_discriminator(replace(TINY, network=network))
    images, loss = torch.rand(5, 3, 16, 16), SIDES["non-saturating"][0]
    expected = clipped_sum(judge, images, loss)
    found = clipped_sum(judge.cuda(), images.cuda(), loss)
    for key, one in found.items():
        assert one.is_cuda
        torch.testing.assert_close(one.cpu(), expected[key], rtol=1e-2, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device to try this on")
def test_a_private_training_runs_on_an_accelerator_from_works_to_samples():
    subject = build(works(12), works(5, seed=9), PRIVATE, 8, 0, None, features)
    for number in range(3):
        assert set(subject.step(number)) == {"discriminator", "generator"}
    assert all(one.is_cuda and torch.isfinite(one).all() for one in weights(subject).values())
    assert subject.validate()["kid_x1000"] == pytest.approx(0, abs=1e9)


def test_the_generator_learns_nothing_from_works_but_through_the_discriminator():
    generated, real = torch.randn(4, 1, 5, 5), torch.randn(2, 4, 1, 5, 5)
    for name in SIDES:
        loss = LOSSES[name].generator
        assert torch.equal(loss(generated, real[0]), loss(generated, real[1]))
    # and both halves of the loss of the discriminator are those of the plain training
    for name, (of_real, of_generated) in SIDES.items():
        parts = of_real(real[0]) + of_generated(generated)
        torch.testing.assert_close(parts, LOSSES[name].discriminator(real[0], generated))


def adversaries(noise: float) -> PrivateAdversaries:
    subject = build(
        works(12), works(5, seed=9), replace(PRIVATE, privacy_noise=noise), 8, 0, None, features
    )
    return subject.step.__self__.adversaries


def test_each_work_enters_a_step_by_its_own_chance_and_noise_is_as_strong_as_said():
    subject = adversaries(3.0)
    drawn = [subject.chosen(40) for _ in range(400)]
    assert np.mean([len(one) for one in drawn]) == pytest.approx(4.0, abs=0.4)
    assert len({len(one) for one in drawn}) > 4
    assert all(len(set(one)) == len(one) for one in drawn)
    judge = subject.discriminator
    subject.optimizers["discriminator"] = torch.optim.SGD(judge.parameters(), lr=1.0)
    before = torch.cat([p.detach().flatten() for p in judge.blocks.parameters()]).clone()
    generated = torch.rand(4, 3, 16, 16)
    subject._learn_to_judge(torch.rand(4, 3, 16, 16), generated)
    moved = torch.cat([p.detach().flatten() for p in judge.blocks.parameters()]) - before
    assert float(moved.std()) == pytest.approx(3.0 * CLIP / TINY.batch, rel=0.1)


def test_a_private_training_runs_and_is_another_each_time():
    trained = []
    for _ in range(2):
        subject = build(works(12), works(5, seed=9), PRIVATE, 8, 0, None, features)
        torch.manual_seed(0)
        for number in range(2):
            losses = subject.step(number)
        assert set(losses) == {"discriminator", "generator"}
        trained.append(weights(subject))
    assert all(torch.isfinite(one).all() for one in trained[0].values())
    same = [torch.equal(trained[0][name], trained[1][name]) for name in trained[0]]
    assert not all(same)


def test_what_is_not_accounted_for_is_refused():
    with pytest.raises(InvalidInputError, match="loss must be one of non-saturating, hinge"):
        build(works(12), works(5), replace(PRIVATE, loss="relativistic"), 8, 0, None, features)
    with pytest.raises(InvalidInputError, match="base must be none"):
        build(works(12), works(5), PRIVATE, 8, 0, {"generator_ema": {}}, features)
    with pytest.raises(ValueError, match="codes, modes, by_collection"):
        TrainSettings(root="x", privacy_noise=1, codes=2)
    with pytest.raises(ValueError, match="loss must be non-saturating or hinge"):
        TrainSettings(root="x", privacy_noise=1, loss="wgan-gp")


def test_a_card_says_what_is_promised_and_how_strong_it_is():
    preset = vars(replace(SimulationPreset(), privacy_noise=1.0, batch=32))
    assert "epsilon 9.5 at delta" in (words := private_words(preset, 3000, 20_000))
    assert "moderate" in words
    assert "formally weak" in private_words(preset, 300, 20_000)
    assert private_words(vars(SimulationPreset()), 3000, 20_000) == ""
