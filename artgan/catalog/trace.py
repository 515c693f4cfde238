"""Where a thing of the archive comes from, and what was made of it.

Back: from an output to its scan, damage mask, model and the models that one started from, the data
they were trained on, settings, code and run. Forward: from a scan to its access copy, masks,
outputs, the models trained on it and what was measured of those.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from artgan.catalog.beside import shown_scans
from artgan.catalog.events import last_checks
from artgan.catalog.identify import Subject, identify
from artgan.catalog.models import training_scans
from artgan.catalog.review import reviews_in_order
from artgan.catalog.schema import (
    EVENTS,
    MASKS,
    METRICS,
    MODELS,
    OUTPUTS,
    QUARANTINE,
    REVIEWS,
    RUNS,
    SCANS,
    WITHDRAWALS,
    Table,
)
from artgan.catalog.table import Catalog

Row = dict[str, Any]

_MADE_IN_RUNS = (SCANS, QUARANTINE, MASKS, MODELS, OUTPUTS, METRICS, EVENTS, WITHDRAWALS, REVIEWS)
_FILES = {
    "scan": "access_path",
    "mask": "mask_path",
    "output": "output_path",
    "model": "weights_path",
}


@dataclass
class Trace:
    """What is known of one thing. Rows are whole, with JSON columns read.

    Attributes:
        kind: What it is: scan, withdrawn scan, mask, output, model, metric or run.
        id: Its id.
        row: Its row in the catalog.
        file: Key under the root of the file that belongs to it: an access copy for a scan, weights
            for a model; None if it has none.
        file_is_there: Whether that file is there.
        checks: Path, moment and outcome of the last fixity check of that file, and of a scan's or
            mask's delivered file; those never checked are left out.
        scans: The scan it was made of, or its tombstone; for a scan, earlier and later versions.
        masks: Damage masks: the one used, or those of a scan.
        models: The model used, then the one that started from, and so on; for a scan, the models
            that were trained on it; for a model, those it started from.
        descendants: Models that started from this one.
        outputs: What was made of it or with it.
        metrics: Numbers measured of its models.
        reviews: What conservators said of an output, the oldest first.
        runs: The run that made it, then the run that started that one.
        made_in_run: For a run, the rows it made, by table.
        withdrawals: Tombstones of its scans.
    """

    kind: str
    id: str
    row: Row
    file: str | None = None
    file_is_there: bool = False
    checks: list[Row] = field(default_factory=list)
    scans: list[Row] = field(default_factory=list)
    masks: list[Row] = field(default_factory=list)
    models: list[Row] = field(default_factory=list)
    descendants: list[Row] = field(default_factory=list)
    outputs: list[Row] = field(default_factory=list)
    metrics: list[Row] = field(default_factory=list)
    reviews: list[Row] = field(default_factory=list)
    runs: list[Row] = field(default_factory=list)
    made_in_run: dict[str, int] = field(default_factory=dict)
    withdrawals: list[Row] = field(default_factory=list)


def trace(catalog: Catalog, text: str) -> Trace:
    """Follow a thing back to what it comes from and forward to what was made of it.

    Args:
        catalog: The archive.
        text: An id, the start of one, a path, or a file; see `artgan.catalog.identify`.

    Raises:
        MissingAssetError: If nothing fits.
        InvalidInputError: If several things do.
    """
    subject = identify(catalog, text)
    found = Trace(subject.kind, subject.name, _read_json(subject.row))
    _add_file(catalog, found)
    match subject.kind:
        case "scan" | "withdrawn scan":
            _follow_scan(catalog, subject, found)
        case "mask":
            found.scans = _scan(catalog, subject.row["scan_id"])
            found.outputs = _rows(catalog, OUTPUTS, "mask_id", subject.name)
            found.models = _lineage(catalog, subject.row["model_id"])
        case "output":
            shown = shown_scans(subject.row)
            found.scans = [row for name in shown for row in _scan(catalog, name)]
            found.masks = _rows(catalog, MASKS, "mask_id", subject.row["mask_id"])
            found.models = _lineage(catalog, subject.row["model_id"])
            found.reviews = reviews_in_order(_rows(catalog, REVIEWS, "output_id", subject.name))
        case "model":
            found.models = _lineage(catalog, subject.row["base_model_id"])
            found.descendants = _rows(catalog, MODELS, "base_model_id", subject.name)
            found.outputs = _rows(catalog, OUTPUTS, "model_id", subject.name)
            found.metrics = _rows(catalog, METRICS, "model_id", subject.name)
        case "metric":
            found.models = _lineage(catalog, subject.row["model_id"])
        case "run":
            found.made_in_run = _made_in_run(catalog, subject.name)
    first = subject.row["parent_run_id" if subject.kind == "run" else "run_id"]
    found.runs = _run_and_its_starters(catalog, first)
    found.withdrawals = [row for row in found.scans if "withdrawn_at" in row]
    found.scans = [row for row in found.scans if "withdrawn_at" not in row]
    return found


def _add_file(catalog: Catalog, found: Trace) -> None:
    column = _FILES.get(found.kind)
    found.file = found.row[column] if column else None
    found.file_is_there = found.file is not None and catalog.store.exists(found.file)
    paths = [path for path in (found.row.get("source_uri"), found.file) if path]
    if paths:
        wanted = pc.field("object_path").isin(pa.array(paths, pa.string()))
        found.checks = last_checks(catalog).filter(wanted).to_pylist()


def _follow_scan(catalog: Catalog, subject: Subject, found: Trace) -> None:
    name, row = subject.name, subject.row
    versions = _rows(catalog, SCANS, "object_id", row["object_id"])
    found.scans = [one for one in versions if one["scan_id"] != name]
    found.masks = _rows(catalog, MASKS, "scan_id", name)
    found.outputs = _rows(catalog, OUTPUTS, "scan_id", name)
    textures = catalog.rows(OUTPUTS, where=pc.field("kind") == "texture")
    later = [one for one in textures if name in shown_scans(one)[1:]]
    found.outputs += [_read_json(one) for one in sorted(later, key=_age)]
    known = catalog.rows(MODELS, where=pc.field("weights_path").is_valid())
    trained = [one for one in known if name in training_scans(catalog, one)]
    found.models = [_read_json(one) for one in sorted(trained, key=_age)]
    for model in found.models:
        found.metrics += _rows(catalog, METRICS, "model_id", model["model_id"])


def _scan(catalog: Catalog, name: str | None) -> list[Row]:
    """Return a scan's row; that of its tombstone if it was withdrawn."""
    return _rows(catalog, SCANS, "scan_id", name) or _rows(catalog, WITHDRAWALS, "scan_id", name)


def _lineage(catalog: Catalog, name: str | None) -> list[Row]:
    """Return a model, then the one it started from, and so on."""
    return _chain(catalog, MODELS, "base_model_id", name)


def _run_and_its_starters(catalog: Catalog, name: str | None) -> list[Row]:
    return _chain(catalog, RUNS, "parent_run_id", name)


def _chain(catalog: Catalog, table: Table, before: str, name: str | None) -> list[Row]:
    """Return a row, then the one that its column ``before`` names, and so on."""
    chain: list[Row] = []
    while name is not None and name not in {one[table.key] for one in chain}:
        found = _rows(catalog, table, table.key, name)
        chain += found
        name = found[0][before] if found else None
    return chain


def _made_in_run(catalog: Catalog, name: str) -> dict[str, int]:
    counts = Counter(
        {
            table.name: catalog.read(table, ["run_id"], pc.field("run_id") == name).num_rows
            for table in _MADE_IN_RUNS
        }
    )
    return {table: count for table, count in counts.items() if count}


def _rows(catalog: Catalog, table: Table, column: str, value: str | None) -> list[Row]:
    """Return the rows in which a column has a value, oldest first; none for an empty value."""
    if value is None:
        return []
    rows = catalog.rows(table, where=pc.field(column) == value)
    return [_read_json(row) for row in sorted(rows, key=_age)]


def _age(row: Row) -> tuple[str, str]:
    moments = ("created_at", "ingested_at", "ended_at", "withdrawn_at")
    moment = next((row[name] for name in moments if row.get(name)), "")
    return str(moment), str(next(iter(row.values())))


def _read_json(row: Row) -> Row:
    """Read columns that hold JSON, and drop the ending of their names."""
    return {
        name.removesuffix("_json"): json.loads(value)
        if name.endswith("_json") and value is not None
        else value
        for name, value in row.items()
    }
