"""The data dictionary and its examples."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from artgan.catalog.dictionary import data_dictionary
from artgan.catalog.query import query
from artgan.catalog.schema import TABLES, Table
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.table_schema import description, title, unit
from artgan.catalog.views import VIEWS

_VALUES = {
    "string": "x",
    "bool": True,
    "double": 0.5,
    "timestamp[us, tz=UTC]": datetime(2026, 11, 1, tzinfo=UTC),
}
_TELLING = {
    "events": {"event_type": "fixity check", "outcome": "fail"},
    "masks": {"origin": "detected", "status": "proposed"},
    "metrics": {"status": "ok", "stratum": None},
    "outputs": {"kind": "restored", "status": "ok"},
    "reviews": {"decision": "rejected"},
    "runs": {"flow": "nightly"},
    "scans": {"nonconformities": ["metamorfoze_profile"]},
    "unmatched_metadata": {"reason": "no_scan"},
}


def _value(kind: pa.DataType) -> object:
    return ["x"] if pa.types.is_list(kind) else _VALUES.get(str(kind), 7)


def filled_row(table: Table, number: int) -> dict:
    row = {field.name: _value(field.type) for field in table.schema}
    # Two rows of one key: scans of one work, an output and its scan, share the other values.
    return row | _TELLING.get(table.name, {}) | ({table.key: f"other {number}"} if number else {})


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    catalog = open_catalog(str(tmp_path_factory.mktemp("archive")))
    for table in TABLES:
        catalog.append(table, [filled_row(table, number) for number in range(2)])
    return catalog


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_example_query_answers_its_question(catalog: Catalog, table: Table) -> None:
    assert table.examples
    for question, sql in table.examples:
        assert question.endswith("?")
        assert query(catalog, sql).num_rows > 0, question
        assert f"```sql\n{sql}\n```" in data_dictionary()


def test_every_column_is_described_and_its_unit_agrees_with_its_name() -> None:
    units = {"_px": "px", "_bytes": "bytes", "_mm": "mm", "bit_depth": "bits", "seconds": "s"}
    for table in (*TABLES, *VIEWS):
        for field in table.schema:
            assert description(field).endswith("."), (table.name, field.name)
            for ending, expected in units.items():
                if field.name.endswith(ending):
                    assert unit(field) == expected, (table.name, field.name)
            assert not (unit(field) and pa.types.is_string(field.type)), field.name


def test_the_committed_data_dictionary_is_that_of_the_schema() -> None:
    committed = Path(__file__).parents[2] / "data" / "dictionary.md"
    assert committed.read_text() == data_dictionary()


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("access_width_px", "Access width"),
        ("source_bytes", "Source bytes"),
        ("scan_id", "Scan ID"),
        ("icc_sha256", "ICC SHA-256"),
        ("phash", "Perceptual hash"),
    ],
)
def test_a_column_has_a_heading(name: str, heading: str) -> None:
    assert title(name) == heading
