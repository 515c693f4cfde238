"""Catalog tables as Delta tables; the only file that knows the Delta engine.

A commit appends the rows whose key is not there yet, so repeating it adds nothing. Two writers
that commit at once are kept apart by a transaction mark: the one that comes second finds that
the table moved, reads the keys again and tries once more.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import deltalake
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from artgan.catalog.schema import TABLES, Table
from artgan.errors import ArtganError
from artgan.storage import Store, check_conditional_put, open_store

_WRITER = "artgan"
_ATTEMPTS = 20
_WRITING = deltalake.WriterProperties(compression="ZSTD")
# A tenth of what the engine makes of them.
_SMALL_FILE_BYTES = 10_000_000

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Catalog:
    """The tables under ``<root>/catalog``.

    Attributes:
        store: The archive root.
    """

    store: Store

    def location(self, table: Table) -> str:
        """Address of a table's folder."""
        return self.store.uri(f"catalog/{table.name}")

    def _open(self, table: Table) -> deltalake.DeltaTable | None:
        try:
            return deltalake.DeltaTable(
                self.location(table), storage_options=self.store.delta_options()
            )
        except TableNotFoundError:
            return None

    def create(self) -> None:
        """Make the tables that are not there yet."""
        for table in TABLES:
            if self._open(table) is None:
                deltalake.DeltaTable.create(
                    self.location(table),
                    schema=table.schema,
                    mode="ignore",
                    name=table.name,
                    description=table.description,
                    storage_options=self.store.delta_options(),
                )

    def version(self, table: Table) -> int:
        """Return the number of the last commit; -1 for a table that is not there."""
        opened = self._open(table)
        return -1 if opened is None else opened.version()

    def read(
        self,
        table: Table,
        columns: Sequence[str] | None = None,
        where: pc.Expression | None = None,
    ) -> pa.Table:
        """Return rows as an Arrow table in the table's own schema; empty if nothing is there."""
        opened = self._open(table)
        if opened is None:
            return _select(table.schema.empty_table(), columns)
        dataset = opened.to_pyarrow_dataset()
        names = dataset.schema.names if columns is None else list(columns)
        try:
            found = dataset.to_table(columns=names, filter=where)
        except pa.ArrowNotImplementedError:
            found = _filter_late(dataset, names, where)
        return found.cast(_select(table.schema.empty_table(), columns).schema)

    def rows(
        self,
        table: Table,
        columns: Sequence[str] | None = None,
        where: pc.Expression | None = None,
    ) -> list[dict[str, Any]]:
        """Return rows as dictionaries."""
        return self.read(table, columns, where).to_pylist()

    def dataset(self, table: Table) -> ds.Dataset:
        """Return a table as a lazily read Arrow dataset."""
        opened = self._open(table)
        if opened is None:
            return ds.dataset(table.schema.empty_table())
        return opened.to_pyarrow_dataset()

    def append(self, table: Table, rows: Iterable[Row]) -> int:
        """Add the rows whose key is not in the table yet; return how many were added."""
        fresh = pa.Table.from_pylist([dict(row) for row in rows], schema=table.schema)
        for attempt in range(_ATTEMPTS):
            opened = self._open(table)
            if opened is None:
                self.create()
                continue
            added = _without(fresh, table.key, self._keys(opened, table))
            if added.num_rows == 0:
                return 0
            try:
                _commit(opened, added)
            except CommitFailedError:
                time.sleep(0.05 * (attempt + 1))
                continue
            return added.num_rows
        raise _too_busy(table)

    def replace(self, table: Table, rows: Iterable[Row]) -> int:
        """Add rows, replacing those with the same key; return how many rows were given."""
        fresh = pa.Table.from_pylist([dict(row) for row in rows], schema=table.schema)
        if fresh.num_rows == 0:
            return 0
        self.create()
        opened = self._open(table)
        assert opened is not None
        (
            opened.merge(
                fresh,
                predicate=f"target.{table.key} = source.{table.key}",
                source_alias="source",
                target_alias="target",
            )
            .when_matched_update_all()
            .when_not_matched_insert_all()
            .execute()
        )
        return fresh.num_rows

    def remove(self, table: Table, keys: Iterable[str]) -> int:
        """Delete the rows with these keys; return how many there were.

        Earlier versions of the table still hold them until `vacuum`.
        """
        wanted = sorted(set(keys))
        for attempt in range(_ATTEMPTS):
            opened = self._open(table)
            if opened is None or not wanted:
                return 0
            # Keys are hashes and names of ours, yet a quote in one must not end the text.
            listed = ", ".join("'" + one.replace("'", "''") + "'" for one in wanted)
            try:
                done = opened.delete(f"{table.key} in ({listed})", writer_properties=_WRITING)
            except CommitFailedError:
                time.sleep(0.05 * (attempt + 1))
                continue
            return int(done["num_deleted_rows"] or 0)
        raise _too_busy(table)

    def compact(self, table: Table, small_files: int = 64) -> None:
        """Join small files into large ones when there are many of them."""
        for attempt in range(_ATTEMPTS):
            opened = self._open(table)
            if opened is None or len(opened.file_uris()) <= small_files:
                return
            try:
                opened.optimize.compact(writer_properties=_WRITING)
            except CommitFailedError:
                time.sleep(0.05 * (attempt + 1))
                continue
            return

    def small_files(self, table: Table) -> list[int]:
        """Return the sizes, in bytes, of those of a table's files that are worth joining."""
        opened = self._open(table)
        if opened is None:
            return []
        sizes = pa.table(opened.get_add_actions())["size_bytes"].to_pylist()
        return [size for size in sizes if size < _SMALL_FILE_BYTES]

    def vacuum(self, table: Table, keep_days: int, *, dry_run: bool) -> list[str]:
        """Remove files that no version of the last days needs, and return their names.

        Files that a killed writer left without a commit are among them, once they are that old.

        Args:
            table: The table.
            keep_days: Versions that were current within this many days stay readable; at least 7.
            dry_run: Only return the names.
        """
        opened = self._open(table)
        if opened is None:
            return []
        # A checkpoint forgets after a week which files the versions before it needed, so the
        # versions to keep are named.
        keep = _replaced_versions(opened, keep_days)
        found = opened.vacuum(24 * keep_days, dry_run=True, full=True, keep_versions=keep)
        if found and not dry_run:
            opened.vacuum(24 * keep_days, dry_run=False, full=True, keep_versions=keep)
        return sorted(found)

    def commits_to_replay(self, table: Table) -> int:
        """Return how many commits a reader of the table must read after its last checkpoint."""
        version = self.version(table)
        pointer = f"catalog/{table.name}/_delta_log/_last_checkpoint"
        if not self.store.exists(pointer):
            return version + 1
        return version - json.loads(self.store.read(pointer))["version"]

    def checkpoint(self, table: Table) -> None:
        """Sum up a table's log in one file, so that readers need not read every commit."""
        opened = self._open(table)
        if opened is not None:
            opened.create_checkpoint()

    def _keys(self, opened: deltalake.DeltaTable, table: Table) -> pa.ChunkedArray:
        return opened.to_pyarrow_dataset().to_table(columns=[table.key])[table.key]


def _too_busy(table: Table) -> ArtganError:
    return ArtganError(
        f"{table.name} must accept a commit within {_ATTEMPTS} attempts, got none. "
        "Other writers keep it busy; run the flow again."
    )


def _commit(opened: deltalake.DeltaTable, added: pa.Table) -> None:
    mark = deltalake.Transaction(_WRITER, opened.version() + 1)
    deltalake.write_deltalake(
        opened,
        added,
        mode="append",
        commit_properties=deltalake.CommitProperties(app_transactions=[mark]),
        writer_properties=_WRITING,
    )


def _replaced_versions(opened: deltalake.DeltaTable, keep_days: int) -> list[int]:
    """Return versions that together need every file removed from the table in the last days."""
    since_ms = (time.time() - keep_days * 86400) * 1000
    commits = opened.history()
    oldest = min(commit["version"] for commit in commits)
    return [
        commit["version"] - 1
        for commit in commits
        if commit["version"] > oldest
        and commit.get("timestamp", since_ms) >= since_ms
        and not _only_adds(commit)
    ]


def _only_adds(commit: dict[str, Any]) -> bool:
    if commit.get("operation") == "WRITE":
        return commit.get("operationParameters", {}).get("mode") == "Append"
    return commit.get("operation") in {"CREATE TABLE", "VACUUM START", "VACUUM END"}


def _filter_late(dataset: ds.Dataset, names: list[str], where: pc.Expression | None) -> pa.Table:
    """Read everything and filter then: files that a merge wrote hold text in a type of its own.

    Arrow 26 cannot compare it (``string_view``) while it reads; compaction writes it plainly.
    """
    found = [dataset.schema.empty_table().select(names)]
    for batch in dataset.to_batches():
        rows = pa.Table.from_batches([batch])
        found.append((rows if where is None else rows.filter(where)).select(names))
    return pa.concat_tables(found)


def _select(table: pa.Table, columns: Sequence[str] | None) -> pa.Table:
    return table if columns is None else table.select(list(columns))


def _without(fresh: pa.Table, key: str, known: pa.ChunkedArray) -> pa.Table:
    """Drop rows with a known key, and all but the first of rows that share a key."""
    seen = set(known.to_pylist())
    first = []
    for value in fresh[key].to_pylist():
        first.append(value not in seen)
        seen.add(value)
    return fresh.filter(pa.array(first, pa.bool_()))


def open_catalog(root: str) -> Catalog:
    """Open an archive root and make its tables if they are not there.

    Raises:
        InvalidInputError: If the root cannot be reached, or its store loses simultaneous writes.
    """
    store = open_store(root)
    catalog = Catalog(store)
    if catalog.version(TABLES[-1]) < 0:
        check_conditional_put(store)
        catalog.create()
    return catalog
