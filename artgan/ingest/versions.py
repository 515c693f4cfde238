"""Which new scans are re-scans of what the catalog has, and which are first scans.

An *object* is one view of a work as the archive has it: the front of a print, its back, a detail.
Its scans are numbered versions, of which one is current. Views of one work have objects of their
own and share an accession number, so ``object_id`` and ``object_version`` name exactly one scan.

A scan is a re-scan when its file took the place of another (the same path holds other bytes), or
when it bears the collection and accession number of a current scan, looks like it, and is not
smaller: a derivative for the web that is delivered beside its master must not take its place. Only
scans catalogued before can be superseded, so files delivered together are views or copies.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from artgan.imaging.hashes import hamming_distances, hashes_to_array
from artgan.ingest.duplicates import THRESHOLD_BITS
from artgan.ingest.known import Known
from artgan.keys import key

Row = dict[str, Any]


def object_of(row: Row) -> Row:
    """Return a scan's object, version and whether it is current; what old rows lack is filled in.

    Args:
        row: A row of the scans table, at least its collection, path and page.
    """
    page = row.get("page") or 1
    return {
        "object_id": row.get("object_id") or key(row["collection"], row["source_path"], page),
        "object_version": row.get("object_version") or 1,
        "is_current": row.get("is_current") is not False,
    }


def _place(row: Row) -> tuple[str, int]:
    return row["source_path"], row.get("page") or 1


class Objects:
    """The objects that a delivery touches, with all their catalogued versions.

    Args:
        known: The catalog.
        delivered: The delivery's scans, catalogued or not, with the metadata of new ones.

    Attributes:
        changed: New values of catalogued scans, by scan_id.
    """

    def __init__(self, known: Known, delivered: Sequence[Row]) -> None:
        near = {
            row["scan_id"]: row
            for column in ("source_path", "accession_number")
            for row in known.rows(column, {row.get(column) for row in delivered})
        }
        for row in known.rows("object_id", {row["object_id"] for row in near.values()}):
            near.setdefault(row["scan_id"], row)
        self._by_place: dict[tuple[str, int], list[Row]] = {}
        self._by_work: dict[tuple[str, str], list[Row]] = {}
        self._by_object: dict[str, list[Row]] = {}
        for row in near.values():
            row.update(object_of(row))
            self._by_place.setdefault(_place(row), []).append(row)
            self._by_object.setdefault(row["object_id"], []).append(row)
            if row["accession_number"]:
                work = row["collection"], row["accession_number"]
                self._by_work.setdefault(work, []).append(row)
        self._given: set[str] = set()
        self.changed: dict[str, Row] = {}

    def place(self, row: Row) -> Row | None:
        """Give a new scan its object and version; return the scan that it supersedes, if any."""
        before = self._at_its_place(row) or self._look_alike(row)
        row |= object_of(row)
        if before is not None:
            versions = self._by_object[before["object_id"]]
            row["object_id"] = before["object_id"]
            row["object_version"] = 1 + max(one["object_version"] for one in versions)
            for one in versions:
                self._set_current(one, is_current=False)
            versions.append(row)
        self._given.add(row["object_id"])
        return before

    def revive(self, scan_id: str, row: Row) -> None:
        """Make a scan current again whose bytes are back in the place of its re-scan."""
        there = self._by_place.get(_place(row), [])
        old = next((one for one in there if one["scan_id"] == scan_id), None)
        current = [one for one in there if one["is_current"]]
        if old is None or old["is_current"] or not current:
            return
        self._set_current(current[0], is_current=False)
        self._set_current(old, is_current=True)

    def _set_current(self, row: Row, *, is_current: bool) -> None:
        if row["is_current"] != is_current:
            row["is_current"] = is_current
            names = ("object_id", "object_version", "is_current")
            self.changed[row["scan_id"]] = {name: row[name] for name in names}

    def _at_its_place(self, row: Row) -> Row | None:
        """The newest scan of the object whose place the new one took."""
        there = self._by_place.get(_place(row), [])
        return max(there, key=lambda one: (one["is_current"], one["object_version"]), default=None)

    def _look_alike(self, row: Row) -> Row | None:
        """The current scan that the new one repeats, by accession number, looks and size."""
        work = row["collection"], row.get("accession_number") or ""
        candidates = [
            one
            for one in self._by_work.get(work, [])
            if one["is_current"]
            and one["object_id"] not in self._given
            and _pixels(one) <= _pixels(row)
        ]
        if not candidates:
            return None
        hashes = hashes_to_array([one["phash"] for one in candidates])
        distances = hamming_distances(hashes_to_array([row["phash"]]), hashes)[0]
        nearest = int(np.lexsort(([one["object_id"] for one in candidates], distances))[0])
        return candidates[nearest] if distances[nearest] <= THRESHOLD_BITS else None


def _pixels(row: Row) -> int:
    return (row.get("width_px") or 0) * (row.get("height_px") or 0)
