"""A trace as text: what it is, what it was made from, what was made of it."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from artgan.catalog.trace import Trace
from artgan.report.reviews import review_words
from artgan.report.words import clip, count, file_size, moment, number, tally

Row = dict[str, Any]
Lines = list[str]

_MOST = 20
_NAME_WIDTH = 13
_WITHDRAWN = "withdrawn scan"


def trace_text(found: Trace) -> str:
    """Write a trace for people; at most 20 things of a kind are listed."""
    lines = [f"{found.kind} {found.id}", *_facts(found), "", "Made from"]
    lines += _origin(found) or [_line("", "nothing else")]
    lines += ["", "Made of it", *(_descent(found) or [_line("", "nothing")])]
    return "\n".join(lines) + "\n"


def _line(name: str, *facts: object) -> str:
    words = "  ".join(str(fact) for fact in facts if fact not in (None, ""))
    return f"  {name:{_NAME_WIDTH}}{words}".rstrip()


def _facts(found: Trace) -> Lines:
    row = found.row
    lines = [_line("what", _WHAT[found.kind](row))]
    if found.kind == "scan" and row["is_current"] is False:
        lines.append(_line("version", f"{row['object_version']}, superseded by a re-scan"))
    if found.file is not None:
        name = "access copy" if found.kind == "scan" else "file"
        there = "is there" if found.file_is_there else "IS NOT THERE"
        lines.append(_line(name, found.file, f"({there})"))
    lines += [
        _line("checked", one["object_path"], moment(one["event_at"]), one["outcome"])
        for one in found.checks
    ]
    digest = row.get("output_sha256") or row.get("content_sha256") or row.get("weights_sha256")
    lines += [_line("sha256", digest)] if digest else []
    if row.get("settings") is not None:
        lines.append(_line("settings", json.dumps(row["settings"])))
    return lines + _listed("review", found.reviews, _review_words)


def _origin(found: Trace) -> Lines:
    lines: Lines = []
    if found.kind in {"scan", _WITHDRAWN}:
        lines.append(_line("source", found.row.get("source_uri") or found.row["source_path"]))
        lines += [_line("metadata", found.row["metadata_source"])] if _described(found) else []
        lines += _listed("other version", found.scans, _scan_line)
    elif found.kind != "run":
        lines += _listed("scan", found.scans, _scan_line)
    lines += _listed("withdrawn", found.withdrawals, _withdrawal_line)
    if found.kind == "output":
        lines += _listed("mask", found.masks, _mask_line)
        missing = found.row["mask_id"] if not found.masks else None
        lines += [_line("mask", missing, "no longer in the catalog")] if missing else []
    if found.kind in {"output", "mask", "model", "metric"}:
        lines += _models(found)
    return lines + _run_lines(found)


def _described(found: Trace) -> bool:
    return bool(found.row.get("metadata_source"))


def _models(found: Trace) -> Lines:
    """List the models something was made with, and the data each was trained on."""
    lines: Lines = []
    shown = [found.row, *found.models] if found.kind == "model" else found.models
    for position, model in enumerate(shown):
        if position or found.kind != "model":
            name = "base" if position else "model"
            lines.append(_line(name, model["model_id"], _model_words(model)))
        lines.append(_line("", "data", _data_words(model)))
        lines.append(_line("", "settings", json.dumps(model["settings"])))
        lines.append(_line("", "code", f"artgan {model['code_version']}"))
    return lines


def _run_lines(found: Trace) -> Lines:
    """List the run, those that started it, and the code of the first."""
    lines = []
    for position, run in enumerate(found.runs):
        name = "started by" if position or found.kind == "run" else "run"
        lines.append(_line(name, run["run_id"], _run_words(run)))
        lines.append(_line("", "settings", clip(json.dumps(run["settings"]), 400)))
    named = found.row.get("run_id")
    if not found.runs and named and found.kind != "run":
        lines.append(_line("run", named, "not in the table runs: it has not ended"))
    versions = (found.row if found.kind == "run" else next(iter(found.runs), {})).get("versions")
    if versions:
        listed = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
        lines.append(_line("code", listed))
    return lines


def _descent(found: Trace) -> Lines:
    lines: Lines = []
    if found.kind in {"scan", _WITHDRAWN}:
        lines += _listed("mask", found.masks, _mask_line)
        lines += _listed("trained", found.models, _trained_line)
    lines += _listed("base of", found.descendants, _trained_line)
    lines += _listed("output", found.outputs, _output_line)
    lines += _listed("metric", found.metrics, _metric_line)
    if found.made_in_run:
        lines.append(_line("rows", tally(found.made_in_run)))
    return lines


def _listed(name: str, rows: Sequence[Row], words: Callable[[Row], str]) -> Lines:
    lines = [_line(name, words(row)) for row in rows[:_MOST]]
    if len(rows) > _MOST:
        shown = f"{_MOST} of {count(len(rows))} shown; --format json lists all"
        lines.append(_line("", f"({shown})"))
    return lines


def _scan_line(row: Row) -> str:
    return f"{row['scan_id']}  {_scan_words(row)}"


def _scan_words(row: Row) -> str:
    title = f"“{clip(row['title'], 60)}”" if row["title"] else "untitled"
    maker = f", {clip(row['artist'], 60)}" if row["artist"] else ""
    return f"{title}{maker}, {row['source_path']}, collection {row['collection']}"


def _withdrawal_line(row: Row) -> str:
    return f"scan {row['scan_id']}, {_withdrawal_words(row)}"


def _withdrawal_words(row: Row) -> str:
    asked = f" at the request of {row['requested_by']}" if row["requested_by"] else ""
    when = moment(row["withdrawn_at"])
    return f"{row['source_path']}, withdrawn {when}{asked}: {clip(row['reason'])}"


def _mask_line(row: Row) -> str:
    return f"{row['mask_id']}  {_mask_words(row)}"


def _mask_words(row: Row) -> str:
    damaged = row["damaged_fraction"]
    share = f", {number(100 * damaged)} % damaged" if damaged is not None else ""
    drawn = f", detected by {row['model_id']}, {row['status']}" if row["model_id"] else ""
    return f"{row['source_path']}{share}{drawn}"


def _model_words(row: Row) -> str:
    promoted = "promoted" if row["promoted"] else "not promoted"
    lost = row["withdrawn_works"]
    gone = f", {count(lost, 'training work')} withdrawn since" if lost else ""
    return f"{row['kind']} of {row['collection']}, {row['preset']}, {promoted}{gone}"


def _data_words(row: Row) -> str:
    works = count(row["n_train"], "work")
    digest = (row["training_sha256"] or "")[:12]
    return f"scans at version {row['catalog_version']}, {works} (set {digest}…)"


def _trained_line(row: Row) -> str:
    return f"{row['model_id']}  {_model_words(row)}"


def _output_line(row: Row) -> str:
    return f"{row['output_id']}  {_output_words(row)}"


def _output_words(row: Row) -> str:
    what = f"{row['kind']} by {row['method']}" if row["method"] else row["kind"]
    size = f", {file_size(row['output_bytes'])}" if row["output_bytes"] else ""
    problem = f": {clip(row['message'])}" if row["message"] else ""
    assessed = (row["assessment"] or "ok").replace("_", " ")
    worth = "" if assessed == "ok" else f" ({assessed})"
    place = f", {row['output_path']}" if row["output_path"] else ""
    return f"{what}, {row['status']}{worth}{size}, {moment(row['created_at'])}{place}{problem}"


def _review_words(row: Row) -> str:
    return review_words(row) + (f": {clip(row['notes'])}" if row["notes"] else "")


def _metric_line(row: Row) -> str:
    return f"{row['metric_id']}  {_metric_words(row)}"


def _metric_words(row: Row) -> str:
    subject = f" of {row['subject']}" if row["subject"] else ""
    sample = f", n = {row['n_measured']}" if row["n_measured"] is not None else ""
    value = f"{number(row['value'])} {row['unit'] or ''}".rstrip()
    part = f", {row['stratum']}" if row["stratum"] else ""
    return f"{row['metric']}{subject}, {row['collection']}{part}: {value}{sample}"


def _run_words(row: Row) -> str:
    return f"{row['flow']}, {row['status']}, ended {moment(row['ended_at'])}"


_WHAT: dict[str, Callable[[Row], str]] = {
    "scan": _scan_words,
    _WITHDRAWN: _withdrawal_words,
    "mask": _mask_words,
    "output": _output_words,
    "model": _model_words,
    "metric": _metric_words,
    "run": _run_words,
}
