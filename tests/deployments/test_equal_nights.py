"""A night that is killed again and again, and one on S3, end like one on a disk that was not."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pytest
import safetensors.torch

from artgan.catalog.schema import EVENTS, TABLES
from artgan.catalog.table import open_catalog
from artgan.imaging.decode import decode, render

KILLS = 2
BASE_ONLY = 25  # a collection needs more works than it has: only the bases are trained

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Night:
    root: Path
    length_s: float


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory, prefect_database: Callable[[Path], None]
) -> Path:
    """Where Prefect keeps what it knows of all these nights."""
    folder = tmp_path_factory.mktemp("home")
    prefect_database(folder / "prefect.db")
    return folder


@pytest.fixture(scope="module")
def undisturbed(lesser_inbox: Path, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Night:
    folder = tmp_path_factory.mktemp("undisturbed")
    started = time.monotonic()
    assert start_night(folder / "root", lesser_inbox, home).wait() == 0
    return Night(folder / "root", time.monotonic() - started)


def start_night(root: Path | str, inbox: Path, home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "flows", "nightly", "--root", str(root)]
    command += ["--inbox", str(inbox), "--preset", "smoke"]
    command += ["--simulated-works", "4", "--stylized-contents", "2"]
    command += ["--min-works", str(BASE_ONLY)]
    environment = os.environ | {"PREFECT_HOME": str(home), "PREFECT_LOGGING_LEVEL": "WARNING"}
    environment.pop("PREFECT_API_URL", None)
    return subprocess.Popen(command, env=environment, start_new_session=True)


def keys_of(root: Path | str) -> dict[str, list[str]]:
    catalog = open_catalog(str(root))
    return {
        table.name: sorted(catalog.read(table, [table.key])[table.key].to_pylist())
        for table in TABLES
    }


def ingested(root: Path | str) -> list[str]:
    """Scans with an event of ingestion; checks of fixity are of each night that there was."""
    where = pc.field("event_type") == "ingestion"
    return sorted(open_catalog(str(root)).read(EVENTS, ["scan_id"], where)["scan_id"].to_pylist())


def check_whole(root: Path) -> int:
    """Read every object to its end; return how many there are."""
    checked = 0
    for path in root.rglob("*"):
        if not path.is_file() or "_tmp" in path.parts or "catalog" in path.parts:
            continue
        checked += 1
        match path.suffix:
            case ".json":
                json.loads(path.read_bytes())
            case ".png" | ".jpg" | ".tif":
                render(decode(path, 10**9))
            case ".safetensors":
                safetensors.torch.load_file(path)
    return checked


def check_equal(night: Path | str, undisturbed: Path, word: object = "") -> None:
    ended, wanted = keys_of(night), keys_of(undisturbed)
    for name in wanted.keys() - {"runs", "events"}:
        assert ended[name] == wanted[name], (name, word)
    assert ingested(night) == ingested(undisturbed), word
    assert len(set(ended["runs"])) == len(ended["runs"])


def test_a_night_killed_again_and_again_ends_with_the_same_keys(
    undisturbed: Night, lesser_inbox: Path, home: Path, tmp_path: Path
) -> None:
    seed = random.randrange(10**6)
    moments = random.Random(seed)
    killed = tmp_path / "killed"
    for _ in range(KILLS):
        night = start_night(killed, lesser_inbox, home)
        moment_s = moments.uniform(0.1, 0.7) * undisturbed.length_s
        try:
            night.wait(moment_s)
        except subprocess.TimeoutExpired:
            os.killpg(night.pid, signal.SIGKILL)
            night.wait()
    assert start_night(killed, lesser_inbox, home).wait() == 0
    assert check_whole(killed) > 70
    check_equal(killed, undisturbed.root, seed)


def test_the_same_night_on_s3_ends_with_the_same_keys(
    undisturbed: Night, lesser_inbox: Path, home: Path, s3_root: str
) -> None:
    assert start_night(s3_root, lesser_inbox, home).wait() == 0
    check_equal(s3_root, undisturbed.root)
