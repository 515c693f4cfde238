"""The ready views: in ``artgan query``, and in plain DuckDB from a copy of the folder."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from artgan.catalog.datapackage import schema_of
from artgan.catalog.query import query
from artgan.catalog.schema import SCANS, TABLES
from artgan.catalog.table import Catalog
from artgan.catalog.table_schema import meaning
from artgan.catalog.views import VIEWS, View
from artgan.catalog.works import works


@pytest.fixture
def copied(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "a copy's folder"))


@pytest.fixture
def opened(copied: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB in the copied folder, after its views.sql."""
    monkeypatch.chdir(copied)
    with duckdb.connect() as connection:
        connection.execute(Path("views.sql").read_text())
        yield connection


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_has_rows_and_the_columns_that_are_described(archive: Catalog, view: View) -> None:
    found = query(archive, f"from {view.name}")
    assert found.num_rows > 0
    assert found.schema.names == view.schema.names
    for field in view.schema:
        stored = found.schema.field(field.name).type
        if not pa.types.is_list(field.type):
            assert stored == field.type, field.name
        assert meaning(_described(view, field.name)).strip().endswith("."), field.name
    if view.key:
        keys = found[view.key].to_pylist()
        assert None not in keys
        assert len(set(keys)) == len(keys)


def _described(view: View, name: str) -> dict:
    (field,) = (one for one in schema_of(view)["fields"] if one["name"] == name)
    return field


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_plain_duckdb_sees_the_same_rows_in_a_copy_of_the_folder(
    archive: Catalog, opened: duckdb.DuckDBPyConnection, view: View
) -> None:
    here = query(archive, f"from {view.name} order by all").to_pylist()
    assert opened.sql(f"from {view.name} order by all").to_arrow_table().to_pylist() == here


def test_from_another_folder_duckdb_is_told_where_the_files_are(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    views = (copied / "views.sql").read_text()
    with duckdb.connect() as connection:
        connection.execute(f"SET file_search_path = '{str(copied).replace(chr(39), chr(39) * 2)}'")
        connection.execute(views)
        assert connection.execute("select count(*) from works").fetchall() == [(6,)]


def test_columns_of_tables_and_views_carry_their_meaning_and_unit(
    archive: Catalog, opened: duckdb.DuckDBPyConnection
) -> None:
    asked = (
        "select comment from duckdb_columns() where table_name = '{}' and column_name = '{}'"
        " and comment is not null"
    )
    for table, column, words in (
        ("scans", "width_px", "Width of the upright picture. Unit: px."),
        ("works", "width_px", "Width of the upright picture. Unit: px."),
        ("collections", "source_bytes", "Size of all scans. Unit: bytes."),
    ):
        assert opened.sql(asked.format(table, column)).fetchall() == [(words,)]
        assert query(archive, asked.format(table, column)).to_pylist() == [{"comment": words}]
    commented = opened.execute(
        "select count(*) from duckdb_columns() where comment is not null and not internal"
    ).fetchall()
    assert commented == [(sum(len(one.schema) for one in (*TABLES, *VIEWS)),)]


def test_works_are_those_that_trainings_see(archive: Catalog) -> None:
    asked = query(archive, "select scan_id from works order by scan_id")
    assert asked["scan_id"].to_pylist() == [work["scan_id"] for work in works(archive)]


def test_only_the_newest_promoted_model_of_a_collection_is_in_use(archive: Catalog) -> None:
    asked = query(archive, "select kind, collection, value from models_in_use order by all")
    assert [tuple(row.values()) for row in asked.to_pylist()] == [
        ("restoration", "archive", 30.0),
        ("restoration", "prints", 31.5),
        ("simulation", "prints", 12.0),
        ("style", "loans", 8.0),
    ]


def test_a_number_is_compared_with_one_that_was_measured_in_the_same_way(archive: Catalog) -> None:
    asked = query(
        archive,
        "select value, previous_value, value_change, is_clear_change from metric_history"
        " where subject = 'filler' or metric = 'kid_x1000' order by metric, created_at",
    )
    assert [tuple(row.values()) for row in asked.to_pylist()] == [
        (40.0, None, None, None),
        (12.0, 40.0, -28.0, True),
        (55.0, None, None, None),
        (28.0, None, None, None),
        (28.25, 28.0, 0.25, False),
        (31.5, 28.25, 3.25, True),
    ]


def test_failures_are_what_is_wrong_now(archive: Catalog) -> None:
    asked = query(
        archive, "select kind, code, count(*) as n from failures group by all order by 1, 2"
    )
    assert [tuple(row.values()) for row in asked.to_pylist()] == [
        ("file check", "fail", 1),
        ("file refused", "not_a_picture", 1),
        ("file refused", "truncated", 2),
        ("output", "restored", 1),
        ("run", "nightly", 1),
    ]


def test_views_follow_the_versions_that_are_asked_for(
    tmp_path: Path, fill: Callable[[str], Catalog]
) -> None:
    catalog = fill(str(tmp_path / "root"))
    before = catalog.version(SCANS)
    catalog.remove(SCANS, catalog.read(SCANS, ["scan_id"])["scan_id"].to_pylist())
    sql = "select count(*) as n from works"
    assert query(catalog, sql).to_pylist() == [{"n": 0}]
    assert query(catalog, sql, {"scans": before}).to_pylist() == [{"n": 6}]
