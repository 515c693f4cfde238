"""Judged files against the catalog: which become rows, which are refused, which only moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from artgan.imaging.hashes import hashes_to_array
from artgan.ingest.discover import FoundFile
from artgan.ingest.duplicates import THRESHOLD_BITS, KnownHashes, assign_groups
from artgan.ingest.known import Known
from artgan.ingest.metadata import Metadata
from artgan.ingest.near import near_pairs
from artgan.ingest.split import split_of
from artgan.ingest.versions import Objects
from artgan.keys import key

EXACT_DUPLICATE = "exact_duplicate"
WITHDRAWN = "withdrawn"

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
        changed: New values of catalogued scans, by scan_id: the change mark of files whose bytes
            are as they were, and what a re-scan makes of the version before it.
        unwanted: Keys of access copies that were made of scans which are not catalogued.
    """

    scans: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)
    changed: dict[str, Row] = field(default_factory=dict)
    unwanted: list[str] = field(default_factory=list)


def merge(inspected: Sequence[Inspected], known: Known, metadata: Metadata) -> Merged:
    """Decide what becomes of each file of a collection.

    Files are taken by length of path, then by path, so the result does not depend on how they were
    cut into chunks, and of "scan.tif" and "scan copy.tif" the first is kept. A file with the same
    bytes as a known or earlier one is not a second scan: it is listed in quarantine, once for all
    its pages, as an exact duplicate. The same file with a new change mark (copied again, say) only
    gets the new mark. What was withdrawn, or shows the same picture, is refused. Re-scans are
    recognised by `artgan.ingest.versions`.

    Args:
        inspected: The collection's new and changed files.
        known: The catalog.
        metadata: The collection's delivered metadata.
    """
    merged = Merged()
    delivered = [one.row for one in inspected if one.row is not None]
    contents = {_content(row) for row in delivered}
    there = {
        row["scan_id"]: row
        for column in ("content_sha256", "scan_id")
        for row in known.rows(column, contents)
    }
    paths = {_content(row): row["source_path"] for row in there.values()}
    tombstones = _tombstones([row for row in delivered if row["scan_id"] not in there], known)
    for one in sorted(inspected, key=lambda one: (len(one.file.path), one.file.path)):
        if one.row is None:
            merged.refused.append(refusal(one.file, one.refused or {}))
            continue
        scan_id, content = one.row["scan_id"], _content(one.row)
        if scan_id in tombstones:
            merged.refused.append(refusal(one.file, _barred(one.row, tombstones[scan_id])))
            merged.unwanted.extend(filter(None, [one.row.get("access_path")]))
            continue
        first = paths.setdefault(content, one.file.path)
        if first != one.file.path:
            merged.refused.append(refusal(one.file, _duplicate(one.file, content, first)))
            if first.split("/")[0] != one.file.collection:
                merged.unwanted.extend(filter(None, [one.row.get("access_path")]))
        elif scan_id in there:
            merged.changed[scan_id] = {"source_version": one.file.version}
        else:
            merged.scans.append(dict(one.row))
    _list_duplicates_once(merged)
    _describe(merged, delivered, known, metadata)
    return merged


def _content(row: Row) -> str:
    return row["content_sha256"] or row["scan_id"]  # rows from before there were pages lack it


def _tombstones(new: Sequence[Row], known: Known) -> dict[str, Row]:
    """Tombstone of each new scan that was withdrawn, or that shows what was withdrawn."""
    if not known.withdrawn or not new:
        return {}
    found = {}
    hashes = hashes_to_array([row["phash"] for row in new])
    gone = hashes_to_array([row["phash"] for row in known.withdrawn])
    for pairs in near_pairs(gone, hashes, THRESHOLD_BITS):
        for tombstone, scan in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True):
            found[new[scan]["scan_id"]] = known.withdrawn[tombstone]
    return found | {row["scan_id"]: row for row in known.withdrawn}


def _barred(row: Row, tombstone: Row) -> Row:
    what = "the same bytes" if row["scan_id"] == tombstone["scan_id"] else "the same picture"
    on = f" on {tombstone['withdrawn_at']:%Y-%m-%d}" if tombstone["withdrawn_at"] else ""
    page = row.get("page") or 1
    return {
        "reason": WITHDRAWN,
        "message": f"{row['source_path']} must not have been withdrawn, got {what} as scan "
        f"{tombstone['scan_id'][:12]}, withdrawn{on}. It stays out of the archive; if that is "
        f"wrong, `artgan withdraw --scans {tombstone['scan_id'][:12]} --lift` lifts it.",
        "content_sha256": _content(row),
        "page": page if page > 1 else None,
    }


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


def _describe(merged: Merged, delivered: Sequence[Row], known: Known, metadata: Metadata) -> None:
    """Add metadata, objects, duplicate groups and splits to the new rows."""
    for row in merged.scans:
        row.update(metadata.fields_of(row["source_path"]) or {})
    inherited = _give_objects(merged, delivered, known)
    new = [(row["scan_id"], row["phash"]) for row in merged.scans]
    groups = assign_groups(new, known.hashes() if new else KnownHashes(), inherited)
    for row in merged.scans:
        group = groups[row["scan_id"]]
        row.update({"duplicate_group": group, "split": split_of(group)})


def _give_objects(merged: Merged, delivered: Sequence[Row], known: Known) -> dict[str, str]:
    """Number the versions; return the groups that re-scans inherit, by scan_id.

    A re-scan stays in the group of the scan that it supersedes, whatever it looks like: else the
    same work could be in two splits.
    """
    objects = Objects(known, [*delivered, *merged.scans])
    for row in delivered:
        if row["scan_id"] in merged.changed:
            objects.revive(row["scan_id"], row)
    inherited = {}
    for row in merged.scans:
        before = objects.place(row)
        if before is not None:
            inherited[row["scan_id"]] = before["duplicate_group"]
    for scan_id, values in objects.changed.items():
        merged.changed[scan_id] = merged.changed.get(scan_id, {}) | values
    return inherited
