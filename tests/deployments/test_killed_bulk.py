"""Bulk stylization as a user runs it, killed twice, short of memory: no item lost or doubled."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from artgan.catalog.schema import OUTPUTS
from artgan.catalog.table import open_catalog

pytestmark = pytest.mark.slow

WORKS = 10
STYLES = ("ukiyo_e", "van_gogh")
ITEMS = len(STYLES) * len(STYLES) * WORKS
SHORT_OF_MEMORY = """
import sys
import torch
from artgan.stylize.stylizer import Source
from flows.__main__ import run
whole = Source.levels
def levels(self, window):
    if self.size[0] > self.size[1] and max(window.size) > 64:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    return whole(self, window)
Source.levels = levels
sys.exit(run(sys.argv[1:]))
"""


def start(home: Path, *flags: str, code: str | None = None) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PREFECT_HOME": str(home), "PREFECT_LOGGING_LEVEL": "ERROR"}
    environment.pop("PREFECT_API_URL", None)
    program = ("-c", code) if code else ("-m", "flows")
    return subprocess.Popen(
        [sys.executable, *program, *flags], env=environment, start_new_session=True
    )


def bulk(root: Path, home: Path, code: str | None = None) -> subprocess.Popen[bytes]:
    flags = ("--methods", "color", "--contents", "500", "--long-side-px", "256")
    named = ("--collections", ",".join(STYLES), "--contents-from", ",".join(STYLES))
    return start(home, "stylize", "--root", str(root), *flags, *named, code=code)


def files(root: Path) -> dict[str, bytes]:
    below = root / "outputs" / "stylized"
    return {str(one.relative_to(below)): one.read_bytes() for one in below.rglob("*.png")}


def rows(root: Path) -> list[tuple[str, str, str]]:
    names = ("output_id", "status", "output_sha256")
    return sorted(
        tuple(row[name] for name in names) for row in open_catalog(str(root)).rows(OUTPUTS)
    )


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory, prefect_database: Callable[[Path], None]
) -> Path:
    folder = tmp_path_factory.mktemp("home")
    prefect_database(folder / "prefect.db")
    return folder


@pytest.fixture(scope="module")
def archive(real_data: Path, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty real scans, ingested; not to be changed."""
    folder = tmp_path_factory.mktemp("archive")
    for name in STYLES:
        (folder / "inbox" / name).mkdir(parents=True)
        chosen = sorted(one for one in (real_data / "scans" / name).iterdir() if one.is_file())
        for path in [one for one in chosen if one.suffix != ".csv"][:WORKS]:
            shutil.copy(path, folder / "inbox" / name)
    flags = ("--root", str(folder / "root"), "--inbox", str(folder / "inbox"), "--settle-s", "0")
    assert start(home, "ingest", *flags).wait(300) == 0
    return folder / "root"


@pytest.fixture(scope="module")
def undisturbed(archive: Path, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("undisturbed") / "root"
    shutil.copytree(archive, root)
    assert bulk(root, home).wait(300) == 0
    assert len(rows(root)) == len(files(root)) == ITEMS
    return root


def test_killed_twice_every_item_is_there_once_with_the_same_bytes(
    archive: Path, undisturbed: Path, home: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    shutil.copytree(archive, root)
    for least in (1, ITEMS // 2):
        process = bulk(root, home)
        while process.poll() is None and len(files(root)) < least:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert len(rows(root)) < ITEMS
    assert bulk(root, home).wait(300) == 0
    assert rows(root) == rows(undisturbed)
    assert files(root) == files(undisturbed)


def test_short_of_memory_no_item_is_lost(
    archive: Path, undisturbed: Path, home: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    shutil.copytree(archive, root)
    assert bulk(root, home, SHORT_OF_MEMORY).wait(300) == 0
    assert rows(root) == rows(undisturbed)
    assert files(root) == files(undisturbed)
