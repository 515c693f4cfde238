import numpy as np
import pytest
import torch

from artgan.errors import InvalidInputError
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays, check_images


def pictures(count, height=5, width=7):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(count)]


def test_pictures_survive_the_way_there_and_back():
    originals = pictures(3)
    for original, back in zip(originals, batch_to_arrays(arrays_to_batch(originals)), strict=True):
        assert np.array_equal(original, back)


def test_a_batch_has_channels_before_rows_and_values_up_to_one():
    picture = np.zeros((2, 4, 3), dtype=np.uint8)
    picture[1, 3] = (255, 0, 51)
    batch = arrays_to_batch([picture])
    assert batch.shape == (1, 3, 2, 4)
    assert batch.dtype == torch.float32
    assert batch[0, :, 1, 3].tolist() == pytest.approx([1.0, 0.0, 0.2])


def test_values_are_clamped_and_rounded_to_the_nearest_code():
    batch = torch.tensor([-0.2, 0.4 / 255, 0.6 / 255, 1.5]).reshape(1, 1, 2, 2).expand(1, 3, 2, 2)
    assert batch_to_arrays(batch)[0][..., 0].tolist() == [[0, 0], [1, 255]]


def test_pictures_of_two_sizes_are_refused():
    with pytest.raises(InvalidInputError, match="one size"):
        arrays_to_batch([*pictures(1), *pictures(1, height=6)])


@pytest.mark.parametrize(
    "picture", [np.zeros((4, 4)), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), "u1")]
)
def test_other_arrays_are_refused(picture):
    with pytest.raises(InvalidInputError, match="uint8 arrays"):
        arrays_to_batch([picture])


@pytest.mark.parametrize("images", [torch.zeros(3, 4, 4), torch.zeros(1, 3, 4, 4).double()])
def test_other_tensors_are_refused(images):
    with pytest.raises(InvalidInputError, match="images must"):
        check_images(images)
