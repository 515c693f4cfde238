"""How stored tables and this version's schema are brought together.

An archive outlives the versions of artgan that write to it. A column that an older version did
not know is added to its tables (empty, nothing is rewritten); a column that a newer version added
is kept, in every row, by an older one that writes. A column whose type changed is refused.
"""

from collections.abc import Sequence

import deltalake
import pyarrow as pa

from artgan.catalog.schema import Table
from artgan.errors import InvalidInputError

CONFIGURATION: dict[str, str | None] = {"delta.checkpointInterval": "20"}
"""Properties of every table: a reader replays at most this many commits."""


def stored_schema(opened: deltalake.DeltaTable) -> pa.Schema:
    """Return the schema that a table has in the archive."""
    return pa.schema(opened.schema().to_arrow())


def missing_fields(stored: pa.Schema, table: Table) -> list[pa.Field]:
    """Return the columns of this version that the stored table has not got, as optional ones."""
    return [
        field.with_nullable(nullable=True)
        for field in table.schema
        if field.name not in stored.names
    ]


def evolve(opened: deltalake.DeltaTable, table: Table) -> pa.Schema:
    """Add to a stored table the columns that are new in this version; return its schema.

    Raises:
        InvalidInputError: If a column is stored with another type.
    """
    stored = stored_schema(opened)
    check_types(stored, table)
    missing = missing_fields(stored, table)
    if missing:
        opened.alter.add_columns([deltalake.Field.from_arrow(field) for field in missing])
        stored = stored_schema(opened)
    return stored


def check_types(stored: pa.Schema, table: Table) -> None:
    """Refuse a stored table in which a known column has another type.

    Raises:
        InvalidInputError: If a column is stored with another type.
    """
    for field in table.schema:
        found = stored.field(field.name).type if field.name in stored.names else field.type
        if found != field.type:
            raise InvalidInputError(
                f"{table.name}.{field.name} must be {field.type}, got {found} in the archive. "
                "Another version of artgan made it; use that one, or a new root."
            )


def full_schema(stored: pa.Schema, table: Table) -> pa.Schema:
    """Return known columns first, then those that only the archive knows, as a reader gets them.

    A column is required only if it is so in the archive: rows made before it was are empty there.
    """
    known = [
        field.with_nullable(field.name not in stored.names or stored.field(field.name).nullable)
        for field in table.schema
    ]
    return pa.schema([*known, *unknown_fields(stored, table)])


def unknown_fields(stored: pa.Schema, table: Table) -> list[pa.Field]:
    """Return the columns that a newer version added and this one does not know."""
    return [field for field in stored if field.name not in table.schema.names]


def conform(rows: pa.Table, stored: pa.Schema, table: Table) -> pa.Table:
    """Give rows the columns of the stored table, in its order; those not given are empty.

    Raises:
        InvalidInputError: If the archive requires a column that this version does not know.
    """
    for field in unknown_fields(stored, table):
        if not field.nullable and field.name not in rows.column_names:
            raise InvalidInputError(
                f"{table.name} must be written with all its required columns, got none for "
                f"{field.name!r}. A newer artgan made this archive; use that one to add to it."
            )
    return pa.table([_column(rows, field) for field in stored], schema=stored)


def _column(rows: pa.Table, field: pa.Field) -> pa.ChunkedArray | pa.Array:
    if field.name in rows.column_names:
        return rows[field.name]
    return pa.nulls(rows.num_rows, field.type)


def carried_over(fresh: pa.Table, existing: pa.Table, key: str, names: Sequence[str]) -> pa.Table:
    """Give rows the values that rows with the same key have in some columns.

    Args:
        fresh: Rows to be written.
        existing: Rows that are there, with the key and those columns.
        key: Name of the key column, without repetitions in either.
        names: Columns to carry over; empty where there is no such row.
    """
    place = {value: number for number, value in enumerate(existing[key].to_pylist())}
    taken = pa.array([place.get(value) for value in fresh[key].to_pylist()], pa.int64())
    for name in names:
        fresh = fresh.append_column(existing.schema.field(name), existing[name].take(taken))
    return fresh
