"""Measure what a night costs an archive by its size: the parts that look at the whole catalog.

    python benchmarks/scale.py --quick
    python benchmarks/scale.py

Catalogs of invented rows, small and large, on this disk. Measured on each: finding what is new
among as many files as there are scans, with nothing new; adding 64 scans (duplicates against all,
one commit); publishing the scans table; bytes of a row on disk; most memory. Each number stands
beside the same one of the smaller catalog: a ratio far above the ratio of sizes would be a part
that saturates. Prints one JSON line for each result; everything else goes to standard error.
"""

import argparse
import hashlib
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from artgan.catalog.publish import publish
from artgan.catalog.schema import SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.ingest.discover import FoundFile
from artgan.ingest.known import read_known
from artgan.ingest.merge import Inspected, merge
from artgan.ingest.metadata import Metadata
from tasks.ingest import judged_files

ADDED = 64
COLLECTION = "photographs"
BATCH = 100_000
SLACK = 1.5  # over the ratio of sizes


def main() -> int:
    """Run the measurements; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 and 100 thousand scans")
    quick = parser.parse_args().quick
    sizes = (10_000, 100_000) if quick else (10_000, 1_000_000)
    before: dict[str, float] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            figures = _measure(Path(scratch), size)
        for name, (value, unit) in figures.items():
            if before:
                _say(name, size, value, unit, sizes[0], before[name])
        before = {name: value for name, (value, _) in figures.items()}
    return 0


def _measure(root: Path, size: int) -> dict[str, tuple[float, str]]:
    catalog = open_catalog(str(root))
    for start in range(0, size, BATCH):
        catalog.append(SCANS, [_row(number) for number in range(start, min(size, start + BATCH))])
        print(f"{size:,}: {start:,} written", file=sys.stderr)
    stored = sum(path.stat().st_size for path in (root / "catalog/scans").rglob("*.parquet"))
    names = [f"{COLLECTION}/{number:09d}.tif" for number in range(size)]
    found_s = _seconds(lambda: _find_new(catalog, names))
    added_s = _seconds(lambda: _add(catalog, size))
    published_s = _seconds(lambda: publish(catalog))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "finding that nothing is new": (round(found_s, 3), "s"),
        f"adding {ADDED} scans": (round(added_s, 3), "s"),
        "publishing the scans table": (round(published_s, 3), "s"),
        "bytes of the scans table": (stored, "bytes"),
        "most memory": (round(memory), "MiB"),
    }


def _seconds(do: Callable[[], object]) -> float:
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


def _find_new(catalog: Catalog, names: list[str]) -> list[str]:
    known = judged_files(catalog, COLLECTION)
    return [name for name in names if (name, "1") not in known]


def _add(catalog: Catalog, size: int) -> int:
    rows = [_row(size + number) for number in range(ADDED)]
    inspected = [
        Inspected(FoundFile(COLLECTION, row["source_path"], 1, "1", "scan"), _facts(row), None)
        for row in rows
    ]
    merged = merge(inspected, read_known(catalog), Metadata())
    more = {"source_uri": "x", "run_id": "bench", "ingested_at": now()}
    return catalog.append(SCANS, [dict(row) | more for row in merged.scans])


def _row(number: int) -> dict[str, Any]:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    phash = np.random.default_rng(number).integers(0, 2**63)
    return {
        "scan_id": digest,
        "content_sha256": digest,
        "collection": COLLECTION,
        "source_uri": f"/data/inbox/{COLLECTION}/{number:09d}.tif",
        "source_path": f"{COLLECTION}/{number:09d}.tif",
        "source_bytes": 30_000_000 + number,
        "source_version": "1",
        "access_path": f"access/{COLLECTION}/{digest}.jpg",
        "phash": f"{int(phash):016x}",
        "duplicate_group": digest,
        "split": "train",
        "title": f"Photograph {number}",
        "run_id": "bench",
        "ingested_at": now(),
    } | dict.fromkeys(("width_px", "height_px"), 4000)


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in {"duplicate_group", "split"}}


def _say(name: str, size: int, value: float, unit: str, small: int, before: float) -> None:
    ratio, target = round(value / before, 2), SLACK * size / small
    row = {
        "name": f"{name}, {size:,} scans",
        "value": value,
        "unit": unit,
        "peer": f"the same with {small:,} scans",
        "peer_value": before,
        "ratio": ratio,
        "target": target,
        "holds": ratio <= target,
    }
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    sys.exit(main())
