"""The test data's picture sets and expected numbers, or a skip that says what is absent."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def data_folder() -> Path:
    root = os.environ.get("ARTGAN_TEST_DATA")
    if not root:
        pytest.skip("ARTGAN_TEST_DATA is not set")
    return Path(root)


def expected() -> dict:
    return json.loads((data_folder() / "fid_fixture" / "expected.json").read_text())


def pictures(pattern: str, most: int | None = None) -> list[np.ndarray]:
    paths = sorted(data_folder().glob(pattern))[:most]
    return [np.asarray(Image.open(path).convert("RGB")) for path in paths]
