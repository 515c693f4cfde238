"""What needs a person: runs that failed, files that could not be made, files refused."""

from dataclasses import dataclass

from artgan.report.snapshot import Row, Snapshot, scan_title
from artgan.report.words import NOT_RECORDED

TITLES_SHOWN = 50


@dataclass(frozen=True)
class Trouble:
    """One item that needs a person.

    Attributes:
        what: The file or work.
        collection: Its collection.
        step: Step that refused it.
        reason: Code or status.
        message: Sentence that says why and what to do.
    """

    what: str
    collection: str
    step: str
    reason: str
    message: str


def troubles_of(
    snapshot: Snapshot, family: set[str], own: Row | None, children: list[Row]
) -> list[Trouble]:
    """Return what a run and those below it left to look at, failures first.

    Args:
        snapshot: The catalog's tables.
        family: The runs.
        own: Row of the run, None if it is still going on.
        children: Rows of the runs below it.
    """
    runs = [row for row in [own, *children] if row and row["status"] == "failed"]
    stopped = [
        Trouble(row["run_id"], "", row["flow"], "run failed", row["message"] or NOT_RECORDED)
        for row in runs
    ]
    outputs = [row for row in snapshot.failed_outputs if row["run_id"] in family]
    titles = snapshot.scans_named(
        row["scan_id"] for row in outputs[:TITLES_SHOWN] if row["scan_id"]
    )
    failed = [
        Trouble(
            _named(row, titles),
            row["collection"],
            row["kind"],
            "failed",
            row["message"] or NOT_RECORDED,
        )
        for row in outputs
    ]
    refused = [quarantined(row) for row in snapshot.quarantine if row["run_id"] in family]
    return stopped + failed + refused


def _named(row: Row, scans: dict[str, Row]) -> str:
    if row["scan_id"] in scans:
        return f"{scan_title(scans[row['scan_id']])} ({row['scan_id'][:12]})"
    return row["scan_id"] or f"seed {row['seed']}"


def quarantined(row: Row) -> Trouble:
    """Put a row of the quarantine table into words."""
    return Trouble(
        row["source_path"],
        row["collection"],
        "ingest",
        row["reason"],
        row["message"] or NOT_RECORDED,
    )
