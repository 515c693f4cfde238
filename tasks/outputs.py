"""What the tasks that make files share: one row for each file, whatever became of it."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow.compute as pc

from artgan.catalog.beside import files_of, shown_scans
from artgan.catalog.schema import OUTPUTS, WITHDRAWALS
from artgan.catalog.table import Catalog
from artgan.clock import now
from artgan.errors import ArtganError, CorruptAssetError
from artgan.imaging.look import look_at, seen_hash
from artgan.keys import file_sha256
from artgan.storage import Store, store_at
from tasks.chunks import Manifest, Plan, forget, plan

_PICTURES = (".png", ".jpg", ".tif", ".webp")

Row = dict[str, Any]
Kind = Literal["restored", "enhanced", "simulated", "stylized", "iiif", "texture", "film"]


def plan_outputs(catalog: Catalog, kind: Kind, collection: str, jobs: Sequence[Row]) -> Plan[Row]:
    """Return those of some jobs whose files are not there yet.

    Args:
        catalog: The archive.
        kind: What is made: restored, enhanced, simulated, stylized, iiif, texture or film.
        collection: The collection.
        jobs: Each has an ``output_id``.
    """
    there = _made_already(catalog, kind, collection)
    items = {job["output_id"]: job for job in jobs if job["output_id"] not in there}
    return plan(catalog.store, stage_of(kind, collection), items, "output_id")


def _made_already(catalog: Catalog, kind: str, collection: str) -> set[str]:
    """Return the output_ids of a collection's files that need not be made again."""
    where = (
        (pc.field("kind") == kind)
        & (pc.field("collection") == collection)
        & (pc.field("status") == "ok")
    )
    return set(catalog.read(OUTPUTS, ["output_id"], where)["output_id"].to_pylist())


def stage_of(kind: Kind, collection: str) -> str:
    """Path under which the chunks of a kind of output are remembered."""
    return f"{kind}/{collection}"


def attempt(row: Row, make: Callable[[], Row]) -> Row:
    """Make one file; a refusal becomes a failed row, and the others go on."""
    started = time.monotonic()
    try:
        facts = make() | {"status": "ok"}
    except ArtganError as error:
        facts = {"status": "failed", "message": str(error)}
    return row | facts | {"seconds": time.monotonic() - started, "created_at": str(now())}


def put_output(store: Store, key: str, path: Path) -> Row:
    """Copy a local file into the archive and return its columns."""
    store.put(key, path)
    return {
        "output_path": key,
        "output_sha256": file_sha256(path),
        "output_bytes": path.stat().st_size,
        "phash": _phash(key, path),
    }


def write_output(store: Store, path: str, content: bytes, picture: np.ndarray | None = None) -> Row:
    """Write a file and return its columns.

    Args:
        store: The archive root.
        path: Key of the file.
        content: Its bytes.
        picture: (H, W, 3) uint8 sRGB, its pixels where they are at hand and lost nothing: they
            need not be decoded again.
    """
    store.write(path, content)
    return {
        "output_path": path,
        "output_sha256": hashlib.sha256(content).hexdigest(),
        "output_bytes": len(content),
        "phash": _phash(path, content) if picture is None else seen_hash(picture),
    }


def _phash(key: str, source: Path | bytes) -> str | None:
    """Hash what a picture looks like; None for a report."""
    return look_at(source).phash if key.endswith(_PICTURES) else None


def content_of(scan: Row) -> str:
    """Return the sha256 of a scan's file; rows from before there were pages have it as scan_id."""
    return scan["content_sha256"] or scan["scan_id"]


@contextmanager
def source_file(scan: Row) -> Iterator[Path]:
    """Give a scan's file, as it was when it was catalogued.

    Args:
        scan: Row with ``source_uri``, ``scan_id`` and ``content_sha256``.

    Raises:
        MissingAssetError: If it is not there.
        CorruptAssetError: If its bytes changed since.
    """
    folder, name = scan["source_uri"].rsplit("/", 1)
    with store_at(folder).local(name) as path:
        found, expected = file_sha256(path), content_of(scan)
        if found != expected:
            raise CorruptAssetError(
                f"scan must have the sha256 {expected[:12]}…, got {found[:12]}… at "
                f"{scan['source_uri']!r}. Ingest the changed file first."
            )
        yield path


def commit_outputs(
    catalog: Catalog, kind: Kind, collection: str, manifests: Sequence[Manifest], run_id: str
) -> dict[str, int]:
    """Turn the chunks' manifests into rows; a file that failed before may now be there."""
    rows = [
        row | {"run_id": run_id, "created_at": datetime.fromisoformat(row["created_at"])}
        for manifest in manifests
        for row in manifest
    ]
    rows = _without_withdrawn(catalog, rows)
    failed = sum(row["status"] == "failed" for row in rows)
    known = set(catalog.read(OUTPUTS, ["output_id"])["output_id"].to_pylist())
    catalog.append(OUTPUTS, rows)
    again = [row for row in rows if row["output_id"] in known]
    if again:
        catalog.replace(OUTPUTS, again)
    forget(catalog.store, stage_of(kind, collection))
    return {"done": len(rows) - failed, "failed": failed}


def _without_withdrawn(catalog: Catalog, rows: list[Row]) -> list[Row]:
    """Leave out, and remove, what was made of scans that were withdrawn in the meantime."""
    gone = set(catalog.read(WITHDRAWALS, ["scan_id"])["scan_id"].to_pylist())
    for row in rows:
        if gone.isdisjoint(shown_scans(row)):
            continue
        for path in files_of(row):
            if row["kind"] == "iiif":
                catalog.store.delete_below(path.rsplit("/", 1)[0])
            catalog.store.delete(path)
    return [row for row in rows if gone.isdisjoint(shown_scans(row))]
