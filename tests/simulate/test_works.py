import numpy as np
import pytest
import torch

from artgan.errors import InvalidInputError
from artgan.models.generator import Generator
from artgan.simulate.works import grid, simulate


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return Generator(16, 8, 32, 16)


def test_the_same_seed_gives_the_same_bytes_whatever_stands_beside_it(generator):
    among = simulate(generator, range(20))
    assert len(among) == 20
    for seed in (0, 7, 19):
        assert np.array_equal(simulate(generator, [seed])[0], among[seed])
    assert among[0].shape == (16, 16, 3)
    assert among[0].dtype == np.uint8
    assert len({work.tobytes() for work in among}) == 20


def test_the_global_random_numbers_are_left_alone(generator):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    simulate(generator, [1, 2], truncation=0.5)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("seeds", [[-1], [0, 2**63]])
def test_impossible_seeds_are_refused(generator, seeds):
    with pytest.raises(InvalidInputError, match="seeds must lie in"):
        simulate(generator, seeds)


def test_an_impossible_truncation_is_refused(generator):
    with pytest.raises(InvalidInputError, match="truncation must lie in"):
        simulate(generator, [0], truncation=1.5)


def test_a_grid_places_pictures_row_by_row():
    pictures = [np.full((2, 3, 3), value, np.uint8) for value in (10, 20, 30)]
    sheet = grid(pictures, columns=2, gap_px=1)
    assert sheet.shape == (7, 9, 3)
    assert (sheet[1:3, 1:4] == 10).all()
    assert (sheet[1:3, 5:8] == 20).all()
    assert (sheet[4:6, 1:4] == 30).all()
    assert (sheet[4:6, 5:8] == 255).all()
    assert (sheet[0] == 255).all()


def test_a_grid_of_mixed_sizes_is_refused():
    with pytest.raises(InvalidInputError, match="pictures must all have one size"):
        grid([np.zeros((2, 2, 3), np.uint8), np.zeros((2, 3, 3), np.uint8)], 2)
    with pytest.raises(InvalidInputError, match="columns and gap_px"):
        grid([np.zeros((2, 2, 3), np.uint8)], 0)
