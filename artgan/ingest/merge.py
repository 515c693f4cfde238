"""Judged files against the catalog: which become rows, which are refused, which only moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from artgan.ingest.discover import FoundFile
from artgan.ingest.duplicates import assign_groups
from artgan.ingest.metadata import Metadata
from artgan.ingest.split import split_of
from artgan.keys import key

EXACT_DUPLICATE = "exact_duplicate"

Row = dict[str, Any]


@dataclass(frozen=True)
class Inspected:
    """A page of a file with the scan row it deserves, or the reason it was refused.

    Attributes:
        file: The file.
        row: Columns that come from the file itself; None if it was refused.
        refused: ``reason``, ``message``, ``content_sha256`` and ``page``, which is None if the
            whole file was refused; None if it was accepted.
    """

    file: FoundFile
    row: Row | None
    refused: Row | None


@dataclass(frozen=True)
class Merged:
    """What is to be written.

    Attributes:
        scans: New rows of the scans table, without addresses and times.
        refused: New rows of the quarantine table, likewise.
        touched: New change mark of scans whose bytes are as they were, by scan_id.
        scans_without_row: Paths of new scans that the metadata does not mention.
        rows_without_scan: File names in the metadata that no scan bears.
    """

    scans: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)
    touched: dict[str, str] = field(default_factory=dict)
    scans_without_row: list[str] = field(default_factory=list)
    rows_without_scan: list[str] = field(default_factory=list)


def merge(inspected: Sequence[Inspected], known: Sequence[Row], metadata: Metadata) -> Merged:
    """Decide what becomes of each file of a collection.

    Files are taken by length of path, then by path, so the result does not depend on how they were
    cut into chunks, and of "scan.tif" and "scan copy.tif" the first is kept. A file with the same
    bytes as a known or earlier one is not a second scan: it is listed in quarantine, once for all
    its pages, as an exact duplicate. The same file with a new change mark (copied again, say) only
    gets the new mark.

    Args:
        inspected: The collection's new and changed files.
        known: scan_id, content_sha256, source_path, phash and duplicate_group of every catalogued
            scan.
        metadata: The collection's delivered metadata.
    """
    merged = Merged()
    paths = {_content(row): row["source_path"] for row in known}
    catalogued = {row["scan_id"] for row in known}
    for one in sorted(inspected, key=lambda one: (len(one.file.path), one.file.path)):
        if one.row is None:
            merged.refused.append(refusal(one.file, one.refused or {}))
            continue
        scan_id, content = one.row["scan_id"], _content(one.row)
        first = paths.setdefault(content, one.file.path)
        if first != one.file.path:
            merged.refused.append(refusal(one.file, _duplicate(one.file, content, first)))
        elif scan_id in catalogued:
            merged.touched[scan_id] = one.file.version
        else:
            merged.scans.append(dict(one.row))
    _list_duplicates_once(merged)
    _describe(merged, known, metadata)
    return merged


def _content(row: Row) -> str:
    return row["content_sha256"] or row["scan_id"]  # rows from before there were pages lack it


def _list_duplicates_once(merged: Merged) -> None:
    """Keep one row of a duplicate with several pages, and none of its broken pages."""
    duplicates = {
        row["source_path"]: row for row in merged.refused if row["reason"] == EXACT_DUPLICATE
    }
    others = [row for row in merged.refused if row["source_path"] not in duplicates]
    merged.refused[:] = [*others, *duplicates.values()]


def refusal(file: FoundFile, why: Mapping[str, Any]) -> Row:
    """Return the quarantine row of a file or a page, without address and time.

    Args:
        file: The file.
        why: ``reason``, ``message``, ``content_sha256`` and ``page``.
    """
    page = why.get("page")
    parts = (file.path, why.get("content_sha256"), *(() if page is None else (page,)))
    return {
        "quarantine_id": key(*parts),
        "collection": file.collection,
        "source_path": file.path,
        "source_bytes": file.size,
        "source_version": file.version,
    } | dict(why)


def _duplicate(file: FoundFile, content: str, first: str) -> Row:
    return {
        "reason": EXACT_DUPLICATE,
        "message": f"{file.path} must differ from every other file, got the same bytes as {first}. "
        "It is catalogued once, under that name; nothing needs to be done.",
        "content_sha256": content,
    }


def _describe(merged: Merged, known: Sequence[Row], metadata: Metadata) -> None:
    """Add metadata, duplicate groups and splits to the new rows."""
    groups = assign_groups(
        [(row["scan_id"], row["phash"]) for row in merged.scans],
        [(row["scan_id"], row["phash"], row["duplicate_group"]) for row in known],
    )
    for row in merged.scans:
        group = groups[row["scan_id"]]
        fields = metadata.fields_of(row["source_path"])
        row.update({"duplicate_group": group, "split": split_of(group)}, **(fields or {}))
        if fields is None and row["source_path"] not in merged.scans_without_row:
            merged.scans_without_row.append(row["source_path"])
    present = [row["source_path"] for row in (*known, *merged.scans)]
    merged.rows_without_scan.extend(metadata.unmatched(present))
