"""SQL over the catalog, on disk and on S3."""

import pytest

from artgan.catalog.query import query
from artgan.catalog.schema import RUNS
from artgan.catalog.table import open_catalog
from artgan.errors import InvalidInputError


def test_a_statement_filters_rows_that_were_replaced(any_root: str) -> None:
    catalog = open_catalog(any_root)
    catalog.append(RUNS, [{"run_id": f"r{number}", "flow": "ingest"} for number in range(4)])
    catalog.replace(RUNS, [{"run_id": "r2", "flow": "train"}])
    found = query(catalog, "select run_id from runs where flow = 'train' and run_id > 'r'")
    assert found.to_pylist() == [{"run_id": "r2"}]


def test_a_wrong_statement_is_one_sentence_that_names_the_tables(any_root: str) -> None:
    with pytest.raises(InvalidInputError, match="must be a statement that DuckDB accepts"):
        query(open_catalog(any_root), "select nothing from nowhere")
