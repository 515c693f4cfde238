import numpy as np
import pytest
import torch

from artgan.errors import InvalidInputError
from artgan.training.texture import build, piece_px, pieces


def two_kinds(seed=0):
    """A picture whose left half is nearly plain, and whose right half is not."""
    rng = np.random.default_rng(seed)
    picture = rng.normal(60, 2, (40, 48, 3))
    picture[:, 24:] = np.kron(rng.normal(180, 50, (20, 12, 3)), np.ones((2, 2, 1)))
    return np.clip(picture, 0, 255).astype(np.uint8)


def features(pictures):
    return np.array([[p.mean(), p.std(), p[::2].mean()] for p in pictures])


def fresh(steps=6):
    return build([two_kinds()], steps, 0, features)


def evenness(trainee):
    """Smaller is more even: mean squared share of all source patches, of three textures."""
    generator = trainee.networks["texture"]
    level = generator.levels[-1]
    used = torch.zeros(level.bonuses.shape[1])
    for seed in range(3):
        with torch.no_grad():
            _, passes = generator.sketch(64, 64, torch.Generator().manual_seed(seed))
        used += torch.bincount(passes[-1].chosen, minlength=len(used))
    return float((used / used.sum()).square().sum() * len(used))


def test_a_killed_and_resumed_training_ends_bit_for_bit_alike(check_resumed):
    check_resumed(fresh, 6, (2, 5))


def test_learning_bonuses_spreads_the_use_of_patches(run):
    before = evenness(fresh())
    trainee = fresh(60)
    run(trainee, 60)
    assert evenness(trainee) < 0.8 * before


def test_measures_are_repeatable_and_finite():
    trainee = fresh()
    measures = trainee.validate()
    assert measures == trainee.validate()
    assert set(measures) == {"kid_x1000", "border_ratio", "continued"}
    assert np.isfinite(list(measures.values())).all()
    assert trainee.grid().shape == (96, 96, 3)  # two by two tiles as large as the source


def test_pieces_cover_a_picture_and_small_sources_are_refused():
    picture = np.zeros((48, 40, 3), np.uint8)
    assert piece_px([picture]) == 20
    assert [one.shape for one in pieces(picture, 20)] == [(20, 20, 3)] * 30
    with pytest.raises(InvalidInputError, match="sources must be"):
        build([np.zeros((11, 40, 3), np.uint8)], 1, 0, features)
