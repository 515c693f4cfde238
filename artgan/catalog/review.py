"""What conservators said of files that the archive made; nothing that was said is overwritten."""

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow.compute as pc

from artgan.catalog.schema import OUTPUTS, REVIEWS
from artgan.catalog.table import Catalog
from artgan.errors import InvalidInputError, MissingAssetError
from artgan.keys import key

Row = dict[str, Any]

_COLUMNS = ("output_id", "kind", "collection", "scan_id", "status", "output_sha256")


def select_outputs(catalog: Catalog, names: Sequence[str]) -> list[Row]:
    """Find the files that a review names.

    Args:
        catalog: The archive.
        names: An ``output_id`` each, or at least its first 8 digits.

    Returns:
        One row for each file, in the order of the names.

    Raises:
        MissingAssetError: A name fits no file.
        InvalidInputError: A name fits several, or a file that is not there.
    """
    chosen = {row["output_id"]: row for row in (_named(catalog, name) for name in names)}
    return list(chosen.values())


def _named(catalog: Catalog, name: str) -> Row:
    column = pc.field("output_id")
    # g follows f
    rows = catalog.rows(OUTPUTS, _COLUMNS, (column >= name) & (column < name + "g"))
    if not rows:
        raise MissingAssetError(
            f"outputs must each name one file of the archive, got {name!r}, which fits none. "
            "See the page of the work, or the table outputs."
        )
    if len(rows) > 1:
        found = ", ".join(row["output_id"] for row in rows[:5])
        raise InvalidInputError(
            f"outputs must each name one file of the archive, got {name!r}, which fits {found}. "
            "Give more digits."
        )
    if rows[0]["status"] != "ok":
        raise InvalidInputError(
            f"outputs must name files that are there, got {rows[0]['output_id']}, which has the "
            f"status {rows[0]['status']!r}. Only what can be looked at can be reviewed."
        )
    return rows[0]


def record_reviews(catalog: Catalog, outputs: Iterable[Row], said: Row) -> int:
    """Add a review for each of some files; what was said before stays.

    Args:
        catalog: The archive.
        outputs: Rows that `select_outputs` returned.
        said: ``decision``, ``reviewer``, ``role``, ``notes``, ``reviewed_at`` and ``run_id``.

    Returns:
        How many reviews there are now that were not there before.
    """
    return catalog.append(
        REVIEWS,
        [
            {"review_id": key(row["output_id"], said["run_id"]), **_seen(row), **said}
            for row in outputs
        ],
    )


def _seen(row: Row) -> Row:
    return {name: row[name] for name in ("output_id", "collection", "scan_id", "output_sha256")}


def reviews_in_order(reviews: Iterable[Row]) -> list[Row]:
    """Return reviews the oldest first; of those of one file the last counts."""
    return sorted(reviews, key=lambda row: (row["reviewed_at"], row["review_id"]))
