"""One published Parquet file, which readers may be in the middle of when the next one replaces it.

Most readers open a file twice: for its footer, then for its rows. A file replaced in between, even
in one step, gives the second look other bytes at the places that the first one learnt. So a
snapshot keeps the rows of the one before it where they were, as bytes that its own footer does not
mention: whoever read the earlier footer still finds the earlier rows. The snapshot after that
reuses the room; a file is two to three times as large as its rows.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from artgan.catalog.table_schema import description, unit

_ROW_GROUP = 65_536
_SORTING = {"memory_limit": "1GB", "TimeZone": "UTC"}
_MAGIC_BYTES = 4
_FOOTER_END_BYTES = 8
_ROOM = 1.25
_PIECE = 1 << 20


def write_snapshot(
    rows: ds.Dataset, key: str, version: int, path: Path, before: Path | None
) -> int:
    """Write rows in the order of their key; return how many.

    They are written a group at a time, since they may be more than memory holds. Each column's
    description and unit stand in the Arrow schema inside the file, and once more as JSON in its
    metadata, for readers that do not know Arrow.

    Args:
        rows: The table.
        key: Name of its key column.
        version: Catalog version, noted in the file.
        path: File to be written.
        before: The snapshot that it is going to replace, if any.
    """
    columns = {f.name: {"description": description(f), "unit": unit(f)} for f in rows.schema}
    schema = rows.schema.with_metadata(
        {"artgan.catalog_version": str(version), "artgan.columns": json.dumps(columns)}
    )
    kept = _rows_region(before) if before else range(0)
    if kept.start - _MAGIC_BYTES >= _ROOM * len(kept) > 0:
        count = _write_before(_sorted(rows, key, path.parent), schema, path, before, kept)
        if count is not None:
            return count
    return _write_behind(_sorted(rows, key, path.parent), schema, path, before, kept)


def _write_before(
    batches: Iterator[pa.Table], schema: pa.Schema, path: Path, before: Path | None, kept: range
) -> int | None:
    """Write new rows into the room in front of the earlier ones; None if it is too small."""
    count = 0
    with _writer(path, schema) as (sink, writer):
        for batch in batches:
            writer.write_table(batch.cast(schema), _ROW_GROUP)
            count += batch.num_rows
            if sink.tell() > kept.start:
                return None
        _keep(sink, before, kept)
    return count


def _write_behind(
    batches: Iterator[pa.Table], schema: pa.Schema, path: Path, before: Path | None, kept: range
) -> int:
    count = 0
    with _writer(path, schema) as (sink, writer):
        _keep(sink, before, kept)
        for batch in batches:
            writer.write_table(batch.cast(schema), _ROW_GROUP)
            count += batch.num_rows
    return count


@contextmanager
def _writer(path: Path, schema: pa.Schema) -> Iterator[tuple[pa.NativeFile, pq.ParquetWriter]]:
    with (
        pa.OSFile(str(path), "wb") as sink,
        pq.ParquetWriter(sink, schema, compression="zstd") as writer,
    ):
        yield sink, writer


def _sorted(rows: ds.Dataset, key: str, folder: Path) -> Iterator[pa.Table]:
    with duckdb.connect(config={"temp_directory": str(folder / "sorting")}) as connection:
        for name, value in _SORTING.items():
            connection.execute(f"set {name} = '{value}'")
        connection.register("snapshot", rows)
        ordered = connection.sql(f'from snapshot order by "{key}"')
        for batch in ordered.to_arrow_reader(_ROW_GROUP):
            yield pa.Table.from_batches([batch])


def _keep(sink: pa.NativeFile, before: Path | None, kept: range) -> None:
    """Copy a region of the earlier file to the same place."""
    if before is None or not len(kept):
        return
    for start in range(sink.tell(), kept.start, _PIECE):
        sink.write(bytes(min(_PIECE, kept.start - start)))
    with before.open("rb") as file:
        file.seek(kept.start)
        for start in range(kept.start, kept.stop, _PIECE):
            sink.write(file.read(min(_PIECE, kept.stop - start)))


def _rows_region(path: Path) -> range:
    """Return where a Parquet file's rows lie, as byte positions; empty if it is no such file."""
    try:
        footer = pq.read_metadata(path)
    except (OSError, pa.ArrowInvalid):
        return range(0)
    starts = [
        column.dictionary_page_offset or column.data_page_offset
        for group in range(footer.num_row_groups)
        for column in _columns(footer.row_group(group))
    ]
    end = path.stat().st_size - _FOOTER_END_BYTES - footer.serialized_size
    return range(min(starts), end) if starts else range(0)


def _columns(group: pq.RowGroupMetaData) -> list[pq.ColumnChunkMetaData]:
    return [group.column(number) for number in range(group.num_columns)]
