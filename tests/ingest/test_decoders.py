"""Files are decoded in a child: the same judgements, and a codec that dies costs one file."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artgan.errors import InvalidInputError, MissingAssetError
from artgan.imaging.read import read_mask, read_shares
from artgan.imaging.write import AccessForm, png_bytes
from artgan.ingest import decoder_process
from artgan.ingest.decoder_process import CRASHED, TIMED_OUT, Limits, child_cpu_s, child_process
from artgan.ingest.decoders import judge_mask, judge_scan, picture_size, take_mask, take_regions
from artgan.ingest.discover import FoundFile
from artgan.ingest.inspect import Accepted, Refused, inspect
from artgan.ingest.masks import inspect_mask, take_edited
from tests.ingest.corpus.all import CORPUS
from tests.ingest.corpus.case import MAX_PIXELS, painting
from tests.ingest.corpus.tiff import tiff

FORM = AccessForm("jpeg", 100)
EVERY = 9  # of the corpus, whole in the test of the flow
GOOD = "good.png"
LIMITS = Limits()

Sick = Callable[[str], None]


def found(path: Path) -> FoundFile:
    return FoundFile("prints", f"prints/{path.name}", path.stat().st_size, "v1", "scan")


def judged(path: Path, limits: Limits = LIMITS) -> list[Any]:
    return list(judge_scan(path, found(path), MAX_PIXELS, FORM, limits))


@pytest.fixture
def good(tmp_path: Path) -> Path:
    (tmp_path / GOOD).write_bytes(png_bytes(painting()))
    return tmp_path / GOOD


@pytest.fixture
def sick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """A child whose decoder meets a bad end at files named so: a module that is found first."""

    def make(words: str) -> None:
        (tmp_path / "sick_child.py").write_text(
            "import ctypes, os, pathlib, signal, socket, sys, time\n"
            "from artgan.imaging import canvas\n"
            "from artgan.ingest import decoder_child, inspect\n"
            "sound = inspect._accepted\n"
            "def _accepted(file, page, *rest):\n"
            "    if 'sick' in file.name and page == 2 - (file.page_count == 1):\n"
            f"        {words}\n"
            "    return sound(file, page, *rest)\n"
            "inspect._accepted = _accepted\n"
            "sound_image, sound_size = canvas.mask_image, decoder_child.decode\n"
            "def mask_image(scan):\n"
            f"    {words}\n"
            "    return sound_image(scan)\n"
            "def decode(file, *rest, **more):\n"
            "    if 'sick' in file.name:\n"
            f"        {words}\n"
            "    return sound_size(file, *rest, **more)\n"
            "canvas.mask_image, decoder_child.decode = mask_image, decode\n"
            "def read_shares(path):\n"
            f"    {words}\n"
            "decoder_child.read_shares = read_shares\n"
            "decoder_child.main()\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setattr(decoder_process, "_CHILD", "sick_child")

    decoder_process.end_child()
    yield make
    decoder_process.end_child()


def test_a_child_judges_as_the_same_process_does(tmp_path: Path) -> None:
    for case in CORPUS[::EVERY]:
        path = tmp_path / case.name
        path.write_bytes(case.write())
        assert judged(path) == list(inspect(path, found(path), MAX_PIXELS, FORM)), case.name


def test_masks_are_judged_as_in_the_same_process(tmp_path: Path) -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[3:9] = 255
    path = tmp_path / "a.png.mask.png"
    path.write_bytes(png_bytes(mask))
    scan = {"scan_id": "ab", "width_px": 30, "height_px": 20}
    for known in (scan, scan | {"width_px": 31}, None):
        expected = inspect_mask(path.read_bytes(), found(path), known)
        assert judge_mask(path, found(path), known, LIMITS) == expected


def test_corrected_masks_are_taken_as_in_the_same_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = np.zeros((20, 30), np.uint8)
    marked[3:9] = 255
    path = tmp_path / "edited.png"
    path.write_bytes(png_bytes(marked))
    scan = {"scan_id": "ab", "collection": "prints", "width_px": 30, "height_px": 20}
    folders = [tmp_path / name for name in ("here", "there")]
    for folder in folders:
        folder.mkdir()
    expected = take_edited(path, scan, folders[0] / "kept.png", folders[0])
    monkeypatch.chdir(tmp_path)  # a child has a folder of its own
    taken = take_mask(Path("edited.png"), scan, folders[1] / "kept.png", folders[1], LIMITS)
    assert taken == expected
    kept = [(folder / "kept.png").read_bytes() for folder in folders]
    assert kept[0] == kept[1]
    assert (read_mask(kept[1]) == (marked > 0)).all()
    for other, says in (({"width_px": 31}, "size of its upright scan"), ({}, "mark damage")):
        path.write_bytes(png_bytes(marked * (len(other) or 0)))
        with pytest.raises(InvalidInputError, match=says):
            take_mask(path, scan | other, folders[1] / "kept.png", folders[1], LIMITS)
    with pytest.raises(MissingAssetError, match="must be a file"):
        take_mask(tmp_path / "none.png", scan, folders[1] / "kept.png", folders[1], LIMITS)


def test_regions_are_read_as_in_the_same_process_and_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "regions.png"
    path.write_bytes(png_bytes(np.arange(600, dtype=np.uint16).reshape(20, 30).astype(np.uint8)))
    taken = take_regions(path, LIMITS)
    assert np.array_equal(taken, read_shares(path))
    path.write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>")
    with pytest.raises(InvalidInputError, match=r"regions\.png"):
        take_regions(path, LIMITS)
    with pytest.raises(MissingAssetError, match="regions must be a file"):
        take_regions(tmp_path / "none.png", LIMITS)


def test_a_mask_or_a_fetched_picture_that_crashes_a_codec_is_refused_in_words(
    sick: Sick, good: Path, tmp_path: Path
) -> None:
    sick("os.abort()")
    size = painting().shape[1::-1]
    scan = dict(zip(("width_px", "height_px"), size, strict=True))
    with pytest.raises(InvalidInputError, match="SIGABRT"):
        take_mask(good, scan | {"scan_id": "ab"}, tmp_path / "kept.png", tmp_path, LIMITS)
    assert picture_size(good, "https://museum.example/1", LIMITS) == size
    with pytest.raises(InvalidInputError, match="SIGABRT"):
        take_regions(good, LIMITS)
    bad = good.with_name("sick.png")
    bad.write_bytes(good.read_bytes())
    assert picture_size(bad, "https://museum.example/2", LIMITS) is None
    bad.write_bytes(b"<html>")
    assert picture_size(bad, "https://museum.example/3", LIMITS) is None


_ALONE = """
import os, sys
from artgan.ingest.isolation import leave_network
if sys.argv[1] != "0":
    os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))
print(leave_network(), sum(":" in line for line in open("/proc/self/net/dev")))
print(int(open("/proc/self/status").read().split("CapEff:")[1].split()[0], 16))
"""


def test_a_child_reaches_no_network_where_the_kernel_allows_that(sick: Sick, good: Path) -> None:
    probe = subprocess.run(
        [sys.executable, "-c", _ALONE, "0"], capture_output=True, text=True, check=True
    )
    if not probe.stdout.startswith("True 1"):
        pytest.skip("this kernel lets no process leave the network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        sick(f"socket.create_connection(('127.0.0.1', {port}), 5)")
        bad = good.with_name("sick.png")
        bad.write_bytes(good.read_bytes())
        (refused,) = judged(bad)
    assert isinstance(refused, Refused)
    assert "Network is unreachable" in refused.message
    assert isinstance(judged(good)[0], Accepted)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_whoever_is_not_root_leaves_the_network_without_gaining_capabilities() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ALONE, "65534"], capture_output=True, text=True, check=True
    )
    left, capabilities = done.stdout.splitlines()
    assert left == "True 1" or left.startswith("False ")
    assert capabilities == "0"


def test_one_child_serves_many_files_and_ends_with_its_thread(good: Path) -> None:
    seen: list[int | None] = []

    def work() -> None:
        for _ in range(3):
            assert isinstance(judged(good)[0], Accepted)
            seen.append(child_process())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(set(seen)) == 1
    assert seen[0] is not None
    program = Path(f"/proc/{seen[0]}/exe")  # leads nowhere once a process has ended
    until_s = time.monotonic() + 10
    while program.exists() and time.monotonic() < until_s:
        time.sleep(0.05)
    assert not program.exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("ctypes.string_at(0)", "SIGSEGV"),
        ("os.abort()", "SIGABRT"),
        ("raise IndexError('of a parser')", "IndexError: of a parser"),
    ],
)
def test_a_codec_that_crashes_costs_one_file(sick: Sick, good: Path, words: str, says: str) -> None:
    sick(words)
    bad = good.with_name("sick.png")
    bad.write_bytes(good.read_bytes())
    (refused,) = judged(bad)
    assert isinstance(refused, Refused)
    assert refused.reason == CRASHED
    assert refused.message.startswith("prints/sick.png must be decodable, got")
    assert says in refused.message
    assert refused.content_sha256 == judged(good)[0].row["content_sha256"]


def test_a_codec_that_hangs_costs_one_file_and_its_time(sick: Sick, good: Path) -> None:
    sick("time.sleep(60)")
    bad = good.with_name("sick.png")
    bad.write_bytes(good.read_bytes())
    started_s = time.monotonic()
    (refused,) = judged(bad, Limits(seconds=1))
    assert refused.reason == TIMED_OUT
    assert time.monotonic() - started_s < 20
    assert isinstance(judged(good, Limits(seconds=1))[0], Accepted)


def test_a_codec_that_wants_all_memory_is_refused_it(sick: Sick, good: Path) -> None:
    sick("bytearray(2 << 30)")
    bad = good.with_name("sick.png")
    bad.write_bytes(good.read_bytes())
    (refused,) = judged(bad, Limits(memory_mb=1000))
    assert refused.reason == "out_of_memory"
    assert "more than 1000 MB" in refused.message


def test_a_child_whose_codec_leaks_is_replaced_after_its_file(sick: Sick, good: Path) -> None:
    sick("sys.leaked = b'x' * 1_100_000_000")
    bad = good.with_name("sick.png")
    bad.write_bytes(good.read_bytes())
    assert isinstance(judged(good)[0], Accepted)
    first, spent_s = child_process(), child_cpu_s()
    assert isinstance(judged(bad)[0], Accepted)
    assert child_process() == first
    assert isinstance(judged(good)[0], Accepted)
    assert child_process() != first
    assert child_cpu_s() > spent_s


def test_pages_before_a_crash_are_kept_and_later_ones_refused(sick: Sick, tmp_path: Path) -> None:
    sick("os.abort()")
    book = tmp_path / "sick.tif"
    book.write_bytes(tiff(*(painting(seed=seed) for seed in (1, 2, 3))))
    first, second, third = judged(book)
    assert isinstance(first, Accepted)
    assert (second.reason, second.page) == (CRASHED, 2)
    assert (third.reason, third.page) == (CRASHED, 3)
    assert "page 2 before it" in third.message


def test_a_child_killed_from_outside_is_tried_again(good: Path) -> None:
    assert isinstance(judged(good)[0], Accepted)
    pages = judge_scan(good, found(good), MAX_PIXELS, FORM, LIMITS)
    os.kill(child_process() or 0, signal.SIGKILL)
    assert isinstance(next(pages), Accepted)


def test_a_child_has_no_secrets(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "marked-credential")
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "marked-credential")
    decoder_process.end_child()
    judged(good)
    environment = Path(f"/proc/{child_process()}/environ").read_bytes()
    assert b"VIPS_BLOCK_UNTRUSTED=1" in environment
    assert b"marked-credential" not in environment


def test_a_child_imports_neither_prefect_nor_torch(good: Path) -> None:
    judged(good)
    maps = Path(f"/proc/{child_process()}/maps").read_text()
    assert "libvips" in maps
    assert "libtorch" not in maps
    status = Path(f"/proc/{child_process()}/status").read_text()
    assert int(status.split("VmHWM:")[1].split()[0]) < 300_000
