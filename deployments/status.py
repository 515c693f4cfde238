"""``artgan status``: how the archive and its service are doing, in a screenful.

The archive part needs no server: it reads the catalog. The service part asks the Prefect server.
Nothing is changed, and a root that is not there is not made.

Exit codes: 0 all is well; 1 something needs attention: the server does not answer, it has no work
pools, a pool is paused or has no worker online, runs are late, the last nightly run failed, or
under a tenth of the archive's disk is free; 2 wrong settings.
"""

import json
import shutil
import sys
from collections import Counter
from datetime import datetime
from typing import Any

from artgan.catalog.models import BASE
from artgan.catalog.query import query
from artgan.catalog.schema import MODELS, RUNS, TABLES
from artgan.catalog.table import Catalog
from artgan.clock import now
from artgan.config import StatusSettings
from artgan.errors import ArtganError
from artgan.report.words import clip, count, duration, file_size, moment, share, tally
from artgan.storage import Store, open_store
from deployments.service import SHOWN, look_at_service

_LEAST_FREE = 0.1
_RUN_COLUMNS = ("flow", "status", "message", "ended_at", "seconds")
_MARKS = "_work/runs"

Facts = dict[str, Any]


def status(settings: StatusSettings) -> None:
    """Print how the archive and its service are doing.

    Raises:
        InvalidInputError: If the root is not there.
        ArtganError: If something needs attention; all is printed before.
    """
    archive = look_at_archive(open_store(settings.root, must_exist=True))
    service = look_at_service(settings.server)
    attention = [*archive_attention(archive), *service_attention(service)]
    if settings.format == "json":
        facts = {"archive": archive, "service": service, "attention": attention}
        text = json.dumps(facts, indent=1, default=_plain)
    else:
        lines = [*_archive_lines(archive), "", *_service_lines(service)]
        lines += ["", *(f"! {sentence}" for sentence in attention)] if attention else []
        text = "\n".join(lines)
    sys.stdout.write(text + "\n")
    if attention:
        raise ArtganError(
            f"archive and service must be well, got {count(len(attention), 'thing')} to look at. "
            "See the lines that begin with an exclamation mark."
        )


def _plain(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


def look_at_archive(store: Store) -> Facts:
    """Return the facts of an archive, as JSON can hold them but for moments in time."""
    catalog = Catalog(store)
    facts: Facts = {"root": store.root, "disk": _disk(store)}
    if catalog.version(TABLES[0]) < 0:
        return facts | {"has_catalog": False}
    outputs = _outputs(catalog)
    return facts | {
        "has_catalog": True,
        "collections": _counted(catalog, "select collection, count(*) from scans group by 1"),
        "quarantined": _counted(catalog, "select 'files', count(*) from quarantine")["files"],
        "models_in_use": _models_in_use(catalog),
        "outputs": outputs["ok"],
        "outputs_failed": outputs["failed"],
        "last_runs": _last_runs(catalog),
        "unfinished_runs": [
            {
                "flow": entry.key.removeprefix(f"{_MARKS}/").rsplit("-", 1)[0],
                "since": entry.modified_at,
            }
            for entry in store.entries(_MARKS)
        ],
    }


def _disk(store: Store) -> dict[str, int] | None:
    if not store.is_local:
        return None
    usage = shutil.disk_usage(store.root)
    return {"free_bytes": usage.free, "total_bytes": usage.total}


def _counted(catalog: Catalog, sql: str) -> dict[str, int]:
    """Return the counts of a statement that gives names and counts."""
    names, counts = query(catalog, sql).columns
    return dict(sorted(zip(names.to_pylist(), counts.to_pylist(), strict=True)))


def _outputs(catalog: Catalog) -> dict[str, dict[str, int]]:
    """Count outputs that are there or failed, by status and kind; withdrawn ones are neither."""
    counts: dict[str, dict[str, int]] = {"ok": {}, "failed": {}}
    sql = (
        "select status, kind, count(*) as n from outputs where status in ('ok', 'failed') "
        "group by all order by all"
    )
    for row in query(catalog, sql).to_pylist():
        counts[row["status"]][row["kind"]] = row["n"]
    return counts


def _models_in_use(catalog: Catalog) -> dict[str, int]:
    """Count the collections that have a model of their own in use, and the bases, by kind."""
    rows = catalog.rows(MODELS, ["kind", "collection", "promoted"])
    used = {(row["kind"], row["collection"]) for row in rows if row["promoted"]}
    return dict(Counter(f"{kind} base" if owner == BASE else kind for kind, owner in used))


def _last_runs(catalog: Catalog) -> list[Facts]:
    """Return the last finished run of each flow, the newest first."""
    newest: dict[str, Facts] = {}
    for row in sorted(catalog.rows(RUNS, _RUN_COLUMNS), key=lambda row: row["ended_at"]):
        newest[row["flow"]] = row
    return sorted(newest.values(), key=lambda row: row["ended_at"], reverse=True)


def archive_attention(archive: Facts) -> list[str]:
    """Say what of an archive needs attention."""
    found = []
    disk = archive["disk"]
    if disk and disk["free_bytes"] < _LEAST_FREE * disk["total_bytes"]:
        free = share(disk["free_bytes"], disk["total_bytes"])
        found.append(
            f"disk of the archive must have {_LEAST_FREE:.0%} free, got {free}. "
            "`artgan maintain` says what it would remove."
        )
    nights = [row for row in archive.get("last_runs", []) if row["flow"] == "nightly"]
    if nights and nights[0]["status"] == "failed":
        found.append(
            f"last nightly run must be completed, got failed: {clip(nights[0]['message'])} "
            "Mend that; the next one goes on from there."
        )
    return found


def service_attention(service: Facts) -> list[str]:
    """Say what of the service needs attention."""
    if service["error"]:
        return [service["error"]]
    found = [_pool_attention(pool) for pool in service["pools"]]
    if not found:
        found.append("server must have work pools, got none. Make them with `artgan deploy`.")
    if service["late"]:
        names = ", ".join(run["name"] for run in service["late"][:SHOWN])
        found.append(
            f"runs must start on time, got {len(service['late'])} late: {names}. "
            "Start more workers, or wait for the runs before them."
        )
    if service["last_nightly"] == "Crashed":
        found.append(
            "last nightly run must be completed, got crashed: its process ended without a word. "
            "See its log; the next one goes on from there."
        )
    return [sentence for sentence in found if sentence]


def _pool_attention(pool: Facts) -> str:
    name = pool["name"]
    if pool["paused"]:
        return f"pool {name} must not be paused. Go on with `prefect work-pool resume {name}`."
    if not pool["workers_online"]:
        return (
            f"pool {name} must have a worker online, got none. Start one with `artgan serve`, or "
            f"with `prefect worker start --pool {name}`."
        )
    return ""


def _archive_lines(archive: Facts) -> list[str]:
    lines = [f"Archive {archive['root']}"]
    if archive["has_catalog"]:
        names = archive["collections"]
        scans = count(sum(names.values()), "scan")
        lines += [
            _line("collections", f"{count(len(names))} with {scans} ({clip(tally(names), 60)})"),
            _line("refused", count(archive["quarantined"], "file")),
            _line("in use", _amounts(archive["models_in_use"], "no model yet")),
            _line("made", _amounts(archive["outputs"], "nothing yet")),
        ]
        if archive["outputs_failed"]:
            lines.append(_line("failed", tally(archive["outputs_failed"])))
        lines += [_line("last", _ended(row)) for row in archive["last_runs"]]
        state = "running, cut off or cancelled"
        lines += [
            _line("unfinished", f"{row['flow']}, {_ago(row['since'])}: {state}")
            for row in archive["unfinished_runs"]
        ]
    else:
        lines.append(_line("catalog", "none yet; make one with `artgan ingest`"))
    if archive["disk"]:
        free, total = archive["disk"]["free_bytes"], archive["disk"]["total_bytes"]
        lines.append(_line("disk", f"{file_size(free)} free of {file_size(total)}"))
    return lines


def _line(name: str, words: str) -> str:
    return f"  {name:12} {words}"


def _amounts(amounts: dict[str, int], none: str) -> str:
    return tally(amounts) if amounts else none


def _ended(row: Facts) -> str:
    words = f"{row['flow']:9} {row['status']} {_ago(row['ended_at'])}, took "
    words += duration(row["seconds"])
    return words if row["status"] == "completed" else f"{words}: {clip(row['message'], 60)}"


def _ago(when: datetime) -> str:
    return f"{duration((now() - when).total_seconds())} ago"


def _service_lines(service: Facts) -> list[str]:
    if service["error"]:
        return [f"Service {service['server']}", _line("server", "does not answer")]
    lines = [f"Service {service['server']}", _line("server", f"Prefect {service['version']}")]
    for pool in service["pools"]:
        online, offline = len(pool["workers_online"]), len(pool["workers_offline"])
        words = f"{pool['name']} ({pool['type']}): {count(online, 'worker')} online"
        lines.append(_line("pool", f"{words}, {offline} offline" if offline else words))
    for name in ("running", "late"):
        runs = service[name]
        listed = ", ".join(f"{run['flow']} {run['name']}" for run in runs[:SHOWN])
        lines.append(_line(name, f"{len(runs)}: {listed}" if runs else "none"))
    failed = service["failed"]
    lines.append(_line("failed", f"{len(failed)} in the last 7 days"))
    lines += [
        _line("", f"{run['flow']} {run['name']} {run['state'].lower()}: {clip(run['message'], 60)}")
        for run in failed[:SHOWN]
    ]
    night = service["next_nightly"]
    none = "not scheduled; `artgan deploy` schedules it"
    lines.append(_line("next night", moment(night) if night else none))
    return lines
