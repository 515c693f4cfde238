"""A real Prefect server for every test, and a way to lose it."""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from prefect.context import SyncClientContext


@pytest.fixture(scope="session", autouse=True)
def _server(prefect_server: None) -> None:
    """Every task runs against it."""


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
