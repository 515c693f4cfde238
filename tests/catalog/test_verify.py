"""The check of published tables: what is wrong is found, wherever the folder lies."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from artgan.catalog.publish import publish
from artgan.catalog.schema import TABLES
from artgan.catalog.table import Catalog
from artgan.catalog.verify import verify
from artgan.errors import MissingAssetError
from artgan.storage import Store, open_store, store_at
from flows.__main__ import run


@pytest.fixture
def copied(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "copy"))


def _problems(folder: Path | Store) -> list[str]:
    store = store_at(str(folder)) if isinstance(folder, Path) else folder
    return [problem for verdict in verify(store) for problem in verdict.problems]


def test_published_tables_are_sound_on_disk_and_on_s3(
    any_root: str, fill: Callable[[str], Catalog]
) -> None:
    publish(fill(any_root))
    verdicts = verify(open_store(f"{any_root}/published", must_exist=True))
    assert [verdict.problems for verdict in verdicts] == [[]] * (len(TABLES) + 3)
    assert verdicts[0].rows == 9


def test_one_flipped_bit_is_caught(copied: Path) -> None:
    file = copied / "scans" / "scans.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)
    (problem,) = _problems(copied)
    assert problem.startswith("scans/scans.parquet must have the sha256 ")


def test_a_file_that_is_missing_is_named(copied: Path) -> None:
    (copied / "runs" / "runs.parquet").unlink()
    (copied / "views.sql").unlink()
    assert _problems(copied) == [
        "runs/runs.parquet must be there, got nothing.",
        "views.sql must be there, got nothing.",
    ]


def _change_package(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    file = folder / "datapackage.json"
    package = json.loads(file.read_text())
    change({one["name"]: one for one in package["resources"]})
    file.write_text(json.dumps(package))


def test_another_number_of_rows_or_another_column_is_caught(copied: Path) -> None:
    def change(tables: dict[str, Any]) -> None:
        tables["runs"]["rows"] += 1
        tables["masks"]["schema"]["fields"].pop()

    _change_package(copied, change)
    assert _problems(copied) == [
        "masks/masks.parquet must have the columns of the package, got others: run_id.",
        "runs/runs.parquet must have 8 rows, got 7.",
    ]


@pytest.mark.parametrize(
    ("table", "column", "value", "words"),
    [
        ("scans", "sharpness", 1.5, "scans.sharpness must be at most 1, got 1 rows"),
        ("scans", "width_px", -1, "scans.width_px must be at least 0, got 1 rows"),
        ("scans", "split", "tset", "scans.split must be one of train, val, test, got 1 rows"),
        ("scans", "access_sha256", "ABC", "scans.access_sha256 must match ^[0-9a-f]{64}$, got 1"),
        ("masks", "scan_id", "nobody", "masks.scan_id must name rows of scans, got 1 rows"),
        ("outputs", "changed_outside_mask", 3, "outputs.changed_outside_mask must be at most 0"),
        ("models", "model_id", None, "models.model_id must not be empty, got 1 rows"),
    ],
)
def test_a_value_that_breaks_a_rule_is_caught(
    copied: Path, table: str, column: str, value: object, words: str
) -> None:
    file = copied / table / f"{table}.parquet"
    rows = pq.read_table(file)
    changed = rows.to_pylist()
    changed[0][column] = value
    schema = rows.schema.set(
        rows.schema.get_field_index(column), rows.schema.field(column).with_nullable(True)
    )
    pq.write_table(rows.from_pylist(changed, schema=schema), file)
    digest = store_at(str(copied)).sha256(f"{table}/{table}.parquet")
    _change_package(copied, lambda tables: tables[table].update(hash=f"sha256:{digest}"))
    assert any(problem.startswith(words) for problem in _problems(copied)), _problems(copied)


def test_a_key_that_stands_twice_is_caught(copied: Path) -> None:
    file = copied / "runs" / "runs.parquet"
    rows = pq.read_table(file)
    twice = rows.to_pylist()
    twice[1]["run_id"] = twice[0]["run_id"]
    pq.write_table(rows.from_pylist(twice, schema=rows.schema), file)
    digest = store_at(str(copied)).sha256("runs/runs.parquet")
    _change_package(copied, lambda tables: tables["runs"].update(hash=f"sha256:{digest}"))
    assert _problems(copied) == [
        "runs.run_id must name each row once, got 1 rows where it is not so."
    ]


def test_a_folder_without_a_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingAssetError, match="folder must hold datapackage"):
        verify(store_at(str(tmp_path)))


def test_the_command_says_it_and_ends_with_a_code(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", str(copied)]) == 0
    assert "sound  scans/scans.parquet, 9 rows" in capsys.readouterr().out
    (copied / "masks" / "masks.parquet").write_bytes(b"nothing")
    assert run(["verify", str(copied), "--format", "json"]) == 1
    said = capsys.readouterr()
    wrong = [one["path"] for one in json.loads(said.out) if one["problems"]]
    assert wrong == ["masks/masks.parquet"]
    assert "got other things in masks/masks.parquet" in said.err
    assert run(["verify", str(copied / "nowhere")]) == 2
