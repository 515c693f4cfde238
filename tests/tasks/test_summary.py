import base64
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from PIL import Image
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import Artifact
from prefect.client.schemas.sorting import ArtifactSort
from prefect.runtime import flow_run
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from artgan.catalog.runs import Run
from artgan.catalog.schema import MASKS, MODELS, OUTPUTS, QUARANTINE, RUNS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.config import (
    IngestSettings,
    NightlySettings,
    RestoreSettings,
    SimulateSettings,
    StylizeSettings,
    TrainSettings,
)
from artgan.errors import ArtganError
from artgan.imaging.write import png_bytes
from flows.ingest import ingest
from flows.stylize import stylize
from tasks.failures import ROWS_SHOWN, find_failures, in_brief
from tasks.outputs import write_output
from tasks.run import recorded_run
from tasks.strip import Shot, draw, escape

MOST_BYTES = 300_000


def picture(seed: int, height: int = 160, width: int = 120) -> np.ndarray:
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    image = Image.fromarray(blocks).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


@contextmanager
def recorded_artifacts(found: dict[str, Artifact]) -> Iterator[None]:
    """Fill a dictionary with what the flow runs of the block left, by key.

    The server shows two hundred at a time, and other tests may have left more.
    """
    with get_client(sync_client=True) as client:
        newest = partial(client.read_artifacts, sort=ArtifactSort.CREATED_DESC)
        before = {one.id for one in newest()}
        yield
        found.update({one.key: one for one in newest() if one.key and one.id not in before})


def left_by(work: object) -> dict[str, Artifact]:
    """Run a flow without arguments, and return the artifacts of its own run by key."""
    ids: list[str] = []

    @flow(name="tried")
    def tried() -> None:
        ids.append(flow_run.id)
        assert callable(work)
        work()

    tried(return_state=True)
    of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(ids[0])]))
    with get_client(sync_client=True) as client:
        return {one.key: one for one in client.read_artifacts(artifact_filter=of_run) if one.key}


def text_of(artifacts: dict[str, Artifact], key: str) -> str:
    data = artifacts[key].data
    assert isinstance(data, str)
    assert len(data.encode()) < MOST_BYTES
    return data


def rows_of(artifacts: dict[str, Artifact], key: str) -> list[dict[str, str]]:
    data = artifacts[key].data
    return json.loads(data) if isinstance(data, str) else data  # pyright: ignore


def images_of(markdown: str) -> list[Image.Image]:
    found = re.findall(r"!\[[^\]]*\]\(data:image/jpeg;base64,([A-Za-z0-9+/=]+)\)", markdown)
    images = [Image.open(io.BytesIO(base64.b64decode(one)), formats=("JPEG",)) for one in found]
    for image in images:
        image.load()
    return images


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two collections: good scans, a file that is no picture, the same scan twice."""
    folder = tmp_path_factory.mktemp("inbox")
    for number, collection in enumerate(("prints", "walls | <b>tall")):
        (folder / collection).mkdir()
        for scan in range(3):
            pixels = picture(10 * number + scan)
            Image.fromarray(pixels).save(folder / collection / f"scan {scan}.png")
    (folder / "prints" / "notes.jpg").write_bytes(b"Scan folder of the first floor")
    (folder / "prints" / "empty.tif").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def ingested(
    inbox: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Catalog, dict[str, Artifact]]:
    """An archive after one ingest, with the artifacts of that run."""
    root = str(tmp_path_factory.mktemp("summary") / "root")
    found: dict[str, Artifact] = {}
    with recorded_artifacts(found):
        ingest(IngestSettings(root=root, inbox=str(inbox), max_megapixels=50, settle_s=0))
    return open_catalog(root), found


def test_ingest_says_what_came_in_what_was_refused_and_why(
    ingested: tuple[Catalog, dict[str, Artifact]],
) -> None:
    catalog, found = ingested
    text = text_of(found, "ingest-summary")
    run = catalog.rows(RUNS)[0]
    assert text.startswith(f"# ingest\n\n`{run['run_id']}`")
    assert "6 new scans, 2 files refused." in text
    assert "- prints: 3" in text
    assert r"- walls \| \<b\>tall: 3" in text
    assert "- empty file: 1, not an image: 1" in text
    assert "- Largest scan, megapixels: 50.0" in text
    page = catalog.store.uri(f"reports/runs/{run['run_id']}/index.html")
    assert f"(file://{page}): `{page}` (written by the next report)" in text
    assert not images_of(text)
    assert "- **2 files were refused**\n- prints/empty.tif must " in text
    assert (found["ingest-summary"].description or "").endswith("6 new scans, 2 files refused.")
    failures = rows_of(found, "ingest-failures")
    refused = {row["source_path"]: row for row in catalog.rows(QUARANTINE)}
    assert {row["item"] for row in failures} == set(refused)
    for row in failures:
        assert row["why, and what to do"] == refused[row["item"]]["message"]
    assert "2 files were refused." in (found["ingest-failures"].description or "")


def test_stylize_shows_the_work_beside_the_result_and_lists_what_could_not_be_made(
    ingested: tuple[Catalog, dict[str, Artifact]],
) -> None:
    catalog, _ = ingested
    scans = [row for row in catalog.rows(SCANS) if row["collection"] == "prints"]
    lost = scans[0]
    kept = catalog.store.read(lost["access_path"])
    catalog.store.delete(lost["access_path"])
    found: dict[str, Artifact] = {}
    settings = StylizeSettings(
        root=catalog.store.root, collections=["walls | <b>tall"], methods=["color"], contents=3
    )
    with recorded_artifacts(found):
        stylize(settings)
    catalog.store.write(lost["access_path"], kept)
    text = text_of(found, "stylize-summary")
    assert "2 works rendered in a style, 1 work could not be rendered." in text
    images = images_of(text)
    assert len(images) == 2
    made = [row for row in catalog.rows(OUTPUTS) if row["status"] == "ok"]
    widths = {image.size for image in images}
    assert widths == {(2 * 120 + 4, 160)}
    sources = {row["scan_id"]: row["source_path"] for row in scans}
    for row in made:
        assert escape(sources[row["scan_id"]].rsplit("/", 1)[-1]) in text
    (failure,) = rows_of(found, "stylize-failures")
    failed = next(row for row in catalog.rows(OUTPUTS) if row["status"] == "failed")
    assert failure["id"] == failed["output_id"]
    assert failure["item"] == lost["source_path"]
    assert failure["why, and what to do"] == failed["message"]


def add_restored(catalog: Catalog, run: Run) -> None:
    """Record a restoration whose file differs from its scan by a red square."""
    scan = sorted(catalog.rows(SCANS), key=lambda row: row["scan_id"])[0]
    before = np.array(Image.open(scan["source_uri"]))
    after = before.copy()
    after[40:80, 40:80] = (255, 0, 0)
    path = f"outputs/restored/{run.run_id}.png"
    row = {
        "output_id": f"restored-{run.run_id}",
        "kind": "restored",
        "collection": scan["collection"],
        "scan_id": scan["scan_id"],
        "status": "ok",
        "assessment": "conjectural",
        "preview_path": "outputs/restored/o/preview.jpg",
        "report_path": "outputs/restored/o/report.json",
        "height_px": after.shape[0],
        "width_px": after.shape[1],
        "run_id": run.run_id,
        "created_at": now(),
    }
    catalog.append(OUTPUTS, [row | write_output(catalog.store, path, png_bytes(after))])
    run.count({"done": 1})


def add_simulated(catalog: Catalog, run: Run, count: int) -> None:
    """Record simulated works of two collections."""
    rows = []
    for seed in range(count):
        path = f"outputs/simulated/{run.run_id}-{seed}.png"
        content = png_bytes(picture(seed, 32, 32))
        row = {
            "output_id": f"{run.run_id}-{seed:03d}",
            "kind": "simulated",
            "collection": "prints" if seed else "walls",
            "seed": seed,
            "status": "ok",
            "height_px": 32,
            "width_px": 32,
            "run_id": run.run_id,
            "created_at": now(),
        }
        rows.append(row | write_output(catalog.store, path, content))
    catalog.append(OUTPUTS, rows)
    run.count({"done": count})


def add_models(catalog: Catalog, run: Run) -> None:
    """Record one model in use and one that was refused, with their samples."""
    rows = []
    for number, (collection, promoted) in enumerate([("archive", True), ("prints", False)]):
        folder = f"models/{collection}/restoration/{run.run_id}"
        catalog.store.write(f"{folder}/samples.png", png_bytes(picture(number, 256, 512)))
        rows.append(
            {
                "model_id": f"{collection}-{run.run_id}",
                "kind": "restoration",
                "collection": collection,
                "metric": "hole_psnr_db",
                "value": 20.125 + number,
                "n_val": 8,
                "promoted": promoted,
                "reason": "first model of its kind" if promoted else "not better than the base",
                "weights_path": f"{folder}/weights.safetensors",
                "created_at": now(),
                "run_id": run.run_id,
            }
        )
    catalog.append(MODELS, rows)
    run.count({"done": 2, "models": 2})


def test_a_night_shows_each_stage_and_what_they_made(
    ingested: tuple[Catalog, dict[str, Artifact]], inbox: Path
) -> None:
    catalog, _ = ingested
    root = catalog.store.root

    def night() -> None:
        settings = NightlySettings(root=root, inbox=str(inbox), stylized_contents=3)
        with recorded_run("nightly", settings):
            with recorded_run("restore", RestoreSettings(root=root)) as run:
                add_restored(catalog, run)
            with recorded_run("simulate", SimulateSettings(root=root, works=20)) as run:
                add_simulated(catalog, run, 20)
            with recorded_run("train", TrainSettings(root=root)) as run:
                add_models(catalog, run)

    found = left_by(night)
    text = text_of(found, "nightly-summary")
    assert "1 scan restored, 20 works simulated" in text
    assert re.search(r"- \*\*restore\*\* \([0-9.]+ s\): 1 scan restored\n", text)
    assert (
        "- whole archive, restoration: PSNR in the damage 20.1 dB on 8 held-out works; taken"
        in text
    )
    assert "- prints, restoration: PSNR in the damage 21.1 dB" in text
    assert "**not taken into use**: not better than the base" in text
    assert "- Works to render in each style: 3" in text
    assert "Works to simulate" not in text
    images = images_of(text)
    assert len(images) == 1 + 4 + 2
    pair = np.asarray(images[0])
    middle = np.s_[50:70, 50:70]
    before, after = pair[:, :120][middle], pair[:, -120:][middle]
    assert after[..., 0].mean() > 230
    assert after[..., 1:].mean() < 40
    assert np.abs(before.astype(float) - after).mean() > 20
    assert images[1].size == (192, 192)
    assert images[5].size == (324, 162)
    assert "walls, seed 0" in text
    (refused,) = rows_of(found, "nightly-failures")
    assert refused["item"] == "restoration model of prints"
    assert refused["why, and what to do"] == "not better than the base"
    assert len(images_of(text_of(found, "simulate-summary"))) == 12


def test_restored_files_that_need_a_look_are_named_with_their_files(
    ingested: tuple[Catalog, dict[str, Artifact]],
) -> None:
    catalog = ingested[0]

    def restored() -> None:
        with recorded_run("restore", RestoreSettings(root=catalog.store.root)) as run:
            add_restored(catalog, run)

    text = text_of(left_by(restored), "restore-summary")
    assert "## Restored files\n\n- conjectural: 1\n- " in text
    assert "**conjectural**; [preview](file://" in text
    assert "outputs/restored/o/report.json`" in text


def test_a_failed_run_has_its_summary_and_its_sentence(
    ingested: tuple[Catalog, dict[str, Artifact]],
) -> None:
    root = ingested[0].store.root
    sentence = "crops must be at least 1, got 0. Deliver more works."

    def failing() -> None:
        with recorded_run("restore", RestoreSettings(root=root, max_failed_fraction=0.1)) as run:
            run.count({"done": 2, "failed": 3})
            raise ArtganError(sentence)

    text = text_of(left_by(failing), "restore-summary")
    assert f"**Failed** after 0.0 s: {sentence} Before that: 2 scans restored, 3 scans" in re.sub(
        r"after [0-9.]+ s", "after 0.0 s", text
    )


def test_a_stage_that_fails_is_named_on_the_page_of_the_night(
    ingested: tuple[Catalog, dict[str, Artifact]], inbox: Path
) -> None:
    root = ingested[0].store.root

    def night() -> None:
        whole = NightlySettings(root=root, inbox=str(inbox), seed=3)
        stage = TrainSettings(root=root, seed=3)
        with recorded_run("nightly", whole), recorded_run("train", stage):
            raise ArtganError(
                "training must end by itself, got exit code 1. Traceback (m\n a\n"
                "MemoryError: too large"
            )

    found = left_by(night)
    (row,) = rows_of(found, "nightly-failures")
    assert row["step"] == "train"
    assert row["why, and what to do"].endswith("MemoryError: too large")
    text = text_of(found, "nightly-summary")
    assert text.count("training must end by itself") == 1
    assert "- **1 step stopped**" in text
    assert re.search(r"- \*\*train\*\* \([0-9.]+ s\): \*\*failed\*\*", text)
    assert find_failures(ingested[0], ["none"]).total == 0


@pytest.mark.parametrize("late", [False, True])
def test_an_error_that_nobody_expected_leaves_a_summary_too(
    ingested: tuple[Catalog, dict[str, Artifact]], late: bool
) -> None:
    settings = SimulateSettings(root=ingested[0].store.root, seed=5 + late)

    def burst(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    def failing() -> None:
        with recorded_run("simulate", settings, afterwards=[burst]) as run:
            run.count({"done": 7})
            if not late:
                burst()

    text = text_of(left_by(failing), "simulate-summary")
    assert "**Stopped**" in text
    assert "(ZeroDivisionError): division by zero Before that: 7 works simulated." in text


def test_a_server_that_is_gone_changes_nothing_but_the_log(
    ingested: tuple[Catalog, dict[str, Artifact]],
    no_server: Callable[[], AbstractContextManager[None]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    catalog, _ = ingested
    ended = []

    def alone() -> None:
        with no_server(), temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
            with recorded_run(
                "simulate", SimulateSettings(root=catalog.store.root, works=9)
            ) as run:
                run.count({"done": 1})
            ended.append(run.run_id)

    assert left_by(alone) == {}
    row = next(row for row in catalog.rows(RUNS) if row["run_id"] == ended[0])
    assert row["status"] == "completed"
    warnings = [one.message for one in caplog.records if one.levelname == "WARNING"]
    assert any(one.startswith(f"summary of {ended[0]} cannot be shown") for one in warnings)


def test_a_run_that_is_cancelled_ends_at_once(
    ingested: tuple[Catalog, dict[str, Artifact]],
) -> None:
    def cancelled() -> None:
        try:
            with recorded_run("simulate", SimulateSettings(root=ingested[0].store.root, seed=99)):
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            pass

    assert left_by(cancelled) == {}


def test_on_s3_places_are_addresses(s3_root: str) -> None:
    def empty() -> None:
        with recorded_run("simulate", SimulateSettings(root=s3_root)):
            pass

    text = text_of(left_by(empty), "simulate-summary")
    assert "nothing new was made." in text
    assert f"- Report of the archive: `{s3_root}/reports/index.html`" in text
    assert "](file://" not in text


def test_a_long_list_of_failures_is_cut_and_counted(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path))
    refused = {"source_uri": "/x", "source_bytes": 1, "reason": "truncated", "run_id": "r"}
    catalog.append(
        QUARANTINE,
        [
            refused
            | {
                "quarantine_id": str(number),
                "collection": "prints",
                "source_path": f"prints/{number}",
                "message": "x must be whole, got a part. Copy it again.",
            }
            for number in range(ROWS_SHOWN + 7)
        ],
    )
    found = find_failures(catalog, ["r"])
    assert len(found.rows) == ROWS_SHOWN
    assert found.total == ROWS_SHOWN + 7
    assert "507 files were refused. Showing 500 of 507" in found.words
    assert find_failures(catalog, ["another"]).total == 0
    assert catalog.read(MASKS).num_rows == 0


def test_pictures_shrink_until_they_fit_the_budget() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    shots = [Shot("noise", (noise, noise))] * 12
    (wide,) = draw([shots])
    (narrow,) = draw([shots], 100_000)
    assert len(narrow) < 105_000 < len(wide) < MOST_BYTES
    assert images_of(narrow)[0].width < images_of(wide)[0].width


def test_words_of_others_stay_words() -> None:
    assert escape("a|b\n[c](http://x) <i>") == r"a\|b \[c\](http://x) \<i\>"
    assert in_brief("one\ntwo\n three ") == "one three"
    assert in_brief("") == ""
