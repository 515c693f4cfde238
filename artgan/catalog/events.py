"""What happened to files, as rows of the events table, in the words of PREMIS.

Types and outcomes are terms of the Library of Congress's preservation vocabularies
(id.loc.gov/vocabulary/preservation: eventType, eventOutcome, cryptographicHashFunctions).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from artgan.catalog.schema import EVENTS, SCANS
from artgan.catalog.table import Catalog
from artgan.keys import VERSION, key

EventType = Literal["ingestion", "fixity check", "deaccession", "policy assignment"]
Outcome = Literal["success", "warning", "fail"]

ALGORITHM = "SHA-256"
_AGENT = f"artgan {VERSION}"

Row = dict[str, Any]


def event(
    kind: EventType,
    subject: str,
    at: datetime,
    outcome: Outcome,
    run_id: str | None,
    **more: object,
) -> Row:
    """Return a row of the events table; the same thing in the same run is the same event.

    Args:
        kind: What happened.
        subject: What it happened to, for the event's identity: an id or a path.
        at: When.
        outcome: How it ended.
        run_id: Flow run.
        more: Further columns.
    """
    return {
        "event_id": key(kind, subject, run_id),
        "event_type": kind,
        "event_at": at,
        "outcome": outcome,
        "agent": _AGENT,
        "run_id": run_id,
    } | more


def record_ingestions(catalog: Catalog) -> int:
    """Write an event for each scan that has none of its ingestion yet; return how many.

    The rows of the scans table are the truth: a run that was killed before it wrote its events
    leaves them to the next one, and so does an archive from before there were events.
    """
    ingested = pc.field("event_type") == "ingestion"
    known = catalog.read(EVENTS, ["scan_id", "run_id"], ingested)
    named = catalog.read(SCANS, ["scan_id", "run_id"])
    missing = named.join(known, keys=["scan_id", "run_id"], join_type="left anti")["scan_id"]
    if not len(missing):
        return 0
    columns = ("scan_id", "content_sha256", "source_uri", "ingested_at", "run_id")
    table = catalog.read(SCANS, columns)
    rows = table.filter(pc.field("scan_id").isin(missing.combine_chunks())).to_pylist()
    return catalog.append(EVENTS, map(_ingestion, rows))


def _ingestion(scan: Row) -> Row:
    digest = scan["content_sha256"] or scan["scan_id"]
    return event(
        *("ingestion", scan["scan_id"], scan["ingested_at"], "success", scan["run_id"]),
        object_kind="scan",
        object_path=scan["source_uri"],
        scan_id=scan["scan_id"],
        digest_algorithm=ALGORITHM,
        digest_expected=digest,
        digest_found=digest,
    )


def last_checks(catalog: Catalog) -> pa.Table:
    """Return path, moment and outcome of the last fixity check of each file ever checked."""
    columns = ("object_path", "event_at", "outcome")
    checks = catalog.read(EVENTS, columns, pc.field("event_type") == "fixity check")
    newest = checks.sort_by([("event_at", "ascending")]).group_by("object_path", use_threads=False)
    last = newest.aggregate([("event_at", "last"), ("outcome", "last")])
    return last.rename_columns(["object_path", "event_at", "outcome"])


def alarming(catalog: Catalog, run_ids: Iterable[str]) -> pa.Table:
    """Return the events of some runs that did not end well."""
    mine = pc.field("run_id").isin(list(run_ids))
    return catalog.read(EVENTS, None, mine & (pc.field("outcome") != "success"))
