"""The page of one flow run: outcome, what needs attention, counts, models, numbers that changed."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from artgan.report.changes import Change, changes
from artgan.report.measures import base_title
from artgan.report.section import Curve
from artgan.report.snapshot import Row, Snapshot
from artgan.report.trend import comparable, run_changes, run_trend
from artgan.report.troubles import Trouble, troubles_of
from artgan.report.words import NOT_RECORDED, clip, count, duration, moment, number, showing

ATTENTION_CAP = 50
CHANGES_CAP = 200
MODELS_CAP = 100

STEPS = ("ingest", "train", "restore", "simulate", "stylize", "film", "fixity", "report", "publish")


@dataclass(frozen=True)
class Step:
    """One step of a run, with its counts as the runs table has them."""

    flow: str
    status: str
    message: str
    counts: tuple[int | None, int | None, int | None, int | None]
    seconds: float | None
    details: str


@dataclass(frozen=True)
class TrainedModel:
    """One model trained in a run."""

    row: Row
    promoted: str
    measure: str
    before: str


@dataclass(frozen=True)
class RunPage:
    """All that the page of a run shows.

    Attributes:
        run_id: The run.
        flow: Its flow.
        status: completed, failed or in progress.
        outcome: What happened, in a sentence.
        started: Start, in words.
        ended: End, in words.
        seconds: Time it took, in words.
        troubles: What needs attention, failures first, at most `ATTENTION_CAP`.
        trouble_total: How much there is.
        cut: Sentences that say which lists were cut, by list.
        steps: Its steps in the order of the chain.
        scans_added: New scans by collection.
        models: Models trained.
        changes: Numbers measured, beside those before them.
        before: Start of the run before it of the same flow, in words.
        beside: Its counts beside those of that run: name, before, now, difference.
        trend: What runs of its flow left to look at, up to this one.
        settings: Settings by name.
        versions: Versions by name.
    """

    run_id: str
    flow: str
    status: str
    outcome: str
    started: str
    ended: str
    seconds: str
    troubles: list[Trouble]
    trouble_total: int
    cut: dict[str, str | None]
    steps: list[Step]
    scans_added: dict[str, int]
    models: list[TrainedModel]
    changes: list[Change]
    before: str
    beside: list[tuple[str, str, str, str]]
    trend: Curve | None
    settings: dict[str, str]
    versions: dict[str, str]


def run_page(snapshot: Snapshot, run_id: str) -> RunPage:
    """Gather the page of a run, finished or still going on."""
    own = next((row for row in snapshot.runs if row["run_id"] == run_id), None)
    children = _in_chain([row for row in snapshot.runs if row["parent_run_id"] == run_id])
    family = {run_id, *(row["run_id"] for row in children)}
    troubles = troubles_of(snapshot, family, own, children)
    models = [_trained(row) for row in snapshot.models if row["run_id"] in family]
    changed = changes(snapshot.metrics, family)
    scans = Counter(row["collection"] for row in snapshot.scan_totals if row["run_id"] in family)
    steps = [_step(row) for row in children or ([own] if own else [])]
    lead: Row = own or (children[0] if children else {})
    return RunPage(
        run_id=run_id,
        flow=own["flow"] if own else run_id.split("-", 1)[0],
        status=(own["status"] or NOT_RECORDED) if own else "in progress",
        outcome=_outcome(own, len(troubles), scans),
        started=moment(_earliest(own, children)),
        ended=moment(own["ended_at"]) if own else "still going on when this page was written",
        seconds=duration(own["seconds"]) if own else "not finished",
        troubles=troubles[:ATTENTION_CAP],
        trouble_total=len(troubles),
        cut={
            "troubles": showing(
                min(len(troubles), ATTENTION_CAP),
                len(troubles),
                "items that need attention",
                "the tables outputs and quarantine",
            ),
            "models": showing(
                min(len(models), MODELS_CAP), len(models), "models", "the table models"
            ),
            "changes": showing(
                min(len(changed), CHANGES_CAP), len(changed), "numbers", "the table metrics"
            ),
        },
        steps=steps,
        scans_added=dict(sorted(scans.items())),
        models=models[:MODELS_CAP],
        changes=changed[:CHANGES_CAP],
        before=_before(snapshot, run_id),
        beside=run_changes(snapshot.runs, run_id),
        trend=run_trend(snapshot.runs, run_id),
        settings=_facts(lead.get("settings_json") if own else None),
        versions=_facts(lead.get("versions_json")),
    )


def _before(snapshot: Snapshot, run_id: str) -> str:
    series = comparable(snapshot.runs, run_id)
    return moment(series[-2]["started_at"]) if len(series) > 1 else NOT_RECORDED


def _in_chain(rows: list[Row]) -> list[Row]:
    order = {flow: position for position, flow in enumerate(STEPS)}
    return sorted(rows, key=lambda row: (order.get(row["flow"], len(STEPS)), row["run_id"]))


def _earliest(own: Row | None, children: list[Row]) -> datetime | None:
    if own is not None:
        return own["started_at"]
    return min((row["started_at"] for row in children if row["started_at"]), default=None)


def _facts(text: str | None) -> dict[str, str]:
    facts: dict[str, Any] = json.loads(text) if text else {}
    return {name.replace("_", " "): clip(_plain(value)) for name, value in facts.items()}


def _plain(value: object) -> str:
    if value is None or value in ("", []):
        return "none"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _outcome(own: Row | None, troubles: int, scans: Counter[str]) -> str:
    if own is None:
        words = "This run was still going on when the page was written"
    elif own["status"] == "failed":
        words = "The run failed"
    else:
        words = "The run completed"
    new = f"{count(sum(scans.values()), 'new scan')} came in" if scans else "no new scans came in"
    attention = (
        "nothing needs attention"
        if not troubles
        else f"{count(troubles, 'item needs', 'items need')} attention"
    )
    return f"{words}; {new}; {attention}."


def _step(row: Row) -> Step:
    counts = json.loads(row["counts_json"] or "{}")
    usual = {"done", "skipped", "failed", "quarantined"}
    details = ", ".join(
        f"{name.replace('_', ' ')} {amount:,}"
        for name, amount in counts.items()
        if name not in usual
    )
    return Step(
        row["flow"],
        row["status"] or NOT_RECORDED,
        clip(row["message"], 240),
        (row["n_done"], row["n_skipped"], row["n_failed"], row["n_quarantined"]),
        row["seconds"],
        details,
    )


def _trained(row: Row) -> TrainedModel:
    before = row["incumbent_value"]
    return TrainedModel(
        row,
        "promoted" if row["promoted"] else "not promoted",
        f"{base_title(row['metric'] or '')} {number(row['value'])}",
        "nothing was in use" if before is None else number(before),
    )


def run_json(page: RunPage) -> dict[str, Any]:
    """Return what the page says as values that JSON can hold."""
    return {
        "run_id": page.run_id,
        "flow": page.flow,
        "status": page.status,
        "outcome": page.outcome,
        "started": page.started,
        "ended": page.ended,
        "needs_attention_total": page.trouble_total,
        "needs_attention": [vars(trouble) for trouble in page.troubles],
        "scans_added": page.scans_added,
        "beside_the_run_before": [
            dict(zip(("count", "before", "now", "difference"), line, strict=True))
            for line in page.beside
        ],
        "steps": [
            {
                "flow": step.flow,
                "status": step.status,
                "message": step.message,
                "seconds": step.seconds,
                **dict(zip(("done", "skipped", "failed", "quarantined"), step.counts, strict=True)),
            }
            for step in page.steps
        ],
        "models": [
            {
                name: model.row[name]
                for name in ("model_id", "kind", "collection", "promoted", "reason", "value")
            }
            for model in page.models
        ],
        "metrics": [
            {
                "metric_id": change.now.row["metric_id"],
                "value": change.now.row["value"],
                "before": change.before.row["value"] if change.before else None,
                "difference": change.difference,
                "common": change.common,
                "words": change.words,
            }
            for change in page.changes
        ],
        "settings": page.settings,
        "versions": page.versions,
    }
