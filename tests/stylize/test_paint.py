import numpy as np
import pytest
import torch

from artgan.errors import InvalidInputError
from artgan.imaging.canvas import ArrayCanvas
from artgan.imaging.tensors import arrays_to_batch
from artgan.models.painter import moments
from artgan.stylize.color import color_map, measure_canvas, measure_colors
from artgan.stylize.paint import (
    PictureMoments,
    manner_of_picture,
    multi_colors,
    multi_tint,
    paint_collections,
    paint_like,
    paint_own,
)
from artgan.stylize.stylizer import stylize_picture
from tests.stylize.conftest import levels_of, noise


def test_layer_by_layer_is_what_the_network_says_at_once(make_painter):
    painter = make_painter(True)
    picture = noise(60, 84, 3)
    stylizer = paint_own(painter)
    tint = color_map(measure_canvas(ArrayCanvas(picture)), stylizer.colors)
    with torch.no_grad():
        tinted = tint(arrays_to_batch([picture])).clamp(0, 1)
        expected = painter(tinted, painter.own_manner())[0].permute(1, 2, 0).numpy()
    assert np.abs(levels_of(stylizer, picture, 32) - expected).max() < 1e-5


def test_moments_of_tiles_are_those_of_the_whole():
    features = torch.randn(1, 5, 40, 50) * 3 + 100
    gathered = PictureMoments()
    for rows in (slice(0, 13), slice(13, 14), slice(14, 40)):
        gathered.add(features[:, :, rows])
    for found, expected in zip(gathered.moments(), moments(features.double()), strict=True):
        torch.testing.assert_close(found, expected.float(), rtol=1e-6, atol=1e-6)


def test_a_picture_in_its_own_manner_keeps_its_features(make_painter, styles):
    painter = make_painter(False)
    batch = arrays_to_batch([np.ascontiguousarray(styles[0][:64, :88])])
    with torch.no_grad():
        as_it_is = painter(batch, painter.manner_of(batch))
        other = painter(batch, manner_of_picture(painter, styles[1]))
        trunk = painter.stem(batch)
        for block in painter.trunk:
            trunk = trunk + block.added(block.inner(trunk))
        plain = batch + painter.decode(batch, trunk)
    torch.testing.assert_close(as_it_is, plain, rtol=1e-4, atol=1e-5)
    assert (other - plain).abs().mean() > 1e-3


def test_alpha_goes_from_the_picture_as_it_is_to_the_style(make_painter, styles):
    painter, picture = make_painter(False), noise(32, 32, 3)
    none, half, full = (
        levels_of(paint_like(painter, styles[:1], alpha=alpha), picture, 64)
        for alpha in (0.0, 0.5, 1.0)
    )
    assert np.abs(none - picture / 255).max() < 1e-6
    assert 0 < np.abs(half - none).mean() < np.abs(full - none).mean()


def test_a_blend_lies_between_its_styles(make_painter, styles):
    painter, picture = make_painter(False), noise(48, 48, 3)

    bright = [styles[0] // 2, styles[1] // 2 + 120]

    def colours(shares: list[float]) -> np.ndarray:
        return measure_colors(stylize_picture(paint_like(painter, bright, shares), picture)).mean

    first, second, even = colours([1.0, 1e-6]), colours([1e-6, 1.0]), colours([1.0, 1.0])
    alone = measure_colors(stylize_picture(paint_like(painter, bright[:1]), picture)).mean
    np.testing.assert_allclose(first, alone, atol=0.005)
    np.testing.assert_allclose(even, (first + second) / 2, atol=0.5 * np.abs(first - second).max())
    assert np.abs(first - second).max() > 0.02


def test_shares_that_do_not_fit_are_refused(make_painter, styles):
    painter = make_painter(False)
    for shares in ([1.0], [1.0, 0.0]):
        with pytest.raises(InvalidInputError, match="weights must be one positive number"):
            paint_like(painter, styles, shares)
    with pytest.raises(InvalidInputError, match="alpha must be from 0 to 1"):
        paint_like(painter, styles, alpha=1.5)


def test_a_collection_is_what_the_network_says_and_a_blend_lies_between(multi):
    picture = noise(48, 56, 3)
    made = [
        levels_of(paint_collections(multi, *asked), picture, 32)
        for asked in ((["mist"],), (["mist", "snow"], [1.0, 1.0]), (["snow"],))
    ]
    tint = multi_tint(measure_canvas(ArrayCanvas(picture)), multi_colors(multi), 2)
    with torch.no_grad():
        tinted = tint(arrays_to_batch([picture])).clamp(0, 1)
        expected = multi(tinted, torch.tensor([2]))[0].permute(1, 2, 0).numpy()
    assert np.abs(made[2].clip(0, 1) - expected).max() < 1e-5
    ends = np.abs(made[2] - made[0]).mean()
    assert all(0 < np.abs(made[1] - end).mean() < ends for end in (made[0], made[2]))
    with pytest.raises(InvalidInputError, match="got 'fog'"):
        paint_collections(multi, ["fog"])
    with pytest.raises(InvalidInputError, match="shares must be one positive number"):
        paint_collections(multi, ["mist"], [1.0, 2.0])
