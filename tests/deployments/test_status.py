import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow, flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed, Crashed, Late, Running, Scheduled

from artgan.catalog.schema import MODELS, OUTPUTS, QUARANTINE, RUNS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from deployments.status import archive_attention, look_at_archive
from flows.__main__ import run

NO_SERVER = "http://127.0.0.1:1/api"
SCAN = {"source_path": "a", "source_uri": "/a", "source_bytes": 1}


@pytest.fixture(scope="module")
def client(
    start_harness: Callable[[], AbstractContextManager[None]],
) -> Iterator[SyncPrefectClient]:
    """A client of a real server that has nothing on it yet."""
    with start_harness(), get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """An archive with something of everything."""
    catalog = open_catalog(str(tmp_path / "root"))
    for name in ("a", "b", "c"):
        own = {"scan_id": name, "collection": "maps" if name == "c" else "prints"}
        catalog.append(SCANS, [SCAN | own])
    refused = {"quarantine_id": "q", "collection": "maps", "reason": "empty_file"}
    catalog.append(QUARANTINE, [SCAN | refused])
    for name, owner, promoted in (("m", "archive", True), ("n", "maps", True), ("o", "x", False)):
        model = {"model_id": name, "kind": "style", "collection": owner, "promoted": promoted}
        catalog.append(MODELS, [model])
    for name, status in (("k", "ok"), ("l", "ok"), ("m", "failed"), ("n", "withdrawn")):
        output = {"output_id": name, "kind": "restored", "collection": "maps", "status": status}
        catalog.append(OUTPUTS, [output])
    add_run(catalog, "nightly", "completed", hours=30)
    add_run(catalog, "ingest", "completed", hours=4)
    catalog.store.write("_work/runs/train-0123456789.json", b'{"number": 1}')
    return catalog


def add_run(catalog: Catalog, name: str, status: str, hours: float) -> None:
    row = {
        "run_id": f"{name}-{hours}",
        "flow": name,
        "status": status,
        "message": "training must end by itself, got exit code 9.",
        "seconds": 61.0,
        "ended_at": now() - timedelta(hours=hours),
    }
    catalog.append(RUNS, [row])


def look(
    capsys: pytest.CaptureFixture[str], root: str, server: str | None = None
) -> tuple[int, dict[str, Any], str]:
    """Run the command in both formats; return its exit code, its facts and its text."""
    flags = ["status", "--root", root, "--server", server or PREFECT_API_URL.value()]
    code = run(flags)
    text = capsys.readouterr().out
    assert run([*flags, "--format", "json"]) == code
    return code, json.loads(capsys.readouterr().out), text


def test_without_a_server_the_archive_is_still_described(
    catalog: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    add_run(catalog, "nightly", "failed", hours=3)
    code, facts, text = look(capsys, catalog.store.root, NO_SERVER)
    assert code == 1
    archive = facts["archive"]
    assert archive["collections"] == {"maps": 1, "prints": 2}
    assert archive["quarantined"] == 1
    assert archive["models_in_use"] == {"style": 1, "style base": 1}
    assert (archive["outputs"], archive["outputs_failed"]) == ({"restored": 2}, {"restored": 1})
    last = {row["flow"]: row["status"] for row in archive["last_runs"]}
    assert last == {"nightly": "failed", "ingest": "completed"}
    assert [row["flow"] for row in archive["unfinished_runs"]] == ["train"]
    assert "2 with 3 scans (prints: 2, maps: 1)" in text
    assert "nightly   failed 3 h 0 min ago, took 1 min 1 s: training must end by itself" in text
    assert "last nightly run must be completed, got failed" in text
    assert f"got '{NO_SERVER}' (ConnectError). Start it with `artgan serve`" in text
    assert len(text.splitlines()) < 25


def test_a_root_that_is_not_there_is_refused_and_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "typo"
    assert run(["status", "--root", str(root), "--server", NO_SERVER]) == 2
    assert "root must be an existing folder" in capsys.readouterr().err
    assert not root.exists()


def test_an_empty_folder_has_no_catalog_and_gets_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, facts, text = look(capsys, str(tmp_path), NO_SERVER)
    assert not facts["archive"]["has_catalog"]
    assert "none yet; make one with `artgan ingest`" in text
    assert list(tmp_path.iterdir()) == []


def test_an_archive_on_s3_has_no_disk(s3_root: str) -> None:
    catalog = open_catalog(s3_root)
    catalog.append(SCANS, [SCAN | {"scan_id": "s", "collection": "prints"}])
    archive = look_at_archive(catalog.store)
    assert archive["collections"] == {"prints": 1}
    assert archive["disk"] is None
    assert archive_attention(archive) == []


def test_a_disk_that_is_nearly_full_is_said(catalog: Catalog) -> None:
    archive = look_at_archive(catalog.store)
    free, total = archive["disk"]["free_bytes"], archive["disk"]["total_bytes"]
    assert 0 <= free <= total
    assert archive_attention(archive | {"disk": {"free_bytes": 11, "total_bytes": 100}}) == []
    full = archive | {"disk": {"free_bytes": 9, "total_bytes": 100}}
    assert "must have 10% free, got 9.0%" in archive_attention(full)[0]


def add(client: SyncPrefectClient, of: Flow[..., Any], state: State[Any]) -> str:
    return client.create_flow_run(of, state=state).name


@flow(name="nightly")
def a_night() -> None:
    """Stand for the nightly flow in the server's records."""


@flow(name="stylize")
def a_stylization() -> None:
    """Stand for the stylize flow in the server's records."""


def test_a_service_is_well_until_things_go_wrong_one_by_one(
    client: SyncPrefectClient, catalog: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    root = catalog.store.root
    code, facts, text = look(capsys, root)
    assert (code, facts["service"]["pools"]) == (1, [])
    assert "server must have work pools, got none. Make them with `artgan deploy`." in text
    assert "not scheduled" in text

    client.create_work_pool(WorkPoolCreate(name="cpu", type="process"))
    code, _, text = look(capsys, root)
    assert code == 1
    assert "pool cpu must have a worker online, got none. Start one with `artgan serve`" in text

    client.send_worker_heartbeat("cpu", "here-cpu", heartbeat_interval_seconds=300)
    night = now() + timedelta(hours=5)
    add(client, a_night, Scheduled(scheduled_time=night))
    add(client, a_night, Completed())
    running = add(client, a_stylization, Running())
    code, facts, text = look(capsys, root)
    assert (code, facts["attention"]) == (0, [])
    assert f"next night   {night:%Y-%m-%d %H:%M} UTC" in text
    assert "cpu (process): 1 worker online" in text
    assert f"running      1: stylize {running}" in text
    assert facts["service"]["pools"][0]["workers_online"] == ["here-cpu"]

    client.update_work_pool("cpu", WorkPoolUpdate(is_paused=True))
    late = add(client, a_stylization, Late(scheduled_time=now() - timedelta(hours=1)))
    crashed = add(client, a_night, Crashed(message="No heartbeat for 90 s"))
    code, facts, text = look(capsys, root)
    assert code == 1
    assert f"runs must start on time, got 1 late: {late}." in text
    assert f"nightly {crashed} crashed: No heartbeat for 90 s" in text
    assert "last nightly run must be completed, got crashed" in text
    assert "pool cpu must not be paused. Go on with `prefect work-pool resume cpu`." in text
    assert len(facts["attention"]) == 3
