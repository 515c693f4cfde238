import pytest
import torch

from artgan.training.augment import augment, mirror, shift_color, shift_position


@pytest.fixture
def images():
    return torch.rand(16, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("change", [shift_color, shift_position, mirror, augment])
def test_the_same_seed_gives_the_same_change_and_the_input_stays(change, images):
    before = images.clone()
    torch.manual_seed(1)
    first = change(images)
    torch.manual_seed(1)
    assert torch.equal(first, change(images))
    assert not torch.equal(first, change(images))
    assert torch.equal(images, before)
    assert first.shape == images.shape


@pytest.mark.parametrize("change", [shift_color, shift_position, mirror, augment])
def test_gradients_pass_through(change, images):
    images.requires_grad_()
    change(images).sum().backward()
    assert images.grad is not None
    assert (images.grad.flatten(1).abs().sum(1) > 0).all()


def test_moves_stay_within_the_fraction_and_bring_in_gray(images):
    torch.manual_seed(0)
    moved = shift_position(images, 0.125)
    for before, after in zip(images, moved, strict=True):
        offsets = [
            (dy, dx)
            for dy in range(-2, 3)
            for dx in range(-2, 3)
            if torch.equal(
                after[:, max(0, -dy) : 16 - max(0, dy), max(0, -dx) : 16 - max(0, dx)],
                before[:, max(0, dy) : 16 + min(0, dy), max(0, dx) : 16 + min(0, dx)],
            )
        ]
        assert len(offsets) == 1
        dy, dx = offsets[0]
        assert (after[:, : max(0, -dy)] == 0.5).all()
        assert (after[:, :, : max(0, -dx)] == 0.5).all()


def test_colour_changes_keep_forms(images):
    torch.manual_seed(0)
    changed = shift_color(images).mean(1).flatten(1)
    gray = images.mean(1).flatten(1)
    for before, after in zip(gray, changed, strict=True):
        correlation = torch.corrcoef(torch.stack([before, after]))[0, 1]
        assert correlation > 0.999


def test_without_colour_only_positions_change(images):
    torch.manual_seed(0)
    changed = augment(images, color_probability=0.0)
    for before, after in zip(images, changed, strict=True):
        known = set(before.flatten().tolist()) | {0.5}
        assert set(after.flatten().tolist()) <= known
