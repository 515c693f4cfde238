"""A real Prefect server for the session, shared with the other tests that have one."""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from prefect.context import SyncClientContext
from prefect.settings import PREFECT_SERVER_DATABASE_CONNECTION_URL
from prefect.testing.utilities import prefect_test_harness

_HARNESS_DATABASE = "prefect-test.db"


@pytest.fixture(scope="session", autouse=True)
def prefect_server() -> Iterator[None]:
    database = PREFECT_SERVER_DATABASE_CONNECTION_URL.value()
    if _HARNESS_DATABASE in str(database):
        yield
        return
    with prefect_test_harness(server_startup_timeout=120):
        yield


def unreachable() -> str:
    """Return an address on which nothing answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/api/"


@contextmanager
def server_gone() -> Iterator[None]:
    """Let the client of the flow run find nobody at the server's address."""
    context = SyncClientContext.get()
    assert context is not None
    connection = context.client._client
    address, connection.base_url = connection.base_url, unreachable()
    try:
        yield
    finally:
        connection.base_url = address


@pytest.fixture
def no_server() -> Callable[[], AbstractContextManager[None]]:
    """Inside a flow run: a block in which the server is gone."""
    return server_gone
