"""SQL over the catalog with DuckDB."""

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
    with duckdb.connect() as connection:
        for table in TABLES:
            connection.register(table.name, catalog.dataset(table))
        try:
            result = connection.sql(sql)
            if result is None:
                return pa.table({})
            return result.to_arrow_table()
        except duckdb.Error as error:
            names = ", ".join(table.name for table in TABLES)
            raise InvalidInputError(
                f"sql must be a statement that DuckDB accepts, got {sql!r}: {error} "
                f"Tables: {names}."
            ) from error
