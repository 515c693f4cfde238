from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.compute as pc
import pytest
from pyarrow import fs as pa_fs

from artgan.catalog.schema import RUNS, SCANS, TABLES
from artgan.catalog.table import Catalog, open_catalog
from artgan.errors import InvalidInputError


@pytest.fixture
def catalog(any_root: str) -> Catalog:
    return open_catalog(any_root)


def test_every_table_is_there_and_empty(catalog: Catalog) -> None:
    for table in TABLES:
        assert catalog.read(table).num_rows == 0
        assert catalog.read(table).schema.names == table.schema.names


def test_appending_the_same_keys_twice_adds_nothing(catalog: Catalog) -> None:
    rows = [{"run_id": f"r{number}", "flow": "ingest"} for number in range(3)]
    assert catalog.append(RUNS, rows) == 3
    version = catalog.version(RUNS)
    assert catalog.append(RUNS, rows) == 0
    assert catalog.append(RUNS, [rows[0], rows[0]]) == 0
    assert catalog.version(RUNS) == version


def test_rows_that_share_a_key_within_one_commit_are_one_row(catalog: Catalog) -> None:
    assert catalog.append(RUNS, [{"run_id": "r", "flow": "a"}, {"run_id": "r", "flow": "b"}]) == 1
    assert catalog.rows(RUNS)[0]["flow"] == "a"


def test_removed_rows_are_gone_and_the_others_stay(catalog: Catalog) -> None:
    names = ["a", "b", "it's"]
    catalog.append(RUNS, [{"run_id": name, "flow": "ingest"} for name in names])
    assert catalog.remove(RUNS, ["b", "it's", "never there"]) == 2
    assert catalog.read(RUNS)["run_id"].to_pylist() == ["a"]
    assert catalog.remove(RUNS, ["b"]) == 0
    assert catalog.remove(RUNS, []) == 0


def test_no_row_is_lost_or_doubled_by_simultaneous_writers(catalog: Catalog) -> None:
    def write(number: int) -> int:
        rows = [{"run_id": f"r{number // 2}", "flow": "ingest"}]
        return Catalog(catalog.store).append(RUNS, rows)

    with ThreadPoolExecutor(8) as pool:
        added = sum(pool.map(write, range(16)))
    assert added == 8
    assert sorted(row["run_id"] for row in catalog.rows(RUNS)) == [f"r{n}" for n in range(8)]


def test_replacing_changes_rows_in_place(catalog: Catalog) -> None:
    catalog.append(RUNS, [{"run_id": "a", "flow": "x"}, {"run_id": "b", "flow": "x"}])
    catalog.replace(RUNS, [{"run_id": "b", "flow": "y"}, {"run_id": "c", "flow": "y"}])
    assert {row["run_id"]: row["flow"] for row in catalog.rows(RUNS)} == {
        "a": "x",
        "b": "y",
        "c": "y",
    }


def test_replaced_rows_are_found_by_their_values(catalog: Catalog) -> None:
    catalog.append(RUNS, [{"run_id": "a", "flow": "x"}, {"run_id": "b", "flow": "y"}])
    catalog.replace(RUNS, [{"run_id": "a", "flow": "z"}])
    for flow in ("y", "z"):
        found = catalog.rows(RUNS, ["run_id", "flow"], pc.field("flow") == flow)
        assert found == [{"run_id": "a" if flow == "z" else "b", "flow": flow}]


def test_conditions_find_the_same_rows_in_a_large_table_with_all_columns_or_few(
    tmp_path: Path,
) -> None:
    catalog = open_catalog(str(tmp_path))
    rows = [{"run_id": f"r{n:06d}", "flow": f"f{n % 3}", "n_done": n} for n in range(40_000)]
    catalog.append(RUNS, rows)
    number = pc.field("n_done")
    conditions = [
        (number == 20_000, [20_000]),
        ((number > 16_380) & (number < 16_390), list(range(16_381, 16_390))),
        (number.isin([0, 39_999]), [0, 39_999]),
        (pc.field("flow") == "none", []),
    ]
    for where, expected in conditions:
        for columns in (None, ["n_done"]):
            found = catalog.read(RUNS, columns, where)
            assert found["n_done"].to_pylist() == expected
            assert found.schema.names == (columns or RUNS.schema.names)


def test_a_row_without_a_required_value_is_refused(catalog: Catalog) -> None:
    with pytest.raises(InvalidInputError, match=r"scans\.collection must be given in every row"):
        catalog.append(SCANS, [{"scan_id": "s"}])
    assert catalog.read(SCANS).num_rows == 0


def test_every_column_is_described_and_readable_everywhere() -> None:
    for table in TABLES:
        assert table.key in table.schema.names
        for field in table.schema:
            text = field.metadata[b"description"].decode()
            assert text.endswith("."), (table.name, field.name)
            assert "uint" not in str(field.type)


def test_no_python_object_is_left_to_arrows_threads_when_a_command_ends(tmp_path):
    """Such a one aborted one command in twelve at its very end, with exit code 134."""
    catalog = open_catalog(str(tmp_path / "größte Sammlung"))
    catalog.append(RUNS, [{"run_id": "a", "flow": "ingest"}])
    dataset = catalog.dataset(RUNS)
    assert not isinstance(dataset.filesystem, pa_fs.PyFileSystem)
    assert not isinstance(dataset.filesystem.base_fs, pa_fs.PyFileSystem)
    assert catalog.read(RUNS, ["run_id"])["run_id"].to_pylist() == ["a"]
