import hashlib
import json
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from artgan.catalog.publish import publish
from artgan.catalog.query import query
from artgan.catalog.schema import RUNS, TABLES
from artgan.catalog.table import open_catalog
from artgan.errors import InvalidInputError


def test_a_plain_glob_reads_each_row_once_also_after_compaction(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path))
    for number in range(5):
        catalog.append(RUNS, [{"run_id": f"r{number}", "flow": "ingest"}])
    publish(catalog)
    catalog.compact(RUNS, small_files=1)
    catalog.append(RUNS, [{"run_id": "last", "flow": "ingest"}])
    assert publish(catalog) == {"runs": 6}
    glob = str(tmp_path / "published/runs/*.parquet")
    assert duckdb.sql(f"select count(*) from '{glob}'").fetchall() == [(6,)]
    assert len(pd.read_parquet(tmp_path / "published/runs/runs.parquet")) == 6


def test_a_table_that_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path))
    assert set(publish(catalog)) == {table.name for table in TABLES}
    assert publish(catalog) == {}
    (tmp_path / "published/runs/runs.parquet").unlink()
    assert publish(catalog) == {"runs": 0}


def test_the_package_describes_every_column_and_its_hash_is_right(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path))
    catalog.append(RUNS, [{"run_id": "r", "flow": "ingest"}])
    publish(catalog)
    package = json.loads((tmp_path / "published/datapackage.json").read_text())
    for table, resource in zip(TABLES, package["resources"], strict=True):
        content = (tmp_path / "published" / resource["path"]).read_bytes()
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert [f["name"] for f in resource["schema"]["fields"]] == table.schema.names


def test_the_views_run_in_a_copied_folder_and_carry_comments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = open_catalog(str(tmp_path))
    catalog.append(RUNS, [{"run_id": "r", "flow": "ingest"}])
    publish(catalog)
    monkeypatch.chdir(tmp_path / "published")
    with duckdb.connect() as connection:
        connection.execute(Path("views.sql").read_text())
        assert connection.execute("select flow from runs").fetchall() == [("ingest",)]
        comment = connection.execute(
            "select comment from duckdb_columns() where table_name='runs' and column_name='flow'"
        ).fetchone()
    assert comment == ("Name of the flow.",)


def test_sql_sees_every_table(any_root: str) -> None:
    catalog = open_catalog(any_root)
    catalog.append(RUNS, [{"run_id": "r", "flow": "ingest"}])
    assert query(catalog, "select run_id from runs").to_pylist() == [{"run_id": "r"}]
    for table in TABLES:
        assert query(catalog, f"select count(*) as n from {table.name}").num_rows == 1
    with pytest.raises(InvalidInputError, match="sql must be a statement that DuckDB accepts"):
        query(catalog, "selekt 1")
