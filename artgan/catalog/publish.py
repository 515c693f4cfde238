"""Plain Parquet snapshots of the catalog, for readers that only glob files."""

import hashlib
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from artgan.catalog.croissant import croissant
from artgan.catalog.datapackage import datapackage, path, resource, views_sql
from artgan.catalog.dictionary import data_dictionary
from artgan.catalog.schema import TABLES, Table
from artgan.catalog.snapshot import write_snapshot
from artgan.catalog.table import Catalog
from artgan.catalog.table_schema import description, unit
from artgan.keys import digest
from artgan.storage import Store

FOLDER = "published"
DATAPACKAGE = "datapackage.json"
VIEWS_SQL, CROISSANT, DICTIONARY = "views.sql", "croissant.json", "dictionary.md"


def publish(catalog: Catalog) -> dict[str, int]:
    """Replace every published snapshot by the table's present state.

    Each table is one file, written in one step, so a reader sees the old or the new state and
    never both, even if it opens the file twice (see `artgan.catalog.snapshot`). A snapshot that
    already holds the table's version is left as it is. Columns that a newer version of artgan
    added are published with the others. What describes the tables (``datapackage.json``,
    ``croissant.json``, ``views.sql``, ``dictionary.md``) is written last, where it changed.

    Returns:
        Rows of each table that was written anew.
    """
    written: dict[str, int] = {}
    resources = []
    for table in TABLES:
        version, rows = catalog.current(table)
        stamp = f"{FOLDER}/{table.name}/_version.json"
        facts = _published(catalog, stamp)
        wanted = {"version": version, "columns": _columns_digest(rows.schema)}
        if not catalog.store.exists(_key(table)) or _is_outdated(facts, wanted):
            facts = wanted | _put(catalog, table, rows, version)
            catalog.store.write(stamp, json.dumps(facts).encode())
            written[table.name] = facts["rows"]
        resources.append(resource(table, rows.schema, facts))
    package = datapackage(resources)
    _write(catalog.store, DATAPACKAGE, json.dumps(package, indent=2))
    _write(catalog.store, CROISSANT, json.dumps(croissant(package), indent=2))
    _write(catalog.store, VIEWS_SQL, views_sql(package))
    _write(catalog.store, DICTIONARY, data_dictionary(package))
    return written


def _write(store: Store, name: str, text: str) -> None:
    key, content = f"{FOLDER}/{name}", text.encode()
    if not store.exists(key) or store.read(key) != content:
        store.write(key, content)


def _key(table: Table) -> str:
    return f"{FOLDER}/{path(table.name)}"


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
        file_path = Path(folder) / f"{table.name}.parquet"
        before = None
        if catalog.store.exists(_key(table)):
            before = stack.enter_context(catalog.store.local(_key(table)))
        count = write_snapshot(rows, table.key, version, file_path, before)
        with file_path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        catalog.store.put(_key(table), file_path)
    return {"rows": count, "sha256": sha256}
