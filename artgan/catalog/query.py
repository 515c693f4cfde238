"""SQL over the catalog with DuckDB."""

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from artgan.catalog.schema import TABLES
from artgan.catalog.table import Catalog
from artgan.errors import InvalidInputError


def query(catalog: Catalog, sql: str) -> pa.Table:
    """Run one SQL statement with every catalog table as a view; return its rows.

    Raises:
        InvalidInputError: If DuckDB does not accept the statement.
    """
    try:
        return _ask(sql, {table.name: catalog.dataset(table) for table in TABLES})
    except duckdb.Error as error:
        if "string_view" not in str(error):
            raise _refusal(sql, error) from error
    # Arrow cannot filter files that a merge wrote while it reads them: see `Catalog.read`.
    try:
        return _ask(sql, {table.name: catalog.read(table) for table in TABLES})
    except duckdb.Error as error:
        raise _refusal(sql, error) from error


def _ask(sql: str, views: Mapping[str, object]) -> pa.Table:
    with duckdb.connect() as connection:
        for name, rows in views.items():
            connection.register(name, rows)
        result = connection.sql(sql)
        return pa.table({}) if result is None else result.to_arrow_table()


def _refusal(sql: str, error: duckdb.Error) -> InvalidInputError:
    names = ", ".join(table.name for table in TABLES)
    return InvalidInputError(
        f"sql must be a statement that DuckDB accepts, got {sql!r}: {error} Tables: {names}."
    )
