import json
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags

from artgan.catalog.beside import files_of
from artgan.catalog.schema import (
    MASKS,
    METRICS,
    MODELS,
    OUTPUTS,
    QUARANTINE,
    RUNS,
    SCANS,
    TABLES,
)
from artgan.catalog.table import Catalog, open_catalog
from artgan.config import NightlySettings
from artgan.errors import InvalidInputError
from artgan.imaging.decode import scan_array
from artgan.imaging.read import read_mask
from flows.nightly import nightly
from flows.stages import STAGE_TAG

KINDS = {"restoration", "simulation", "style"}
LARGE = "woodblock_views"


def settings_for(root: str, inbox: Path) -> NightlySettings:
    return NightlySettings(
        root=root,
        inbox=str(inbox),
        preset="smoke",
        simulated_works=4,
        stylized_contents=2,
    )


@pytest.fixture(scope="module")
def archive(inbox: Path, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The archive after one night, shared by the tests of this file."""
    root = str(tmp_path_factory.mktemp("night") / "root")
    nightly(settings_for(root, inbox))
    return open_catalog(root)


def keys(catalog: Catalog) -> dict[str, set[str]]:
    return {
        table.name: set(catalog.read(table, [table.key])[table.key].to_pylist()) for table in TABLES
    }


def test_every_table_has_rows(archive: Catalog) -> None:
    for name, found in keys(archive).items():
        assert found or name in {"withdrawals", "reviews"}, name


@pytest.mark.usefixtures("archive")
def test_no_task_of_a_stage_asks_the_server_for_the_place_of_a_tag() -> None:
    stages = FlowRunFilter(tags=FlowRunFilterTags(any_=[STAGE_TAG]))
    with get_client(sync_client=True) as client:
        task_runs = client.read_task_runs(flow_run_filter=stages)
    assert len(task_runs) > 20
    assert {tag for task_run in task_runs for tag in task_run.tags} == set()


def test_every_file_of_the_inbox_is_accepted_or_quarantined(archive: Catalog, inbox: Path) -> None:
    judged = {
        row["source_path"]
        for table in (SCANS, QUARANTINE, MASKS)
        for row in archive.rows(table, ["source_path"])
    }
    delivered = {
        path.relative_to(inbox).as_posix()
        for path in inbox.rglob("*")
        if path.is_file() and path.suffix != ".csv" and path.name not in {".DS_Store", "Thumbs.db"}
    }
    assert judged == delivered
    reasons = {row["reason"] for row in archive.rows(QUARANTINE)}
    assert {"exact_duplicate", "truncated", "not_an_image", "empty_file"} <= reasons


def test_undamaged_pixels_of_restored_scans_are_those_of_the_source(archive: Catalog) -> None:
    restored = [row for row in archive.rows(OUTPUTS) if row["kind"] == "restored"]
    sources = {row["scan_id"]: row for row in archive.rows(SCANS)}
    depths = set()
    for row in restored:
        assert row["status"] == "ok", row["message"]
        before, _ = scan_array(Path(sources[row["scan_id"]]["source_uri"]), 10**9)
        after, _ = scan_array(Path(archive.store.uri(row["output_path"])), 10**9)
        mask = read_mask(archive.store.read(row["effective_mask_path"]))
        assert after.dtype == before.dtype
        assert (after[~mask] == before[~mask]).all()
        assert (after[mask] != before[mask]).any()
        assert row["changed_outside_mask"] == 0
        assert row["assessment"] in {"ok", "conjectural", "needs_review"}
        assert all(archive.store.exists(path) for path in files_of(row))
        patch, _ = scan_array(Path(archive.store.uri(row["patch_path"])), 10**9)
        assert (before + patch == after).all()
        depths.add(row["bit_depth"])
    assert depths == {8, 16}


def test_every_collection_goes_through_to_the_report(archive: Catalog) -> None:
    collections = {row["collection"] for row in archive.rows(SCANS)} - {"few_sketches"}
    assert len(collections) == 3
    trained = {(row["kind"], row["collection"]) for row in archive.rows(MODELS)}
    bases = {(kind, "archive") for kind in ("restoration", "simulation")}
    assert trained == bases | {(kind, LARGE) for kind in KINDS}
    for collection in collections:
        assert archive.store.exists(f"reports/collections/{collection}/index.html")
        made = {row["kind"] for row in archive.rows(OUTPUTS) if row["collection"] == collection}
        assert {"restored", "stylized"} <= made
        products = {row["product"] for row in archive.rows(METRICS)}
        assert products >= {"restoration", "stylization"}
    assert archive.store.exists("reports/index.html")


def test_a_night_proposes_no_masks_and_enhances_nothing_unless_told_to(archive: Catalog) -> None:
    assert not {row["flow"] for row in archive.rows(RUNS)} & {"detect", "enhance"}
    assert "detected" not in {row["origin"] for row in archive.rows(MASKS)}


def test_a_collection_with_too_few_works_is_catalogued_and_reported(archive: Catalog) -> None:
    rows = [row for row in archive.rows(SCANS) if row["collection"] == "few_sketches"]
    assert len(rows) == 5
    assert not [row for row in archive.rows(MODELS) if row["collection"] == "few_sketches"]
    page = archive.store.read("reports/collections/few_sketches/index.html").decode()
    assert "too few works to train" in page.lower()
    assert all(run["n_failed"] == 0 for run in archive.rows(RUNS))


def test_a_second_night_makes_nothing_again(
    archive: Catalog, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys(archive)

    def forbidden(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("an image was decoded")

    monkeypatch.setattr("artgan.imaging.decode.decode", forbidden)
    monkeypatch.setattr("artgan.imaging.read.decode", forbidden)
    monkeypatch.setattr("artgan.ingest.inspect.decode_page", forbidden)
    monkeypatch.setattr("tasks.train.launch", forbidden)
    nightly(settings_for(archive.store.root, inbox))
    after = keys(archive)
    for name in before.keys() - {"runs", "events"}:  # a night checks files
        assert after[name] == before[name], name


def test_rows_say_which_run_made_them(archive: Catalog) -> None:
    runs = {row["run_id"]: row for row in archive.rows(RUNS)}
    for table in (SCANS, QUARANTINE, MASKS, MODELS, OUTPUTS, METRICS):
        for row in archive.rows(table, ["run_id"]):
            assert row["run_id"] in runs
    first = next(row for row in runs.values() if row["flow"] == "nightly" and row["number"] == 1)
    children = [row for row in runs.values() if row["parent_run_id"] == first["run_id"]]
    assert {row["flow"] for row in children} >= {"ingest", "train", "restore", "report"}
    assert json.loads(first["counts_json"])["scans"] > 60


def test_an_unknown_collection_stops_before_any_work(tmp_path: Path, inbox: Path) -> None:
    settings = settings_for(str(tmp_path / "root"), inbox).model_copy(
        update={"collections": ["nowhere"]}
    )
    with pytest.raises(InvalidInputError, match="collection must be a folder of the inbox"):
        nightly(settings)
    assert open_catalog(str(tmp_path / "root")).read(SCANS).num_rows == 0
