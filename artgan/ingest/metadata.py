"""Delivered metadata: tables of any museum's making, joined to scans by name."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, Literal

from artgan.errors import InvalidInputError, MissingAssetError
from artgan.ingest.mapping import FieldMapping, check_columns, fits, lay_over, parse_mapping
from artgan.ingest.names import loose_name, names_of, row_name, written_name
from artgan.ingest.rows import Row, Table
from artgan.ingest.sources import Sources, find_sources
from artgan.ingest.tables import Delivered, parse_table
from artgan.storage import Entry, Store

METADATA_UNREADABLE = "metadata_unreadable"
Reason = Literal["no_scan", "repeated", "names_nothing"]


@dataclass(frozen=True)
class Problem:
    """A table or mapping that cannot be used, or not whole.

    Attributes:
        entry: The file.
        message: What is wrong with it, in a sentence.
        content_sha256: sha256 of its bytes; None if they cannot be had.
        is_table: Whether it is a table.
        is_read: Whether its rows are used all the same.
    """

    entry: Entry
    message: str
    content_sha256: str | None
    is_table: bool = True
    is_read: bool = False


@dataclass(frozen=True, repr=False)  # a row knows its table, so that text would be endless
class Metadata:
    """The metadata rows that may belong to the scans of one collection.

    Attributes:
        by_name: Row by the name of its scan: path within the collection, file name, or either
            without its ending where the table leaves endings out.
        by_loose_name: Row by a name without its ending, separators, accents and leading zeros, for
            scans whose exact name is in no row; None where several rows share it.
        expected: Rows that must have a scan in this collection.
        repeated: Rows whose names all belong to earlier rows.
        patterns: What else in the name of a scan may be its name in a table.
        problems: Tables and mappings that cannot be used, or not whole.
        is_usable: Whether tables could be read as their mapping says.
    """

    by_name: dict[str, Row] = field(default_factory=dict)
    by_loose_name: dict[str, Row | None] = field(default_factory=dict)
    expected: list[Row] = field(default_factory=list)
    repeated: set[Row] = field(default_factory=set)
    patterns: tuple[re.Pattern[str], ...] = ()
    problems: list[Problem] = field(default_factory=list)
    is_usable: bool = True

    def row_of(self, source_path: str) -> Row | None:
        """Return the row that describes a scan, or None where no row names it.

        Args:
            source_path: Path of the scan within the inbox.
        """
        names = names_of(source_path, self.patterns)
        for name in names.exact:
            if name in self.by_name:
                return self.by_name[name]
        return next((row for name in names.loose() if (row := self.by_loose_name.get(name))), None)

    def fields_of(self, source_path: str) -> dict[str, Any] | None:
        """Return the metadata columns of a scan, or None where no row names it."""
        row = self.row_of(source_path)
        return None if row is None else row.fields()

    def leftovers(self, source_paths: Iterable[str]) -> Iterator[tuple[Row, Reason]]:
        """Yield the rows that must have a scan here and describe none, with the reason why."""
        joined = {self.row_of(path) for path in source_paths}
        for row in self.expected:
            if row in joined:
                continue
            if not row.names:
                yield row, "names_nothing"
            else:
                yield row, "repeated" if row in self.repeated else "no_scan"


def read_metadata(inbox: Store, collection: str) -> Metadata:
    """Read what the inbox says about a collection's works.

    ``<collection>/metadata.csv`` (or ``.json``, ``.jsonl``) comes first, then the tables at the top
    of the inbox; the first row that names a scan counts. A row names its scan in a column such as
    ``file``, with or without folder and ending; a table without such a column is joined by the
    accession number, which the scan's name without ending must then equal. Case and Unicode form
    do not matter; a name that is in no row is tried once more without separators and leading
    zeros, where that leaves no doubt.

    Args:
        inbox: The inbox.
        collection: Name of the collection, or empty for the rows at the top that belong to none.
    """
    return build_metadata(inbox, find_sources(inbox, collection))


def build_metadata(inbox: Store, sources: Sources) -> Metadata:
    """Read the tables that were found for a collection."""
    read = {entry.key: _read(inbox, entry.key, entry.version) for entry in sources.tables}
    tables = [delivered for delivered, _ in read.values() if delivered.headings]
    problems: list[Problem] = []
    try:
        mapping = _read_mapping(inbox, sources, tables)
    except InvalidInputError as error:
        assert sources.mapping is not None
        digest = hashlib.sha256(inbox.read(sources.mapping.key)).hexdigest()
        return Metadata(
            problems=[Problem(sources.mapping, str(error), digest, is_table=False)], is_usable=False
        )
    laid = [_laid_over(one, tables, mapping, sources) for one in tables]
    needed = {other for table in laid for other in table.columns.mapping.links.values()}
    for table in laid:
        path = table.delivered.path
        entry = next(one for one in sources.tables if one.key == path)
        if message := _problem(table, needed):
            problems.append(Problem(entry, message, read[path][1], is_read=True))
    problems += [
        Problem(entry, read[entry.key][0].problem or "", read[entry.key][1])
        for entry in sources.tables
        if not read[entry.key][0].headings
    ]
    return _index(laid, sources, problems)


def forget_tables() -> None:
    """Free the memory of the tables that were read last."""
    _read.cache_clear()


@lru_cache(maxsize=8)
def _read(inbox: Store, path: str, version: str) -> tuple[Delivered, str | None]:  # noqa: ARG001
    """Read a table once for all collections of a run, with the sha256 of its bytes."""
    try:
        content = inbox.read(path)
    except (OSError, MissingAssetError) as error:
        problem = f"{path} must be readable, got {' '.join(str(error).split())} Deliver it again."
        return Delivered(path, problem=problem), None
    return parse_table(path, content), hashlib.sha256(content).hexdigest()


def _read_mapping(
    inbox: Store, sources: Sources, tables: Sequence[Delivered]
) -> FieldMapping | None:
    if sources.mapping is None:
        return None
    mapping = parse_mapping(sources.mapping.key, inbox.read(sources.mapping.key))
    headings = {table.path: table.headings for table in tables}
    # One at the top is for several collections, and need not fit the tables of each.
    is_meant = "/" in sources.mapping.key or fits(mapping, headings.values())
    if headings and is_meant:
        check_columns(mapping, headings)
    return mapping


def _laid_over(
    delivered: Delivered,
    tables: Sequence[Delivered],
    mapping: FieldMapping | None,
    sources: Sources,
) -> Table:
    columns = lay_over(mapping, delivered.headings)
    n_own = len(delivered.headings)
    for own, other in columns.mapping.links.items():
        target = next(
            (one for one in tables if one is not delivered and other in one.headings), None
        )
        if target is not None and own in delivered.headings:
            delivered = _linked(delivered, own, target, other)
    if len(delivered.headings) > n_own:
        columns = lay_over(mapping, delivered.headings, columns.mapping)
    return Table(delivered, columns, n_own, sources.is_own(delivered.path))


def _linked(delivered: Delivered, own: str, target: Delivered, other: str) -> Delivered:
    """Put the cells of a linked table's rows behind those of a table."""
    at, key = list(delivered.headings).index(own), list(target.headings).index(other)
    behind: dict[str, tuple[str, ...]] = {}
    for cells in target.rows:
        behind.setdefault(cells[key], cells)
    stem = PurePosixPath(target.path).stem
    taken = set(delivered.headings)
    headings = [f"{stem}.{name}" if name in taken else name for name in target.headings]
    empty = ("",) * len(headings)
    rows = [(*cells, *behind.get(cells[at], empty)) for cells in delivered.rows]
    return replace(delivered, headings=(*delivered.headings, *headings), rows=rows)


def _problem(table: Table, needed: set[str]) -> str:
    """What is wrong with a table that has headings; empty if nothing is."""
    delivered = table.delivered
    said = [delivered.problem] if delivered.problem else []
    is_other = table.columns.mapping.is_lookup or needed & set(delivered.headings)
    if not table.columns.can_name and not is_other:
        said.append(
            f"{delivered.path} must have a column that names scans, got "
            f"{', '.join(delivered.headings[:12])}. Name it 'file', or say in mapping.yaml which "
            "it is."
        )
    return " ".join(said)


def _index(tables: Sequence[Table], sources: Sources, problems: list[Problem]) -> Metadata:
    patterns = {table.columns.mapping.scan_name for table in tables} - {None}
    metadata = Metadata(
        patterns=tuple(sorted((one for one in patterns if one), key=lambda one: one.pattern)),
        problems=problems,
    )
    for table in sorted(tables, key=lambda one: (not one.is_own, one.delivered.path)):
        is_whole = table.is_own or not table.columns.mapping.is_lookup
        if table.columns.can_name:
            for number in range(len(table.delivered.rows)):
                _add(metadata, Row(table, number), sources, is_expected=is_whole)
    for name, row in metadata.by_name.items():
        loose = loose_name(name)
        if not loose:
            continue
        other = metadata.by_loose_name.setdefault(loose, row)
        if other is not row:
            metadata.by_loose_name[loose] = None
    return metadata


def _add(metadata: Metadata, row: Row, sources: Sources, *, is_expected: bool) -> None:
    stated = written_name(row.table.columns.cell(row.cells, "collection") or "")
    names = [row_name(name) for name in row.names]
    first = next((name.split("/")[0] for name in names if "/" in name), "")
    owner = next((one for one in (stated, first) if one in sources.folders), None)
    is_here = row.table.is_own or owner == sources.folder or (not sources.folder and not owner)
    if owner not in (None, sources.folder) and not row.table.is_own:
        return
    if is_here and is_expected:
        metadata.expected.append(row)
    inside = [name.removeprefix(f"{sources.folder}/") for name in names if name]
    owners = {metadata.by_name.setdefault(name, row) for name in inside}
    if owners and row not in owners:
        metadata.repeated.add(row)
