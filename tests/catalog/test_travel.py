"""Earlier states of the catalog."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from artgan.catalog.query import query, versions_at
from artgan.catalog.schema import MASKS, RUNS
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.travel import parse_moment
from artgan.config import QuerySettings
from artgan.errors import InvalidInputError, MissingAssetError
from flows.__main__ import read_settings
from flows.local import query as query_command


@pytest.fixture
def catalog(any_root: str) -> Catalog:
    return open_catalog(any_root)


def run(name: str, flow: str = "ingest") -> dict:
    return {"run_id": name, "flow": flow}


def names(catalog: Catalog, version: int | None = None) -> list[str]:
    return sorted(row["run_id"] for row in catalog.rows(RUNS, ["run_id"], version=version))


def test_each_version_is_read_as_it_was_after_everything_that_came_later(catalog: Catalog) -> None:
    states = {catalog.version(RUNS): []}
    steps = [
        lambda: catalog.append(RUNS, [run("a"), run("b")]),
        lambda: catalog.replace(RUNS, [run("b", "train"), run("c")]),
        lambda: catalog.remove(RUNS, ["a"]),
        lambda: catalog.append(RUNS, [run("d")]),
        lambda: catalog.compact(RUNS, 1),
    ]
    for step in steps:
        step()
        states[catalog.version(RUNS)] = names(catalog)
    after = ([], ["a", "b"], ["a", "b", "c"], ["b", "c"], ["b", "c", "d"], ["b", "c", "d"])
    assert tuple(states.values()) == after
    for version, expected in states.items():
        assert names(catalog, version) == expected
    sql = "select count(*) as n from runs"
    second = list(states)[2]
    assert query(catalog, sql, {"runs": second}).to_pylist() == [{"n": 3}]
    assert query(catalog, sql).to_pylist() == [{"n": 3}]


def test_a_moment_finds_the_version_that_was_current_then(catalog: Catalog) -> None:
    before = datetime.now(UTC) - timedelta(days=1)
    catalog.append(RUNS, [run("a")])
    version = catalog.version(RUNS)
    assert catalog.version_at(RUNS, before) == -1
    assert catalog.version_at(RUNS, datetime.now(UTC) + timedelta(seconds=1)) == version
    found = query(catalog, "select * from runs", {"runs": catalog.version_at(RUNS, before)})
    assert found.num_rows == 0
    wanted = versions_at(catalog, before.isoformat(), {"runs": version})
    assert (wanted["runs"], wanted[MASKS.name]) == (version, -1)


def test_a_version_that_is_gone_or_never_was_is_one_sentence(catalog: Catalog) -> None:
    catalog.append(RUNS, [run("a")])
    version = catalog.version(RUNS)
    (file,) = [
        entry.key
        for entry in catalog.store.entries("catalog/runs")
        if "_delta_log" not in entry.key
    ]
    catalog.replace(RUNS, [run("a", "train")])
    catalog.store.delete(file)
    for missing in (version, version + 100):
        with pytest.raises(MissingAssetError, match=f"runs must be kept at version {missing}, got"):
            catalog.read(RUNS, version=missing)
        with pytest.raises(MissingAssetError, match=r"Ask for a later one\.$"):
            query(catalog, "select * from runs", {"runs": missing})
    assert names(catalog) == ["a"]


def test_a_moment_before_the_kept_log_is_one_sentence(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path))
    for number in range(3):
        catalog.append(RUNS, [run(f"r{number}")])
    catalog.checkpoint(RUNS)
    for number in range(2):
        (tmp_path / f"catalog/runs/_delta_log/{number:020d}.json").unlink()
    with pytest.raises(MissingAssetError, match=r"begins at .* with version 2\."):
        catalog.version_at(RUNS, datetime.now(UTC) - timedelta(days=1))


def test_a_date_means_its_end_and_a_moment_is_utc_unless_it_says_so() -> None:
    assert parse_moment("2026-11-01") == datetime(2026, 11, 1, 23, 59, 59, 999999, tzinfo=UTC)
    assert parse_moment("2026-11-01T12:00") == datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert parse_moment("2026-11-01T12:00+02:00") == datetime(2026, 11, 1, 10, tzinfo=UTC)
    with pytest.raises(InvalidInputError, match="as_of must be a date or a moment, got 'monday'"):
        parse_moment("monday")


def test_the_query_command_looks_back(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    catalog = open_catalog(str(tmp_path))
    catalog.append(RUNS, [run("a")])
    version = catalog.version(RUNS)
    catalog.append(RUNS, [run("b")])

    def ask(*flags: str) -> str:
        command = ["select run_id from runs order by 1", "--root", str(tmp_path), "--format", "csv"]
        query_command(read_settings("query", QuerySettings, [*command, *flags]))
        return capsys.readouterr().out

    assert ask() == "run_id\na\nb\n"
    assert ask("--versions", f"runs={version}") == "run_id\na\n"
    assert ask("--as-of", "2020-01-01") == "run_id\n"
    with pytest.raises(InvalidInputError, match="versions must name tables, got 'paintings'"):
        ask("--versions", "paintings=1")
