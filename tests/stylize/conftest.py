"""One of each stylizer, untrained where there is a network, but with all of it at work."""

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

from artgan.imaging.canvas import ArrayCanvas
from artgan.metrics.vgg import Vgg19Conv34
from artgan.models.multi import MultiPainter
from artgan.models.painter import Painter
from artgan.models.translator import Translator
from artgan.stylize.color import ColorStylizer, measure_colors
from artgan.stylize.losses import style_network
from artgan.stylize.optim import Fit, OptimStylizer
from artgan.stylize.paint import paint_collections, paint_like, paint_own
from artgan.stylize.stylizer import Source, Stylizer
from artgan.stylize.tiles import Tiles
from artgan.stylize.translate import TranslateStylizer


def awake(network: nn.Module) -> None:
    """Fill what starts at zero, so that no part of a network is without effect."""
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.05)


@pytest.fixture(scope="session")
def translator() -> Translator:
    torch.manual_seed(0)
    translator = Translator(4, 1)
    translator.set_colors("style", np.full(3, 0.5), np.diag([0.05, 0.06, 0.07]))
    translator.set_colors("content", np.full(3, 0.4), np.diag([0.08, 0.05, 0.07]))
    awake(translator)
    return translator.requires_grad_(requires_grad=False)


@pytest.fixture(scope="session")
def make_painter() -> Callable[[bool], Painter]:
    def make(own_manner: bool) -> Painter:
        torch.manual_seed(1)
        painter = Painter(4, 2, own_manner=own_manner)
        painter.get_buffer("style_mean").fill_(0.5)
        painter.get_buffer("style_covariance").mul_(0.05)
        awake(painter)
        with torch.no_grad():  # so that the manner shows
            for block in painter.trunk:
                block.second.weight.mul_(4)
            painter.head.weight.mul_(4)
        return painter.eval().requires_grad_(requires_grad=False)

    return make


@pytest.fixture(scope="session")
def multi() -> MultiPainter:
    """A painter of three collections that differ in colours and manner."""
    torch.manual_seed(2)
    multi = MultiPainter(4, 2, ["mist", "reeds", "snow"])
    awake(multi)
    for label in range(3):
        multi.set_colors(label, np.full(3, 0.3 + 0.1 * label), np.diag([0.04, 0.05, 0.06]))
    with torch.no_grad():
        multi.manners.normal_(1.0, 0.5)
        multi.painter.head.weight.mul_(4)
    return multi.eval().requires_grad_(requires_grad=False)


@pytest.fixture(scope="session")
def vgg(real_data) -> Vgg19Conv34:
    return style_network(str(real_data / "weights"), "tests")


@pytest.fixture(scope="session")
def styles() -> list[np.ndarray]:
    """Two style pictures: waves of different colours and lengths."""
    rows, columns = np.mgrid[0:70, 0:90] / 8.0
    waves = [np.sin(rows + columns), np.sin(3 * rows - columns)]
    tints = [np.array([90, 40, 10]), np.array([10, 60, 100])]
    return [
        (128 + wave[:, :, None] * tint).astype(np.uint8)
        for wave, tint in zip(waves, tints, strict=True)
    ]


@pytest.fixture(scope="session")
def make_stylizer(translator, multi, make_painter, styles, request) -> Callable[..., Stylizer]:
    def make(method: str, device: str = "cpu") -> Stylizer:
        match method:
            case "color":
                return ColorStylizer(measure_colors(styles[0]))
            case "cut":
                return TranslateStylizer(deepcopy(translator).to(device))
            case "fast":
                return paint_own(make_painter(True).to(device))
            case "multi":
                painter = deepcopy(multi).to(device)
                return paint_collections(painter, ["snow", "mist"], [2.0, 1.0])
            case "adain":
                return paint_like(make_painter(False).to(device), styles, [1.0, 2.0], 0.8)
        network = deepcopy(request.getfixturevalue("vgg")).to(device)
        return OptimStylizer(network, styles[:1], Fit(steps=2, coarsest_px=32, descent="adam"))

    return make


def levels_of(stylizer: Stylizer, picture: np.ndarray, tile_px: int) -> np.ndarray:
    """Stylize without rounding: (H, W, 3) float32; every pixel must come exactly once."""
    result = np.full((*picture.shape[:2], 3), np.nan, np.float32)

    def put(window, levels):
        assert np.isnan(result[window.slices]).all(), "a pixel came twice"
        result[window.slices] = levels[0].permute(1, 2, 0).numpy()

    stylizer.stylize(Source(ArrayCanvas(picture)), put, Tiles(tile_px))
    assert not np.isnan(result).any(), "a pixel is missing"
    return result


def noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    """A picture of noise, with a slope from left to right."""
    rng = np.random.default_rng(0)
    peak = np.iinfo(dtype).max
    slope = np.linspace(0, peak // 3, shape[1])[None, :, None]
    return (rng.integers(0, peak // 2, shape) + slope).astype(dtype)
