"""Plain Parquet snapshots of the catalog, for readers that only glob files."""

import hashlib
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from artgan.catalog.schema import TABLES, Table
from artgan.catalog.table import Catalog

_FRICTIONLESS = {
    "string": "string",
    "int16": "integer",
    "int32": "integer",
    "int64": "integer",
    "double": "number",
    "bool": "boolean",
    "timestamp[us, tz=UTC]": "datetime",
}


def publish(catalog: Catalog) -> dict[str, int]:
    """Replace every published snapshot by the table's present state.

    Each table is one file, written in one step, so a reader sees the old or the new state and
    never both. A snapshot that already holds the table's version is left as it is.

    Returns:
        Rows of each table that was written anew.
    """
    written: dict[str, int] = {}
    resources = []
    for table in TABLES:
        version = catalog.version(table)
        key = f"published/{table.name}/{table.name}.parquet"
        stamp = f"published/{table.name}/_version.json"
        facts = _published(catalog, stamp)
        if facts.get("version") != version or not catalog.store.exists(key):
            rows = catalog.read(table).sort_by(table.key)
            content = _parquet(rows, version)
            facts = {
                "version": version,
                "rows": rows.num_rows,
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            catalog.store.write(key, content)
            catalog.store.write(stamp, json.dumps(facts).encode())
            written[table.name] = rows.num_rows
        resources.append(_resource(table, facts))
    if written:
        catalog.store.write("published/datapackage.json", _datapackage(resources))
        catalog.store.write("published/views.sql", views_sql().encode())
    return written


def _published(catalog: Catalog, stamp: str) -> dict[str, Any]:
    return json.loads(catalog.store.read(stamp)) if catalog.store.exists(stamp) else {}


def _parquet(rows: pa.Table, version: int) -> bytes:
    buffer = io.BytesIO()
    rows = rows.replace_schema_metadata({"artgan.catalog_version": str(version)})
    pq.write_table(rows, buffer, compression="zstd")
    return buffer.getvalue()


def _resource(table: Table, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": table.name,
        "path": f"{table.name}/{table.name}.parquet",
        "format": "parquet",
        "description": table.description,
        "hash": f"sha256:{facts['sha256']}",
        "rows": facts["rows"],
        "schema": {
            "primaryKey": table.key,
            "fields": [
                {
                    "name": field.name,
                    "type": _FRICTIONLESS[str(field.type)],
                    "description": description(field),
                    "constraints": {"required": not field.nullable},
                }
                for field in table.schema
            ],
        },
    }


def _datapackage(resources: list[dict[str, Any]]) -> bytes:
    package = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "artgan-archive",
        "resources": resources,
    }
    return json.dumps(package, indent=2).encode()


def views_sql() -> str:
    """Return SQL that makes one commented view for each table, for DuckDB.

    To be run in the ``published`` folder: ``duckdb -init views.sql``.
    """
    lines = ["-- Run in the folder that holds this file: duckdb -init views.sql"]
    for table in TABLES:
        source = f"{table.name}/{table.name}.parquet"
        lines.append(f"CREATE OR REPLACE VIEW {table.name} AS FROM read_parquet('{source}');")
        lines.append(f"COMMENT ON VIEW {table.name} IS '{_quoted(table.description)}';")
        lines.extend(
            f"COMMENT ON COLUMN {table.name}.{field.name} IS '{_quoted(description(field))}';"
            for field in table.schema
        )
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def description(field: pa.Field) -> str:
    """Return what a column means."""
    return (field.metadata or {})[b"description"].decode()
