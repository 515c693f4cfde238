"""SQL over the catalog with DuckDB."""

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from artgan.catalog.datapackage import comments, create_view, described
from artgan.catalog.schema import TABLES
from artgan.catalog.table import Catalog
from artgan.catalog.travel import parse_moment
from artgan.catalog.views import VIEWS
from artgan.errors import InvalidInputError


def query(catalog: Catalog, sql: str, versions: Mapping[str, int] | None = None) -> pa.Table:
    """Run one SQL statement with every catalog table and ready view; return its rows.

    Args:
        catalog: The archive.
        sql: Statement in DuckDB's SQL.
        versions: Versions of tables to look at, by name; the present one where none is given.

    Raises:
        InvalidInputError: If DuckDB does not accept the statement.
        MissingAssetError: If a version is not kept any more.
    """
    wanted = versions or {}
    views = {table.name: catalog.dataset(table, wanted.get(table.name)) for table in TABLES}
    try:
        return _ask(sql, views)
    except duckdb.Error as error:
        if "string_view" not in str(error):
            raise _refusal(sql, error) from error
    # Arrow cannot filter files that a merge wrote while it reads them: see `artgan.catalog.read`.
    try:
        tables = {name: rows.to_table() for name, rows in views.items()}
        return _ask(sql, tables)
    except duckdb.Error as error:
        raise _refusal(sql, error) from error


def versions_at(catalog: Catalog, as_of: str | None, versions: Mapping[str, int]) -> dict[str, int]:
    """Return the versions of tables that belong to a moment, or were asked for by number.

    Args:
        catalog: The archive.
        as_of: Date or moment in ISO 8601; None means now.
        versions: Versions by name of table; they go before the moment.

    Raises:
        InvalidInputError: If it is no moment, or no table has that name.
        MissingAssetError: If the log of a table does not reach back that far.
    """
    names = [table.name for table in TABLES]
    for name in versions:
        if name not in names:
            raise InvalidInputError(
                f"versions must name tables, got {name!r}. Known: {', '.join(names)}."
            )
    if as_of is None:
        return dict(versions)
    moment = parse_moment(as_of)
    others = [table for table in TABLES if table.name not in versions]
    return {table.name: catalog.version_at(table, moment) for table in others} | dict(versions)


def _ask(sql: str, views: Mapping[str, object]) -> pa.Table:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for name, rows in views.items():
            connection.register(name, rows)
        for view in VIEWS:
            connection.execute(create_view(view.name, view.sql, "TEMP VIEW"))
        if "comment" in sql.lower():  # several hundred statements, a fifth of a second
            for one in (*TABLES, *VIEWS):
                connection.execute("\n".join(comments(described(one))))
        result = connection.sql(sql)
        return pa.table({}) if result is None else result.to_arrow_table()


def _refusal(sql: str, error: duckdb.Error) -> InvalidInputError:
    names = ", ".join(one.name for one in (*TABLES, *VIEWS))
    return InvalidInputError(
        f"sql must be a statement that DuckDB accepts, got {sql!r}: {error} Tables and "
        f"views: {names}."
    )
