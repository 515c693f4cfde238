"""A night that is killed again and again, and one on S3, end like one on a disk that was not."""

import json
import os
import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch

from artgan.imaging.decode import decode, render
from tests.nights import Night, check_equal, start_night

KILLS = 2

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory, prefect_database: Callable[[Path], None]
) -> Path:
    """Where Prefect keeps what it knows of all these nights."""
    folder = tmp_path_factory.mktemp("home")
    prefect_database(folder / "prefect.db")
    return folder


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


def test_a_night_killed_again_and_again_ends_with_the_same_keys(
    undisturbed: Night, night_inbox: Path, home: Path, tmp_path: Path
) -> None:
    seed = random.randrange(10**6)
    moments = random.Random(seed)
    killed = tmp_path / "killed"
    for _ in range(KILLS):
        night = start_night(killed, night_inbox, home)
        moment_s = moments.uniform(0.1, 0.7) * undisturbed.length_s
        try:
            night.wait(moment_s)
        except subprocess.TimeoutExpired:
            os.killpg(night.pid, signal.SIGKILL)
            night.wait()
    assert start_night(killed, night_inbox, home).wait() == 0
    assert check_whole(killed) > 70
    check_equal(killed, undisturbed.root, seed)


def test_the_same_night_on_s3_ends_with_the_same_keys(
    undisturbed: Night, night_inbox: Path, home: Path, s3_root: str
) -> None:
    assert start_night(s3_root, night_inbox, home).wait() == 0
    check_equal(s3_root, undisturbed.root)
