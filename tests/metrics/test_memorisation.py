import io

import numpy as np
import pytest
from PIL import Image

from artgan.errors import InvalidInputError
from artgan.metrics.features import extract, load_vgg_extractor, random_extractor
from artgan.metrics.memorisation import (
    NearestWorks,
    copied_share,
    copy_ratio,
    honest_copy_ratio,
    nearer,
    nearest_works,
    pixel_features,
)


def features(n, seed, d=24):
    return np.random.default_rng(seed).normal(size=(n, d))


def test_ratio_is_distance_over_the_works_own_next_distance():
    works = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 4.0]])
    found = nearest_works(np.array([[1.0, 0.0], [9.0, 0.0]]), works, works + 100.0)
    assert found.index.tolist() == [0, 1]
    np.testing.assert_allclose(found.ratio, [1.0 / 4.0, 1.0 / 10.0])
    assert found.flipped.tolist() == [False, False]


def test_work_that_is_near_only_in_the_mirror_is_found_and_marked():
    works = np.array([[0.0, 0.0], [10.0, 0.0]])
    mirrored = np.array([[0.0, 50.0], [0.0, 80.0]])
    found = nearest_works(np.array([[0.0, 79.0]]), works, mirrored)
    assert (found.index[0], found.flipped[0]) == (1, True)
    assert found.ratio[0] == pytest.approx(0.1)


def planted(works):
    """Copies as they come about: stored as a bad JPEG, mirrored, cropped by a tenth, brightened."""
    size = len(works[0])
    jpeg = io.BytesIO()
    Image.fromarray(works[3]).save(jpeg, "JPEG", quality=50)
    edge = round(0.05 * size)
    cropped = Image.fromarray(works[11][edge:-edge, edge:-edge])
    return [
        np.asarray(Image.open(jpeg)),
        mirrored(works[7]),
        np.asarray(cropped.resize((size, size), Image.Resampling.BICUBIC)),
        np.clip(works[19].astype(int) + 12, 0, 255).astype(np.uint8),
    ]


def mirrored(picture):
    return np.ascontiguousarray(picture[:, ::-1])


@pytest.mark.parametrize("network", ["random", "vgg"])
def test_four_of_four_planted_copies_are_flagged_and_none_of_27_honest_pictures(
    procedural, request, network
):
    works = list(procedural(second_kind=False, n=32, size=96, seed=0))
    honest = list(procedural(second_kind=False, n=27, size=96, seed=1))
    sets = [planted(works) + honest, works, [mirrored(work) for work in works]]
    if network == "random":
        extractor = random_extractor()
    else:
        weights = str(request.getfixturevalue("data_folder") / "weights")
        extractor = load_vgg_extractor(weights, 48)
    by_network = nearest_works(*(extract(extractor, pictures) for pictures in sets))
    by_pixels = nearest_works(*(pixel_features(pictures) for pictures in sets))
    found = nearer(by_network, by_pixels)
    assert found.index[:4].tolist() == [3, 7, 11, 19]
    assert found.flipped[:4].tolist() == [False, True, False, False]
    assert copied_share(found.ratio[:4]) == 1.0
    assert copied_share(found.ratio[4:]) == 0.0


def test_nearer_of_two_searches_is_taken_picture_by_picture():
    first = NearestWorks(np.array([1, 2]), np.array([0.2, 0.9]), np.array([False, True]))
    second = NearestWorks(np.array([5, 6]), np.array([0.4, 0.3]), np.array([True, False]))
    found = nearer(first, second)
    assert found.index.tolist() == [1, 6]
    assert found.ratio.tolist() == [0.2, 0.3]
    assert found.flipped.tolist() == [False, False]


def test_pixels_as_features_are_the_mean_colours_of_small_squares():
    picture = np.zeros((64, 96, 3), dtype=np.uint8)
    picture[:, 48:] = (255, 0, 51)
    found = pixel_features([picture, picture[::2, ::2]], side_px=4).reshape(2, 3, 4, 4)
    np.testing.assert_allclose(found[0, :, :, 3].mean(axis=1), [1.0, 0.0, 0.2], atol=0.05)
    np.testing.assert_allclose(found[1], found[0], atol=0.05)


def test_honest_copy_ratio_is_the_5_percent_quantile_of_halved_unseen_works():
    train, held_out = features(40, 0), features(12, 1)
    rng = np.random.default_rng(4)
    ratios = []
    for _ in range(200):
        order = rng.permutation(12)
        ratios.append(copy_ratio(held_out[order[:6]], train, held_out[order[6:]]))
    wanted = np.quantile(ratios, 0.05)
    assert honest_copy_ratio(train, held_out, seed=4) == pytest.approx(wanted, rel=1e-9)


def test_second_file_of_the_same_work_does_not_hide_a_copy():
    works = features(20, 0)
    works[5] = works[6]
    near_copy = works[5] + 0.01
    ratio = nearest_works(near_copy[None], works, works + 50.0).ratio[0]
    assert ratio < 0.1


def test_copied_share_counts_ratios_under_the_threshold():
    assert copied_share(np.array([0.1, 0.5, 0.49, 2.0])) == 0.5
    assert copied_share(np.array([0.1, 0.5, 0.49, 2.0]), threshold=0.2) == 0.25


def test_works_that_are_all_alike_or_mirrors_that_are_too_few_are_refused():
    with pytest.raises(InvalidInputError, match="works that differ"):
        nearest_works(features(3, 0), np.ones((4, 24)), np.ones((4, 24)))
    with pytest.raises(InvalidInputError, match="one row a work"):
        nearest_works(features(3, 0), features(5, 1), features(4, 2))


@pytest.mark.parametrize(("n_train", "n_held_out"), [(60, 60), (400, 40)])
def test_copy_ratio_of_honest_pictures_is_one_whatever_the_sizes_of_the_splits(n_train, n_held_out):
    found = [
        copy_ratio(features(200, s), features(n_train, 100 + s), features(n_held_out, 200 + s))
        for s in range(5)
    ]
    assert np.mean(found) == pytest.approx(1.0, abs=0.05)


def test_copy_ratio_of_repeated_training_works_is_near_zero():
    train, held_out = features(100, 0), features(30, 1)
    copies = train[np.random.default_rng(2).integers(0, 100, 200)] + 0.01
    assert copy_ratio(copies, train, held_out) < 0.1


def test_copy_ratio_refuses_held_out_works_that_are_among_the_training_ones():
    train = features(30, 0)
    with pytest.raises(InvalidInputError, match="not trained on"):
        copy_ratio(features(10, 1), train, train[:10])
