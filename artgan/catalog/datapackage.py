"""The catalog as a Data Package: its tables, its ready views, and what every column means.

``datapackage.json``, ``views.sql`` and ``croissant.json`` are written from the same descriptor,
which is made of `artgan.catalog.schema` and `artgan.catalog.views`.

References:
    Data Package v2, https://datapackage.org/standard/data-package/
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from artgan.catalog.schema import TABLES, Table
from artgan.catalog.table_schema import Descriptor, meaning, table_schema, title
from artgan.catalog.views import VIEWS, View

TITLE = "Catalog of a digitized art archive"
_ABOUT = (
    "Scans, damage masks, models, what was made with them, and how good it is: one Parquet file "
    "for each table of the catalog, whole and without duplicates."
)
_HEAD = """\
-- Views of the tables in this folder, for DuckDB. In the folder that holds this file:
--     duckdb -init views.sql
-- From elsewhere, say first where the files are (FOLDER is this folder):
--     SET file_search_path = 'FOLDER';
--     .read FOLDER/views.sql
"""


def described(one: Table | View, schema: pa.Schema | None = None) -> Descriptor:
    """Describe a table with its example queries, or a view with its statement.

    Args:
        one: The table or view.
        schema: Its columns in an archive, those of newer versions included; by default those of
            this version.
    """
    facts: Descriptor = {
        "name": one.name,
        "title": title(one.name),
        "description": one.description,
        "schema": schema_of(one, schema),
    }
    if isinstance(one, View):
        return facts | {"sql": one.sql}
    return facts | {"examples": [{"question": words, "sql": sql} for words, sql in one.examples]}


def resource(table: Table, schema: pa.Schema, facts: dict[str, Any]) -> Descriptor:
    """Describe a published table.

    Args:
        table: The table.
        schema: Its columns in this archive.
        facts: ``rows`` and ``sha256`` of its file.
    """
    # No size: frictionless 5.21 refuses Parquet files for which one is given.
    return described(table, schema) | {
        "type": "table",
        "path": path(table.name),
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
        "hash": f"sha256:{facts['sha256']}",
        "rows": facts["rows"],
    }


def path(name: str) -> str:
    """Return where a table's file lies in the published folder."""
    return f"{name}/{name}.parquet"


def schema_of(table: Table | View, schema: pa.Schema | None = None) -> Descriptor:
    """Return the Table Schema of a table or view.

    Args:
        table: The table or view.
        schema: Its columns in an archive; by default those of this version.
    """
    keys = {one.name: one.key for one in TABLES}
    named = table.references if isinstance(table, Table) else ()
    references = [(column, other, keys[other]) for column, other in named]
    return table_schema(table.schema if schema is None else schema, table.key, references)


def datapackage(resources: Sequence[Descriptor]) -> Descriptor:
    """Return the descriptor of tables, with the ready views.

    Args:
        resources: The tables, as `resource` describes them, or `described` where none is published.
    """
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "artgan-archive",
        "title": TITLE,
        "description": _ABOUT,
        "resources": list(resources),
        "readyViews": [described(view) for view in VIEWS],
    }


def views_sql(package: Descriptor) -> str:
    """Return SQL for DuckDB that makes a commented view of every table, and the ready views."""
    lines = [_HEAD]
    for table in package["resources"]:
        lines.append(create_view(table["name"], f"FROM read_parquet('{table['path']}')"))
        lines.extend(comments(table))
    for view in package["readyViews"]:
        lines.append("\n" + create_view(view["name"], view["sql"]))
        lines.extend(comments(view))
    return "\n".join(lines) + "\n"


def create_view(name: str, sql: str, kind: str = "VIEW") -> str:
    """Return the statement that makes a view; kind may be ``TEMP VIEW``."""
    return f"CREATE OR REPLACE {kind} {name} AS {sql};"


def comments(one: Descriptor) -> Iterator[str]:
    """Yield statements that comment a view and its columns.

    Args:
        one: A table or view of a package.
    """
    name = one["name"]
    yield f"COMMENT ON VIEW {name} IS '{_quoted(one['description'])}';"
    for field in one["schema"]["fields"]:
        yield f"""COMMENT ON COLUMN {name}."{field["name"]}" IS '{_quoted(meaning(field))}';"""


def _quoted(text: str) -> str:
    return text.replace("'", "''")
