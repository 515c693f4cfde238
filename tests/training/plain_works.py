"""Works of 24 x 28 pixels in one tone each, and features that see nothing but tone."""

import numpy as np


def works(count, tone, seed):
    rng = np.random.default_rng(seed)
    return [
        np.clip(
            rng.normal(0, 20, (24, 28, 3)) + np.array(tone) + rng.normal(0, 9, 3), 0, 255
        ).astype(np.uint8)
        for _ in range(count)
    ]


def features(pictures):
    return np.array([np.concatenate([p.mean((0, 1)), p.std((0, 1))]) for p in pictures]) / 255
