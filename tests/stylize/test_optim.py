import numpy as np
import pytest
import torch
from torch.nn import functional as F

from artgan.errors import InvalidInputError, MissingAssetError
from artgan.imaging.canvas import ArrayCanvas
from artgan.imaging.read import read_rgb
from artgan.stylize import optim
from artgan.stylize.color import ColorStylizer, measure_colors
from artgan.stylize.losses import content_loss, gram, gram_loss, mean_grams, style_network
from artgan.stylize.optim import Checkpoint, Fit, OptimStylizer
from artgan.stylize.stylizer import Source, stylize_picture
from artgan.stylize.tiled_loss import PyramidLoss, TiledLoss, Weights
from artgan.stylize.tiles import Tiles
from tests.stylize.conftest import levels_of, noise


def test_the_gradient_of_tiles_is_that_of_plain_autograd(vgg):
    image, content = torch.rand(2, 1, 3, 101, 70).unbind()
    targets = mean_grams(vgg, [torch.rand(1, 3, 50, 60)])
    weights = Weights()
    seen = image.clone().requires_grad_()
    maps = vgg.maps(seen)
    loss = gram_loss([gram(one) for one in maps], targets)
    loss = loss + weights.content * content_loss(maps[-1], vgg.maps(content)[-1])
    down = (seen[:, :, 1:] - seen[:, :, :-1]).square().mean()
    right = (seen[..., 1:] - seen[..., :-1]).square().mean()
    loss = loss + weights.smooth * (down + right)
    (expected,) = torch.autograd.grad(loss, seen)
    for tile_px in (32, 512):
        value, gradient = TiledLoss(vgg, targets, content, weights, Tiles(tile_px))(image)
        assert value == pytest.approx(float(loss.detach()), rel=1e-5)
        apart = torch.linalg.vector_norm(gradient - expected)
        assert apart < 1e-5 * torch.linalg.vector_norm(expected)


def test_the_gradient_at_several_sizes_is_that_of_plain_autograd(vgg):
    image = torch.rand(1, 3, 75, 50)
    targets = mean_grams(vgg, [torch.rand(1, 3, 50, 60)])
    plain = Weights(content=0.0, smooth=0.0, range=0.0)
    seen = image.clone().requires_grad_()
    loss = torch.zeros(())
    for small in (seen, F.avg_pool2d(seen, 2)):
        loss = loss + gram_loss([gram(one) for one in vgg.maps(small)], targets)
    (expected,) = torch.autograd.grad(loss, seen)
    sizes = [torch.rand(1, 3, *size) for size in ((75, 50), (37, 25))]
    of_sizes = [TiledLoss(vgg, targets, size, plain, Tiles(32)) for size in sizes]
    value, gradient = PyramidLoss(of_sizes)(image)
    assert value == pytest.approx(float(loss.detach()), rel=1e-5)
    apart = torch.linalg.vector_norm(gradient - expected)
    assert apart < 1e-5 * torch.linalg.vector_norm(expected)


class Killed(Exception):  # noqa: N818
    """Stands for the end of a process."""


@pytest.mark.parametrize("descent", ["lbfgs", "adam"])
def test_a_fit_that_was_killed_goes_on_to_the_same_picture(vgg, styles, descent):
    picture = noise(44, 70, 3)
    fit = Fit(steps=4, coarsest_px=32, descent=descent)
    straight = levels_of(OptimStylizer(vgg, styles, fit), picture, 64)
    kept: list[bytes] = []
    checkpoint = Checkpoint(lambda: kept[-1] if kept else None, kept.append, every_s=0.0)

    def kill(at: tuple[int, int]):
        def observe(scale: int, _: int, step: int, __: float) -> None:
            if (scale, step) == at:
                raise Killed

        return observe

    for at in ((0, 3), (0, 4), (1, 2)):
        stylizer = OptimStylizer(vgg, styles, fit, checkpoint=checkpoint, observe=kill(at))
        with pytest.raises(Killed):
            levels_of(stylizer, picture, 64)
    again = levels_of(OptimStylizer(vgg, styles, fit, checkpoint=checkpoint), picture, 64)
    assert np.array_equal(again, straight)


def test_real_works_come_ten_times_nearer_to_a_real_style(vgg, real_data):
    scans = real_data / "scans"
    content = read_rgb(sorted((scans / "old_masters").iterdir())[3], 64)
    style = read_rgb(sorted((scans / "van_gogh").iterdir())[2], 96)
    targets = mean_grams(vgg, [_batch(style)])

    def distance(picture: np.ndarray) -> float:
        return float(gram_loss([gram(one) for one in vgg.maps(_batch(picture))], targets))

    result = stylize_picture(OptimStylizer(vgg, [style], Fit(steps=25, coarsest_px=64)), content)
    assert distance(result) < 0.1 * distance(content)
    color = stylize_picture(ColorStylizer(measure_colors(style)), content)
    assert distance(result) < 0.5 * distance(color)
    grey, kept = content.mean(axis=2).ravel(), result.mean(axis=2).ravel()
    assert np.corrcoef(grey, kept)[0, 1] > 0.5


def _batch(picture: np.ndarray) -> torch.Tensor:
    source = Source(ArrayCanvas(picture))
    return source.levels(optim.Window(0, source.size[0], 0, source.size[1]))


def test_noise_of_a_seed_is_the_same_and_of_another_is_not(vgg, styles):
    picture = noise(32, 36, 3)
    made = [
        levels_of(OptimStylizer(vgg, styles, Fit(steps=2, start="noise", seed=seed)), picture, 64)
        for seed in (3, 3, 4)
    ]
    assert np.array_equal(made[0], made[1])
    assert np.abs(made[0] - made[2]).mean() > 0.01


def test_scales_go_from_coarse_to_fine():
    assert Fit(coarsest_px=128).sizes((300, 700)) == [(75, 175), (150, 350), (300, 700)]
    assert Fit(coarsest_px=128).sizes((60, 90)) == [(60, 90)]


def test_what_cannot_be_fitted_is_refused_in_a_sentence(vgg, styles, monkeypatch, tmp_path):
    monkeypatch.setattr(optim, "MOST_PIXELS", 100)
    with pytest.raises(InvalidInputError, match=r"at most 0\.0001 megapixels"):
        levels_of(OptimStylizer(vgg, styles), noise(20, 20, 3), 64)
    with pytest.raises(InvalidInputError, match="shares must be one positive number"):
        OptimStylizer(vgg, styles, shares=[1.0])
    with pytest.raises(InvalidInputError, match="steps, coarsest_px and style_scale"):
        Fit(steps=0)
    with pytest.raises(MissingAssetError, match="weights for optim must hold vgg19_conv1_1"):
        style_network(str(tmp_path), "optim")
    with pytest.raises(MissingAssetError, match="got none at None"):
        style_network(None, "optim")
