"""One row of a delivered table, and what it says in our fields."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from artgan.ingest.mapping import Columns, unit_of
from artgan.ingest.sizes import UNKNOWN, parse_size, size_from_columns
from artgan.ingest.tables import LIST_SEPARATOR, Delivered
from artgan.ingest.years import parse_years

METADATA_COLUMNS = (
    "accession_number",
    "title",
    "artist",
    "date_text",
    "year_from",
    "year_to",
    "medium",
    "rights",
    "dimensions_text",
    "height_mm",
    "width_mm",
    "depth_mm",
    "metadata_json",
    "metadata_source",
)
_TEXT_FIELDS = (
    "accession_number",
    "title",
    "artist",
    "date_text",
    "medium",
    "rights",
    "dimensions_text",
)


@dataclass(frozen=True)
class Table:
    """A delivered table with our fields found in it.

    Attributes:
        delivered: The table; cells of linked tables stand behind its own.
        columns: Where our fields are.
        n_own: How many of its columns are its own.
        is_own: Whether it lies in the collection's folder.
    """

    delivered: Delivered
    columns: Columns
    n_own: int
    is_own: bool


@dataclass(frozen=True, eq=False, slots=True)
class Row:
    """One row of a table.

    Attributes:
        table: The table.
        number: Position of the row in it, from 0.
    """

    table: Table
    number: int

    @property
    def cells(self) -> Sequence[str]:
        """Its cells, those of linked rows behind its own."""
        return self.table.delivered.rows[self.number]

    @property
    def names(self) -> list[str]:
        """Names of its scan, as delivered."""
        return self.table.columns.names(self.cells)

    def cell(self, name: str) -> str | None:
        """Return what it says in one of our fields, as delivered."""
        return self.table.columns.cell(self.cells, name)

    def row_json(self) -> str:
        """Return the whole of it, with the rows it is linked to, as a JSON object."""
        delivered, behind = self.table.delivered, slice(self.table.n_own, None)
        linked = zip(delivered.headings[behind], self.cells[behind], strict=True)
        return delivered.row_json(self.number, dict(linked))

    def fields(self) -> dict[str, Any]:
        """Return the metadata columns of `artgan.catalog.schema.SCANS`, None where it has none."""
        fields: dict[str, Any] = {name: self.cell(name) for name in _TEXT_FIELDS}
        if fields["artist"]:
            parts = [part.strip() for part in fields["artist"].split(LIST_SEPARATOR)]
            fields["artist"] = "; ".join(part for part in parts if part)
        fields |= self._years(fields["date_text"]) | self._size(fields["dimensions_text"])
        source = self.table.delivered.path
        return fields | {"metadata_json": self.row_json(), "metadata_source": source}

    def _years(self, text: str | None) -> dict[str, int | None]:
        years = parse_years(text or "")
        if years == (None, None):
            stated = [
                self.table.columns.cell(self.cells, name) for name in ("year_from", "year_to")
            ]
            # Nought stands for unknown in several exports; no calendar has that year.
            years = tuple(
                int(one) if one and re.fullmatch(r"-?\d{1,4}", one) else 0 for one in stated
            )
        return dict(zip(("year_from", "year_to"), (year or None for year in years), strict=True))

    def _size(self, text: str | None) -> dict[str, float | None]:
        size = parse_size(text) if text else None
        if size is None:
            columns, cells = self.table.columns, self.cells
            figures = {
                name: columns.cell(cells, name) or "" for name in ("height", "width", "depth")
            }
            unit = unit_of(columns, self.table.delivered.headings, cells)
            size = size_from_columns(figures, unit) if any(figures.values()) else UNKNOWN
        return {name: getattr(size, name) for name in ("height_mm", "width_mm", "depth_mm")}
