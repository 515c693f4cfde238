import pytest
import torch

from artgan.stylize.descent import Adam, Descent, Lbfgs


def slope(image: torch.Tensor) -> torch.Tensor:
    """Gradient of a valley that is bent and far from round."""
    seen = image.clone().requires_grad_()
    scales = torch.linspace(1, 30, seen.numel())
    loss = (scales * (seen.flatten() - 0.3).square()).sum() + seen.flatten()[:-1].pow(4).sum()
    return torch.autograd.grad(loss, seen)[0]


def ours(descent: Descent, start: torch.Tensor, steps: int) -> torch.Tensor:
    image = start
    for _ in range(steps):
        image = image + descent.move(slope(image))
    return image


def theirs(optimizer_of, start: torch.Tensor, steps: int) -> torch.Tensor:
    image = start.clone().requires_grad_()
    optimizer = optimizer_of([image])

    def closure() -> torch.Tensor:
        image.grad = slope(image.detach())
        return torch.zeros(())

    for _ in range(steps):
        optimizer.step(closure)
    return image.detach()


@pytest.fixture
def start() -> torch.Tensor:
    return torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(0))


def test_lbfgs_goes_the_way_of_torch(start):
    reference = theirs(
        lambda values: torch.optim.LBFGS(values, lr=1, max_iter=1, history_size=10), start, 15
    )
    torch.testing.assert_close(ours(Lbfgs(10), start, 15), reference, rtol=1e-4, atol=1e-5)


def test_adam_goes_the_way_of_torch(start):
    reference = theirs(lambda values: torch.optim.Adam(values, 0.02, (0.9, 0.99)), start, 15)
    torch.testing.assert_close(ours(Adam(0.02), start, 15), reference, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [lambda: Lbfgs(4), lambda: Adam(0.02)])
@pytest.mark.parametrize("before", [0, 1, 9])
def test_a_way_taken_up_again_is_the_same_bit_for_bit(make, before, start):
    straight = ours(make(), start, 12)
    first = make()
    middle = ours(first, start, before)
    second = make()
    second.restore({name: value.clone() for name, value in first.state().items()})
    assert second.steps == before
    assert torch.equal(ours(second, middle, 12 - before), straight)
