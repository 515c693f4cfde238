"""Metadata against the catalog: scans described anew, and rows that describe no scan.

Metadata may come long after its scan, or be mended; nothing is decoded again for it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artgan.errors import MissingAssetError
from artgan.ingest.metadata import METADATA_UNREADABLE, Metadata, Problem
from artgan.ingest.rows import METADATA_COLUMNS
from artgan.keys import digest, key
from artgan.storage import Store


@dataclass(frozen=True)
class Mark:
    """What the last join of a collection was made of.

    Attributes:
        sources: Mark of tables and mapping.
        scans: Mark of the collection's scans.
    """

    sources: str
    scans: str


def mark_path(collection: str) -> str:
    """Key of a collection's mark under the root; of that of the inbox's top if it is empty."""
    return f"metadata/collections/{collection}.json" if collection else "metadata/inbox.json"


def read_mark(store: Store, collection: str) -> Mark | None:
    """Return the mark of the last join, or None if there was none."""
    try:
        return Mark(**json.loads(store.read(mark_path(collection))))
    except MissingAssetError:
        return None


def write_mark(store: Store, collection: str, mark: Mark) -> None:
    """Remember what a join was made of."""
    content = {"sources": mark.sources, "scans": mark.scans}
    store.write(mark_path(collection), json.dumps(content).encode())


def changed_fields(
    scans: Sequence[Mapping[str, Any]], metadata: Metadata
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each scan whose metadata is not what the tables say, with what they say.

    A scan that no table names any more keeps what it has: tables are taken out of an inbox.

    Args:
        scans: scan_id, source_path and the metadata columns of catalogued scans.
        metadata: What was delivered.
    """
    for scan in scans:
        fields = metadata.fields_of(scan["source_path"])
        if fields is not None and any(scan[name] != fields[name] for name in METADATA_COLUMNS):
            yield scan["scan_id"], fields


def unmatched_rows(
    metadata: Metadata, collection: str, source_paths: Sequence[str]
) -> list[dict[str, Any]]:
    """Return rows of the table unmatched_metadata, without times, by their key once each.

    Args:
        metadata: What was delivered for the collection.
        collection: Its name; empty for rows that name no collection.
        source_paths: Paths of its scans within the inbox; of all scans if it is empty.
    """
    found = {}
    for row, reason in metadata.leftovers(source_paths):
        told = {name: row.cell(name) for name in ("accession_number", "title", "date_text")}
        source, whole = row.table.delivered.path, row.row_json()
        row_key = key(collection, source, whole, reason)
        found[row_key] = told | {
            "unmatched_id": row_key,
            "metadata_json": whole,
            "metadata_source": source,
            "collection": collection,
            "named": next(iter(row.names), None),
            "reason": reason,
        }
    return list(found.values())


def quarantined_problem(problem: Problem, collection: str, inbox: Store) -> dict[str, Any]:
    """Return the row of the table quarantine for a table or mapping, without times."""
    entry = problem.entry
    return {
        "quarantine_id": key(entry.key, problem.content_sha256, problem.message),
        "collection": collection,
        "source_path": entry.key,
        "source_uri": inbox.uri(entry.key),
        "source_bytes": entry.size,
        "source_version": entry.version,
        "content_sha256": problem.content_sha256,
        "reason": METADATA_UNREADABLE,
        "message": problem.message,
    }


def scans_mark(source_paths: Sequence[str]) -> str:
    """Return a mark of a set of scans."""
    return digest(sorted(source_paths))
