"""The same flows on threads, on Dask and on Ray make the same tables."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import LogFilter
from prefect.client.schemas.sorting import FlowRunSort
from prefect.settings import PREFECT_API_URL
from prefect.task_runners import ThreadPoolTaskRunner

from artgan.catalog.schema import OUTPUTS, QUARANTINE, SCANS
from artgan.catalog.table import open_catalog
from artgan.errors import InvalidInputError
from flows.ingest import ingest
from flows.nightly import nightly
from flows.publish import publish
from flows.report import report
from flows.restore import restore
from flows.runner import task_runner
from flows.simulate import simulate
from flows.stylize import stylize
from flows.train import train
from tasks.ingest import CHUNK as INGEST_CHUNK
from tasks.stylize import QUICK_CHUNK as STYLIZE_CHUNK

FLOWS = (ingest, nightly, publish, report, restore, simulate, stylize, train)
TIMES = ["ingested_at", "quarantined_at", "created_at", "seconds"]
CROWD = 2 * INGEST_CHUNK + 5
CONTENTS = 2 * STYLIZE_CHUNK + 5
BULK = f"""
import sys
from artgan.config import IngestSettings, StylizeSettings
from flows.ingest import ingest
from flows.stylize import stylize

root, inbox = sys.argv[1:]
ingest(IngestSettings(root=root, inbox=inbox, settle_s=0))
stylize(
    StylizeSettings(
        root=root,
        collections=["few_sketches"],
        contents={CONTENTS},
        methods=["color"],
        long_side_px=64,
    )
)
"""


@pytest.fixture(scope="module")
def full_inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection that fills three chunks, one broken file in it, and a small one."""
    folder = tmp_path_factory.mktemp("crowded") / "inbox"
    rng = np.random.default_rng(1)
    for collection, count in (("crowd", CROWD), ("few_sketches", 5)):
        (folder / collection).mkdir(parents=True)
        for number in range(count):
            blocks = rng.integers(0, 256, (12, 9, 3), dtype=np.uint8)
            picture = Image.fromarray(blocks).resize((90, 120), Image.Resampling.BICUBIC)
            picture.save(folder / collection / f"sheet {number:03}.png")
    (folder / "crowd" / "sheet 050.png").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def on_threads(full_inbox: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_bulk("threads", full_inbox, tmp_path_factory.mktemp("threads"))


def run_bulk(engine: str, inbox: Path, folder: Path) -> Path:
    """Ingest and stylize in a process of their own, away from the sources; return the root."""
    environment = os.environ | {
        "ARTGAN_TASK_RUNNER": engine,
        "ARTGAN_TASK_WORKERS": "2",
        "HOME": str(folder),
        "PREFECT_HOME": str(folder / "home"),
        "PREFECT_API_URL": PREFECT_API_URL.value() or "",
    }
    root = folder / "root"
    command = [sys.executable, "-c", BULK, str(root), str(inbox)]
    with (folder / "log").open("w") as log:
        done = subprocess.run(
            command, check=False, env=environment, cwd=folder, stdout=log, stderr=log, timeout=300
        )
    assert done.returncode == 0, (folder / "log").read_text()[-3000:]
    return root


def tables_of(root: Path) -> dict[str, pd.DataFrame]:
    catalog = open_catalog(str(root))
    return {
        table.name: catalog.read(table)
        .to_pandas()
        .drop(columns=TIMES, errors="ignore")
        .sort_values(table.key, ignore_index=True)
        for table in (SCANS, QUARANTINE, OUTPUTS)
    }


def chunk_messages(root: Path) -> list[str]:
    """Return what the chunks of the ingest run on a root said, as the server has it."""
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(limit=20, sort=FlowRunSort.START_TIME_DESC)
        run = next(
            run
            for run in runs
            if run.parameters["settings"]["root"] == str(root) and "inbox" in str(run.parameters)
        )
        wanted = LogFilter.model_validate({"flow_run_id": {"any_": [run.id]}})
        logs = client.read_logs(wanted, limit=200)
    return sorted(log.message for log in logs if "pages read" in log.message)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_tables_are_the_same_on_every_engine(
    engine: str, on_threads: Path, full_inbox: Path, tmp_path: Path
) -> None:
    pytest.importorskip(f"prefect_{engine}", reason=f"the {engine} extra is not installed")
    expected = tables_of(on_threads)
    assert len(expected["scans"]) == CROWD + 4
    assert len(expected["quarantine"]) == 1
    assert len(expected["outputs"]) == CONTENTS
    root = run_bulk(engine, full_inbox, tmp_path)
    found = tables_of(root)
    for name, table in expected.items():
        pd.testing.assert_frame_equal(found[name], table)
    said = chunk_messages(root)
    assert said == chunk_messages(on_threads)
    assert len(said) == 4


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_every_flow_runs_a_bounded_number_of_chunks_at_a_time(flow: Flow[..., Any]) -> None:
    assert isinstance(flow.task_runner, ThreadPoolTaskRunner)
    assert flow.task_runner._max_workers <= 8


def test_threads_are_as_many_as_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTGAN_TASK_WORKERS", "3")
    assert task_runner() == ThreadPoolTaskRunner(max_workers=3)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("ARTGAN_TASK_RUNNER", "spark"), ("ARTGAN_TASK_WORKERS", "0")],
)
def test_wrong_engine_is_refused_by_the_name_of_its_variable(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidInputError, match=f"{variable}: .*{value}"):
        task_runner()


def test_addresses_of_clusters_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("prefect_dask", reason="the dask extra is not installed")
    monkeypatch.setenv("ARTGAN_TASK_RUNNER", "dask")
    monkeypatch.setenv("ARTGAN_CLUSTER", "tcp://scheduler:8786")
    assert getattr(task_runner(), "address", None) == "tcp://scheduler:8786"
