"""Presets: their sizes as the documentation tells them, and one step of those for accelerators."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from artgan.models.detector import Detector
from artgan.models.filler import Filler
from artgan.models.finisher import Denoiser, Upscaler
from artgan.presets import PRESETS
from artgan.training import detection, finish, restoration, tone

DOCUMENT = Path(__file__).parent.parent / "docs" / "restoration.md"
BUILD = {
    "restoration": restoration.build,
    "detection": detection.build,
    "tone": tone.build,
    "denoise": finish.build_denoise,
    "upscale": finish.build_upscale,
}


def millions(network):
    return f"{sum(weights.numel() for weights in network.parameters()) / 1e6:.2f} M"


def documented():
    rows = [line.split("|")[1:-1] for line in DOCUMENT.read_text().splitlines() if " M |" in line]
    return {
        name: [cell.strip() for cell in cells]
        for first, *cells in rows
        for name in re.findall("`([a-z]+)`", first)
    }


def test_all_presets_are_documented_with_their_sizes():
    table = documented()
    assert set(table) == set(PRESETS)
    for name, preset in PRESETS.items():
        filler, found = preset.restoration, preset.detection
        assert table[name][:5] == [
            f"{filler.crop_px} px",
            millions(Filler(filler.widths, filler.blocks)),
            millions(Detector(found.widths, found.blocks, found.classes, found.short_side_px)),
            millions(Denoiser(preset.denoise.widths, preset.denoise.blocks)),
            millions(Upscaler(preset.upscale.width, preset.upscale.blocks)),
        ]


@pytest.mark.parametrize("name", PRESETS)
def test_crops_fit_into_works_and_networks_into_crops(name):
    preset = PRESETS[name]
    for one in (preset.restoration, preset.denoise, preset.detection):
        assert one.crop_px <= one.short_side_px
        assert one.crop_px % 2 ** (len(one.widths) - 1) == 0
        assert len(one.widths) == len(one.blocks)
    assert preset.detection.crop_px <= preset.detection.sheet_px <= preset.detection.short_side_px
    assert preset.upscale.crop_px % 2 == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", BUILD)
def test_the_small_preset_makes_a_step_with_a_crop(kind, monkeypatch):
    monkeypatch.setattr(restoration, "BANK_MASKS", 4)
    monkeypatch.setattr(restoration, "VALIDATION_CROPS", 1)
    monkeypatch.setattr(detection, "VALIDATION_CROPS", 1)
    preset = replace(getattr(PRESETS["small"], kind), batch=1)
    preset = replace(preset, overlays=2) if kind == "detection" else preset
    side = preset.short_side_px
    works = [np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)]
    losses = BUILD[kind](works, works, preset, 100, 0, None).step(99)
    assert all(np.isfinite(value) for value in losses.values())
