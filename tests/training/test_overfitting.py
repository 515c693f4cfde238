"""The test of membership can fail: a generator that is overfitted on purpose is refused."""

from hashlib import sha256

import pytest
import torch

from artgan.imaging.read import read_rgb
from artgan.metrics.membership import MOST_ADVANTAGE
from artgan.metrics.memorisation import pixel_features
from artgan.presets import SimulationPreset
from artgan.training.loop import train
from artgan.training.promote import promote
from artgan.training.simulation import build

SMALL = SimulationPreset(size_px=16, base_channels=16, max_channels=64, latent=16)
WORKS, HELD_OUT, STEPS = 8, 60, 400


@pytest.mark.slow
def test_a_simulation_of_few_works_without_augmentation_betrays_them_by_its_samples(real_data):
    files = sorted(
        (real_data / "scans/monet_256").iterdir(), key=lambda f: sha256(f.name.encode()).digest()
    )
    pictures = [read_rgb(f.read_bytes(), SMALL.size_px) for f in files[: WORKS + HELD_OUT]]

    def features(squares):
        return pixel_features(squares, SMALL.size_px)

    torch.set_num_threads(1)
    subject = build(pictures[:WORKS], pictures[WORKS:], SMALL, STEPS, 0, None, features)
    subject.step.__self__.adversaries.augment = lambda images: images
    (measures,) = train(
        subject,
        STEPS,
        0,
        load_state=lambda: None,
        save_state=lambda _: None,
        validate_at=(STEPS,),
        observe=lambda _: None,
    )
    assert measures["membership_advantage_low"] > MOST_ADVANTAGE, measures
    refused = promote("simulation", measures, None)
    assert "too near to training works" in refused.reason
    sound = measures | {"copy_ratio": 1.0}  # if copies were not looked for
    assert "its samples tell its training works" in promote("simulation", sound, None).reason
