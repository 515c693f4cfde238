"""Tasks of the ingest flow that join delivered metadata to what the catalog holds."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow.compute as pc
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.schema import QUARANTINE, SCANS, UNMATCHED
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.config import IngestSettings
from artgan.ingest.late import (
    Mark,
    changed_fields,
    quarantined_problem,
    read_mark,
    scans_mark,
    unmatched_rows,
    write_mark,
)
from artgan.ingest.metadata import METADATA_UNREADABLE, Metadata, build_metadata, forget_tables
from artgan.ingest.originals import FOLDER
from artgan.ingest.rows import METADATA_COLUMNS
from artgan.ingest.sources import find_sources
from artgan.storage import Store, open_store

NO_COLLECTION = ""

Row = dict[str, Any]


@task(cache_policy=NO_CACHE, task_run_name="metadata-{collection}")
def join_metadata(settings: IngestSettings, collection: str, run_id: str) -> dict[str, int]:
    """Bring a collection's scans in line with its tables, if these or the scans changed.

    Args:
        settings: Settings of the ingest.
        collection: Name of the collection; empty for rows at the top of the inbox that name none.
        run_id: The run.
    """
    catalog = open_catalog(settings.root)
    inbox = open_store(settings.inbox, name="inbox", must_exist=True)
    which = _delivered(catalog, collection)
    paths = catalog.read(SCANS, ["source_path"], which)["source_path"].to_pylist()
    sources = find_sources(inbox, collection)
    before, mark = read_mark(catalog.store, collection), Mark(sources.mark(), scans_mark(paths))
    if mark == before:
        return {}
    metadata = build_metadata(inbox, sources)
    counts = _list_problems(catalog, inbox, collection, metadata, run_id)
    if metadata.is_usable:
        # New scans were described when they were catalogued.
        if collection and (before is None or before.sources != mark.sources):
            counts["redescribed"] = describe_anew(catalog, which, metadata)
        found = _list_unmatched(catalog, collection, metadata, paths, run_id)
        # Where no table was delivered, that scans have no row says nothing.
        counts |= found if sources.tables else {}
    write_mark(catalog.store, collection, mark)
    if not collection:
        forget_tables()
    return counts


def _delivered(catalog: Catalog, collection: str) -> pc.Expression:
    """Select the scans that were delivered; those fetched from elsewhere brought their description.

    Args:
        catalog: The archive.
        collection: Name of the collection; empty for all of them.
    """
    fetched = pc.starts_with(  # pyright: ignore[reportAttributeAccessIssue] - its stubs lack it
        pc.field("source_uri"), catalog.store.uri(f"{FOLDER}/")
    )
    return ~fetched & (pc.field("collection") == collection) if collection else ~fetched


def describe_anew(catalog: Catalog, which: pc.Expression, metadata: Metadata) -> int:
    """Bring some scans in line with what metadata says of them; return how many changed."""
    columns = ("scan_id", "source_path", *METADATA_COLUMNS)
    scans = catalog.rows(SCANS, columns, which)
    changed = dict(changed_fields(scans, metadata))
    if changed:
        rows = catalog.rows(SCANS, where=pc.field("scan_id").isin(list(changed)))
        catalog.replace(SCANS, [row | changed[row["scan_id"]] for row in rows])
        get_run_logger().info("%s: %d scans described anew", rows[0]["collection"], len(changed))
    return len(changed)


def _list_unmatched(
    catalog: Catalog, collection: str, metadata: Metadata, paths: Sequence[str], run_id: str
) -> dict[str, int]:
    """Keep the list of rows without a scan as it is now; count both sides that have no match."""
    stamp = {"listed_at": now(), "run_id": run_id}
    rows = unmatched_rows(metadata, collection, paths)
    listed = catalog.rows(
        UNMATCHED, ["unmatched_id", "metadata_source"], pc.field("collection") == collection
    )
    unread = {problem.entry.key for problem in metadata.problems if not problem.is_read}
    wanted = {row["unmatched_id"] for row in rows}
    gone = [row for row in listed if row["metadata_source"] not in unread]
    catalog.remove(UNMATCHED, {row["unmatched_id"] for row in gone} - wanted)
    catalog.append(UNMATCHED, [row | stamp for row in rows])
    bare = sum(metadata.row_of(path) is None for path in paths) if collection else 0
    if rows:
        reasons = Counter(row["reason"].replace("_", " ") for row in rows)
        words = ", ".join(f"{amount} {reason}" for reason, amount in sorted(reasons.items()))
        place = collection or "top of the inbox"
        get_run_logger().info("%s: %d metadata rows describe no scan: %s", place, len(rows), words)
    if bare:
        get_run_logger().info("%s: %d scans have no metadata", collection, bare)
    return {"rows_without_scan": len(rows), "scans_without_row": bare}


def _list_problems(
    catalog: Catalog, inbox: Store, collection: str, metadata: Metadata, run_id: str
) -> dict[str, int]:
    """Say which tables cannot be read, and list them in quarantine until they can."""
    # Tables at the top are read for every collection, and listed once.
    own = [
        problem
        for problem in metadata.problems
        if "/" in problem.entry.key or not (collection and problem.is_table)
    ]
    for problem in own:
        get_run_logger().warning("%s", problem.message)
    rows = [quarantined_problem(problem, collection, inbox) for problem in own]
    mine = (pc.field("collection") == collection) & (pc.field("reason") == METADATA_UNREADABLE)
    listed = catalog.read(QUARANTINE, ["quarantine_id"], mine)["quarantine_id"].to_pylist()
    catalog.remove(QUARANTINE, set(listed) - {row["quarantine_id"] for row in rows})
    stamp = {"quarantined_at": now(), "run_id": run_id}
    return {"quarantined": catalog.append(QUARANTINE, [row | stamp for row in rows])}
