"""Measure what orchestration costs: the ingest flow beside a plain Python loop over the same scans.

    python benchmarks/orchestration.py --quick
    python benchmarks/orchestration.py

Both sides do the same work with the same functions, one scan at a time: read, judge, write the
access copy, find duplicates, commit the rows. The flow does it as Prefect tasks that a real server
on this machine records; the loop knows neither tasks nor manifests. Further: how many task runs a
flow run has at one million scans, and whether the server has recorded every one of a full flow
run. Prints one JSON line for each result; everything else goes to standard error.
"""
# ruff: noqa: PLC0415 - Prefect reads where its server is when it is imported

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import numpy as np
import pyvips

SMALL_PX, MEDIUM_PX = (1200, 900), (3000, 2000)  # ten thousand masters would take hours
PICTURES = 25  # different ones; the rest differ in their last bytes only
OVERHEAD_TARGET = 1.05
TASK_RUNS_TARGET = 1000
ROUNDS = 2  # of both sides in turn; the best counts
MANY = 10_000  # scans, which take long enough for one round
MILLION = 1_000_000
COLLECTIONS = 20
TASKS_OF_A_COLLECTION = 3  # find, commit, masks
CODES = 256


def main() -> int:
    """Run the measurements; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer scans")
    parser.add_argument("--scans", type=int, help="only the overhead at so many scans")
    asked = parser.parse_args()
    quick = asked.quick
    with tempfile.TemporaryDirectory() as scratch, _server(Path(scratch) / "home"):
        if asked.scans:
            _measure_overhead(Path(scratch), asked.scans, _size_for(asked.scans))
            return 0
        if quick:
            _measure_overhead(Path(scratch), 200, SMALL_PX)
        else:
            for scans in (1_000, MANY):
                _measure_overhead(Path(scratch), scans, _size_for(scans))
        _measure_task_runs()
        _measure_recording(100 if quick else TASK_RUNS_TARGET)
    return 0


@contextmanager
def _server(home: Path) -> Iterator[None]:
    """Run a Prefect server of our own, and name it to everything that is imported later."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ |= {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "ARTGAN_TASK_WORKERS": "1",
    }
    command = [sys.executable, "-m", "prefect", "server", "start"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"{os.environ['PREFECT_API_URL']}/health")
        yield
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(address: str) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with suppress(httpx.HTTPError):
            httpx.get(address, timeout=1).raise_for_status()
            return
        time.sleep(0.2)
    raise TimeoutError(address)


# Overhead


def _size_for(scans: int) -> tuple[int, int]:
    return SMALL_PX if scans >= MANY else MEDIUM_PX


def _measure_overhead(scratch: Path, scans: int, size_px: tuple[int, int]) -> None:
    inbox = scratch / f"inbox-{scans}"
    _write_scans(inbox / "photographs", scans, size_px)
    flow_s, loop_s = [], []
    for number in range(ROUNDS if scans < MANY else 1):
        flow_s.append(_seconds_of_flow(inbox, scratch / f"flow-{number}-{scans}"))
        loop_s.append(_seconds_of_loop(inbox, scratch / f"loop-{number}-{scans}"))
    _say(
        f"seconds of an ingest flow, {scans:,} scans of {size_px[0]} x {size_px[1]} pixels",
        round(min(flow_s), 2),
        "s",
        "plain Python loop, same functions",
        round(min(loop_s), 2),
        OVERHEAD_TARGET,
    )
    for folder in scratch.glob(f"*-{scans}"):
        shutil.rmtree(folder)


def _write_scans(folder: Path, count: int, size_px: tuple[int, int]) -> None:
    """Write JPEG files that are all different, from a few pictures."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    width, height = size_px
    encoded = []
    for _ in range(PICTURES):
        coarse = rng.integers(0, CODES, (height // 30, width // 30, 3), dtype=np.uint8)
        picture = pyvips.Image.new_from_array(coarse).resize(30, kernel="cubic")
        noise = pyvips.Image.gaussnoise(width, height, sigma=6)
        encoded.append((picture + noise).cast("uchar").write_to_buffer(".jpg", Q=90))
    for number in range(count):
        end = number.to_bytes(8, "big")  # after the end marker: another file, the same picture
        (folder / f"{number:06d}.jpg").write_bytes(encoded[number % PICTURES] + end)


def _seconds_of_flow(inbox: Path, root: Path) -> float:
    from artgan.config import IngestSettings
    from flows.ingest import ingest

    started = time.perf_counter()
    counts = ingest(IngestSettings(root=str(root), inbox=str(inbox)))
    seconds = time.perf_counter() - started
    print(f"flow: {counts}, {seconds:.1f} s", file=sys.stderr)
    return seconds


def _seconds_of_loop(inbox: Path, root: Path) -> float:
    from artgan.catalog.schema import SCANS
    from artgan.catalog.table import open_catalog
    from artgan.clock import now
    from artgan.ingest.discover import collections_in, discover
    from artgan.ingest.inspect import Accepted, inspect
    from artgan.ingest.known import Known
    from artgan.ingest.merge import Inspected, merge
    from artgan.ingest.metadata import read_metadata
    from artgan.storage import open_store

    started = time.perf_counter()
    catalog, store = open_catalog(str(root)), open_store(str(inbox))
    for collection in collections_in(store):
        judged = []
        for file in discover(store, collection):
            (found,) = inspect(inbox / file.path, file, 1_000_000_000)
            assert isinstance(found, Accepted)
            path = f"access/{collection}/{found.row['scan_id']}{found.access_extension}"
            catalog.store.write(path, found.access)
            judged.append(Inspected(file, found.row | {"access_path": path}, None))
        merged = merge(judged, Known(), read_metadata(store, collection))
        more = {"run_id": "loop", "source_uri": str(inbox), "ingested_at": now()}
        added = catalog.append(SCANS, [dict(row) | more for row in merged.scans])
        print(f"loop: {added} rows", file=sys.stderr)
    return time.perf_counter() - started


# Task runs


def _measure_task_runs() -> None:
    """Count the chunks of a million scans in twenty collections of very different sizes."""
    from tasks import ingest, restore, simulate, stylize
    from tasks.chunks import Plan, cut

    shares = [2.0**-number for number in range(COLLECTIONS)]
    planned = {
        f"collection {number}": Plan(list(range(round(MILLION * share / sum(shares)))), [])
        for number, share in enumerate(shares)
    }
    most = 0
    for module in (ingest, restore, simulate, stylize):
        chunks = sum(len(chunks) for _, chunks in cut(planned, module.CHUNK))
        most = max(most, chunks + TASKS_OF_A_COLLECTION * COLLECTIONS)
    _say(
        f"task runs of a flow run, one million scans in {COLLECTIONS} collections",
        most,
        "task runs",
        "most that the server takes well",
        TASK_RUNS_TARGET,
        1.0,
    )


def _measure_recording(tasks: int) -> None:
    from prefect import flow, task
    from prefect.cache_policies import NO_CACHE
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
    from prefect.runtime import flow_run

    from flows.runner import task_runner

    @task(cache_policy=NO_CACHE)
    def nothing(number: int) -> int:
        return number

    @flow(task_runner=task_runner())
    def many() -> object:
        for future in [nothing.submit(number) for number in range(tasks)]:
            future.result()
        return flow_run.id

    own = many()
    recorded, until = 0, time.monotonic() + 120
    with get_client(sync_client=True) as client:
        only = FlowRunFilter(id=FlowRunFilterId(any_=[own]))
        while recorded < tasks and time.monotonic() < until:
            time.sleep(2)
            body = {"flow_runs": only.model_dump(mode="json")}
            recorded = client.request("POST", "/task_runs/count", json=body).json()
    _say(
        f"task runs that the server recorded, of a flow run with {tasks:,} that do nothing",
        recorded,
        "task runs",
        "task runs made",
        tasks,
        1.0,
    )


def _say(name: str, value: float, unit: str, peer: str, peer_value: float, target: float) -> None:
    ratio = round(value / peer_value, 3)
    holds = ratio >= target if "recorded" in name else ratio <= target
    row = {"name": name, "value": value, "unit": unit, "peer": peer, "peer_value": peer_value}
    print(json.dumps(row | {"ratio": ratio, "target": target, "holds": holds}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
