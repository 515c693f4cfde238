"""Scans that arrive while an ingest runs, as copying programs leave them."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artgan.catalog.schema import MASKS, QUARANTINE, SCANS
from artgan.catalog.table import open_catalog
from artgan.config import IngestSettings
from flows.ingest import ingest


def picture(path: Path, seed: int) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (300, 200, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path.read_bytes()


@contextmanager
def slow_copy(path: Path, content: bytes, *, pause_s: float = 0.2) -> Iterator[None]:
    """Append to a file, a little at a time, for as long as the block lasts; then finish it."""
    stop = threading.Event()
    half = len(content) // 2
    path.write_bytes(content[:half])

    def copy() -> None:
        with path.open("ab", buffering=0) as file:
            sent = half
            while not stop.wait(pause_s) and sent < len(content) - 100:
                file.write(content[sent : sent + 100])
                sent += 100
            file.write(content[sent:])

    thread = threading.Thread(target=copy)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def slow_fill(path: Path, content: bytes) -> Iterator[None]:
    """Copy as programs do that reserve the room first: full size from the start, bytes later."""
    stop = threading.Event()
    path.write_bytes(content[:1000] + bytes(len(content) - 1000))

    def fill() -> None:
        with path.open("r+b", buffering=0) as file:
            for start in range(1000, len(content), 100):
                file.seek(start)
                file.write(content[start : start + 100])
                if not stop.is_set():
                    time.sleep(0.2)

    thread = threading.Thread(target=fill)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("copying", [slow_copy, slow_fill])
def test_a_file_that_is_still_being_copied_waits_for_the_next_run(tmp_path, copying):
    inbox = tmp_path / "inbox"
    whole = picture(inbox / "dutch/whole.tif", 1)
    content = picture(tmp_path / "elsewhere.tif", 2)
    settings = IngestSettings(root=str(tmp_path / "root"), inbox=str(inbox), settle_s=0.7)
    with copying(inbox / "dutch/late.tif", content):
        counts = ingest(settings)
    assert (counts["scans"], counts["quarantined"], counts["waiting"]) == (1, 0, 1)
    catalog = open_catalog(settings.root)
    assert catalog.rows(QUARANTINE) == []
    assert len(catalog.store.entries("access")) == 1

    counts = ingest(settings)
    assert (counts["scans"], counts["quarantined"], counts.get("waiting", 0)) == (1, 0, 0)
    sizes = {row["source_path"]: row["source_bytes"] for row in catalog.rows(SCANS)}
    assert sizes == {"dutch/whole.tif": len(whole), "dutch/late.tif": len(content)}


def test_a_file_that_came_cut_is_refused_and_judged_again_when_it_is_mended(tmp_path):
    path = tmp_path / "inbox/dutch/cut.tif"
    content = picture(path, 3)
    path.write_bytes(content[: len(content) // 2])
    settings = IngestSettings(
        root=str(tmp_path / "root"), inbox=str(tmp_path / "inbox"), settle_s=0.1
    )
    assert ingest(settings)["quarantined"] == 1
    assert ingest(settings) == {}
    path.write_bytes(content)
    assert ingest(settings)["scans"] == 1


def test_a_mask_that_is_still_being_copied_waits_as_well(tmp_path):
    inbox = tmp_path / "inbox"
    picture(inbox / "dutch/a.tif", 4)
    mask = np.zeros((300, 200), np.uint8)
    mask[10:60, 10:60] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    settings = IngestSettings(root=str(tmp_path / "root"), inbox=str(inbox), settle_s=0.7)
    moment = time.time() - 100
    os.utime(inbox / "dutch/a.tif", (moment, moment))
    content = (tmp_path / "mask.png").read_bytes()
    with slow_copy(inbox / "dutch/a.tif.mask.png", content + bytes(20_000)):
        counts = ingest(settings)
    assert (counts["scans"], counts["masks"], counts["quarantined"]) == (1, 0, 0)
    (inbox / "dutch/a.tif.mask.png").write_bytes(content)
    assert ingest(settings)["masks"] == 1
    assert open_catalog(settings.root).read(MASKS).num_rows == 1
