"""Mixed precision: bfloat16 in the networks of an accelerator's trainings, float32 elsewhere."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from artgan.presets import DenoisePreset, DetectionPreset, RestorationPreset, StylePreset
from artgan.training import detection, finish, restoration, style
from artgan.training.sides import Sides

RESTORATION = RestorationPreset(
    40, 32, (8, 12), (1, 1), discriminator_width=4, batch=8, gan_fraction=0.25
)
DENOISE = DenoisePreset(crop_px=32, widths=(8, 12), blocks=(1, 1), batch=8)
DETECTION = DetectionPreset(40, 32, 32, (8, 12), (1, 1), batch=4, overlays=8)
STYLE = StylePreset(short_side_px=40, crop_px=32, width=8, blocks=1, patches=16, batch=4)
STEPS = 12


def works(count, seed):
    """Stripes of a random direction."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:40, 0:56]
    pictures = []
    for _ in range(count):
        angle, colours = rng.uniform(0, np.pi), rng.uniform(30, 100, 3)
        wave = np.sin((rows * np.sin(angle) + columns * np.cos(angle)) / 4.0)[..., None]
        pictures.append(np.rint(127 + wave * colours).astype(np.uint8))
    return pictures


def features(pictures):
    return np.array([np.concatenate([p.mean((0, 1)), p.std((0, 1))]) for p in pictures]) / 255


FAMILIES = {
    "generator": (
        restoration,
        lambda: restoration.build(works(4, 0), works(2, 1), RESTORATION, STEPS, 0, None),
    ),
    "denoiser": (
        finish,
        lambda: finish.build_denoise(works(4, 0), works(2, 1), DENOISE, STEPS, 0, None),
    ),
    "detector": (
        detection,
        lambda: detection.build(works(4, 0), works(2, 1), DETECTION, STEPS, 0, None),
    ),
    "translator": (
        style,
        lambda: style.build(
            Sides(*(works(4, seed) for seed in range(4))), STYLE, STEPS, 0, None, features
        ),
    ),
}


def trained(trainee, name, run):
    """Train; return the losses of each step, and the types that convolutions computed with."""
    seen, losses = set(), []
    for layer in trainee.networks[name].modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda _, __, out: seen.add(out.dtype))

    def step(number):
        losses.append(trainee.step(number))
        return losses[-1]

    run(replace(trainee, step=step, validate=dict), STEPS)
    return losses, seen


@pytest.mark.parametrize("name", FAMILIES)
def test_bfloat16_trains_alike_and_weights_stay_float32(name, run, monkeypatch):
    monkeypatch.setattr(restoration, "BANK_MASKS", 20)
    monkeypatch.setattr(restoration, "VALIDATION_CROPS", 4)
    monkeypatch.setattr(detection, "VALIDATION_CROPS", 4)
    module, build = FAMILIES[name]
    exact, seen = trained(build(), name, run)
    assert seen == {torch.float32}  # as on every CPU
    monkeypatch.setattr(module, "mixed_precision", lambda _: torch.autocast("cpu", torch.bfloat16))
    trainee = build()
    mixed, seen = trained(trainee, name, run)
    assert torch.bfloat16 in seen
    for network in trainee.networks.values():
        assert {weights.dtype for weights in network.parameters()} == {torch.float32}
    assert [set(losses) for losses in mixed] == [set(losses) for losses in exact]
    for losses, wanted in zip(mixed, exact, strict=True):
        assert losses == pytest.approx(wanted, rel=0.1, abs=0.02)
