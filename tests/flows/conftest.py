"""A real Prefect server for the session, and a small inbox."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artgan.sample.archive import write_sample


@pytest.fixture(scope="session", autouse=True)
def _server(prefect_server: None) -> None:
    """Every flow runs against it."""


@pytest.fixture(scope="session")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample archive at its smallest: woodblock_views alone has works enough for models."""
    folder = tmp_path_factory.mktemp("sample") / "inbox"
    write_sample(folder, seed=1, works=24)
    for name in ("brush_landscapes", "hard_edge"):
        shrink(folder / name, 6)
    few = folder / "few_sketches"
    few.mkdir()
    rng = np.random.default_rng(0)
    for number in range(5):
        blocks = rng.integers(0, 256, (12, 9, 3), dtype=np.uint8)
        picture = Image.fromarray(blocks).resize((180, 240), Image.Resampling.BICUBIC)
        picture.save(few / f"sketch {number}.png")
    return folder


@pytest.fixture(scope="session")
def lesser_inbox(inbox: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without one of its collections, for tests of several nights."""
    folder = tmp_path_factory.mktemp("lesser") / "inbox"
    leave_out = shutil.ignore_patterns("brush_landscapes")
    return shutil.copytree(inbox, folder, copy_function=os.link, ignore=leave_out)


def shrink(collection: Path, fewer: int) -> None:
    """Remove some scans that have no mask."""
    scans = [path for path in sorted(collection.iterdir()) if path.suffix.lower() == ".tif"]
    undamaged = [path for path in scans if not path.with_name(f"{path.name}.mask.png").exists()]
    for path in undamaged[:fewer]:
        path.unlink()
