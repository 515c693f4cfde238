"""Files whose bytes the catalog knows by their sha256, and whether they are still the same.

Checked are the files of scans and masks where they were delivered, and under the root access
copies, outputs with their patches and reports, and the weights of models in use. Files that answer
over HTTP are somebody else's to keep, and are left out; so are the files of superseded scans, which
a re-scan usually overwrote.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow.compute as pc

from artgan.catalog.beside import CHECKED
from artgan.catalog.events import ALGORITHM, Outcome, event, last_checks
from artgan.catalog.masks import DELIVERED
from artgan.catalog.schema import MASKS, MODELS, OUTPUTS, SCANS, Table
from artgan.catalog.table import Catalog
from artgan.catalog.works import CURRENT
from artgan.clock import now
from artgan.errors import MissingAssetError, UnreachableError
from artgan.storage import store_at

Row = dict[str, Any]

# A file that was never checked comes first, and is not known to be amiss.
_GOOD = {"event_at": datetime(1970, 1, 1, tzinfo=UTC), "outcome": "success"}
_ELSEWHERE = ("http://", "https://")
# What is said of each kind, and the column that names its row.
_KINDS = {
    "scan": "scan_id",
    "mask": "scan_id",
    "access copy": "scan_id",
    "output": "output_id",
    "model": "model_id",
}


@dataclass(frozen=True)
class Target:
    """A file to check.

    Attributes:
        kind: scan, mask, access copy, output or model.
        store: Root of the store that it lies in.
        key: Its key there.
        sha256: What its bytes should hash to.
        name: Id of the row that names it.
        path: What the events table calls it: the key under the archive root, or a full address.
    """

    kind: str
    store: str
    key: str
    sha256: str
    name: str
    path: str


@dataclass(frozen=True)
class Share:
    """What a run is to check.

    Attributes:
        targets: Files to check.
        total: How many files there are in all.
        out_of_reach: Files by the store that does not answer.
    """

    targets: list[Target]
    total: int
    out_of_reach: dict[str, int]


def find_targets(catalog: Catalog, collections: Sequence[str] = ()) -> list[Target]:
    """Return every file that can be checked, each once.

    Args:
        catalog: The archive.
        collections: Only files of these collections; none means all.
    """
    found: dict[str, Target] = {}
    for target in _targets(catalog, collections):
        found.setdefault(target.path, target)
    return list(found.values())


def _targets(catalog: Catalog, collections: Sequence[str]) -> Iterator[Target]:
    here = pc.field("collection").isin(list(collections)) if collections else None

    def rows(table: Table, columns: Sequence[str], where: pc.Expression) -> list[Row]:
        return catalog.rows(table, columns, where if here is None else where & here)

    root = catalog.store.root
    source = ("scan_id", "source_uri", "source_path", "content_sha256")
    delivered = (("scan", SCANS, CURRENT), ("mask", MASKS, DELIVERED))
    for kind, table, where in delivered:
        for row in rows(table, source, where):
            uri, path = row["source_uri"], row["source_path"]
            digest = row["content_sha256"] or row["scan_id"]
            if uri.endswith(f"/{path}") and not uri.startswith(_ELSEWHERE):
                yield Target(kind, uri.removesuffix(f"/{path}"), path, digest, row["scan_id"], uri)
    kept = (
        ("access copy", SCANS, "access_path", "access_sha256", pc.field("access_path").is_valid()),
        *(("output", OUTPUTS, *columns, pc.field("status") == "ok") for columns in CHECKED),
        ("model", MODELS, "weights_path", "weights_sha256", pc.field("promoted")),
    )
    for kind, table, path_column, digest_column, where in kept:
        for row in rows(table, (_KINDS[kind], path_column, digest_column), where):
            path, digest = row[path_column], row[digest_column]
            if path and digest:
                yield Target(kind, root, path, digest, row[_KINDS[kind]], path)


def choose(
    catalog: Catalog, targets: Sequence[Target], days_for_all: int, max_files: int | None
) -> Share:
    """Choose the files that a run checks: those not checked for longest, in a fixed order.

    Files whose last check did not end well come first and on top of the share, as many again at
    most: what is wrong is said every night until it is right.

    Args:
        catalog: The archive.
        targets: Every file.
        days_for_all: A run checks one part in so many.
        max_files: Most files that a run checks, if that is fewer.
    """
    checks = {row["object_path"]: row for row in last_checks(catalog).to_pylist()}
    reachable = {root: store_at(root).is_reachable() for root in {one.store for one in targets}}
    there = [one for one in targets if reachable[one.store]]
    out_of_reach = {
        root: sum(one.store == root for one in targets)
        for root, answers in sorted(reachable.items())
        if not answers
    }

    def age(target: Target) -> tuple[datetime, str]:
        return checks.get(target.path, _GOOD)["event_at"], target.path

    share = -(-len(there) // days_for_all)
    share = share if max_files is None else min(share, max_files)
    ordered = sorted(there, key=age)
    amiss = [one for one in ordered if checks.get(one.path, _GOOD)["outcome"] != "success"]
    again = amiss[:share]
    said = {one.path for one in again}
    fresh = [one for one in ordered if one.path not in said][:share]
    return Share([*again, *fresh], len(targets), out_of_reach)


def check(target: Target, run_id: str | None) -> Row:
    """Read a file whole and compare its digest; return the event.

    A file that is not there, or has other bytes, has failed. One that cannot be read although its
    store answers is a warning: nothing is known of its bytes.
    """
    found: str | None = None
    outcome: Outcome = "success"
    detail: str | None = None
    try:
        found = store_at(target.store).sha256(target.key)
        if found != target.sha256:
            outcome = "fail"
            detail = (
                f"{target.path} must have the sha256 {target.sha256[:12]}…, got {found[:12]}…. "
                f"{_advice(target)}"
            )
    except MissingAssetError:
        outcome, detail = "fail", f"{target.path} must be there, got nothing. {_advice(target)}"
    except UnreachableError as error:
        outcome, detail = "warning", str(error)
    return event(
        *("fixity check", target.path, now(), outcome, run_id),
        outcome_detail=detail,
        object_kind=target.kind,
        object_path=target.path,
        digest_algorithm=ALGORITHM,
        digest_expected=target.sha256,
        digest_found=found,
        **{_KINDS[target.kind]: target.name},
    )


def _advice(target: Target) -> str:
    match target.kind:
        case "scan" | "mask":
            return (
                "Bring the file back from a copy; if it was replaced on purpose, ingest it; if the "
                "scan is given up, withdraw it."
            )
        case "model":
            return "Bring the weights back from a copy, or train again with --force."
    return "Bring the file back from a copy."
