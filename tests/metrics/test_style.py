import numpy as np
import pytest
import torch

from artgan.errors import InvalidInputError
from artgan.metrics.features import random_extractor
from artgan.metrics.style import content_distance, style_distance, style_statistics


@pytest.fixture(scope="module")
def extractor():
    return random_extractor()


@pytest.fixture(scope="module")
def style(procedural):
    return list(procedural(second_kind=False, n=16, size=64, seed=0))


@pytest.fixture(scope="module")
def other(procedural):
    return list(procedural(second_kind=True, n=6, size=64, seed=5))


def test_statistics_are_the_means_and_deviations_of_the_maps(extractor, style):
    found = style_statistics(extractor, style[:3], batch_size=2)
    assert [x.shape for x in found] == [(3, 32), (3, 64), (3, 96)]
    batch = np.stack(style[:3]).transpose(0, 3, 1, 2).astype(np.float32) / 255.0
    first = extractor.maps(torch.from_numpy(batch))[0].numpy().astype(np.float64)
    np.testing.assert_allclose(found[0][:, :16], first.mean(axis=(2, 3)), atol=1e-5)
    np.testing.assert_allclose(found[0][:, 16:], first.std(axis=(2, 3)), atol=1e-5)


def test_style_works_read_about_one_and_their_centre_zero(extractor, style):
    works = style_statistics(extractor, style)
    squares = style_distance(works, works) ** 2
    # with the variance over M - 1, the works' own squares sum to M - 1
    assert squares.sum() == pytest.approx(len(style) - 1)
    centre = [x.mean(axis=0, keepdims=True) for x in works]
    assert style_distance(centre, works) == pytest.approx(0.0, abs=1e-9)


def test_unseen_works_of_the_style_are_nearer_than_dark_pictures(extractor, style, procedural):
    works = style_statistics(extractor, style)
    unseen = style_statistics(extractor, list(procedural(second_kind=False, n=6, size=64, seed=8)))
    dark = style_statistics(extractor, [picture // 4 for picture in style[:6]])
    assert 0.6 < style_distance(unseen, works).mean() < 1.6
    assert style_distance(dark, works).min() > style_distance(unseen, works).max()


def test_taking_over_the_colours_of_a_style_lowers_the_style_distance(extractor, style, other):
    works = style_statistics(extractor, style)
    mean = np.stack(style).reshape(-1, 3).mean(axis=0)
    spread = np.stack(style).reshape(-1, 3).std(axis=0)
    tinted = []
    for source in other:
        dark = source / 3.0
        z = (dark - dark.mean(axis=(0, 1))) / dark.std(axis=(0, 1))
        tinted.append(np.clip(z * spread + mean, 0, 255).astype(np.uint8))
    before = style_distance(style_statistics(extractor, [s // 3 for s in other]), works)
    after = style_distance(style_statistics(extractor, tinted), works)
    assert (after < before).all()


def test_content_distance_is_zero_for_itself_and_grows_with_the_change(extractor, style):
    source = style[:4]
    slightly = [np.clip(x.astype(int) + 12, 0, 255).astype(np.uint8) for x in source]
    shuffled = style[4:8]
    same = content_distance(extractor, source, source, batch_size=3)
    near = content_distance(extractor, source, slightly)
    far = content_distance(extractor, source, shuffled)
    assert same.shape == (4,)
    np.testing.assert_allclose(same, 0.0, atol=1e-9)
    assert (near > 0.0).all()
    assert (near < far).all()
    assert (far <= 1.0).all()


def test_sets_that_cannot_be_compared_are_refused(extractor, style):
    works = style_statistics(extractor, style[:3])
    with pytest.raises(InvalidInputError, match="at least 2 works"):
        style_distance(works, style_statistics(extractor, style[:1]))
    with pytest.raises(InvalidInputError, match="one extractor"):
        style_distance([x[:, :4] for x in works], works)
    with pytest.raises(InvalidInputError, match="one picture a source"):
        content_distance(extractor, style[:2], style[:3])
