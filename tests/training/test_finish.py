from dataclasses import replace

import numpy as np
import pytest
import torch

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.presets import DenoisePreset, UpscalePreset
from artgan.training import finish
from artgan.training.finish import (
    build_denoise,
    build_upscale,
    cut_crop,
    finishing_pairs,
    spoil_capture,
    spoil_size,
)

DENOISE = DenoisePreset(
    short_side_px=64, crop_px=32, widths=(8, 12), blocks=(1, 1), batch=4, learning_rate=1e-2
)
UPSCALE = UpscalePreset(
    short_side_px=64, crop_px=32, width=12, blocks=1, batch=4, learning_rate=1e-2
)
FAMILIES = [(build_denoise, DENOISE), (build_upscale, UPSCALE)]


@pytest.fixture(autouse=True)
def _few_pairs(monkeypatch):
    """Non-local means takes most of the time of these tests."""
    monkeypatch.setattr(finish, "VALIDATION_PAIRS", 8)


def works(count=6, seed=0):
    """Pictures of smooth stripes, from which noise is easy to tell."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:64, 0:80]
    pictures = []
    for _ in range(count):
        angle, colours = rng.uniform(0, np.pi), rng.uniform(30, 100, 3)
        wave = np.sin((rows * np.sin(angle) + columns * np.cos(angle)) / 4.0)[..., None]
        pictures.append(np.rint(127 + wave * colours).astype(np.uint8))
    return pictures


@pytest.mark.parametrize(("build", "preset"), FAMILIES)
def test_a_resumed_training_is_the_same_bit_for_bit(build, preset, check_resumed):
    check_resumed(lambda: build(works(), works(2, 1), preset, 8, 0, None), 8, stops=[5])


@pytest.mark.parametrize(
    ("build", "preset", "start"),
    [(build_denoise, DENOISE, "unchanged_psnr_db"), (build_upscale, UPSCALE, "bicubic_psnr_db")],
)
def test_a_finisher_starts_as_what_it_corrects_and_becomes_better(build, preset, start, run):
    trainee = build(works(8), works(3, 1), preset, 150, 0, None)
    first, last = run(trainee, 150)
    # rounding of the enlarged picture is all that differs
    assert first["psnr_db"] == pytest.approx(first[start], abs=0.1)
    assert last["psnr_db"] > first["psnr_db"] + 0.25
    assert last[start] == first[start]


def test_a_denoiser_is_measured_beside_nothing_median_and_non_local_means():
    measures = build_denoise(works(), works(2, 1), DENOISE, 4, 0, None).validate()
    assert set(measures) == {"psnr_db", "unchanged_psnr_db", "median_psnr_db", "nlm_psnr_db"}


def test_validation_leaves_weights_and_random_numbers_as_they_were():
    trainee = build_upscale(works(), works(2, 1), UPSCALE, 4, 0, None)
    state = torch.random.get_rng_state()
    assert trainee.validate() == trainee.validate()
    assert trainee.grid().shape == (3 * 32, 8 * 32, 3)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(("build", "preset"), FAMILIES)
def test_fine_tuning_starts_from_the_base(build, preset, run):
    base = build(works(), works(2, 1), preset, 8, 0, None)
    run(base, 8)
    states = {name: base.networks[name].state_dict() for name in base.publish}
    tuned = build(works(), works(2, 1), preset, 8, 1, states)
    assert tuned.validate() == base.validate()
    other = replace(preset, blocks=(2, 1) if isinstance(preset, DenoisePreset) else 2)
    with pytest.raises(CorruptAssetError, match="must fit"):
        build(works(), works(2, 1), other, 8, 0, states)


def test_crops_come_at_several_scales_and_pairs_are_fixed_by_their_seed():
    picture = np.zeros((64, 80, 3), np.uint8)
    picture[::2] = 255
    rng = np.random.default_rng(0)
    contrasts = [np.diff(cut_crop(picture, 32, rng).astype(int), axis=0).std() for _ in range(30)]
    assert max(contrasts) > 2 * min(contrasts)  # larger parts were averaged
    for spoil in (spoil_capture, spoil_size(0.5)):
        first, second = (finishing_pairs(works(), 32, 6, 5, spoil) for _ in range(2))
        for one, other in zip(first, second, strict=True):
            assert np.array_equal(one.spoiled, other.spoiled)


def test_empty_sets_and_small_pictures_are_refused():
    with pytest.raises(InvalidInputError, match="val must hold at least one"):
        build_denoise(works(), [], DENOISE, 4, 0, None)
    with pytest.raises(InvalidInputError, match="train must hold pictures of at least 32 px"):
        build_upscale([picture[:20] for picture in works()], works(), UPSCALE, 4, 0, None)
