"""Painters learn from VGG-19, and come nearer to a style than colour transfer does."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from artgan.errors import InvalidInputError, MissingAssetError
from artgan.imaging.write import png_bytes
from artgan.metrics.features import load_vgg_extractor
from artgan.models.checkpoint import pack_weights
from artgan.models.painter import load_painter
from artgan.presets import AdainPreset, FastPreset
from artgan.storage import open_store
from artgan.stylize.color import measure_colors
from artgan.stylize.paint import paint_own
from artgan.stylize.stylizer import stylize_picture
from artgan.training.child import run
from artgan.training.loop import step_seed
from artgan.training.painting import build_adain, build_fast
from artgan.training.plan import TrainJob, Works
from artgan.training.promote import promote
from artgan.training.sides import Sides

SIDE_PX = 48
SMALL = {"short_side_px": SIDE_PX, "crop_px": 32, "width": 4, "blocks": 1, "batch": 2}


@pytest.fixture(scope="module")
def extractor(real_data):
    found = load_vgg_extractor(str(real_data / "weights"), SIDE_PX)
    assert found is not None
    return found


def stripes(count, period, tint):
    """Works of one manner: stripes of a period, each with a slope of its own."""
    rng = np.random.default_rng(period)
    rows, columns = np.mgrid[0:SIDE_PX, 0:60]
    works = []
    for _ in range(count):
        angle, shift = rng.uniform(0, 3), rng.uniform(0, 6)
        wave = np.sin(2 * np.pi * (rows * np.cos(angle) + columns * np.sin(angle)) / period + shift)
        works.append((128 + wave[:, :, None] * np.array(tint)).astype(np.uint8))
    return works


def trained(trainee, steps):
    for number in range(steps):
        torch.manual_seed(step_seed(0, number))
        trainee.step(number)
    return trainee.validate()


def test_a_painter_of_one_style_beats_colour_transfer_on_held_out_works(extractor):
    style, content = stripes(6, 4, (60, 50, 20)), stripes(6, 24, (20, 40, 60))
    preset = FastPreset(**SMALL, learning_rate=0.01)
    sides = Sides(style[:3], style[3:], content[:3], content[3:])
    trainee = build_fast(sides, preset, 16, 0, None, extractor)
    before = trainee.validate()
    assert before["gram_distance"] == pytest.approx(before["color_gram_distance"], abs=1e-6)
    after = trained(trainee, 16)
    assert after["gram_distance"] < after["color_gram_distance"] - 0.015
    assert promote("fast", after, None).promoted
    settings = {"kind": "fast", "preset": SMALL}
    weights = pack_weights({"painter_ema": trainee.networks["painter_ema"]}, settings)
    painted = stylize_picture(paint_own(load_painter(weights)), content[3])
    colours = np.mean([measure_colors(work).mean for work in style], axis=0)
    assert np.abs(measure_colors(painted).mean - colours).max() < 0.1
    assert trainee.grid().shape[1] > 3 * SIDE_PX


def test_a_painter_of_any_style_beats_colour_transfer_on_works_it_never_saw(extractor):
    works = [
        work
        for period, tint in ((4, (60, 50, 20)), (9, (20, 60, 50)), (24, (50, 20, 60)))
        for work in stripes(3, period, tint)
    ]
    train, val = works[0::3] + works[1::3], works[2::3]
    trainee = build_adain(
        train, val, AdainPreset(**SMALL, learning_rate=0.01), 16, 0, None, extractor
    )
    before = trainee.validate()
    assert before["gram_distance"] == pytest.approx(before["color_gram_distance"], abs=1e-6)
    after = trained(trainee, 16)
    assert after["gram_distance"] < 0.85 * after["color_gram_distance"]


def test_too_few_works_are_refused(extractor):
    works, preset = stripes(3, 6, (60, 50, 20)), FastPreset(**SMALL)
    with pytest.raises(InvalidInputError, match="style_val must hold at least 3 works, got 2"):
        build_fast(Sides(works, works[:2], works, works), preset, 4, 0, None, extractor)
    sides, large = Sides(works, works, works, works), replace(preset, crop_px=64)
    with pytest.raises(InvalidInputError, match="sides of at least 64 pixels"):
        build_fast(sides, large, 4, 0, None, extractor)


def test_a_painter_that_loses_the_content_is_not_taken_into_use():
    good = {
        "gram_distance": 0.3,
        "color_gram_distance": 0.5,
        "unchanged_gram_distance": 0.8,
        "content_distance": 0.1,
    }
    assert promote("adain", good, None).promoted
    assert (
        "too little of the content"
        in promote("fast", good | {"content_distance": 0.6}, None).reason
    )
    assert "colour transfer" in promote("fast", good | {"gram_distance": 0.6}, None).reason


@pytest.mark.parametrize("kind", ["fast", "adain"])
def test_the_child_process_trains_both_kinds_and_asks_for_their_teacher(kind, tmp_path, real_data):
    store = open_store(str(tmp_path))
    names = [f"access/{number}.png" for number in range(8)]
    for name, work in zip(names, stripes(8, 9, (60, 50, 20)), strict=True):
        store.write(name, png_bytes(work))
    train, val = (Works(tuple(part), tuple(part)) for part in (names[:4], names[4:]))
    job = TrainJob(kind, "prints", "smoke", 2, 0, train, val, train, val)
    with pytest.raises(MissingAssetError, match=f"weights for training {kind} must hold vgg19"):
        run(store.root, job, lambda _: None)
    job = replace(job, weights=str(real_data / "weights"))
    run(store.root, job, lambda _: None)
    painter = load_painter(store.read(f"{job.folder}/weights.safetensors"))
    assert (painter.manner is None) == (kind == "adain")
