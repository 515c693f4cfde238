"""What went wrong in a run, one line for each file, work or model that needs a look."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from artgan.catalog.events import alarming
from artgan.catalog.models import BASE
from artgan.catalog.schema import EVENTS, MASKS, MODELS, OUTPUTS, QUARANTINE, RUNS, SCANS, Table
from artgan.catalog.table import Catalog
from artgan.report.words import NOT_RECORDED, count

ROWS_SHOWN = 500
SENTENCE = "why, and what to do"
NOT_TAKEN = "not taken into use"

Row = dict[str, Any]

_VERBS = {
    "restored": "restore",
    "enhanced": "enhance",
    "simulated": "simulate",
    "stylized": "stylize",
    "film": "film",
    "iiif": "iiif",
    "texture": "texture",
}


@dataclass(frozen=True)
class Failures:
    """What went wrong in some runs.

    Attributes:
        rows: Lines of a table, at most `ROWS_SHOWN`: item, reason, the
            sentence that says why and what to do (`SENTENCE`), step, collection, id.
        amounts: How much there is of each kind, in words; none of what did not happen.
        total: How many lines there are in all.
    """

    rows: list[dict[str, str]]
    amounts: list[str]
    total: int

    @property
    def words(self) -> str:
        """The whole in a sentence, with what is not shown."""
        sentence = f"{', '.join(self.amounts)}."
        if self.total > len(self.rows):
            sentence += (
                f" Showing {len(self.rows):,} of {self.total:,}; the rest is in the tables "
                "outputs, masks, quarantine, events and models, by run_id."
            )
        return f"{sentence} Each line says why, and what to do where anything can be done."


def find_failures(catalog: Catalog, run_ids: Collection[str]) -> Failures:
    """Gather what failed, was refused or was not taken into use in some runs."""
    mine = pc.field("run_id").isin(list(run_ids))
    below = pc.field("parent_run_id").isin(list(run_ids)) & (pc.field("status") == "failed")
    stopped = catalog.read(RUNS, None, below)
    failed = catalog.read(OUTPUTS, None, mine & (pc.field("status") == "failed"))
    unseen = catalog.read(MASKS, None, mine & (pc.field("status") == "failed"))
    refused = catalog.read(QUARANTINE, None, mine)
    models = catalog.read(MODELS, None, mine & (pc.field("promoted") == False))  # noqa: E712
    amiss = alarming(catalog, run_ids)
    rows = [
        *map(_stopped_line, _first(stopped, RUNS)),
        *map(_event_line, _first(amiss, EVENTS)),
        *_output_lines(catalog, _first(failed, OUTPUTS)),
        *map(_unseen_line, _first(unseen, MASKS)),
        *map(_refused_line, _first(refused, QUARANTINE)),
        *map(_model_line, _first(models, MODELS)),
    ]
    kinds = (
        (stopped, "step stopped", "steps stopped"),
        (amiss, "file is not as it was", "files are not as they were"),
        (failed, "file could not be made", "files could not be made"),
        (unseen, "scan could not be looked at", "scans could not be looked at"),
        (refused, "file was refused", "files were refused"),
        (models, "model was not taken into use", "models were not taken into use"),
    )
    amounts = [count(table.num_rows, one, many) for table, one, many in kinds if table.num_rows]
    return Failures(rows[:ROWS_SHOWN], amounts, sum(table.num_rows for table, *_ in kinds))


def _first(found: pa.Table, table: Table) -> list[Row]:
    order = [("collection", "ascending")] if "collection" in table.schema.names else []
    return found.sort_by([*order, (table.key, "ascending")]).slice(0, ROWS_SHOWN).to_pylist()


def _line(row: Row, step: str, item: str, reason: str, sentence: str | None) -> dict[str, str]:
    return {
        "item": item,
        "reason": reason.replace("_", " "),
        SENTENCE: in_brief(sentence or NOT_RECORDED),
        "step": step,
        "collection": row.get("collection") or "",
    }


def in_brief(message: str) -> str:
    """Return a message without the trace that it may quote: its first line and its last."""
    first, *rest = [line.strip() for line in message.strip().splitlines()] or [""]
    if not rest:
        return first
    return f"{first.removesuffix('Traceback (most recent call last):').strip()} {rest[-1]}"


def _stopped_line(row: Row) -> dict[str, str]:
    return _line(row, row["flow"], row["run_id"], "step stopped", row["message"])


def _event_line(row: Row) -> dict[str, str]:
    reason = "changed or gone" if row["outcome"] == "fail" else "could not be read"
    line = _line(row, "fixity", row["object_path"], reason, row["outcome_detail"])
    return line | {"id": row["event_id"]}


def _output_lines(catalog: Catalog, rows: Sequence[Row]) -> list[dict[str, str]]:
    wanted = pc.field("scan_id").isin([row["scan_id"] for row in rows if row["scan_id"]])
    scans = catalog.rows(SCANS, ("scan_id", "source_path"), wanted) if rows else []
    paths = {row["scan_id"]: row["source_path"] for row in scans}
    lines = []
    for row in rows:
        item = paths.get(row["scan_id"]) or row["scan_id"] or f"seed {row['seed']}"
        step = _VERBS[row["kind"]]
        line = _line(row, step, item, "could not be made", row["message"])
        lines.append(line | {"id": row["output_id"]})
    return lines


def _unseen_line(row: Row) -> dict[str, str]:
    line = _line(row, "detect", row["scan_id"], "could not be looked at", row["message"])
    return line | {"id": row["mask_id"]}


def _refused_line(row: Row) -> dict[str, str]:
    line = _line(row, "ingest", row["source_path"], row["reason"], row["message"])
    return line | {"id": row["quarantine_id"]}


def _model_line(row: Row) -> dict[str, str]:
    owner = "the whole archive" if row["collection"] == BASE else row["collection"]
    item = f"{row['kind']} model of {owner}"
    return _line(row, "train", item, NOT_TAKEN, row["reason"]) | {"id": row["model_id"]}
