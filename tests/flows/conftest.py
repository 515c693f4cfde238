"""A real Prefect server for the session, and a small inbox."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from prefect.testing.utilities import prefect_test_harness

from artgan.sample.archive import write_sample


@pytest.fixture(scope="session", autouse=True)
def prefect_server() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(scope="session")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample archive at its smallest."""
    folder = tmp_path_factory.mktemp("sample") / "inbox"
    write_sample(folder, seed=1, works=24)
    few = folder / "few_sketches"
    few.mkdir()
    rng = np.random.default_rng(0)
    for number in range(5):
        blocks = rng.integers(0, 256, (12, 9, 3), dtype=np.uint8)
        picture = Image.fromarray(blocks).resize((180, 240), Image.Resampling.BICUBIC)
        picture.save(few / f"sketch {number}.png")
    return folder
