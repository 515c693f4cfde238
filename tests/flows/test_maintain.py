import json
import os
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import flow, task
from prefect.artifacts import Artifact
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

from artgan.catalog.maintain import FEWEST_SMALL_FILES, Item
from artgan.catalog.schema import MODELS, RUNS, TABLES
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.config import MaintainSettings, NightlySettings
from artgan.errors import InvalidInputError
from flows.maintain import maintain
from flows.nightly import nightly
from tasks.maintain import ROWS_SHOWN, rows_of
from tests.nights import SETTINGS, Night

LONG_AGO_S = 200 * 86400


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Path]:
    """Prefect's result storage, empty and our own."""
    folder = tmp_path / "results"
    folder.mkdir()
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: folder}):
        yield folder


@task(persist_result=True, result_serializer="json")
def make_result() -> int:
    """Leave a result in Prefect's storage."""
    return 1


@flow
def leave_result() -> None:
    """Leave a result in Prefect's storage."""
    make_result()


def age(path: Path) -> None:
    os.utime(path, (0, time.time() - LONG_AGO_S))


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of every file of a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def rows_of_tables(catalog: Catalog) -> dict[str, list[dict[str, Any]]]:
    return {
        table.name: sorted(catalog.rows(table), key=lambda row: row[table.key]) for table in TABLES
    }


def add_unused_model(catalog: Catalog) -> str:
    folder = "models/prints/simulation/unused"
    catalog.store.write(f"{folder}/weights.safetensors", b"x" * 50_000)
    catalog.store.write(f"{folder}/model.json", b'{"model_id": "unused"}')
    row = {
        "model_id": "unused",
        "kind": "simulation",
        "collection": "prints",
        "promoted": False,
        "weights_path": f"{folder}/weights.safetensors",
        "created_at": now() - timedelta(seconds=LONG_AGO_S),
    }
    catalog.append(MODELS, [row])
    return folder


def test_a_dry_run_changes_nothing_and_counts_what_the_real_one_does(
    tmp_path: Path, results: Path
) -> None:
    catalog = open_catalog(str(tmp_path / "root"))
    for number in range(FEWEST_SMALL_FILES):
        catalog.append(RUNS, [{"run_id": f"r{number}", "flow": "ingest"}])
    unused = add_unused_model(catalog)
    for key in ("_work/stylize/prints/0123.json", "_tmp/4567"):
        catalog.store.write(key, b"{}")
        age(Path(catalog.store.uri(key)))
    leave_result()
    (kept_result,) = [path for path in results.iterdir() if path.is_file()]
    old_result = results / "old"
    old_result.write_bytes(kept_result.read_bytes())
    foreign = results / "notes.txt"
    foreign.write_text("not a result")
    age(old_result)
    age(foreign)
    rows, files = rows_of_tables(catalog), state_of(tmp_path)

    planned = maintain(MaintainSettings(root=catalog.store.root))
    assert state_of(tmp_path) == files
    done = maintain(MaintainSettings(root=catalog.store.root, dry_run=False))

    assert done == planned
    assert {name: planned[name] for name in planned if not name.endswith("_bytes")} == {
        "tables_to_compact": 1,
        "models": 1,
        "leftovers": 2,
        "prefect_results": 1,
        "bytes_freed": 50_000 + 2 + 2 + kept_result.stat().st_size,
    }
    gone = {Path(name).name for name in files.keys() - state_of(tmp_path).keys()}
    assert gone == {"weights.safetensors", "0123.json", "4567", "old"}
    assert "removed" in json.loads(catalog.store.read(f"{unused}/model.json"))

    after = rows_of_tables(catalog)
    (record,) = [row for row in after["runs"] if row["flow"] == "maintain"]
    after["runs"].remove(record)
    assert after == rows
    assert record["status"] == "completed"
    assert json.loads(record["counts_json"])["models"] == 1
    assert maintain(MaintainSettings(root=catalog.store.root)) == {}


@pytest.mark.usefixtures("results")
def test_a_run_lists_what_it_removes_and_why(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path / "root"))
    unused = add_unused_model(catalog)
    maintain(MaintainSettings(root=catalog.store.root))
    listed: Any = Artifact.get("maintain-items")
    assert listed is not None
    assert json.loads(str(listed.data)) == [
        {
            "what": "models",
            "where": unused,
            "size": "50 KB",
            "why": "never promoted, trained 200 days ago",
        }
    ]
    assert listed.description == "Would tidy 1 thing; 50 KB to be freed."


def test_a_long_list_is_cut_and_says_so() -> None:
    items = [Item("leftovers", f"_tmp/{n:05d}", ("k",), n, "half") for n in range(ROWS_SHOWN + 3)]
    rows = rows_of(items)
    assert len(rows) == ROWS_SHOWN + 1
    assert rows[0]["where"] == f"_tmp/{ROWS_SHOWN + 2:05d}"
    assert rows[-1]["where"] == "and 3 more, none of them larger"
    assert rows[-1]["size"] == "3 bytes"


@pytest.mark.usefixtures("results")
def test_a_root_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="root must be an existing folder"):
        maintain(MaintainSettings(root=str(tmp_path / "typo"), dry_run=False))
    assert not (tmp_path / "typo").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("results")
def test_an_archive_that_was_tidied_reads_the_same_and_the_next_night_makes_nothing(
    undisturbed: Night, night_inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = str(shutil.copytree(undisturbed.root, tmp_path / "root"))
    night = NightlySettings(root=root, inbox=str(night_inbox), **SETTINGS)
    catalog = open_catalog(root)
    add_unused_model(catalog)
    for path in Path(root).rglob("*"):
        age(path)
    before = rows_of_tables(catalog)
    used = {row["weights_path"] for row in before["models"] if row["promoted"]}

    counts = maintain(MaintainSettings(root=root, dry_run=False))
    assert counts["models"] == 1
    assert counts["bytes_freed"] > 10_000
    assert all(catalog.store.exists(path) for path in used)
    after = rows_of_tables(catalog)
    assert {row["flow"] for row in after["runs"]} - {row["flow"] for row in before["runs"]} == {
        "maintain"
    }
    assert {name: after[name] for name in after if name != "runs"} == {
        name: before[name] for name in before if name != "runs"
    }

    def forbidden(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("something was made again")

    monkeypatch.setattr("artgan.imaging.decode.decode", forbidden)
    monkeypatch.setattr("artgan.imaging.read.decode", forbidden)
    monkeypatch.setattr("artgan.ingest.inspect.decode_page", forbidden)
    monkeypatch.setattr("tasks.train.launch", forbidden)
    nightly(night)
    following = rows_of_tables(catalog)
    for name in before.keys() - {"runs", "events"}:  # a night checks files
        assert following[name] == before[name], name
