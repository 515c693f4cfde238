"""Rows of a dataset, as few bytes read for them as the files allow."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

_FEW_COLUMNS = 8  # so many are read sooner than looked through twice


def filled(column: str, default: object) -> pc.Expression:
    """Return a column with a value in the place of nulls, for a condition.

    A condition ``is_null`` finds nothing in files that are older than the column: to their
    statistics, which Delta hands to Arrow, such a column is never null.
    """
    # pyright's stubs of Arrow do not know of coalesce
    return pc.coalesce(pc.field(column), pc.scalar(default))  # pyright: ignore[reportAttributeAccessIssue]


def matching(dataset: ds.Dataset, names: Sequence[str], where: pc.Expression | None) -> pa.Table:
    """Return rows that match, with the named columns in the dataset's own types."""
    schema = pa.schema([dataset.schema.field(name) for name in names])
    if where is None:
        return dataset.to_table(columns=list(names)).cast(schema)
    try:
        parts = _narrowed(dataset, where) if len(names) > _FEW_COLUMNS else dataset
        found = parts.to_table(columns=list(names), filter=where)
    except pa.ArrowNotImplementedError:
        found = _filter_late(dataset, names, where)
    return found.cast(schema)


def _narrowed(dataset: ds.Dataset, where: pc.Expression) -> ds.Dataset:
    """Leave out the groups of rows in which nothing matches.

    Finding that out reads only the columns of the condition; Arrow by itself reads all of them.
    """
    if not isinstance(dataset, ds.FileSystemDataset):
        return dataset
    groups = [
        group
        for fragment in dataset.get_fragments(filter=where)
        for group in fragment.split_by_row_group(filter=where, schema=dataset.schema)
        if group.scanner(schema=dataset.schema, columns=[], filter=where).count_rows()
    ]
    if not groups:
        return ds.dataset(dataset.schema.empty_table())
    return ds.FileSystemDataset(groups, dataset.schema, dataset.format, dataset.filesystem)


def _filter_late(dataset: ds.Dataset, names: Sequence[str], where: pc.Expression) -> pa.Table:
    """Read everything and filter then: files that a Delta merge wrote hold ``string_view``.

    Arrow 26 cannot compare it while it reads. Archives of artgan's first versions have such files;
    compaction writes them plainly.
    """
    found = [dataset.schema.empty_table().select(names)]
    found += [
        pa.Table.from_batches([batch]).filter(where).select(names) for batch in dataset.to_batches()
    ]
    return pa.concat_tables(found)
