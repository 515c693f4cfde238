"""What the catalog knows that matters to a delivery: every scan, and what was withdrawn.

All scans of the archive are looked at for each delivery, so they stay a table of columns; only the
few rows that a new scan has to do with become Python objects.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from artgan.catalog.schema import SCANS, WITHDRAWALS
from artgan.catalog.table import Catalog
from artgan.ingest.duplicates import KnownHashes

Row = dict[str, Any]

_COLUMNS = (
    *("scan_id", "content_sha256", "collection", "source_path", "page", "accession_number"),
    *("width_px", "height_px", "phash", "duplicate_group"),
    *("object_id", "object_version", "is_current"),
)


def _no_scans() -> pa.Table:
    return SCANS.schema.empty_table().select(list(_COLUMNS))


@dataclass(frozen=True)
class Known:
    """The scans of the catalog, and the tombstones of withdrawn ones.

    Attributes:
        scans: Rows of the scans table, with the columns that a delivery is compared by.
        withdrawn: ``scan_id``, ``phash``, ``withdrawn_at`` of each withdrawn scan.
    """

    scans: pa.Table = field(default_factory=_no_scans)
    withdrawn: Sequence[Row] = ()

    def rows(self, column: str, values: Collection[str | None]) -> list[Row]:
        """Return the scans with one of these values in a column."""
        wanted = pa.array(sorted({value for value in values if value is not None}), pa.string())
        if not len(wanted):
            return []
        return self.scans.filter(pc.field(column).isin(wanted)).to_pylist()

    def hashes(self) -> KnownHashes:
        """Return the perceptual hash and the group of every scan."""
        columns = (self.scans[name].to_pylist() for name in ("phash", "duplicate_group"))
        return KnownHashes(*columns)


def read_known(catalog: Catalog) -> Known:
    """Read what a delivery is compared with."""
    tombstones = ("scan_id", "phash", "withdrawn_at")
    return Known(catalog.read(SCANS, _COLUMNS), catalog.rows(WITHDRAWALS, tombstones))
