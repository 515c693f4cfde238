"""The record of flow runs.

A run's identity comes from its flow, its settings and its number, or from the run that started
it. A mark under ``_work/runs`` stands from start to end, so a run that was killed and started
again is the same run, and leaves one row however often it was interrupted.
"""

import importlib.metadata
import json
import platform
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow.compute as pc

from artgan.catalog.schema import RUNS
from artgan.catalog.table import Catalog
from artgan.clock import now
from artgan.config import Settings
from artgan.keys import VERSION, key

_RECORDED = ("prefect", "torch", "deltalake", "pyvips", "pillow", "numpy")


@dataclass
class Run:
    """One flow run while it goes on.

    Attributes:
        run_id: Key in the runs table.
        flow: Name of the flow.
        number: Count of this flow's finished runs plus one; None below another run.
        parent_run_id: Run that started this one, if any.
        settings: Settings of the run.
        started_at: Start of this attempt.
        counts: What was made, skipped, failed and quarantined, by name.
        alarms: Sentences that say what a person must look at; a run with any of them does all its
            work and then fails.
    """

    run_id: str
    flow: str
    number: int | None
    parent_run_id: str | None
    settings: Settings
    started_at: datetime = field(default_factory=now)
    counts: Counter[str] = field(default_factory=Counter)
    alarms: list[str] = field(default_factory=list)

    def count(self, made: Mapping[str, int]) -> None:
        """Add to the counts."""
        self.counts.update(made)


def start_run(
    catalog: Catalog, flow: str, settings: Settings, parent_run_id: str | None = None
) -> Run:
    """Give a flow run its identity, that of an interrupted run with the same settings if any."""
    if parent_run_id is not None:
        run_id = child_run_id(parent_run_id, flow, settings)
        return Run(run_id, flow, None, parent_run_id, settings)
    mark = _mark(flow, settings)
    if catalog.store.exists(mark):
        number = json.loads(catalog.store.read(mark))["number"]
    else:
        finished = catalog.rows(RUNS, ["number"], pc.field("flow") == flow)
        number = max((row["number"] or 0 for row in finished), default=0) + 1
        catalog.store.write(mark, json.dumps({"number": number}).encode())
    run_id = f"{flow}-{number:05d}-{key(flow, number, settings.digest())}"
    return Run(run_id, flow, number, None, settings)


def child_run_id(parent_run_id: str, flow: str, settings: Settings) -> str:
    """Return the identity of a run that another one starts."""
    return f"{flow}-{key(parent_run_id, flow, settings.digest())}"


def close_run(catalog: Catalog, run: Run) -> None:
    """End a run for good: the next one with the same settings is another run."""
    if run.parent_run_id is None:
        catalog.store.delete(_mark(run.flow, run.settings))


def _mark(flow: str, settings: Settings) -> str:
    return f"_work/runs/{flow}-{key(settings.digest())}.json"


def finish_run(catalog: Catalog, run: Run, status: str, message: str) -> None:
    """Write the run's row."""
    ended = now()
    counts = run.counts
    row = {
        "run_id": run.run_id,
        "flow": run.flow,
        "number": run.number,
        "parent_run_id": run.parent_run_id,
        "status": status,
        "message": message,
        "settings_json": run.settings.model_dump_json(),
        "counts_json": json.dumps(dict(sorted(counts.items()))),
        "n_done": counts["done"],
        "n_skipped": counts["skipped"],
        "n_failed": counts["failed"],
        "n_quarantined": counts["quarantined"],
        "seconds": (ended - run.started_at).total_seconds(),
        "versions_json": json.dumps(versions()),
        "started_at": run.started_at,
        "ended_at": ended,
    }
    catalog.append(RUNS, [row])


def versions() -> dict[str, str]:
    """Return the versions of artgan, Python and the libraries that shape results."""
    found = {name: importlib.metadata.version(name) for name in _RECORDED}
    return {"artgan": VERSION, "python": platform.python_version(), **found}
