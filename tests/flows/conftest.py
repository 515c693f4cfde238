"""A real Prefect server for the session, and a small inbox."""

from pathlib import Path

import pytest

from artgan.sample.archive import write_sample
from tests.nights import WORKS, leave_out, write_sketches


@pytest.fixture(scope="session", autouse=True)
def _server(prefect_server: None) -> None:
    """Every flow runs against it."""


@pytest.fixture(scope="session")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample archive at its smallest: woodblock_views alone has works enough for models."""
    folder = tmp_path_factory.mktemp("sample") / "inbox"
    write_sample(folder, seed=1, works=WORKS)
    for name in ("brush_landscapes", "hard_edge"):
        leave_out(folder / name, 6)
    write_sketches(folder / "few_sketches")
    return folder
