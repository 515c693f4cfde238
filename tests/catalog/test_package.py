"""What machines are told of the published tables, as the packages of others read it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from artgan.catalog.publish import publish
from artgan.catalog.schema import RUNS, TABLES
from artgan.catalog.table import Catalog
from artgan.catalog.views import VIEWS

# Its own reader of Parquet takes empty numbers for NaN and refuses them (5.21): it gets the rows.
_FRICTIONLESS = """
import json, sys
import pyarrow.parquet as pq
from frictionless import Package
package = json.load(open("datapackage.json"))
errors = [[error.type, error.note] for error in Package("datapackage.json").validate().errors]
for table in package["resources"]:
    rows = pq.read_table(table["path"]).to_pylist()
    if table["name"] == sys.argv[1]:
        rows[0][sys.argv[2]] = json.loads(sys.argv[3])
    table["data"] = rows
    for name in ("path", "format", "mediatype", "hash"):
        del table[name]
report = Package.from_descriptor(package).validate()
print(json.dumps(errors + report.flatten(["type", "note"])))
"""
_CROISSANT = """
import itertools, json, logging, sys
import mlcroissant
logged = []
handler = logging.Handler()
handler.emit = lambda record: logged.append(record.getMessage())
logging.getLogger("absl").addHandler(handler)
dataset = mlcroissant.Dataset("croissant.json")
found = {}
for records in dataset.metadata.record_sets:
    found[records.id] = list(itertools.islice(dataset.records(records.id), 10))
issues = dataset.metadata.ctx.issues
print(json.dumps(
    {
        "records": found,
        "errors": sorted(issues.errors),
        "warnings": sorted(issues.warnings),
        "context_differs": any("not standard" in line for line in logged),
    },
    default=lambda value: value.decode() if isinstance(value, bytes) else str(value),
))
"""


def _ask(python: str, script: str, folder: Path, *words: str) -> Any:
    command = [python, "-c", script, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def _package(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "datapackage.json").read_text())


def test_every_column_has_a_title_a_type_and_a_meaning(published: Path) -> None:
    package = _package(published)
    described = [*package["resources"], *package["readyViews"]]
    assert [one["name"] for one in described] == [one.name for one in (*TABLES, *VIEWS)]
    for table in described:
        for field in table["schema"]["fields"]:
            assert field["title"][0].isupper()
            assert field["type"] != "any", (table["name"], field["name"])
            assert field["description"].endswith(".")


def test_tables_refer_to_keys_of_other_tables(published: Path) -> None:
    tables = {one["name"]: one["schema"] for one in _package(published)["resources"]}
    keys = [(name, key) for name, one in tables.items() for key in one.get("foreignKeys", ())]
    assert {name for name, _ in keys} == {"masks", "models", "outputs", "metrics", "reviews"}
    for name, key in keys:
        assert key["fields"][0] in {field["name"] for field in tables[name]["fields"]}
        assert key["reference"]["fields"] == tables[key["reference"]["resource"]]["primaryKey"]


def test_only_what_changed_is_written_again(tmp_path: Path, fill: Callable[[str], Catalog]) -> None:
    catalog = fill(str(tmp_path / "root"))
    publish(catalog)
    folder = tmp_path / "root" / "published"
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    publish(catalog)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    (folder / "views.sql").unlink()
    assert publish(catalog) == {}
    assert (folder / "views.sql").exists()
    catalog.append(RUNS, [{"run_id": "later", "flow": "ingest"}])
    assert publish(catalog) == {"runs": 8}
    changed = {path.name for path in before if path.stat().st_mtime_ns != before[path]}
    assert changed >= {"runs.parquet", "datapackage.json", "croissant.json"}
    assert "scans.parquet" not in changed


@pytest.mark.parametrize(
    ("table", "column", "value", "errors"),
    [
        ("none", "", "0", []),
        ("scans", "sharpness", "1.5", ["constraint-error"]),
        ("scans", "split", '"tset"', ["constraint-error"]),
        ("scans", "access_sha256", '"ABC"', ["constraint-error"]),
        ("masks", "scan_id", '"nobody"', ["foreign-key"]),
    ],
)
def test_frictionless_finds_the_tables_valid_and_understands_the_rules(
    published: Path,
    other_readers: Callable[[str], str],
    table: str,
    column: str,
    value: str,
    errors: list[str],
) -> None:
    python = other_readers("frictionless")
    found = _ask(python, _FRICTIONLESS, published, table, column, value)
    assert [kind for kind, _ in found] == errors, found


def test_croissant_reads_the_first_records_as_parquet_has_them(
    published: Path, other_readers: Callable[[str], str]
) -> None:
    found = _ask(other_readers("mlcroissant"), _CROISSANT, published)
    assert found["errors"] == []
    # A licence, a date and how to cite it are the museum's to say; the context is the standard one.
    said = [warning.split('"')[1].rsplit("/", 1)[1] for warning in found["warnings"]]
    assert sorted(said) == ["citeAs", "datePublished", "license", "version"]
    assert not found["context_differs"]
    assert set(found["records"]) == {table.name for table in TABLES}
    for name, records in found["records"].items():
        rows = pq.read_table(published / name / f"{name}.parquet").slice(0, 10).to_pylist()
        read = [
            {key.removeprefix(f"{name}/"): value for key, value in one.items()} for one in records
        ]
        assert [_plain(row) for row in read] == [_plain(row) for row in rows], name


def _plain(row: dict[str, Any]) -> dict[str, str | None]:
    """Values as text: the reader has no nulls among numbers, and says moments its own way."""
    return {name: _text(value) for name, value in row.items()}


def _text(value: Any) -> str | None:
    if isinstance(value, list):
        return str([_text(one) for one in value])
    if value is None or value != value or value in {"NaT", "None", "nan"}:  # noqa: PLR0124
        return None
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return f"{float(value):.9g}"
    return str(value)
