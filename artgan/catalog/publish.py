"""Plain Parquet snapshots of the catalog, for readers that only glob files."""

import hashlib
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from artgan.catalog.dictionary import description, unit
from artgan.catalog.schema import TABLES, Table
from artgan.catalog.snapshot import write_snapshot
from artgan.catalog.table import Catalog
from artgan.keys import digest

_FRICTIONLESS = {
    "string": "string",
    "int16": "integer",
    "int32": "integer",
    "int64": "integer",
    "float": "number",
    "double": "number",
    "bool": "boolean",
    "list<item: string>": "array",
    "timestamp[us, tz=UTC]": "datetime",
}


def publish(catalog: Catalog) -> dict[str, int]:
    """Replace every published snapshot by the table's present state.

    Each table is one file, written in one step, so a reader sees the old or the new state and
    never both, even if it opens the file twice (see `artgan.catalog.snapshot`). A snapshot that
    already holds the table's version is left as it is. Columns that a newer version of artgan
    added are published with the others.

    Returns:
        Rows of each table that was written anew.
    """
    written: dict[str, int] = {}
    schemas: dict[str, pa.Schema] = {}
    resources = []
    for table in TABLES:
        version, rows = catalog.current(table)
        schemas[table.name] = rows.schema
        stamp = f"published/{table.name}/_version.json"
        facts = _published(catalog, stamp)
        wanted = {"version": version, "columns": _columns_digest(rows.schema)}
        if not catalog.store.exists(_key(table)) or _is_outdated(facts, wanted):
            facts = wanted | _put(catalog, table, rows, version)
            catalog.store.write(stamp, json.dumps(facts).encode())
            written[table.name] = facts["rows"]
        resources.append(_resource(table, rows.schema, facts))
    if written:
        catalog.store.write("published/datapackage.json", _datapackage(resources))
        catalog.store.write("published/views.sql", views_sql(schemas).encode())
    return written


def _key(table: Table) -> str:
    return f"published/{table.name}/{table.name}.parquet"


def _published(catalog: Catalog, stamp: str) -> dict[str, Any]:
    return json.loads(catalog.store.read(stamp)) if catalog.store.exists(stamp) else {}


def _is_outdated(facts: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether a snapshot must be written; not if a later version was published meanwhile."""
    version = facts.get("version", -1)
    return version <= wanted["version"] and facts | wanted != facts


def _columns_digest(schema: pa.Schema) -> str:
    return digest(
        [(field.name, str(field.type), description(field), unit(field)) for field in schema]
    )


def _put(catalog: Catalog, table: Table, rows: ds.Dataset, version: int) -> dict[str, Any]:
    """Write a table to a file of this machine, then put it in place whole."""
    with tempfile.TemporaryDirectory(prefix="artgan-") as folder, ExitStack() as stack:
        path = Path(folder) / f"{table.name}.parquet"
        before = None
        if catalog.store.exists(_key(table)):
            before = stack.enter_context(catalog.store.local(_key(table)))
        count = write_snapshot(rows, table.key, version, path, before)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        catalog.store.put(_key(table), path)
    return {"rows": count, "sha256": sha256}


def _resource(table: Table, schema: pa.Schema, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": table.name,
        "path": f"{table.name}/{table.name}.parquet",
        "format": "parquet",
        "description": table.description,
        "hash": f"sha256:{facts['sha256']}",
        "rows": facts["rows"],
        "schema": {"primaryKey": table.key, "fields": [_field(field) for field in schema]},
        "examples": [{"question": question, "sql": sql} for question, sql in table.examples],
    }


def _field(field: pa.Field) -> dict[str, Any]:
    facts = {
        "name": field.name,
        "type": "list"
        if pa.types.is_list(field.type)
        else _FRICTIONLESS.get(str(field.type), "any"),
        "description": description(field),
        "constraints": {"required": not field.nullable},
    }
    return facts | ({"unit": unit(field)} if unit(field) else {})


def _datapackage(resources: list[dict[str, Any]]) -> bytes:
    package = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "artgan-archive",
        "resources": resources,
    }
    return json.dumps(package, indent=2).encode()


def views_sql(schemas: dict[str, pa.Schema]) -> str:
    """Return SQL that makes one commented view for each table, for DuckDB.

    To be run in the ``published`` folder: ``duckdb -init views.sql``.
    """
    lines = ["-- Run in the folder that holds this file: duckdb -init views.sql"]
    for table in TABLES:
        source = f"{table.name}/{table.name}.parquet"
        lines.append(f"CREATE OR REPLACE VIEW {table.name} AS FROM read_parquet('{source}');")
        lines.append(f"COMMENT ON VIEW {table.name} IS '{_quoted(table.description)}';")
        lines.extend(
            f"COMMENT ON COLUMN {table.name}.{field.name} IS '{_quoted(_meaning(field))}';"
            for field in schemas[table.name]
        )
    return "\n".join(lines) + "\n"


def _meaning(field: pa.Field) -> str:
    return description(field) + (f" Unit: {unit(field)}." if unit(field) else "")


def _quoted(text: str) -> str:
    return text.replace("'", "''")
