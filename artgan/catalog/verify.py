"""Whether published tables are what their Data Package says: bytes, rows, columns and values.

Nothing of the archive but the published folder is needed, so a copy can be checked where it is.
Other validators are no substitute: frictionless 5.21 takes a Parquet file whose digest is wrong,
and refuses one with an empty number, which its reader makes NaN.
"""

import hashlib
import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from artgan.catalog.publish import CROISSANT, DATAPACKAGE, DICTIONARY, VIEWS_SQL
from artgan.catalog.table_schema import Descriptor, table_schema
from artgan.errors import MissingAssetError
from artgan.storage import Store


@dataclass(frozen=True)
class Verdict:
    """What was found of a published file.

    Attributes:
        path: Its path within the folder.
        rows: Rows of a sound table; None for anything else.
        problems: What is wrong, a sentence each; none if all is well.
    """

    path: str
    rows: int | None
    problems: list[str]


def verify(store: Store) -> list[Verdict]:
    """Check every table of a published folder, and whether the files beside them are there.

    Args:
        store: The folder.

    Raises:
        MissingAssetError: If it holds no package.
    """
    if not store.exists(DATAPACKAGE):
        raise MissingAssetError(
            f"folder must hold {DATAPACKAGE}, got none in {store.root!r}. Name the folder that "
            "`artgan publish` writes, ROOT/published, or a copy of it."
        )
    package = json.loads(store.read(DATAPACKAGE))
    with ExitStack() as stack:
        connection = stack.enter_context(duckdb.connect())
        verdicts = {}
        for table in package["resources"]:
            verdicts[table["name"]] = _check(store, table, connection, stack)
        sound = {name for name, verdict in verdicts.items() if verdict.rows is not None}
        for table in package["resources"]:
            if table["name"] in sound:
                problems = _rows_without(table, sound, connection)
                verdicts[table["name"]].problems.extend(problems)
    beside = [
        Verdict(name, None, [] if store.exists(name) else [f"{name} must be there, got nothing."])
        for name in (VIEWS_SQL, CROISSANT, DICTIONARY)
    ]
    return [*verdicts.values(), *beside]


# DuckDB's types are named as text below: Prefect holds on to tasks, and so to the functions they
# call, until after DuckDB is unloaded, which then complains of its leaked types.
def _check(
    store: Store, table: Descriptor, connection: "duckdb.DuckDBPyConnection", stack: ExitStack
) -> Verdict:
    """Check a table by itself; one whose bytes are right becomes a view."""
    path, expected = table["path"], table["hash"].removeprefix("sha256:")
    if not store.exists(path):
        return Verdict(path, None, [f"{path} must be there, got nothing."])
    file = stack.enter_context(store.local(path))
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != expected:
        said = f"{path} must have the sha256 {expected[:12]}…, got {found[:12]}…."
        return Verdict(path, None, [said])
    rows, problems = _check_shape(table, file)
    if not problems:
        name, place = table["name"], str(file).replace("'", "''")
        connection.execute(f"create view {name} as from read_parquet('{place}')")
        problems = _broken_rules(table, connection)
    return Verdict(path, rows, problems)


def _check_shape(table: Descriptor, file: Path) -> tuple[int | None, list[str]]:
    """Compare rows and columns; return the rows unless something differs."""
    try:
        rows, columns = pq.read_metadata(file).num_rows, pq.read_schema(file)
    except pa.ArrowInvalid as error:
        return None, [f"{table['path']} must be Parquet, got {error}."]
    problems = []
    if rows != table["rows"]:
        problems.append(f"{table['path']} must have {table['rows']} rows, got {rows}.")
    wanted, found = (_names(one) for one in (table["schema"], table_schema(columns)))
    if wanted != found:
        differing = sorted({name for name, _ in wanted ^ found})
        problems.append(
            f"{table['path']} must have the columns of the package, got others: "
            f"{', '.join(differing)}."
        )
    return (None if problems else rows), problems


def _names(schema: Descriptor) -> set[tuple[str, str]]:
    return {(field["name"], field["arrowType"]) for field in schema["fields"]}


def _broken_rules(table: Descriptor, connection: "duckdb.DuckDBPyConnection") -> list[str]:
    """Return a sentence for each rule that some rows of a table break."""
    rules = [rule for field in table["schema"]["fields"] for rule in _rules(field)]
    (key,) = table["schema"]["primaryKey"]
    counts = [f"count(*) filter (where {broken})" for _, broken in rules]
    counts.append(f'count("{key}") - count(distinct "{key}")')
    statement = f"select {', '.join(counts)} from {table['name']}"  # noqa: S608
    row = connection.execute(statement).fetchone()
    assert row is not None
    said = [*(words for words, _ in rules), f"{key} must name each row once"]
    return [
        f"{table['name']}.{words}, got {count} rows where it is not so."
        for words, count in zip(said, row, strict=True)
        if count
    ]


def _rules(field: Descriptor) -> list[tuple[str, str]]:
    """Return each constraint of a column as words, and as SQL that is true where it is broken."""
    column, name = f'"{field["name"]}"', field["name"]
    rules = []
    for constraint, value in field.get("constraints", {}).items():
        match constraint:
            case "required":
                rules.append((f"{name} must not be empty", f"{column} is null"))
            case "minimum":
                rules.append((f"{name} must be at least {value}", f"{column} < {value}"))
            case "maximum":
                rules.append((f"{name} must be at most {value}", f"{column} > {value}"))
            case "enum":
                listed = ", ".join(f"'{one}'" for one in value)
                words = f"{name} must be one of {', '.join(value)}"
                rules.append((words, f"{column} not in ({listed})"))
            case "pattern":
                broken = f"not regexp_full_match({column}, '{value}')"
                rules.append((f"{name} must match {value}", broken))
    return rules


def _rows_without(
    table: Descriptor, sound: set[str], connection: "duckdb.DuckDBPyConnection"
) -> list[str]:
    """Return a sentence for each column with values that the table they refer to has not got."""
    problems = []
    for key in table["schema"].get("foreignKeys", ()):
        (column,), reference = key["fields"], key["reference"]
        other, (target,) = reference["resource"], reference["fields"]
        if other not in sound:
            continue
        found = connection.execute(
            f'select count(*) from {table["name"]} where "{column}" is not null '  # noqa: S608
            f'and "{column}" not in (select "{target}" from {other})'
        ).fetchone()
        if found and found[0]:
            problems.append(
                f"{table['name']}.{column} must name rows of {other}, got {found[0]} rows where it "
                "does not."
            )
    return problems
