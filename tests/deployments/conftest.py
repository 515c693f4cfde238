"""A Prefect server of its own, with all its services, for tests of what is deployed on one."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Process = subprocess.Popen[bytes]


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """A function that returns a port nobody listens on."""

    def port() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    return port


@pytest.fixture(scope="module")
def start_prefect(
    tmp_path_factory: pytest.TempPathFactory, prefect_database: Callable[[Path], None]
) -> Iterator[Callable[..., tuple[Process, Path]]]:
    """A function that starts ``prefect`` with some variables set; returns process and log."""
    processes: list[Process] = []

    def start(*arguments: str, **variables: str) -> tuple[Process, Path]:
        home = tmp_path_factory.mktemp("prefect")
        prefect_database(home / "prefect.db")
        environment = os.environ | {"PREFECT_HOME": str(home)} | variables
        with (home / "log").open("w") as log:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "prefect", *arguments],
                    env=environment,
                    stdout=log,
                    stderr=log,
                )
            )
        return processes[-1], home / "log"

    try:
        yield start
    finally:
        for process in reversed(processes):
            stop(process)


@pytest.fixture(scope="module")
def start_server(
    start_prefect: Callable[..., tuple[Process, Path]], free_port: Callable[[], int]
) -> Callable[..., str]:
    """A function that starts a Prefect server and returns its API's address."""

    def start(*flags: str, **variables: str) -> str:
        port = free_port()
        address = f"http://127.0.0.1:{port}/api"
        server, log = start_prefect(
            "server",
            "start",
            *flags,
            **{
                "PREFECT_API_URL": address,
                "PREFECT_SERVER_API_HOST": "127.0.0.1",
                "PREFECT_SERVER_API_PORT": str(port),
                "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
            }
            | variables,
        )
        wait_for(f"{address}/health", server, log)
        return address

    return start


def wait_for(address: str, server: Process, log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()[-3000:]
        try:
            urllib.request.urlopen(address, timeout=2)
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(log.read_text()[-3000:])


def stop(process: Process) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
