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
    """A file with the scan row it deserves, or the reason it was refused.

    Attributes:
        file: The file.
        row: Columns that come from the file itself; None if it was refused.
        refused: ``reason``, ``message`` and ``content_sha256``; None if it was accepted.
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
    bytes as a known or earlier one is not a second scan: it is listed in quarantine as an exact
    duplicate. The same file with a new change mark (copied again, say) only gets the new mark.

    Args:
        inspected: The collection's new and changed files.
        known: scan_id, source_path, phash and duplicate_group of every catalogued scan.
        metadata: The collection's delivered metadata.
    """
    merged = Merged()
    paths = {row["scan_id"]: row["source_path"] for row in known}
    catalogued = set(paths)
    for one in sorted(inspected, key=lambda one: (len(one.file.path), one.file.path)):
        if one.row is None:
            merged.refused.append(_refusal(one.file, one.refused or {}))
            continue
        scan_id = one.row["scan_id"]
        first = paths.setdefault(scan_id, one.file.path)
        if first != one.file.path:
            merged.refused.append(_refusal(one.file, _duplicate(one.file, scan_id, first)))
        elif scan_id in catalogued:
            merged.touched[scan_id] = one.file.version
        else:
            merged.scans.append(dict(one.row))
    _describe(merged, known, metadata)
    return merged


def _refusal(file: FoundFile, why: Mapping[str, Any]) -> Row:
    return {
        "quarantine_id": key(file.path, why.get("content_sha256")),
        "collection": file.collection,
        "source_path": file.path,
        "source_bytes": file.size,
        "source_version": file.version,
    } | dict(why)


def _duplicate(file: FoundFile, scan_id: str, first: str) -> Row:
    return {
        "reason": EXACT_DUPLICATE,
        "message": f"{file.path} must differ from every other file, got the same bytes as {first}. "
        "It is catalogued once, under that name; nothing needs to be done.",
        "content_sha256": scan_id,
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
        if fields is None:
            merged.scans_without_row.append(row["source_path"])
    present = [row["source_path"] for row in (*known, *merged.scans)]
    merged.rows_without_scan.extend(metadata.unmatched(present))
