from dataclasses import replace

import numpy as np
import pytest
import torch

from artgan.degrade.evaluation import evaluation_crops, hole_psnr_db
from artgan.imaging.read import read_rgb
from artgan.models.checkpoint import pack_weights
from artgan.models.filler import load_filler
from artgan.presets import RestorationPreset
from artgan.restore.measure import restorations
from artgan.training.loop import train
from artgan.training.restoration import build

STEPS = 400
PRESET = RestorationPreset()


@pytest.mark.slow
def test_a_short_training_on_real_scans_beats_its_prefill_and_telea(real_data):
    torch.set_num_threads(2)
    files = sorted((real_data / "scans" / "monet_256").iterdir())[:120]
    works = [read_rgb(path.read_bytes(), PRESET.short_side_px) for path in files]
    kept, held_out = works[:96], works[96:]
    trainee = build(kept, held_out, replace(PRESET, gan_fraction=0.0), STEPS, 0, None)
    train(
        trainee,
        STEPS,
        0,
        load_state=lambda: None,
        save_state=lambda _: None,
        validate_at=(),
        observe=lambda _: None,
    )
    settings = {"preset": {"widths": PRESET.widths, "blocks": PRESET.blocks}}
    networks = {name: trainee.networks[name] for name in trainee.publish}
    fillers = {"model": load_filler(pack_weights(networks, settings))}
    rows = [
        {name: hole_psnr_db(made, crop) for name, made in restorations(crop, fillers, 0).items()}
        for crop in evaluation_crops(held_out, PRESET.crop_px, 72, 1)
    ]
    means = {name: np.mean([row[name] for row in rows]) for name in rows[0]}
    assert means["model"] > means["prefill"] + 0.1
    assert means["model"] > means["telea"] + 0.1
    assert np.mean([row["model"] > row["telea"] for row in rows]) > 0.6
