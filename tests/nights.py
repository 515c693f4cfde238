"""Nights over a small inbox: what is in it, how one is started, what it leaves."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow.compute as pc
from PIL import Image

from artgan.catalog.schema import EVENTS, TABLES
from artgan.catalog.table import open_catalog
from artgan.sample.archive import write_sample

WORKS = 24
BASE_ONLY = WORKS + 1  # a collection needs more works than it has: only the bases are trained
SETTINGS: dict[str, Any] = {
    "preset": "smoke",
    "min_works": BASE_ONLY,
    "simulated_works": 4,
    "stylized_contents": 2,
}


@dataclass(frozen=True)
class Night:
    root: Path
    length_s: float


def write_inbox(folder: Path) -> None:
    """Write two collections of the sample archive, one of them smaller, and one of sketches."""
    write_sample(folder, seed=1, works=WORKS)
    shutil.rmtree(folder / "brush_landscapes")
    leave_out(folder / "hard_edge", 6)
    write_sketches(folder / "few_sketches")


def leave_out(collection: Path, fewer: int) -> None:
    """Remove some scans that have no mask."""
    scans = [path for path in sorted(collection.iterdir()) if path.suffix.lower() == ".tif"]
    undamaged = [path for path in scans if not path.with_name(f"{path.name}.mask.png").exists()]
    for path in undamaged[:fewer]:
        path.unlink()


def write_sketches(folder: Path, works: int = 5) -> None:
    """Write a collection that has too few works for a model."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(works):
        blocks = rng.integers(0, 256, (12, 9, 3), dtype=np.uint8)
        picture = Image.fromarray(blocks).resize((180, 240), Image.Resampling.BICUBIC)
        picture.save(folder / f"sketch {number}.png")


def start_night(
    root: Path | str, inbox: Path, home: Path, log: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """Start ``artgan nightly`` as the head of a group of processes."""
    command = [sys.executable, "-m", "flows", "nightly", "--root", str(root)]
    command += ["--inbox", str(inbox)]
    for name, value in SETTINGS.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    environment = os.environ | {"PREFECT_HOME": str(home), "PREFECT_LOGGING_LEVEL": "WARNING"}
    environment.pop("PREFECT_API_URL", None)
    return subprocess.Popen(
        command, env=environment, start_new_session=True, stdout=log, stderr=log
    )


def keys_of(root: Path | str) -> dict[str, list[str]]:
    """Return the keys of every table."""
    catalog = open_catalog(str(root))
    return {
        table.name: sorted(catalog.read(table, [table.key])[table.key].to_pylist())
        for table in TABLES
    }


def ingested(root: Path | str) -> list[str]:
    """Scans with an event of ingestion; checks of fixity are of each night that there was."""
    where = pc.field("event_type") == "ingestion"
    return sorted(open_catalog(str(root)).read(EVENTS, ["scan_id"], where)["scan_id"].to_pylist())


def check_equal(night: Path | str, undisturbed: Path, word: object = "") -> None:
    """Assert that two nights over one inbox left the same rows."""
    ended, wanted = keys_of(night), keys_of(undisturbed)
    for name in wanted.keys() - {"runs", "events"}:
        assert ended[name] == wanted[name], (name, word)
    assert ingested(night) == ingested(undisturbed), word
    assert len(set(ended["runs"])) == len(ended["runs"])
