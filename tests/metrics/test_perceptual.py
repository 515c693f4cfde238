import numpy as np
import pytest
import torch

from artgan.errors import InvalidInputError
from artgan.metrics.features import load_vgg_extractor, random_extractor
from artgan.metrics.perceptual import (
    content_structure_distance,
    feature_distance,
    gram_distance,
)


@pytest.fixture(scope="module")
def vgg(data_folder):
    return load_vgg_extractor(str(data_folder / "weights"), 64)


@pytest.fixture(scope="module")
def random():
    return random_extractor()


@pytest.fixture(scope="module")
def works(procedural):
    return list(procedural(second_kind=False, n=6, size=64, seed=0))


def maps_of(extractor, picture):
    batch = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255.0
    return [found[0].double().numpy() for found in extractor.maps(batch)]


def noisy(picture, sigma):
    grain = np.random.default_rng(0).normal(0, sigma, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def test_feature_distance_is_that_of_unit_vectors_place_by_place(random, works):
    found = feature_distance(random, works[:3], works[3:], batch_size=2)
    scales = []
    for a, b in zip(maps_of(random, works[1]), maps_of(random, works[4]), strict=True):
        total = 0.0
        for y in range(a.shape[1]):
            for x in range(a.shape[2]):
                u, v = a[:, y, x], b[:, y, x]
                u, v = u / max(np.linalg.norm(u), 1e-10), v / max(np.linalg.norm(v), 1e-10)
                total += ((u - v) ** 2).sum()
        scales.append(total / (a.shape[1] * a.shape[2]))
    assert found.shape == (3,)
    assert found[1] == pytest.approx(np.mean(scales), rel=1e-5)


def test_feature_distance_is_zero_for_equal_pictures_and_grows_with_the_damage(vgg, works):
    results = [works[0], noisy(works[0], 4), noisy(works[0], 16), works[1]]
    found = feature_distance(vgg, results, [works[0]] * 4)
    assert found[0] == pytest.approx(0.0, abs=1e-12)
    assert list(found) == sorted(found)
    assert found[1] > 0.001


def test_gram_distance_is_that_of_the_definition_and_zero_at_the_style_itself(random, works):
    style, made = works[:2], works[3]
    scales = []
    for maps in zip(*(maps_of(random, picture) for picture in [*style, made]), strict=True):
        flat = [found.reshape(len(found), -1) for found in maps]
        grams = [x @ x.T / x.shape[1] for x in flat]
        mean = (grams[0] + grams[1]) / 2
        scales.append(np.linalg.norm(grams[2] - mean) / np.linalg.norm(mean))
    assert gram_distance(random, [made], style, 1)[0] == pytest.approx(np.mean(scales), rel=1e-5)
    assert gram_distance(random, [made], [made, made])[0] == pytest.approx(0.0, abs=1e-6)


def test_works_of_a_style_are_nearer_to_it_than_others_in_gram_distance(vgg, works):
    dark = [picture // 4 for picture in works[4:]]
    near, far = (gram_distance(vgg, some, works[:4]) for some in (works[4:], dark))
    assert near.max() < far.min()


def test_structure_is_lost_with_the_layout_and_hardly_with_the_colour(vgg, works):
    source = works[0]
    pale = (source * 0.8 + 40).astype(np.uint8)
    quarters = np.concatenate([np.split(source, 2)[1], np.split(source, 2)[0]])
    found = content_structure_distance(vgg, [source, pale, quarters, works[3]], [source] * 4)
    assert found[0] == pytest.approx(0.0, abs=1e-9)
    assert 0.0 < found[1] < 0.5 * found[2]
    assert found[3] > found[1]


def test_structure_distance_is_the_divergence_of_the_definition(vgg, works):
    def likeness(picture):
        batch = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255.0
        with torch.inference_mode():
            found = vgg.network.relu3_1(vgg.prepare(batch))[0].flatten(1).T.double().numpy()
        unit = found / np.linalg.norm(found, axis=1, keepdims=True)
        shares = np.exp(unit @ unit.T / 0.1)
        return shares / shares.sum(axis=1, keepdims=True)

    source, made = likeness(works[0]), likeness(works[1])
    assert source.shape == (256, 256)
    wanted = np.sum(source * np.log(source / made)) / len(source)
    found = content_structure_distance(vgg, [works[1]], [works[0]])
    assert found[0] == pytest.approx(wanted, rel=1e-4)


def test_other_network_or_unpaired_pictures_are_refused(random, works):
    with pytest.raises(InvalidInputError, match="VGG-19"):
        content_structure_distance(random, works[:1], works[:1])
    with pytest.raises(InvalidInputError, match="pairs"):
        feature_distance(random, works[:1], works[:2])
