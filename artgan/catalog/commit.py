"""Commits to a Delta table: rows added, or the rows with some keys replaced, all or nothing.

A commit counts only if nobody else committed since the table was opened. The engine (1.6.6) would
rather weigh what came in between and commit all the same, but lets two compactions of the same
files both through, which doubles their rows; so its own compaction is not used either.
"""

import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import IO, Any, Literal

import deltalake
import pyarrow as pa
import pyarrow.compute as pc
from deltalake.exceptions import CommitFailedError

from artgan.catalog.evolve import stored_schema
from artgan.catalog.files import WRITING, dataset, have_piled_up, sizes
from artgan.catalog.known import among
from artgan.catalog.schema import Table
from artgan.errors import InvalidInputError

_FIRST_OR_NOT = deltalake.CommitProperties(max_commit_retries=0)
_MOST_KEYS_IN_A_PREDICATE = 1000

Row = Mapping[str, Any]


def as_table(table: Table, rows: Iterable[Row]) -> pa.Table:
    """Return rows as an Arrow table in the table's own schema; absent values are empty.

    Raises:
        InvalidInputError: If a row lacks a required value.
    """
    made = pa.Table.from_pylist([dict(row) for row in rows], schema=table.schema)
    for field, column in zip(table.schema, made.columns, strict=True):
        if not field.nullable and column.null_count:
            raise InvalidInputError(
                f"{table.name}.{field.name} must be given in every row, got none in "
                f"{column.null_count} of {made.num_rows}. Nothing was written."
            )
    return made


def distinct(rows: pa.Table, key: str, keep: Literal["first", "last"]) -> pa.Table:
    """Keep one of the rows that share a key."""
    places: dict[str, int] = {}
    for place, value in enumerate(rows[key].to_pylist()):
        if keep == "last" or value not in places:
            places[value] = place
    if len(places) == rows.num_rows:
        return rows
    return rows.take(pa.array(sorted(places.values()), pa.int64()))


def without(rows: pa.Table, key: str, unwanted: Collection[str]) -> pa.Table:
    """Drop the rows with unwanted keys."""
    if not unwanted:
        return rows
    return rows.filter(~pc.field(key).isin(pa.array(list(unwanted), pa.string())))


def add(opened: deltalake.DeltaTable, rows: pa.Table) -> None:
    """Add rows.

    Raises:
        CommitFailedError: If the table moved since it was opened.
    """
    deltalake.write_deltalake(
        opened, rows, mode="append", commit_properties=_FIRST_OR_NOT, writer_properties=WRITING
    )


def rewrite(opened: deltalake.DeltaTable, key: str, keys: Sequence[str], rows: pa.Table) -> None:
    """Put rows in the place of those with the given keys, in one commit.

    The engine's own merge and delete are not used: they write text as ``string_view``, which
    Arrow and others cannot filter. An overwrite of what matches a condition writes plain text.

    Args:
        opened: The table.
        key: Name of its key column.
        keys: Keys of the rows that go; those of the new rows are among them.
        rows: New rows, in the stored schema; maybe none.

    Raises:
        CommitFailedError: If the table moved since it was opened.
    """
    if len(keys) <= _MOST_KEYS_IN_A_PREDICATE:
        # Keys are hashes and names of ours, yet a quote in one must not end the text.
        listed = ", ".join("'" + one.replace("'", "''") + "'" for one in keys)
        _overwrite(opened, rows, f"{key} in ({listed})")
        return
    # A condition that long takes longer to weigh than the whole table to write again.
    _write_all(opened, key, keys, rows)


def join(opened: deltalake.DeltaTable, key: str) -> None:
    """Write all rows again, into as few files as they fit.

    Raises:
        CommitFailedError: If the table moved since it was opened.
    """
    _write_all(opened, key, [], stored_schema(opened).empty_table())


def join_if_many(opened: deltalake.DeltaTable, key: str) -> None:
    """Join files that piled up; if others write meanwhile, a later commit will."""
    if have_piled_up(sizes(opened)):
        with suppress(CommitFailedError):
            join(opened, key)


def _write_all(opened: deltalake.DeltaTable, key: str, gone: Sequence[str], rows: pa.Table) -> None:
    with tempfile.TemporaryFile() as spool:
        _write_with_others(opened, key, gone, rows, spool)
        spool.seek(0)
        _overwrite(opened, pa.ipc.open_stream(spool), None)


def _write_with_others(
    opened: deltalake.DeltaTable, key: str, keys: Sequence[str], rows: pa.Table, spool: IO[bytes]
) -> None:
    """Write rows, and those of the table with other keys, to a file: they may be many."""
    gone = pa.array(keys, pa.string())
    with pa.ipc.new_stream(spool, rows.schema) as writer:
        writer.write_table(rows)
        for batch in dataset(opened).to_batches():
            stays = pc.call_function("invert", [among(batch[key], gone)])
            writer.write_table(pa.Table.from_batches([batch.filter(stays)]).cast(rows.schema))


def _overwrite(
    opened: deltalake.DeltaTable, rows: pa.Table | pa.RecordBatchReader, predicate: str | None
) -> None:
    deltalake.write_deltalake(
        opened,
        rows,
        mode="overwrite",
        predicate=predicate,
        commit_properties=_FIRST_OR_NOT,
        writer_properties=WRITING,
    )
