import cv2
import numpy as np
import pytest
from scipy.fft import dctn

from artgan.errors import InvalidInputError
from artgan.imaging.hashes import hamming_distances, hashes_to_array, phash


def painting(seed=0, height=300, width=400):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def distance(first, second):
    return int(hamming_distances(hashes_to_array([first]), hashes_to_array([second]))[0, 0])


def test_a_copy_of_another_size_and_quality_has_nearly_the_same_hash():
    original = painting()
    small = cv2.resize(original, (133, 100), interpolation=cv2.INTER_AREA)
    coarse = cv2.imdecode(
        cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_COLOR
    )
    assert distance(phash(original), phash(coarse)) <= 4


def test_other_pictures_have_far_hashes():
    hashes = hashes_to_array([phash(painting(seed)) for seed in range(20)])
    distances = hamming_distances(hashes, hashes)[np.triu_indices(20, 1)]
    assert distances.min() > 10
    # Unrelated hashes differ in half of their bits.
    assert 28 <= distances.mean() <= 36


def test_the_hash_is_the_sign_of_the_low_frequencies_against_their_median():
    tile = painting(3, 32, 32)[:, :, :1].repeat(3, axis=2)  # already of the size it is shrunk to
    low = dctn(tile[:, :, 0].astype(float), type=2)[:8, :8]
    bits = "".join("1" if value > np.median(low) else "0" for value in low.ravel())
    assert phash(tile) == f"{int(bits, 2):016x}"


def test_hamming_distances_count_differing_bits():
    first = hashes_to_array(["0000000000000000", "ffffffffffffffff"])
    second = hashes_to_array(["8000000000000001", "ffffffffffffffff", "00000000000000f0"])
    assert hamming_distances(first, second).tolist() == [[2, 64, 4], [62, 0, 60]]


@pytest.mark.parametrize("bad", ["", "123", "g000000000000000", "00" * 9])
def test_a_hash_of_another_form_is_refused(bad):
    with pytest.raises(InvalidInputError, match="phash must have 16 hex digits"):
        hashes_to_array(["0" * 16, bad])


def test_no_hashes_give_an_empty_array():
    assert hashes_to_array([]).shape == (0,)
