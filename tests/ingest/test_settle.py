import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artgan.ingest.discover import discover
from artgan.ingest.settle import has_moved, moving_files, still_files
from artgan.storage import open_store


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "inbox/dutch/a.tif"
    path.parent.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (300, 200, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def found(tmp_path: Path):
    inbox = open_store(str(tmp_path / "inbox"))
    return inbox, discover(inbox, "dutch")


def age(path: Path, seconds: float) -> None:
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


@pytest.mark.parametrize("change", ["grow", "touch", "remove"])
def test_a_file_that_grows_is_touched_or_vanishes_has_moved(tmp_path, scan, change):
    inbox, (file,) = found(tmp_path)
    assert not has_moved(inbox, file)
    if change == "grow":  # a coarse clock: size alone must tell
        facts = scan.stat()
        with scan.open("ab") as end:
            end.write(b"more")
        os.utime(scan, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    elif change == "touch":
        os.utime(scan, ns=(1, 1))
    else:
        scan.unlink()
    assert has_moved(inbox, file)


def test_a_file_that_changed_a_moment_ago_is_given_the_rest_of_the_pause(tmp_path, scan):
    age(scan, 0.0)
    inbox, files = found(tmp_path)
    threading.Timer(0.2, lambda: age(scan, -5.0)).start()
    assert still_files(inbox, files, settle_s=0.6) == []


@pytest.mark.parametrize("clock_is_off_by_s", [-3600.0, 3600.0, 60.0])
def test_files_at_rest_cost_no_pause_whatever_the_clock_says(tmp_path, scan, clock_is_off_by_s):
    age(scan, clock_is_off_by_s)
    inbox, files = found(tmp_path)
    started = time.monotonic()
    assert still_files(inbox, files, settle_s=30) == files
    assert time.monotonic() - started < 5


def test_a_refused_file_is_looked_at_again_even_if_the_clock_of_its_share_is_hours_off(
    tmp_path, scan
):
    age(scan, 3 * 3600.0)
    inbox, files = found(tmp_path)
    threading.Timer(0.2, lambda: age(scan, 2 * 3600.0)).start()
    assert moving_files(inbox, files, settle_s=0.6) == files


def test_a_refused_file_of_last_week_costs_no_pause(tmp_path, scan):
    age(scan, 7 * 24 * 3600.0)
    inbox, files = found(tmp_path)
    started = time.monotonic()
    assert moving_files(inbox, files, settle_s=30) == []
    assert time.monotonic() - started < 5


def test_objects_on_s3_are_whole_and_cost_no_look(s3_root):
    inbox = open_store(s3_root)
    inbox.write("dutch/a.tif", b"first")
    files = discover(inbox, "dutch")
    assert inbox.entry("dutch/a.tif") == inbox.entries("dutch")[0]
    assert inbox.entry("dutch/b.tif") is None
    assert still_files(inbox, files, settle_s=30) == files
