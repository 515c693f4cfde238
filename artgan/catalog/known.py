"""Which keys a table holds, without reading the same file twice.

A file of a Delta table never changes, so its keys are read once in a process. A commit then costs
what its own rows and the files that are new since cost, however large the table is.
"""

import deltalake
import pyarrow as pa
import pyarrow.compute as pc

from artgan.catalog.files import dataset

_MOST_TABLES = 32

_known: dict[str, dict[str, pa.ChunkedArray]] = {}


def present(opened: deltalake.DeltaTable, key: str, wanted: pa.Array) -> set[str]:
    """Return those of the wanted keys that a table holds.

    Args:
        opened: The table at the version to look at.
        key: Name of its key column.
        wanted: Keys, as text.
    """
    found: set[str] = set()
    for keys in _keys_by_file(opened, key).values():
        found.update(keys.filter(among(keys, wanted)).to_pylist())
    return found


def among(column: pa.ChunkedArray | pa.Array, values: pa.Array) -> pa.ChunkedArray | pa.Array:
    """Say for each value of a column whether it is among some values."""
    return pc.call_function("is_in", [column], pc.SetLookupOptions(values))


def _keys_by_file(opened: deltalake.DeltaTable, key: str) -> dict[str, pa.ChunkedArray]:
    before = _known.get(opened.table_uri, {})
    uris = opened.file_uris()
    keys = {uri: before[uri] for uri in uris if uri in before}
    if len(keys) < len(uris):
        names = {uri.rsplit("/", 1)[1]: uri for uri in uris if uri not in keys}
        for fragment in dataset(opened).get_fragments():
            uri = names.get(fragment.path.rsplit("/", 1)[-1])
            if uri is not None:
                # A merge writes text in a type of its own (string_view): made plain here.
                keys[uri] = fragment.to_table(columns=[key])[key].cast(pa.string())
    while len(_known) >= _MOST_TABLES and opened.table_uri not in _known:
        _known.pop(next(iter(_known)), None)
    _known[opened.table_uri] = keys
    return keys
