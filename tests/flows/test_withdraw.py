import json
import pydoc
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from artgan.catalog.schema import (
    EVENTS,
    MASKS,
    MODELS,
    OUTPUTS,
    QUARANTINE,
    RUNS,
    SCANS,
    TABLES,
    WITHDRAWALS,
)
from artgan.catalog.table import Catalog, open_catalog
from artgan.config import IngestSettings, WithdrawSettings
from artgan.errors import InvalidInputError
from artgan.report.site import build_site
from artgan.storage import Store, open_store
from flows.ingest import ingest
from flows.withdraw import withdraw
from tasks.outputs import write_output

CLAIM = "claim 2026-17 of the heirs"
METADATA = "file,accession number,title\na.png,1889.1,Sea\nb.png,1889.2,Hill\nc.png,1889.3,Road\n"


def picture(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize((80, 60), Image.Resampling.BICUBIC)


def fill(inbox: Path) -> None:
    """Three prints, a mask on the first, and its bytes once more in another collection."""
    prints, rest = inbox / "prints", inbox / "rest"
    prints.mkdir(parents=True)
    rest.mkdir()
    for number, name in enumerate("abc"):
        picture(number).save(prints / f"{name}.png")
    (prints / "metadata.csv").write_text(METADATA)
    damage = np.zeros((60, 80), np.uint8)
    damage[10:20, 10:20] = 255
    Image.fromarray(damage).save(prints / "a.png.mask.png")
    (rest / "again.png").write_bytes((prints / "a.png").read_bytes())
    picture(9).save(rest / "other.png")


def build(root: str, inbox: Path) -> Catalog:
    """An archive of these, with outputs of two of them, a model, figures and pages."""
    ingest(IngestSettings(root=root, inbox=str(inbox), settle_s=0))
    catalog = open_catalog(root)
    scans = by_path(catalog)
    store = catalog.store
    rows = []
    for name in "ab":
        path = f"outputs/stylized/rest/{name}.png"
        facts = write_output(store, path, (inbox / f"prints/{name}.png").read_bytes())
        facts |= {"output_id": name, "scan_id": scans[f"prints/{name}.png"]["scan_id"]}
        size = {"kind": "stylized", "collection": "rest", "width_px": 80, "height_px": 60}
        rows.append(facts | size | {"status": "ok", "method": "color", "settings_json": "{}"})
    catalog.append(OUTPUTS, rows)
    training = [scans[f"prints/{name}.png"]["scan_id"] for name in "abc"]
    folder = "models/prints/restoration/m1"
    store.write(f"{folder}/model.json", json.dumps({"training_scans": training}).encode())
    model = {"model_id": "m1", "kind": "restoration", "collection": "prints", "promoted": True}
    model |= {"weights_path": f"{folder}/weights.safetensors", "n_train": 3, "reason": "better"}
    catalog.append(MODELS, [model])
    store.write("reports/figures/prints/restoration/strips-0.png", b"png")
    store.write(f"iiif/prints/{training[0]}/info.json", b"{}")
    canvases = [
        {"id": f"https://x/{name}/canvas", "thumbnail": [{"id": f"https://x/{name}/t.jpg"}]}
        for name in training
    ]
    manifest = {"id": "https://x/manifest.json", "items": canvases, "thumbnail": []}
    store.write("iiif/prints/manifest.json", json.dumps(manifest).encode())
    return catalog


def by_path(catalog: Catalog) -> dict[str, dict[str, Any]]:
    return {row["source_path"]: row for row in catalog.rows(SCANS)}


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an inbox and the archive made of it, which tests take copies of."""
    folder = tmp_path_factory.mktemp("delivered")
    fill(folder / "inbox")
    build(str(folder / "root"), folder / "inbox")
    return folder


@pytest.fixture
def inbox(tmp_path: Path, delivered: Path) -> Path:
    return shutil.copytree(delivered / "inbox", tmp_path / "inbox")


@pytest.fixture
def archive(tmp_path: Path, delivered: Path) -> Catalog:
    return open_catalog(str(shutil.copytree(delivered / "root", tmp_path / "root")))


def asked(catalog: Catalog, scan_id: str, **more: Any) -> WithdrawSettings:
    given = {"root": catalog.store.root, "scans": [scan_id[:12]], "reason": CLAIM} | more
    return WithdrawSettings.model_validate({"dry_run": False} | given)


def objects(store: Store) -> dict[str, str]:
    return {entry.key: entry.version for entry in store.entries()}


def state(catalog: Catalog) -> dict[str, Any]:
    """All rows, without times, places and ids of runs, and the names of all files made."""
    left_out = {"run_id", "event_id", "message", "seconds", "source_uri", "object_path"}
    left_out |= {"counts_json", "n_done", "settings_json"}
    tables = {}
    for table in TABLES:
        rows = sorted(catalog.rows(table), key=lambda row: str(row[table.key]))
        tables[table.name] = sorted(
            str({k: v for k, v in row.items() if k not in left_out and not k.endswith("_at")})
            for row in rows
        )
    files = {key for key in objects(catalog.store) if not key.startswith(("catalog/", "reports/"))}
    return tables | {"files": files}


def test_a_dry_run_names_what_would_go_and_changes_nothing(archive: Catalog) -> None:
    before = objects(archive.store)
    scan = by_path(archive)["prints/a.png"]
    counts = withdraw(asked(archive, scan["scan_id"], dry_run=True))
    assert counts == {"done": 1, "scans": 1, "files": 3, "masks": 1, "outputs": 1, "models": 1}
    assert objects(archive.store) == before


def test_nothing_that_shows_a_withdrawn_scan_is_left_and_the_rest_is_as_it_was(
    archive: Catalog, inbox: Path
) -> None:
    scans = by_path(archive)
    scan = scans.pop("prints/a.png")
    in_inbox = {path: path.read_bytes() for path in inbox.rglob("*") if path.is_file()}
    mask = archive.rows(MASKS)[0]
    output = next(row for row in archive.rows(OUTPUTS) if row["output_id"] == "a")
    build_site(archive, "report-00001-before")
    assert archive.store.exists(f"reports/works/{scan['scan_id'][:20]}/index.html")
    counts = withdraw(asked(archive, scan["scan_id"], requested_by="legal"))
    assert counts["scans"] == 1

    digests = {scan["scan_id"], mask["content_sha256"], mask["mask_id"], output["output_sha256"]}
    left = [key for key in objects(archive.store) if any(one in key for one in digests)]
    assert left == []
    assert not archive.store.exists("reports/figures/prints/restoration/strips-0.png")
    manifest = archive.store.read("iiif/prints/manifest.json").decode()
    assert scan["scan_id"] not in manifest
    assert len(json.loads(manifest)["items"]) == 2
    assert by_path(archive) == scans
    assert archive.rows(MASKS) == []
    outputs = {row["output_id"]: row for row in archive.rows(OUTPUTS)}
    assert (outputs["a"]["status"], outputs["a"]["output_path"]) == ("withdrawn", None)
    assert outputs["b"]["status"] == "ok"
    assert archive.store.exists(outputs["b"]["output_path"])
    assert archive.rows(MODELS)[0]["withdrawn_works"] == 1
    check_tombstone(archive, scan)
    published = pq.read_table(archive.store.uri("published/scans/scans.parquet"))
    assert scan["scan_id"] not in published["scan_id"].to_pylist()
    page = archive.store.read("reports/collections/prints/index.html").decode()
    assert scan["scan_id"] not in page
    assert not re.search(r"\bSea\b", page)
    assert "Hill" in page
    check_pages(archive, scan)
    assert {path: path.read_bytes() for path in in_inbox} == in_inbox


def check_pages(archive: Catalog, scan: dict[str, Any]) -> None:
    assert archive.store.entries(f"reports/works/{scan['scan_id'][:20]}") == []
    for entry in archive.store.entries("reports"):
        if entry.key.endswith((".html", ".json", ".md")):
            content = archive.store.read(entry.key).decode()
            assert re.findall(rf"\bSea\b|{scan['scan_id']}", content) == [], entry.key


def check_tombstone(archive: Catalog, scan: dict[str, Any]) -> None:
    (tombstone,) = archive.rows(WITHDRAWALS)
    assert tombstone["scan_id"] == scan["scan_id"]
    assert tombstone["reason"] == CLAIM
    assert tombstone["requested_by"] == "legal"
    assert tombstone["phash"] == scan["phash"]
    assert (tombstone["removed_files"], tombstone["withdrawn_outputs"]) == (3, 1)
    (event,) = [row for row in archive.rows(EVENTS) if row["event_type"] == "deaccession"]
    assert CLAIM in event["outcome_detail"]


def test_a_withdrawn_scan_does_not_come_back_by_bytes_by_looks_or_with_its_mask(
    archive: Catalog, inbox: Path
) -> None:
    scan = by_path(archive)["prints/a.png"]
    withdraw(asked(archive, scan["scan_id"]))
    again = IngestSettings(root=archive.store.root, inbox=str(inbox), settle_s=0)
    assert ingest(again).get("scans", 0) == 0
    (inbox / "rest/moved.png").write_bytes((inbox / "prints/a.png").read_bytes())
    Image.open(inbox / "prints/a.png").save(inbox / "rest/lossy.jpg", quality=90)
    (inbox / "prints/a.png").touch()
    ingest(again)
    assert set(by_path(archive)) == {"prints/b.png", "prints/c.png", "rest/other.png"}
    reasons = {}
    for row in archive.rows(QUARANTINE):
        reasons.setdefault(row["source_path"], set()).add(row["reason"])
    barred = {path for path, names in reasons.items() if "withdrawn" in names}
    assert barred >= {"prints/a.png", "rest/moved.png", "rest/lossy.jpg"}
    assert not [key for key in objects(archive.store) if scan["scan_id"] in key]
    assert len(archive.store.entries("access")) == 3
    assert ingest(again).get("quarantined", 0) == 0


def test_a_withdrawal_is_lifted_and_the_next_ingest_takes_the_scan_again(
    archive: Catalog, inbox: Path
) -> None:
    before = by_path(archive)
    scan = before["prints/a.png"]
    withdraw(asked(archive, scan["scan_id"]))
    counts = withdraw(asked(archive, scan["scan_id"], lift=True, reason="claim dropped"))
    assert counts["lifted"] == 1
    assert archive.rows(WITHDRAWALS) == []
    assert archive.rows(MODELS)[0]["withdrawn_works"] == 0
    ingest(IngestSettings(root=archive.store.root, inbox=str(inbox), settle_s=0))
    after = by_path(archive)
    assert set(after) == set(before)
    assert after["prints/a.png"]["split"] == scan["split"]
    assert len(archive.rows(MASKS)) == 1
    with pytest.raises(InvalidInputError, match="must be withdrawn to be lifted"):
        withdraw(asked(archive, scan["scan_id"], lift=True, reason="claim dropped"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, delivered: Path) -> dict[str, Any]:
    """The state after a withdrawal that nothing interrupted."""
    whole = tmp_path_factory.mktemp("whole") / "root"
    catalog = open_catalog(str(shutil.copytree(delivered / "root", whole)))
    withdraw(asked(catalog, by_path(catalog)["prints/a.png"]["scan_id"]))
    return state(catalog)


@pytest.mark.parametrize(
    ("target", "at"),
    [
        ("tasks.withdraw.remove_files", 1),
        ("artgan.storage.LocalStore.delete", 2),
        ("artgan.catalog.table.Catalog.remove", 2),
        ("tasks.withdraw._say", 1),
        ("tasks.report.build_site", 1),
    ],
)
def test_a_withdrawal_that_was_killed_ends_as_one_that_was_not(
    archive: Catalog,
    undisturbed: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    at: int,
) -> None:
    scan_id = by_path(archive)["prints/a.png"]["scan_id"]
    killed_at(target, at, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        withdraw(asked(archive, scan_id))
    monkeypatch.undo()
    withdraw(asked(archive, scan_id))
    assert state(archive) == undisturbed
    assert len([row for row in archive.rows(RUNS) if row["flow"] == "withdraw"]) == 1


def killed_at(target: str, at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the n-th call of a function end the process, as far as a test can."""
    real: Callable[..., Any] = pydoc.locate(target)  # pyright: ignore[reportAssignmentType]
    calls = []

    def call(*args: Any, **more: Any) -> Any:
        calls.append(args)
        if len(calls) == at:
            raise KeyboardInterrupt
        return real(*args, **more)

    monkeypatch.setattr(target, call)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"scans": ["00000000"]}, "must each name one scan.*fits none"),
        ({"scans": [], "accession_numbers": ["1"], "collection": "prints"}, "must name works of"),
    ],
)
def test_what_is_not_there_is_refused_in_a_sentence(
    archive: Catalog, given: dict[str, Any], match: str
) -> None:
    with pytest.raises(InvalidInputError, match=match):
        withdraw(asked(archive, "0" * 64, **given))
    assert archive.rows(WITHDRAWALS) == []


def test_a_withdrawal_names_something_and_says_why() -> None:
    for given, match in (
        ({"reason": CLAIM}, "must name what is withdrawn"),
        ({"reason": CLAIM, "accession_numbers": ["1"]}, "collection must be given"),
        ({"reason": CLAIM, "scans": ["ab"]}, "8 to 64 hex digits"),
        ({"scans": ["ab" * 4]}, "reason"),
    ):
        with pytest.raises(ValueError, match=match):
            WithdrawSettings.model_validate({"root": "/archive"} | given)


def test_works_are_withdrawn_by_accession_number_on_s3(s3_root: str, inbox: Path) -> None:
    catalog = build(s3_root, inbox)
    scan = by_path(catalog)["prints/a.png"]
    given = {"scans": [], "accession_numbers": ["1889.1"], "collection": "prints"}
    withdraw(asked(catalog, scan["scan_id"], **given))
    assert "prints/a.png" not in by_path(catalog)
    assert not [key for key in objects(catalog.store) if scan["scan_id"] in key]
    assert open_store(str(inbox)).exists("prints/a.png")
