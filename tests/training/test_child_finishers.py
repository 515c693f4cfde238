"""Trainings of tone, denoiser and upscaler as a child runs them: from a job to a model's files."""

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from artgan.imaging.write import png_bytes
from artgan.models.finisher import load_denoiser, load_upscaler
from artgan.models.tone import load_tone
from artgan.storage import open_store
from artgan.training import finish, tone
from artgan.training.child import run
from artgan.training.plan import TrainJob, Works, steps_of

LOADERS = {"tone": load_tone, "denoise": load_denoiser, "upscale": load_upscaler}


@pytest.mark.parametrize("kind", LOADERS)
def test_a_job_leaves_weights_that_load_a_sample_and_a_verdict(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(finish, "VALIDATION_PAIRS", 4)
    monkeypatch.setattr(tone, "VALIDATION_WORKS", 4)
    store = open_store(str(tmp_path))
    rng = np.random.default_rng(0)
    paths = [f"access/{number}.png" for number in range(6)]
    for path in paths:
        blocks = rng.integers(0, 256, (9, 10, 3), dtype=np.uint8)
        store.write(path, png_bytes(np.kron(blocks, np.ones((16, 16, 1), np.uint8))))
    train, val = (Works(tuple(part), tuple(part)) for part in (paths[:3], paths[3:]))
    steps = steps_of(kind, "smoke", "archive")
    assert 0 < steps < 20
    assert (
        steps_of(kind, "smoke", "prints") == 0
    )  # only the base is trained to prove an installation
    job = TrainJob(kind, "archive", "smoke", steps, 0, train, val)
    reports = []
    run(str(tmp_path), job, reports.append)
    network = LOADERS[kind](store.read(f"{job.folder}/weights.safetensors"))
    assert all(torch.isfinite(weights).all() for weights in network.parameters())
    card = json.loads(store.read(f"{job.folder}/model.json"))
    assert card["metric"] == ("delta_e00" if kind == "tone" else "psnr_db")
    assert card["reason"]
    assert len(json.loads(card["history_json"])) == 2
    sample = Image.open(io.BytesIO(store.read(f"{job.folder}/samples.png")))
    assert sample.height % 3 == 0
    assert not store.entries("confidential")
    assert reports[-1]["step"] == steps
