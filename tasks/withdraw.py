"""Tasks of the withdraw flow."""

from typing import Any

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from artgan.catalog.events import ALGORITHM, event
from artgan.catalog.models import in_use
from artgan.catalog.schema import EVENTS
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.withdraw import (
    Found,
    bury,
    find,
    lift,
    remove_files,
    remove_rows,
    select,
    withdrawn,
)
from artgan.clock import now
from artgan.config import WithdrawSettings
from artgan.errors import InvalidInputError
from artgan.iiif.tree import take_down
from artgan.ingest.originals import readmit_original, withdraw_original
from artgan.report.figures import remove_figures
from artgan.report.thumbs import remove_thumbnails
from artgan.report.withdrawn import remove_pages
from artgan.report.words import count
from tasks.progress import outcome_first
from tasks.strip import escape

ROWS_SHOWN = 100

Row = dict[str, Any]

_REMAINS = (
    "Earlier versions of the tables hold the rows until `artgan maintain` removes them (30 days by "
    "default; at least 7).",
    "Summaries of earlier runs on the Prefect server may show the pictures until these runs are "
    "deleted there.",
    "The scan files in the inbox were not touched. Copies that left the archive cannot be called "
    "back.",
)


@task(cache_policy=NO_CACHE, task_run_name="find-what-to-withdraw")
def show_scans(settings: WithdrawSettings) -> dict[str, int]:
    """Say what a withdrawal would do; nothing is changed."""
    catalog = open_catalog(settings.root)
    chosen = select(catalog, settings)
    found = find(catalog, chosen)
    _say(catalog, settings, found)
    return {"lifted": len(chosen)} if settings.lift else _counts(found)


@task(cache_policy=NO_CACHE, task_run_name="withdraw-scans")
def withdraw_scans(settings: WithdrawSettings, run_id: str) -> dict[str, int]:
    """Withdraw scans: tombstones first, then files, then rows, each again if it was interrupted."""
    catalog = open_catalog(settings.root)
    found = find(catalog, select(catalog, settings))
    stamp = {
        "reason": settings.reason,
        "requested_by": settings.requested_by or None,
        "withdrawn_at": now(),
        "run_id": run_id,
    }
    bury(catalog, found, stamp)
    remove_files(catalog, found)
    _remove_pictures(catalog, found)
    # Scans that an earlier run withdrew have their event.
    own = {row["scan_id"] for row in withdrawn(catalog, found.scans) if row["run_id"] == run_id}
    rows = [row for name, row in found.scans.items() if name in own]
    catalog.append(EVENTS, [_event("deaccession", row, stamp) for row in rows])
    remove_rows(catalog, found)
    _say(catalog, settings, found)
    return _counts(found)


@task(cache_policy=NO_CACHE, task_run_name="lift-withdrawals")
def lift_withdrawals(settings: WithdrawSettings, run_id: str) -> dict[str, int]:
    """Lift withdrawals: the next ingest takes the scans again."""
    catalog = open_catalog(settings.root)
    tombstones = withdrawn(catalog, select(catalog, settings))
    if not tombstones:
        raise InvalidInputError(
            f"scans must be withdrawn to be lifted, got {', '.join(settings.scans)} "
            f"{', '.join(settings.accession_numbers)}. See the table withdrawals."
        )
    stamp = {"reason": settings.reason, "withdrawn_at": now(), "run_id": run_id}
    catalog.append(EVENTS, [_event("policy assignment", row, stamp) for row in tombstones])
    lift(catalog, tombstones)
    for row in tombstones:
        readmit_original(catalog.store, row["source_path"])
    return {"done": len(tombstones), "lifted": len(tombstones)}


def _event(kind: Any, row: Row, stamp: Row) -> Row:  # noqa: ANN401 - an EventType
    words = "Withdrawn" if kind == "deaccession" else "Withdrawal lifted"
    digest = row["content_sha256"] or row["scan_id"]
    return event(
        *(kind, row["scan_id"], stamp["withdrawn_at"], "success", stamp["run_id"]),
        outcome_detail=f"{words}: {stamp['reason']}",
        object_kind="scan",
        object_path=row.get("source_uri") or row["source_path"],
        scan_id=row["scan_id"],
        digest_algorithm=ALGORITHM,
        digest_expected=digest,
    )


def _remove_pictures(catalog: Catalog, found: Found) -> None:
    """Remove what shows the scans: fetched originals, image services, thumbnails, pages."""
    digests = set(found.scans)
    digests |= {row["content_sha256"] for row in found.masks}
    digests |= {row["output_sha256"] for row in found.outputs if row["output_sha256"]}
    remove_thumbnails(catalog.store, digests)
    remove_pages(catalog.store, found.scans, [row["output_id"] for row in found.outputs])
    for row in found.scans.values():
        withdraw_original(catalog.store, row["source_path"])
    for collection in sorted({row["collection"] for row in found.scans.values()}):
        scans = {name for name, row in found.scans.items() if row["collection"] == collection}
        take_down(catalog.store, collection, scans)
        remove_figures(catalog.store, collection)


def _counts(found: Found) -> dict[str, int]:
    return {
        "done": len(found.scans),
        "scans": len(found.scans),
        "files": sum(map(len, found.files.values())) + len(found.samples),
        "masks": len(found.masks),
        "outputs": len(found.outputs),
        "models": len(found.models),
    }


def _say(catalog: Catalog, settings: WithdrawSettings, found: Found) -> None:
    """Say in the log and on the run's page what goes, what stays and what is to be done."""
    text = described(catalog, settings, found)
    get_run_logger().info("%s", text)
    with outcome_first("what is withdrawn"):
        create_markdown_artifact(key="withdraw-items", markdown=text)


def described(catalog: Catalog, settings: WithdrawSettings, found: Found) -> str:
    """Write down a withdrawal for people, as markdown."""
    scans = count(len(found.scans), "scan")
    if settings.lift:
        return f"# Would lift the withdrawal of {scans}\n\n" + "\n".join(_scans(found))
    counts = _counts(found)
    verb = "Would withdraw" if settings.dry_run else "Withdrawn:"
    parts = [
        f"# {verb} {scans}",
        f"Reason: {escape(settings.reason)}",
        "\n".join(_scans(found)),
        f"With them {'go' if settings.dry_run else 'went'} {count(counts['files'], 'file')} "
        f"(access copies, masks, outputs, samples of models), "
        f"{count(counts['masks'], 'damage mask')}, {count(counts['outputs'], 'output')}, and their "
        "thumbnails, figures and image services.",
        _list("Models that learned from them", _models(catalog, found)),
        _list("Looks the same and stays; name it too if it is meant", _relatives(found)),
        _list("What remains", _REMAINS),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _list(title: str, lines: Any) -> str:  # noqa: ANN401 - any sequence of lines
    return "\n".join([f"## {title}", "", *(f"- {line}" for line in lines)]) if lines else ""


def _scans(found: Found) -> list[str]:
    rows = sorted(found.scans.values(), key=lambda row: (row["collection"], row["source_path"]))
    lines = [
        f"- {escape(row['source_path'])} ({row['scan_id'][:12]}"
        f"{', ' + escape(row['accession_number']) if row['accession_number'] else ''})"
        for row in rows[:ROWS_SHOWN]
    ]
    more = len(rows) - ROWS_SHOWN
    return [*lines, f"- and {more:,} more"] if more > 0 else lines


def _models(catalog: Catalog, found: Found) -> list[str]:
    lines = []
    for row in found.models:
        kind, owner = row["kind"], row["collection"]
        used = in_use(catalog, kind, owner)
        line = f"{escape(owner)}, {kind}: {row['model_id']}, {len(row['trained_on'])} of its works"
        if used is not None and used["model_id"] == row["model_id"]:
            line += (
                "; **in use**. The next night trains it again without them, and what started from "
                "it; at once: "
                f"`artgan train --kinds {kind} --collections {owner} --force`"
            )
        lines.append(line)
    return lines


def _relatives(found: Found) -> list[str]:
    lines = [f"{escape(r['source_path'])} ({r['scan_id'][:12]})" for r in found.relatives]
    more = len(lines) - ROWS_SHOWN
    return [*lines[:ROWS_SHOWN], f"and {more:,} more"] if more > 0 else lines
