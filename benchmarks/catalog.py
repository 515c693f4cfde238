"""Measure what the catalog costs as it grows, beside plain Parquet files without transactions.

    python benchmarks/catalog.py --quick
    python benchmarks/catalog.py

Scans tables of invented rows on this disk. Measured, in CPU seconds so that other work on the
machine does not count: one commit of 64 scans into 1,000, 10,000 and 100,000 rows, with its share
of joining files; the first commit of a process, which must learn all keys; reading the largest
table whole and filtered, beside a pyarrow dataset of the same rows; files after a thousand commits
(a hundred with ``--quick``) and compaction, and reading them. Prints one JSON line for each
result; everything else goes to standard error.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from scale import _row as scan_row

from artgan.catalog import known
from artgan.catalog.schema import SCANS
from artgan.catalog.table import Catalog, open_catalog

SIZES = (1_000, 10_000, 100_000)
ADDED = 64
ROWS_PER_SMALL_COMMIT = 100
COLLECTIONS = ("drawings", "paintings", "photographs", "prints")


def main() -> int:
    """Run the measurements; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer commits and repetitions")
    quick = parser.parse_args().quick
    commits = 12 if quick else 48
    costs = {}
    for size in SIZES:
        with tempfile.TemporaryDirectory() as scratch:
            catalog = _filled(Path(scratch), size)
            costs[size] = _commit_cost(catalog, size, commits)
            if size == SIZES[-1]:
                _say_reading(catalog, Path(scratch), size)
    _say_commits(costs)
    _say_many_commits(100 if quick else 1000)
    return 0


def _filled(root: Path, size: int) -> Catalog:
    catalog = open_catalog(str(root))
    catalog.append(SCANS, [_row(number) for number in range(size)])
    print(f"{size:,} rows written", file=sys.stderr)
    return catalog


def _row(number: int) -> dict[str, Any]:
    return scan_row(number) | {"collection": COLLECTIONS[number * len(COLLECTIONS) // 150_000]}


def _cpu_s(do: Callable[[], object], times: int = 1) -> float:
    """Return the CPU seconds of this process that one call takes, the best of some."""
    found = []
    for _ in range(times):
        started = time.process_time()
        do()
        found.append(time.process_time() - started)
    return min(found)


def _commit_cost(catalog: Catalog, size: int, commits: int) -> tuple[float, float]:
    """Return the CPU seconds of a process's first commit, and of the mean of those that follow."""
    rows = [_row(size + number) for number in range(ADDED * (commits + 1))]
    known._known.clear()
    first_s = _cpu_s(lambda: catalog.append(SCANS, rows[:ADDED]))
    started = time.process_time()
    for start in range(ADDED, len(rows), ADDED):
        catalog.append(SCANS, rows[start : start + ADDED])
    return first_s, (time.process_time() - started) / commits


def _say_commits(costs: dict[int, tuple[float, float]]) -> None:
    smallest = SIZES[0]
    for size in SIZES[1:]:
        _say(
            f"a commit of {ADDED} scans into {size:,} rows",
            round(costs[size][1] / ADDED * 1e3, 3),
            "ms a scan",
            (f"into {smallest:,} rows", round(costs[smallest][1] / ADDED * 1e3, 3)),
            1.5,
        )
    _say(
        f"first commit of a process into {SIZES[-1]:,} rows",
        round(costs[SIZES[-1]][0], 3),
        "s",
        (f"into {smallest:,} rows", round(costs[smallest][0], 3)),
        None,
    )


def _say_reading(catalog: Catalog, scratch: Path, size: int) -> None:
    catalog.compact(SCANS, 1)
    plain = scratch / "plain"
    plain.mkdir()
    pq.write_table(catalog.read(SCANS), plain / "scans.parquet", compression="zstd")
    one = pc.field("scan_id") == _row(size // 2)["scan_id"]
    some = pc.field("collection") == COLLECTIONS[0]
    few = ["scan_id", "source_path", "source_version"]
    cases: dict[str, tuple[list[str] | None, pc.Expression | None, float]] = {
        "read whole": (None, None, 0.3),
        "one row by key, all columns": (None, one, 0.05),
        "a collection, three columns": (few, some, 0.05),
    }
    for name, (columns, where, limit) in cases.items():
        took = _cpu_s(lambda c=columns, w=where: catalog.read(SCANS, c, w), 5)
        peer = _cpu_s(lambda c=columns, w=where: ds.dataset(plain).to_table(c, filter=w), 5)
        _say(f"{name}, {size:,} rows", took, "s", ("plain pyarrow dataset", peer), limit=limit)


def _say_many_commits(commits: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        catalog = open_catalog(scratch)
        for start in range(0, commits * ROWS_PER_SMALL_COMMIT, ROWS_PER_SMALL_COMMIT):
            catalog.append(
                SCANS, [_row(number) for number in range(start, start + ROWS_PER_SMALL_COMMIT)]
            )
        before = len(catalog.small_files(SCANS))
        before_s = _cpu_s(lambda: catalog.read(SCANS), 3)
        catalog.compact(SCANS)
        files = len(catalog.dataset(SCANS).files)
        rows = catalog.read(SCANS, ["scan_id"]).num_rows
        print(f"{rows:,} rows after {commits:,} commits", file=sys.stderr)
        after_s = _cpu_s(lambda: catalog.read(SCANS), 3)
    name = f"{commits:,} commits of {ROWS_PER_SMALL_COMMIT}"
    _say(f"files after {name} and compaction", files, "files", ("before", before), limit=16)
    _say(f"read whole after {name} and compaction", after_s, "s", ("before", before_s), limit=0.3)


def _say(
    name: str,
    value: float,
    unit: str,
    peer: tuple[str, float],
    target: float | None = None,
    limit: float | None = None,
) -> None:
    """Print one result; it holds if the ratio is at most the target, or the value the limit."""
    ratio = round(value / peer[1], 2)
    holds = None
    if target is not None:
        holds = ratio <= target
    elif limit is not None:
        holds = value <= limit
    row = {
        "name": name,
        "value": round(value, 4),
        "unit": unit,
        "peer": peer[0],
        "peer_value": round(peer[1], 4),
        "ratio": ratio,
        "target": target if limit is None else limit,
        "holds": holds,
    }
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    sys.exit(main())
