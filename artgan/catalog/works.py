"""Works of a collection and their pictures, as training and measurement need them."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow.compute as pc

from artgan.catalog.query import query
from artgan.catalog.read import filled
from artgan.catalog.schema import SCANS
from artgan.catalog.table import Catalog
from artgan.errors import InvalidInputError
from artgan.imaging.read import read_rgb
from artgan.storage import Store

_COLUMNS = (
    "scan_id",
    "content_sha256",
    "collection",
    "source_path",
    "source_uri",
    "title",
    "artist",
    "accession_number",
    "date_text",
    "duplicate_group",
    "split",
    "access_path",
    "width_px",
    "height_px",
    "access_width_px",
    "access_height_px",
    "bit_depth",
    "page",
)

Work = dict[str, Any]

CURRENT = filled("is_current", default=True)
"""Scans whose place no re-scan took; rows from before there were versions are current."""


def collection_names(catalog: Catalog) -> list[str]:
    """Return the collections that have scans in the catalog, by name."""
    return sorted(set(catalog.read(SCANS, ["collection"])["collection"].to_pylist()))


def chosen_collections(catalog: Catalog, wanted: Sequence[str]) -> list[str]:
    """Return the collections to work on; all of them if none is named.

    Raises:
        InvalidInputError: If a named collection is not in the catalog.
    """
    known = collection_names(catalog)
    for name in wanted:
        if name not in known:
            listed = ", ".join(repr(one) for one in known) or "none yet"
            raise InvalidInputError(
                f"collection must be in the catalog, got {name!r}. Known: {listed}. "
                "Add it with `artgan ingest`."
            )
    return [name for name in known if not wanted or name in wanted]


def find_scan(catalog: Catalog, prefix: str, columns: Sequence[str]) -> Work:
    """Return some columns of the one scan, not superseded, whose scan_id begins so.

    Raises:
        InvalidInputError: If there is none, or several.
    """
    name = pc.field("scan_id")
    within = (name >= prefix) & (name < prefix + "g")  # g follows f
    rows = catalog.rows(SCANS, columns, within & CURRENT)
    if len(rows) != 1:
        what = "no scan in use" if not rows else f"{len(rows)} scans"
        raise InvalidInputError(
            f"scan must name one scan of the archive, got {prefix!r}, which fits {what}. "
            "Give more digits of the scan_id; see the table scans."
        )
    return rows[0]


def find_work(catalog: Catalog, prefix: str) -> Work:
    """Return the one scan whose scan_id begins so, also if another scan stands for its work.

    Raises:
        InvalidInputError: If there is none, or several.
    """
    return find_scan(catalog, prefix, _COLUMNS)


def scans_where(catalog: Catalog, condition: str) -> set[str]:
    """Return the scan_ids of the scans that fit a condition in SQL on the table scans.

    Raises:
        InvalidInputError: If DuckDB does not accept it.
    """
    if ";" in condition:
        raise InvalidInputError(
            f"condition must be one expression of SQL, got {condition!r}. Leave out the semicolon."
        )
    found = query(catalog, f"select scan_id from scans where ({condition}\n)")  # noqa: S608
    return set(found["scan_id"].to_pylist())


def works(catalog: Catalog, collection: str | None = None, split: str | None = None) -> list[Work]:
    """Return one scan for each work, in the order of scan_id; superseded scans are left out.

    Scans in one duplicate group and collection show the same work; the largest stands for it.

    Args:
        catalog: The archive.
        collection: Only works of this collection; None means all.
        split: Only works of this split; None means all.
    """
    where = CURRENT
    if collection is not None:
        where &= pc.field("collection") == collection
    if split is not None:
        where &= pc.field("split") == split
    chosen: dict[tuple[str, str], Work] = {}
    for row in sorted(catalog.rows(SCANS, _COLUMNS, where), key=lambda row: row["scan_id"]):
        group = (row["collection"], row["duplicate_group"])
        if group not in chosen or _pixels(row) > _pixels(chosen[group]):
            chosen[group] = row
    return sorted(chosen.values(), key=lambda row: row["scan_id"])


def _pixels(work: Work) -> int:
    return work["width_px"] * work["height_px"]


def access_size(scan: Mapping[str, Any]) -> tuple[int, int]:
    """Return width and height of a scan's access copy, in pixels.

    Rows from before the copies had a size of their own stand for copies as large as the scan.
    """
    width, height = scan["access_width_px"], scan["access_height_px"]
    return (width, height) if width else (scan["width_px"], scan["height_px"])


def load_pictures(
    store: Store,
    access_paths: Sequence[str],
    short_side_px: int,
    observe: Callable[[int], None] = lambda _: None,
) -> list[np.ndarray]:
    """Read access copies, scaled so that the short side has the given length.

    Args:
        store: The archive root.
        access_paths: Keys of access copies.
        short_side_px: Short side of the pictures, in pixels.
        observe: Called with the number of pictures read so far.

    Returns:
        One uint8 array (H, W, 3), sRGB, for each path, in order.
    """

    def load(path: str) -> np.ndarray:
        return read_rgb(store.read(path), short_side_px)

    pictures = []
    with ThreadPoolExecutor(2) as pool:
        for picture in pool.map(load, access_paths):
            pictures.append(picture)
            observe(len(pictures))
    return pictures
