"""Parts shared by the tests of metrics: a synthetic FID network, and the test data if it is there.

The network is seeded and untrained, in the layout of the FID Inception file. Network and procedural
pictures repeat, stream by stream, what the test data's expected numbers were made with; distances
measured with them are not FID.
"""

import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from artgan.metrics.inception import inception_layout


@pytest.fixture(scope="session")
def data_folder() -> Path:
    root = os.environ.get("ARTGAN_TEST_DATA")
    if not root:
        pytest.skip("ARTGAN_TEST_DATA is not set")
    return Path(root)


@pytest.fixture(scope="session")
def expected(data_folder) -> dict:
    return json.loads((data_folder / "fid_fixture" / "expected.json").read_text())


@pytest.fixture(scope="session")
def read_pictures(data_folder) -> Callable[[str], list[np.ndarray]]:
    def read(pattern: str) -> list[np.ndarray]:
        paths = sorted(data_folder.glob(pattern))
        assert paths, pattern
        return [np.asarray(Image.open(path).convert("RGB")) for path in paths]

    return read


@pytest.fixture(scope="session")
def synthetic_weights() -> dict[str, torch.Tensor]:
    return {
        name: torch.from_numpy(_values(name, tuple(tensor.shape)).astype(np.float32))
        for name, tensor in inception_layout().state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


@pytest.fixture(scope="session")
def procedural() -> Callable[..., np.ndarray]:
    return procedural_pictures


def _values(name: str, shape: tuple[int, ...]) -> np.ndarray:
    # RandomState's streams are frozen by numpy, so every machine draws the same numbers
    stream = np.random.RandomState(zlib.crc32(name.encode()))
    kind = name.rsplit(".", 2)[-2:]
    if kind[-1] in ("running_var",) or kind == ["bn", "weight"]:
        return stream.uniform(0.8, 1.2, shape)
    if name == "fc.bias":
        return np.zeros(shape)
    scale = {"running_mean": 0.05, "bias": 0.1}.get(kind[-1], 0.02)
    if kind == ["conv", "weight"]:
        scale = np.sqrt(2.0 / np.prod(shape[1:]))
    return stream.standard_normal(shape) * scale


def procedural_pictures(*, second_kind: bool, n: int, size: int, seed: int) -> np.ndarray:
    """(N, size, size, 3) uint8: colour waves and strokes; the kinds differ in hue and angle."""
    rng = np.random.RandomState(seed)
    tilt = 1.1 if second_kind else 0.0
    tint = np.array([0.4, 0.7, 1.0] if second_kind else [1.0, 0.6, 0.4])
    y, x = np.mgrid[0:size, 0:size].astype(np.float64) / size
    pictures = np.empty((n, size, size, 3), np.uint8)
    for i in range(n):
        canvas = np.empty((size, size, 3))
        for channel in range(3):
            across, down, phase = rng.uniform(1, 5), rng.uniform(1, 5), rng.uniform(0, 6.28)
            wave = np.sin(across * x * 3 + down * y * 3 + phase)
            canvas[..., channel] = 0.5 + 0.35 * wave
        for _ in range(14):
            angle = rng.uniform(-0.5, 0.5) + tilt
            frequency, phase = rng.uniform(8, 40), rng.uniform(0, 6.28)
            weight, colour = rng.uniform(0.02, 0.10), rng.uniform(-1, 1, 3) * tint
            along = x * np.cos(angle) + y * np.sin(angle)
            stroke = np.sin(frequency * 6.28 * along + phase)
            canvas += weight * stroke[..., None] * colour
        canvas += rng.normal(0, 0.02, canvas.shape)
        pictures[i] = np.clip(np.rint(canvas * 255), 0, 255).astype(np.uint8)
    return pictures
