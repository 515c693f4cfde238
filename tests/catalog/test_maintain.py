import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import deltalake
import pytest

from artgan.catalog.maintain import FEWEST_SMALL_FILES, MOST_COMMITS, carry_out, find, tally
from artgan.catalog.schema import MODELS, OUTPUTS, RUNS, Table
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.config import MaintainSettings
from artgan.storage import Store

DAY_S = 86400
MANY = FEWEST_SMALL_FILES + 2


@pytest.fixture
def catalog(any_root: str) -> Catalog:
    return open_catalog(any_root)


def settings_for(catalog: Catalog, **kept: int) -> MaintainSettings:
    return MaintainSettings(root=catalog.store.root, dry_run=False, **kept)


def fill(catalog: Catalog, commits: int = MANY) -> None:
    for number in range(commits):
        catalog.append(RUNS, [{"run_id": f"r{number:03d}", "flow": "ingest"}])


def age_log(catalog: Catalog, table: Table, days: int) -> None:
    """Make a table's commits look as if they had been made some days ago."""

    def shift(line: str) -> str:
        action = json.loads(line)
        for part in action.values():
            for name in ("timestamp", "deletionTimestamp", "modificationTime"):
                if isinstance(part, dict) and name in part:
                    part[name] -= days * DAY_S * 1000
        return json.dumps(action)

    for entry in catalog.store.entries(f"catalog/{table.name}/_delta_log"):
        if entry.key.endswith(".json"):
            lines = catalog.store.read(entry.key).decode().splitlines()
            catalog.store.write(entry.key, "\n".join(map(shift, lines)).encode())


def data_files(catalog: Catalog, table: Table) -> set[str]:
    entries = catalog.store.entries(f"catalog/{table.name}")
    return {entry.key for entry in entries if "_delta_log" not in entry.key}


def everything(store: Store) -> list[tuple[str, int, str]]:
    return [(entry.key, entry.size, entry.version) for entry in store.entries()]


def test_small_files_are_joined_once_and_every_row_stays(catalog: Catalog) -> None:
    fill(catalog)
    before = catalog.rows(RUNS)
    items = find(catalog, settings_for(catalog))
    assert tally(items) == {"tables_to_compact": 1}
    carry_out(catalog, settings_for(catalog), items)
    assert len(catalog.small_files(RUNS)) == 1
    assert sorted(catalog.rows(RUNS), key=str) == sorted(before, key=str)
    assert find(catalog, settings_for(catalog)) == []


def test_what_a_dry_run_names_is_what_is_removed(catalog: Catalog) -> None:
    fill(catalog)
    catalog.compact(RUNS, 1)
    age_log(catalog, RUNS, 40)
    rows, files = catalog.rows(RUNS), data_files(catalog, RUNS)
    everything_before = everything(catalog.store)
    items = find(catalog, settings_for(catalog))
    assert everything(catalog.store) == everything_before
    counts = tally(items)
    assert counts["table_files"] == MANY
    assert counts["table_files_bytes"] == counts["bytes_freed"] > MANY * 1000
    carry_out(catalog, settings_for(catalog), items)
    assert files - data_files(catalog, RUNS) == {item.name for item in items}
    assert catalog.rows(RUNS) == rows
    assert find(catalog, settings_for(catalog)) == []


def test_versions_of_the_last_days_stay_readable_even_after_a_checkpoint(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path))
    fill(catalog)
    replaced = catalog.version(RUNS)
    catalog.compact(RUNS, 1)
    age_log(catalog, RUNS, 20)
    for key in data_files(catalog, RUNS):
        os.utime(catalog.store.uri(key), (0, time.time() - 40 * DAY_S))
    catalog.checkpoint(RUNS)
    assert find(catalog, settings_for(catalog, keep_versions_days=30)) == []
    items = find(catalog, settings_for(catalog, keep_versions_days=10))
    assert tally(items)["table_files"] == MANY
    old = deltalake.DeltaTable(catalog.location(RUNS), version=replaced)
    assert old.to_pyarrow_table().num_rows == MANY


def test_a_long_log_gets_a_checkpoint(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path))
    fill(catalog, MOST_COMMITS + 1)
    # Writers make checkpoints by themselves; here they were all killed before they could.
    for entry in catalog.store.entries("catalog/runs/_delta_log"):
        if "checkpoint" in entry.key:
            catalog.store.delete(entry.key)
    items = find(catalog, settings_for(catalog))
    assert tally(items) == {"tables_to_compact": 1, "logs_to_checkpoint": 1}
    carry_out(catalog, settings_for(catalog), items)
    assert catalog.commits_to_replay(RUNS) == 0
    assert catalog.read(RUNS).num_rows == MOST_COMMITS + 1


def test_no_row_is_lost_when_others_write_while_files_are_joined(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path))
    fill(catalog)

    def write(number: int) -> None:
        if number % 4 == 0:
            Catalog(catalog.store).compact(RUNS, 1)
        else:
            Catalog(catalog.store).append(RUNS, [{"run_id": f"w{number}", "flow": "ingest"}])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(16)))
    found = [row["run_id"] for row in catalog.rows(RUNS)]
    assert len(found) == len(set(found)) == MANY + 12


def add_model(catalog: Catalog, name: str, *, days: int, promoted: bool, base: str = "") -> str:
    folder = f"models/prints/style/{name}"
    for file in ("weights.safetensors", "training.safetensors", "samples.png"):
        catalog.store.write(f"{folder}/{file}", b"x" * 1000)
    catalog.store.write(f"{folder}/model.json", json.dumps({"model_id": name}).encode())
    row = {
        "model_id": name,
        "kind": "style",
        "collection": "prints",
        "base_model_id": base or None,
        "promoted": promoted,
        "weights_path": f"{folder}/weights.safetensors",
        "created_at": now() - timedelta(days=days),
    }
    catalog.append(MODELS, [row])
    return folder


def test_only_models_that_nothing_refers_to_lose_their_weights(catalog: Catalog) -> None:
    add_model(catalog, "in-use", days=200, promoted=True, base="base")
    add_model(catalog, "superseded", days=300, promoted=True)
    add_model(catalog, "base", days=400, promoted=False, base="base-of-base")
    add_model(catalog, "base-of-base", days=400, promoted=False)
    add_model(catalog, "young", days=89, promoted=False)
    add_model(catalog, "made-a-work", days=200, promoted=False)
    unused = add_model(catalog, "unused", days=120, promoted=False)
    made = {"output_id": "o", "kind": "stylized", "collection": "prints", "status": "ok"}
    catalog.append(OUTPUTS, [made | {"model_id": "made-a-work"}])
    rows, before = catalog.rows(MODELS), everything(catalog.store)
    settings = settings_for(catalog)

    items = find(catalog, settings)
    assert [item.name for item in items] == [unused]
    assert tally(items) == {"models": 1, "models_bytes": 3000, "bytes_freed": 3000}
    carry_out(catalog, settings, items)

    gone = {key for key, _, _ in before} - {key for key, _, _ in everything(catalog.store)}
    files = ["samples.png", "training.safetensors", "weights.safetensors"]
    assert sorted(gone) == [f"{unused}/{file}" for file in files]
    card = json.loads(catalog.store.read(f"{unused}/model.json"))
    assert card["model_id"] == "unused"
    assert card["removed"]["files"] == files
    assert card["removed"]["reason"] == "never promoted, trained 120 days ago"
    assert catalog.rows(MODELS) == rows
    assert find(catalog, settings) == []


def test_what_killed_runs_left_goes_only_when_it_is_old(catalog: Catalog) -> None:
    left = {
        "confidential/prints/style/stopped/state.safetensors": 5000,
        "models/prints/style/stopped/weights.safetensors": 100,
        "_work/runs/nightly-0123.json": 13,
        "_work/simulate/prints/4567.json": 40,
        "_tmp/89ab": 7,
    }
    for key, size in left.items():
        catalog.store.write(key, b"x" * size)
    catalog.store.write("outputs/restored/prints/o.tif", b"x")
    settings = settings_for(catalog, keep_results_days=30)
    assert find(catalog, settings, now() + timedelta(days=29)) == []
    items = find(catalog, settings, now() + timedelta(days=31))
    assert {key for item in items for key in item.keys} == set(left)
    assert tally(items) == {
        "unfinished_trainings": 1,
        "unfinished_trainings_bytes": 5100,
        "leftovers": 3,
        "leftovers_bytes": 60,
        "bytes_freed": 5160,
    }
    before = {entry.key for entry in catalog.store.entries()}
    carry_out(catalog, settings, items)
    assert before - {entry.key for entry in catalog.store.entries()} == set(left)
