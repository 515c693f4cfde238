"""What several tests need: the real data, an S3 endpoint on loopback, a Prefect server."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import s3fs
import torch
from filelock import FileLock

from tests.nights import Night, start_night, write_inbox

os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["DO_NOT_TRACK"] = "1"

# Small networks gain nothing from a second thread, and lose much where others compute as well: here
# and in the trainings that tests start.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"


Making = Callable[[Path], object]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with the real scans; the test is skipped where it is not given."""
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if not folder:
        pytest.skip("ARTGAN_TEST_DATA is not set: no real scans to try this on")
    return Path(folder)


# Moto looks whether an object is there and writes it in two steps, so that now and then two
# simultaneous conditional puts both win (2 of 361 races of sixteen). S3 has no such gap: here it
# is closed by answering one request after the other.
_MOTO = """
import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
app = DomainDispatcherApplication(create_backend_app)
run_simple("127.0.0.1", int(sys.argv[1]), app, threaded=False)
"""


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """Address of a moto server of our own, with the AWS variables pointing at it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", _MOTO, str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    endpoint = f"http://127.0.0.1:{port}"
    try:
        _wait_for(endpoint)
        yield endpoint
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(address: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(address, timeout=1)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(address)


@pytest.fixture
def s3_root(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch, request) -> str:
    """An empty bucket prefix on the S3 endpoint."""
    for name, value in {
        "AWS_ENDPOINT_URL": s3_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    bucket = "archive-" + str(abs(hash(request.node.nodeid)))
    s3fs.S3FileSystem().mkdir(bucket)
    return f"s3://{bucket}/root"


@pytest.fixture(params=["local", "s3"])
def any_root(request, tmp_path: Path) -> str:
    """The same test on a folder and on S3."""
    if request.param == "local":
        return str(tmp_path / "root")
    return request.getfixturevalue("s3_root")


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Making], Path]:
    """A function that gives a folder of this name, which only the first to ask for it fills.

    Processes that share the tests of one session share the folder.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def folder_of(name: str, make: Making) -> Path:
        folder, made = shared / name, shared / f"{name}.made"
        with FileLock(f"{folder}.lock"):
            if not made.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                made.touch()
        return folder

    return folder_of


@pytest.fixture(scope="session")
def prefect_database(made_once: Callable[[str, Making], Path]) -> Callable[[Path], None]:
    """A function that lays an empty database of this Prefect where a server will look for it.

    A server makes one itself by thirty migrations, ten seconds each time.
    """

    def migrate(folder: Path) -> None:
        command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
        environment = os.environ | {"PREFECT_HOME": str(folder)}
        subprocess.run(command, check=True, env=environment, capture_output=True)

    made = made_once("migrated", migrate) / "prefect.db"

    def lay(database: Path) -> None:
        database.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, database)

    return lay


@pytest.fixture(scope="session")
def start_harness(
    prefect_database: Callable[[Path], None], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], AbstractContextManager[None]]:
    """A block in which a real Prefect server runs, new and empty, that flows and tasks use."""
    from prefect.testing import utilities  # noqa: PLC0415 - few tests need it

    @contextmanager
    def start() -> Iterator[None]:
        folder = tmp_path_factory.mktemp("harness")
        prefect_database(folder / "prefect-test.db")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(utilities, "mkdtemp", lambda: str(folder))
            with utilities.prefect_test_harness(server_startup_timeout=120):
                yield

    return start


@pytest.fixture(scope="session")
def prefect_server(start_harness: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """A real Prefect server that flows and tasks run against."""
    with start_harness():
        yield


@pytest.fixture(scope="session")
def night_inbox(made_once: Callable[[str, Making], Path]) -> Path:
    """Two collections of the sample archive, one with too few works, and a broken file."""
    return made_once("night-inbox", write_inbox)


@pytest.fixture(scope="session")
def undisturbed(
    made_once: Callable[[str, Making], Path],
    night_inbox: Path,
    prefect_database: Callable[[Path], None],
) -> Night:
    """A night that nothing disturbs; not to be changed."""

    def spend(folder: Path) -> None:
        prefect_database(folder / "home" / "prefect.db")
        started = time.monotonic()
        with (folder / "log").open("wb") as log:
            night = start_night(folder / "root", night_inbox, folder / "home", log)
        assert night.wait(900) == 0, (folder / "log").read_text()[-3000:]
        (folder / "length").write_text(str(time.monotonic() - started))

    folder = made_once("undisturbed", spend)
    return Night(folder / "root", float((folder / "length").read_text()))
