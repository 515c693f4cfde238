"""The server on PostgreSQL, alone and split up around Redis as compose.yaml does it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

TASKS = 200
BULK = f"""
from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner

@task
def chunk(number):
    return number

@flow(task_runner=ThreadPoolTaskRunner(max_workers=4))
def bulk():
    for start in range(0, {TASKS}, 50):
        found = [chunk.submit(number) for number in range(start, start + 50)]
        assert [one.result() for one in found] == list(range(start, start + 50))

bulk()
"""

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


@pytest.fixture(scope="module")
def cluster(free_port: Callable[[], int]) -> Iterator[tuple[Path, int]]:
    """Programs and port of a PostgreSQL server that lives for these tests."""
    found = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found and not debian:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    programs = debian[-1] if debian else Path(str(found)).resolve().parent
    folder = tempfile.mkdtemp(prefix="artgan-postgres-")
    owner: dict[str, Any] = {}
    if os.geteuid() == 0:  # as which the server refuses to run
        shutil.chown(folder, "postgres", "postgres")
        owner = {"user": "postgres", "group": "postgres", "extra_groups": []}
    data, port = f"{folder}/data", free_port()
    make = [str(programs / "initdb"), "--pgdata", data, "--username", "prefect", "--auth", "trust"]
    start = [str(programs / "postgres"), "-D", data, "-p", str(port), "-k", folder]
    start += ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    try:
        subprocess.run([*make, "--no-sync"], check=True, capture_output=True, cwd=folder, **owner)
        with Path(folder, "log").open("w") as log:
            server = subprocess.Popen(start, stdout=log, stderr=log, cwd=folder, **owner)
        try:
            wait_until_ready(programs, port)
            yield programs, port
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(20)
    finally:
        shutil.rmtree(folder)


def wait_until_ready(programs: Path, port: int) -> None:
    command = [str(programs / "pg_isready"), "--host", "127.0.0.1", "--port", str(port), "--quiet"]
    for _ in range(100):
        if subprocess.run(command, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise TimeoutError(command)


@pytest.fixture
def database(cluster: tuple[Path, int], request: pytest.FixtureRequest) -> str:
    """Address of an empty database, as Prefect wants it."""
    programs, port = cluster
    name = request.node.name.removeprefix("test_")
    command = [str(programs / "createdb"), "--host", "127.0.0.1", "--port", str(port)]
    subprocess.run([*command, "--username", "prefect", name], check=True)
    return f"postgresql+asyncpg://prefect@127.0.0.1:{port}/{name}"


@pytest.fixture(scope="module")
def broker(free_port: Callable[[], int]) -> Iterator[int]:
    """Port of a Redis server that lives for these tests."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("Redis is not installed: apt-get install redis-server")
    pytest.importorskip("prefect_redis", reason="the redis extra is not installed")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield port
    finally:
        server.terminate()
        server.wait(20)


def composed(database: str, port: int) -> dict[str, str]:
    """Return the server's variables in compose.yaml, pointed at the servers of these tests."""
    shipped = yaml.safe_load((files("deployments") / "compose.yaml").read_text())
    variables = dict(shipped["services"]["server"]["environment"])
    address = "postgresql+asyncpg://prefect:${POSTGRES_PASSWORD:?must be set in .env}@database:5432"
    assert variables["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == f"{address}/prefect"
    assert variables["PREFECT_SERVER_DOCKET_URL"] == "redis://broker:6379/1"
    elsewhere = ("PREFECT_SERVER_API_", "PREFECT_SERVER_UI_API_URL", "PREFECT_UI_URL")
    kept = {name: text for name, text in variables.items() if not name.startswith(elsewhere)}
    return kept | {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
        "PREFECT_SERVER_DOCKET_URL": f"redis://127.0.0.1:{port}/1",
        "PREFECT_REDIS_MESSAGING_HOST": "127.0.0.1",
        "PREFECT_REDIS_MESSAGING_PORT": str(port),
    }


def run_and_check(address: str, folder: Path) -> None:
    """Run many tasks and bring artgan's deployments to a server; see that it knows them all."""
    environment = os.environ | {"PREFECT_API_URL": address, "PREFECT_HOME": str(folder / "home")}
    call(["-c", BULK], environment)
    (folder / "inbox").mkdir()
    places = ["--root", str(folder / "root"), "--inbox", str(folder / "inbox")]
    call(["-m", "flows", "deploy", *places, "--server", address, "--devices", "0"], environment)
    with temporary_settings({PREFECT_API_URL: address}), get_client(sync_client=True) as client:
        deployments = client.read_deployments()
        assert len({one.name for one in deployments}) == len(deployments) > 5
        assert len(client.read_automations()) >= 2
        deadline = time.monotonic() + 60
        while completed(client) < TASKS and time.monotonic() < deadline:
            time.sleep(0.5)
        assert completed(client) == TASKS


def call(arguments: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, *arguments],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def completed(client: SyncPrefectClient) -> int:
    wanted = {"task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    return client.request("POST", "/task_runs/count", json=wanted).json()


def test_one_server_records_every_task(
    database: str, start_server: Callable[..., str], tmp_path: Path
) -> None:
    run_and_check(start_server(PREFECT_SERVER_DATABASE_CONNECTION_URL=database), tmp_path)


def test_server_and_services_record_every_task(
    database: str,
    broker: int,
    start_server: Callable[..., str],
    start_prefect: Callable[..., None],
    tmp_path: Path,
) -> None:
    variables = composed(database, broker)
    call(["-m", "prefect", "server", "database", "upgrade", "--yes"], os.environ | variables)
    start_prefect("server", "services", "start", **variables)
    run_and_check(start_server("--no-services", **variables), tmp_path)
