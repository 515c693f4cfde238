"""A real Prefect server for the session, and a small inbox."""

from collections.abc import Iterator
from pathlib import Path

import pytest
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
    return folder
