import numpy as np
import pytest
import torch

from artgan.imaging.read import read_rgb
from artgan.metrics.colour_difference import srgb_to_lab
from artgan.presets import TonePreset
from artgan.training import tone
from artgan.training.promote import promote
from artgan.training.tone import aged_works, build, to_lab

PRESET = TonePreset(width=8, batch=4)


@pytest.fixture(scope="module")
def real_works(real_data):
    """Works of three collections, every fifth held out."""
    names = ("monet_256", "ukiyo_e", "old_masters")
    paths = [path for name in names for path in sorted((real_data / "scans" / name).iterdir())[:20]]
    pictures = [read_rgb(path.read_bytes(), 128) for path in paths]
    held_out = pictures[::5]
    return [picture for number, picture in enumerate(pictures) if number % 5], held_out


@pytest.fixture(autouse=True)
def _few_works(monkeypatch):
    """Colour differences take most of the time of these tests."""
    monkeypatch.setattr(tone, "VALIDATION_WORKS", 18)


def invented(count=4, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (70, 90, 3), dtype=np.uint8) for _ in range(count)]


def test_tone_learns_to_undo_ageing_on_works_it_has_not_seen(real_works, run):
    learned, held_out = real_works
    trainee = build(learned, held_out, TonePreset(), 160, 0, None)
    first, last = run(trainee, 160)
    assert first["delta_e00"] == pytest.approx(first["unchanged_delta_e00"], abs=0.02)
    assert first["clean_delta_e00"] == 0.0
    assert last["delta_e00"] < 0.95 * first["delta_e00"]
    assert last["clean_delta_e00"] < 1.5
    assert last["grey_world_delta_e00"] > last["delta_e00"]


def test_a_resumed_training_is_the_same_bit_for_bit(check_resumed):
    check_resumed(lambda: build(invented(), invented(2, 1), PRESET, 8, 0, None), 8, stops=[5])


def test_works_are_aged_alike_for_a_seed_and_all_of_them():
    first, second = (aged_works(invented(), 6, 2) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.aged, other.aged)
        assert not np.array_equal(one.aged, one.truth)


def test_lab_is_that_of_the_measures_and_has_gradients_everywhere():
    codes = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    codes[0, 0] = 0
    levels = (torch.from_numpy(codes).permute(2, 0, 1)[None].float() / 255).requires_grad_()
    lab = to_lab(levels)
    expected = srgb_to_lab(codes)
    assert lab[0].permute(1, 2, 0).detach().numpy() == pytest.approx(expected, abs=2e-3)
    lab.sum().backward()
    assert torch.isfinite(levels.grad).all()


def test_a_tone_network_must_help_aged_works_and_leave_clean_ones():
    good = {"delta_e00": 5.0, "unchanged_delta_e00": 9.0, "clean_delta_e00": 0.8}
    assert promote("tone", good, None).promoted
    assert not promote("tone", good | {"delta_e00": 8.0}, None).promoted
    assert not promote("tone", good | {"clean_delta_e00": 1.6}, None).promoted
    assert not promote("tone", good, good | {"delta_e00": 4.0}).promoted
