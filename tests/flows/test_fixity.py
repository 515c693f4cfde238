import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest
from PIL import Image
from prefect import flow

from artgan.catalog.fixity import choose, find_targets
from artgan.catalog.schema import EVENTS, OUTPUTS, RUNS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.config import FixitySettings, IngestSettings
from artgan.errors import ArtganError
from artgan.imaging.write import png_bytes
from artgan.storage import open_store
from flows.fixity import fixity
from flows.ingest import ingest
from flows.stages import run_stage
from tasks.failures import find_failures
from tasks.outputs import write_output
from tasks.run import alarming, recorded_run


def picture(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize((80, 60), Image.Resampling.BICUBIC)


def made() -> bytes:
    """A file such as a flow makes."""
    return png_bytes(np.asarray(picture(99)))


@pytest.fixture
def archive(tmp_path: Path) -> Catalog:
    """Four ingested scans and one output."""
    folder = tmp_path / "inbox" / "prints"
    folder.mkdir(parents=True)
    for number in range(4):
        picture(number).save(folder / f"{number}.png")
    root = str(tmp_path / "root")
    ingest(IngestSettings(root=root, inbox=str(tmp_path / "inbox"), settle_s=0))
    catalog = open_catalog(root)
    facts = write_output(catalog.store, "outputs/stylized/prints/o1.png", made())
    row = {"output_id": "o1", "kind": "stylized", "collection": "prints", "status": "ok"}
    catalog.append(OUTPUTS, [row | facts])
    return catalog


def check(catalog: Catalog, **more: Any) -> dict[str, int]:
    return fixity(FixitySettings(root=catalog.store.root, **more))


def checks(catalog: Catalog) -> list[dict[str, Any]]:
    return catalog.rows(EVENTS, where=pc.field("event_type") == "fixity check")


def test_every_file_is_checked_once_in_as_many_runs_as_there_are_days(archive: Catalog) -> None:
    targets = find_targets(archive)
    assert len(targets) == 4 + 4 + 1
    for run in range(1, 4):
        assert check(archive, days_for_all=3)["done"] == 3
        rows = checks(archive)
        assert len(rows) == len({row["object_path"] for row in rows}) == 3 * run
    check(archive, days_for_all=3)
    by_time = [
        row["object_path"] for row in sorted(checks(archive), key=lambda row: row["event_at"])
    ]
    assert len(by_time) == 12
    assert set(by_time[:3]) == set(by_time[-3:])


def test_an_event_says_what_was_checked_by_whom_and_how(archive: Catalog) -> None:
    check(archive, days_for_all=1)
    (row,) = [row for row in checks(archive) if row["output_id"] == "o1"]
    output = archive.rows(OUTPUTS)[0]
    assert row["outcome"] == "success"
    assert row["digest_algorithm"] == "SHA-256"
    assert row["digest_found"] == row["digest_expected"] == output["output_sha256"]
    assert row["object_path"] == "outputs/stylized/prints/o1.png"
    assert row["agent"].startswith("artgan ")
    (run,) = [row for row in archive.rows(RUNS) if row["flow"] == "fixity"]
    assert row["run_id"] == run["run_id"]
    assert run["status"] == "completed"


def test_every_scan_has_one_ingestion_event_however_often_ingest_runs(
    archive: Catalog, tmp_path: Path
) -> None:
    again = IngestSettings(root=archive.store.root, inbox=str(tmp_path / "inbox"), settle_s=0)
    ingest(again)
    rows = [row for row in archive.rows(EVENTS) if row["event_type"] == "ingestion"]
    scans = {row["scan_id"]: row for row in archive.rows(SCANS)}
    assert len(rows) == 4
    for row in rows:
        assert row["event_at"] == scans[row["scan_id"]]["ingested_at"]
        assert row["run_id"] == scans[row["scan_id"]]["run_id"]


def test_a_changed_and_a_missing_file_fail_the_run_every_night_until_they_are_back(
    archive: Catalog, tmp_path: Path
) -> None:
    folder = tmp_path / "inbox" / "prints"
    content = bytearray((folder / "1.png").read_bytes())
    content[100] ^= 1
    good = (folder / "1.png").read_bytes()
    (folder / "1.png").write_bytes(bytes(content))
    archive.store.delete("outputs/stylized/prints/o1.png")
    with pytest.raises(ArtganError, match="got 2 files are changed or gone"):
        check(archive, days_for_all=1)
    failed = {row["object_path"]: row for row in checks(archive) if row["outcome"] == "fail"}
    assert set(failed) == {f"{folder}/1.png", "outputs/stylized/prints/o1.png"}
    assert failed[f"{folder}/1.png"]["digest_found"] is not None
    assert failed["outputs/stylized/prints/o1.png"]["digest_found"] is None
    (run,) = [row for row in archive.rows(RUNS) if row["flow"] == "fixity"]
    assert (run["status"], run["n_done"], run["n_failed"]) == ("failed", 7, 2)

    with pytest.raises(ArtganError, match="2 files"):
        check(archive, days_for_all=4)  # three of nine, and what was amiss on top
    (folder / "1.png").write_bytes(good)
    archive.store.write("outputs/stylized/prints/o1.png", made())
    check(archive, days_for_all=4)
    last = sorted(checks(archive), key=lambda row: row["event_at"])
    state = {row["object_path"]: row["outcome"] for row in last}
    assert set(state.values()) == {"success"}


def test_a_night_with_a_lost_file_does_all_its_work_and_then_fails(archive: Catalog) -> None:
    archive.store.delete("outputs/stylized/prints/o1.png")
    done: list[str] = []
    settings = FixitySettings(root=archive.store.root, days_for_all=1)

    @flow
    def night() -> None:
        afterwards = [lambda _settings, _run_id: done.append("pages")]
        with recorded_run("night", settings, afterwards) as run:
            with alarming(run):
                run_stage(fixity, settings, run)
            done.append("report")

    with pytest.raises(ArtganError, match="1 file is changed or gone"):
        night()
    assert done == ["report", "pages"]
    statuses = {row["flow"]: row["status"] for row in archive.rows(RUNS)}
    assert statuses == {"ingest": "completed", "fixity": "failed", "night": "failed"}
    failures = find_failures(archive, [row["run_id"] for row in archive.rows(RUNS)])
    assert "1 file is not as it was" in failures.amounts
    assert "o1.png must be there" in failures.rows[-1]["why, and what to do"]


def test_storage_that_does_not_answer_is_no_failed_digest(archive: Catalog, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.rename(tmp_path / "unmounted")
    inbox.mkdir()  # what a mount point looks like without its disk
    with pytest.raises(ArtganError, match=f"storage {inbox} must answer.*4 files not checked"):
        check(archive, days_for_all=1)
    rows = checks(archive)
    assert {row["outcome"] for row in rows} == {"success"}
    assert len(rows) == 5


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_a_warning(archive: Catalog, tmp_path: Path) -> None:
    (tmp_path / "inbox/prints/2.png").chmod(0)
    with pytest.raises(ArtganError, match="could not be read"):
        check(archive, days_for_all=1)
    assert [row["outcome"] for row in checks(archive)].count("warning") == 1


def test_a_run_that_was_killed_goes_on_with_the_same_files(
    archive: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = archive.__class__.append

    def killed(self: Catalog, table: Any, rows: Any) -> int:
        if table is EVENTS:
            raise KeyboardInterrupt
        return real(self, table, rows)

    monkeypatch.setattr(Catalog, "append", killed)
    with pytest.raises(KeyboardInterrupt):
        check(archive, days_for_all=3)
    monkeypatch.undo()
    read: list[str] = []
    counted(read, monkeypatch)
    assert check(archive, days_for_all=3)["done"] == 3
    assert read == []
    assert len(checks(archive)) == 3
    assert archive.store.entries("_work/fixity") == []


def counted(read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Note which files are hashed."""
    real: Callable[..., str] = archive_sha256

    def noting(self: Any, key: str) -> str:
        read.append(key)
        return real(self, key)

    monkeypatch.setattr("artgan.storage.Store.sha256", noting)


archive_sha256 = open_store("/tmp").__class__.sha256


@pytest.mark.parametrize("limit", [1, 2])
def test_no_more_files_are_read_than_allowed(archive: Catalog, limit: int) -> None:
    assert len(choose(archive, find_targets(archive), 1, limit).targets) == limit


def test_files_on_s3_are_told_apart_likewise(s3_root: str) -> None:
    catalog = open_catalog(s3_root)
    rows = []
    for name in ("kept", "lost"):
        facts = write_output(catalog.store, f"outputs/stylized/prints/{name}.png", made())
        rows.append(
            {"output_id": name, "kind": "stylized", "collection": "prints", "status": "ok"} | facts
        )
    catalog.append(OUTPUTS, rows)
    catalog.store.delete("outputs/stylized/prints/lost.png")
    away = {"scan_id": "a" * 64, "collection": "prints", "source_path": "prints/a.tif"}
    away |= {"source_uri": "s3://no-such-bucket/inbox/prints/a.tif", "source_bytes": 1}
    catalog.append(SCANS, [away])
    with pytest.raises(ArtganError, match="s3://no-such-bucket/inbox must answer") as raised:
        check(catalog, days_for_all=1)
    assert "1 file is changed or gone" in str(raised.value)
    assert sorted(row["outcome"] for row in checks(catalog)) == ["fail", "success"]
