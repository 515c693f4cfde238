"""Catalog tables as Delta tables.

A commit appends the rows whose key is not there yet, so repeating it adds nothing. Of two writers
that commit at once, the one that comes second finds that the table moved, looks at it again and
tries once more. Only this package knows Delta.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import deltalake
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from artgan.catalog import commit, evolve, files, known, travel
from artgan.catalog.commit import Row
from artgan.catalog.read import matching
from artgan.catalog.schema import TABLES, Table
from artgan.errors import ArtganError
from artgan.storage import Store, check_conditional_put, open_store

_PATIENCE_S = 300.0
_LONGEST_WAIT_S = 8.0

T = TypeVar("T")

_turns: dict[str, threading.Lock] = {}
_opening = threading.Lock()
_ready: set[str] = set()


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

    def _open(self, table: Table, version: int | None = None) -> deltalake.DeltaTable | None:
        options = self.store.delta_options()
        try:
            return deltalake.DeltaTable(self.location(table), version, storage_options=options)
        except TableNotFoundError:
            return None

    def create(self) -> None:
        """Make the tables and columns that are not there yet.

        Raises:
            InvalidInputError: If a column is stored with another type.
        """
        for table in TABLES:
            self._retry(table, lambda opened, table=table: evolve.evolve(opened, table))

    def _opened(self, table: Table) -> deltalake.DeltaTable:
        opened = self._open(table)
        return opened or deltalake.DeltaTable.create(
            self.location(table),
            schema=table.schema,
            mode="ignore",
            name=table.name,
            description=table.description,
            configuration=evolve.CONFIGURATION,
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
        version: int | None = None,
    ) -> pa.Table:
        """Return rows as an Arrow table with this version's columns; empty if nothing is there.

        Args:
            table: The table.
            columns: Names of the columns to read; None means all that this version knows.
            where: Which rows; None means all.
            version: Read the table as it was at this version; None means now.

        Raises:
            MissingAssetError: If that version is not kept any more, or was never made.
        """
        names = table.schema.names if columns is None else list(columns)
        return matching(self.dataset(table, version), names, where)

    def rows(
        self,
        table: Table,
        columns: Sequence[str] | None = None,
        where: pc.Expression | None = None,
        version: int | None = None,
    ) -> list[dict[str, Any]]:
        """Return rows as dictionaries."""
        return self.read(table, columns, where, version).to_pylist()

    def dataset(self, table: Table, version: int | None = None) -> ds.Dataset:
        """Return a table as a lazily read Arrow dataset; version -1 is before there was a table.

        Columns of this version come first, then those that only the archive has.

        Raises:
            MissingAssetError: If the version is not kept any more, or was never made.
            InvalidInputError: If a column is stored with another type.
        """
        if version is None:
            return self.current(table)[1]
        if version < 0:
            return ds.dataset(table.schema.empty_table())
        opened = travel.open_version(self.store, table, version, lambda: self._open(table, version))
        return _dataset(opened, table)

    def current(self, table: Table) -> tuple[int, ds.Dataset]:
        """Return a table's present version, and its rows at that version."""
        opened = self._open(table)
        if opened is None:
            return -1, ds.dataset(table.schema.empty_table())
        return opened.version(), _dataset(opened, table)

    def version_at(self, table: Table, moment: datetime) -> int:
        """Return the version that was current at a moment; -1 if the table was not there yet.

        Raises:
            MissingAssetError: If the log does not reach back that far.
        """
        opened = self._open(table)
        return -1 if opened is None else travel.version_at(opened, table, moment)

    def append(self, table: Table, rows: Iterable[Row]) -> int:
        """Add the rows whose key is not in the table yet; return how many were added."""
        fresh = commit.distinct(commit.as_table(table, rows), table.key, keep="first")

        def attempt(opened: deltalake.DeltaTable) -> int:
            stored = evolve.evolve(opened, table)
            keys = fresh[table.key].combine_chunks()
            added = commit.without(fresh, table.key, known.present(opened, table.key, keys))
            if added.num_rows:
                commit.add(opened, evolve.conform(added, stored, table))
                commit.join_if_many(opened, table.key)
            return added.num_rows

        return self._retry(table, attempt) if fresh.num_rows else 0

    def replace(self, table: Table, rows: Iterable[Row]) -> int:
        """Add rows, replacing those with the same key; return how many were written.

        Of rows that share a key, the last counts. What a newer version of artgan keeps in columns
        that this one does not know stays.
        """
        fresh = commit.distinct(commit.as_table(table, rows), table.key, keep="last")

        def attempt(opened: deltalake.DeltaTable) -> int:
            stored = evolve.evolve(opened, table)
            written = self._with_unknown(opened, table, fresh, stored)
            commit.rewrite(opened, table.key, fresh[table.key].to_pylist(), written)
            commit.join_if_many(opened, table.key)
            return fresh.num_rows

        return self._retry(table, attempt) if fresh.num_rows else 0

    def _with_unknown(
        self, opened: deltalake.DeltaTable, table: Table, fresh: pa.Table, stored: pa.Schema
    ) -> pa.Table:
        """Give rows what the archive keeps for their keys in columns unknown to this version."""
        names = [field.name for field in evolve.unknown_fields(stored, table)]
        if names:
            same = pc.field(table.key).isin(fresh[table.key].combine_chunks())
            existing = matching(files.dataset(opened), [table.key, *names], same)
            fresh = evolve.carried_over(fresh, existing, table.key, names)
        return evolve.conform(fresh, stored, table)

    def remove(self, table: Table, keys: Iterable[str]) -> int:
        """Delete the rows with these keys; return how many there were.

        Earlier versions of the table still hold them until `vacuum`.
        """
        wanted = pa.array(sorted(set(keys)), pa.string())

        def attempt(opened: deltalake.DeltaTable) -> int:
            there = known.present(opened, table.key, wanted)
            if there:
                nothing = evolve.stored_schema(opened).empty_table()
                commit.rewrite(opened, table.key, sorted(there), nothing)
            return len(there)

        return self._retry(table, attempt) if len(wanted) else 0

    def _retry(self, table: Table, attempt: Callable[[deltalake.DeltaTable], T]) -> T:
        """Try a commit on the table as it is, again and again while others come first.

        Threads of this process take turns, which spares them failed attempts; what keeps writers
        apart is the commit itself.
        """
        until = time.monotonic() + _PATIENCE_S
        longest_s = 0.05
        while True:
            try:
                with _turns.setdefault(self.location(table), threading.Lock()):
                    return attempt(self._opened(table))
            except CommitFailedError as error:
                if time.monotonic() > until:
                    raise ArtganError(
                        f"{table.name} must accept a commit within {_PATIENCE_S:.0f} s, got none. "
                        "Other writers keep it busy; run the flow again."
                    ) from error
            time.sleep(random.uniform(0, longest_s))  # noqa: S311 (no secret)
            longest_s = min(2 * longest_s, _LONGEST_WAIT_S)

    def compact(self, table: Table, small_files: int = 16) -> None:
        """Join small files into large ones when there are more files than this."""

        def attempt(opened: deltalake.DeltaTable) -> None:
            if len(opened.file_uris()) > small_files:
                commit.join(opened, table.key)

        self._retry(table, attempt)

    def small_files(self, table: Table) -> list[int]:
        """Return the sizes, in bytes, of those of a table's files that are worth joining."""
        opened = self._open(table)
        sizes = [] if opened is None else files.sizes(opened)
        return [size for size in sizes if size < files.SMALL_FILE_BYTES]

    def vacuum(self, table: Table, keep_days: int, *, dry_run: bool) -> list[str]:
        """Remove files that no version of the last days needs, and return their names.

        Files that a killed writer left without a commit are among them, once they are that old.

        Args:
            table: The table.
            keep_days: Versions that were current within this many days stay readable; at least 7.
            dry_run: Only return the names.
        """
        opened = self._open(table)
        return [] if opened is None else files.vacuum(opened, keep_days, dry_run=dry_run)

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


def _dataset(opened: deltalake.DeltaTable, table: Table) -> ds.Dataset:
    stored = evolve.stored_schema(opened)
    evolve.check_types(stored, table)
    return files.dataset(opened).replace_schema(evolve.full_schema(stored, table))


def open_catalog(root: str) -> Catalog:
    """Open an archive root; make the tables and columns that are not there.

    Raises:
        InvalidInputError: If the root cannot be reached, its store loses simultaneous writes, or
            its tables do not fit this version.
    """
    store = open_store(root)
    catalog = Catalog(store)
    # Once in a process: every task opens the archive, and looking at each table takes its time.
    with _opening:
        if store.root not in _ready or catalog.version(TABLES[-1]) < 0:
            check_conditional_put(store)
            catalog.create()
            _ready.add(store.root)
    return catalog
