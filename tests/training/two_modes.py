"""A collection of two kinds of picture, and a training of it in seconds."""

import numpy as np

from artgan.presets import USUAL_LOSS, SimulationPreset
from artgan.training.loop import train
from artgan.training.simulation import build

SIDE_PX = 16


def works(count, seed=0, *, levels=(190, 190)):
    """Dark pictures whose left or right half is bright, in turn."""
    rng = np.random.default_rng(seed)
    pictures = []
    for number in range(count):
        picture = rng.normal(60, 12, (SIDE_PX, SIDE_PX, 3))
        half = slice(0, SIDE_PX // 2) if number % 2 else slice(SIDE_PX // 2, SIDE_PX)
        picture[:, half] += rng.uniform(*levels) - 60
        pictures.append(np.clip(picture, 0, 255).astype(np.uint8))
    return pictures


def features(pictures):
    """Means of the colours over four upright stripes."""
    stripes = [np.array_split(picture / 255.0, 4, axis=1) for picture in pictures]
    return np.array([np.concatenate([one.mean((0, 1)) for one in row]) for row in stripes])


def preset(network, loss=None, **more):
    """A very small pair of networks."""
    sizes = {"size_px": SIDE_PX, "base_channels": 8, "max_channels": 16, "latent": 8, "batch": 8}
    return SimulationPreset(
        **sizes, gamma=0.05, network=network, loss=loss or USUAL_LOSS[network], **more
    )


def trained(chosen, steps, pictures=None, **more):
    """Train from nothing and return the trainee and its two records, before and after."""
    pictures = works(40) if pictures is None else pictures
    trainee = build(pictures, works(10, seed=9), chosen, steps, 0, None, features, **more)
    history = train(
        trainee,
        steps,
        0,
        load_state=lambda: None,
        save_state=lambda _: None,
        validate_at=(0, steps),
        observe=lambda _: None,
    )
    return trainee, history


def sides(batch):
    """Say which half is how much brighter: (B,) left minus right, of works (B, 3, H, W)."""
    half = SIDE_PX // 2
    return (batch[:, :, :, :half].mean((1, 2, 3)) - batch[:, :, :, half:].mean((1, 2, 3))).numpy()
