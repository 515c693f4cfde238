import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artgan.catalog.schema import MASKS, MODELS, OUTPUTS, QUARANTINE, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.config import (
    DetectSettings,
    FixitySettings,
    IngestSettings,
    RestoreSettings,
    WithdrawSettings,
)
from artgan.errors import InvalidInputError
from artgan.imaging.read import read_mask, read_rgb
from flows.detect import detect
from flows.fixity import fixity
from flows.ingest import ingest
from flows.restore import restore
from flows.withdraw import withdraw
from tasks.restore import _chosen_masks
from tests.restore.white import white_weights

LOSS = (slice(60, 120), slice(80, 200))


@pytest.fixture(scope="module")
def delivered(tmp_path_factory, real_data: Path) -> Path:
    """Four real scans: one with white losses, one mostly white, one clean, one with a mask."""
    folder = tmp_path_factory.mktemp("detect")
    prints = folder / "inbox" / "prints"
    prints.mkdir(parents=True)
    scans = sorted((real_data / "scans" / "van_gogh").iterdir())
    for name, path in zip(("clean", "lost", "faded", "marked"), scans, strict=False):
        pixels = read_rgb(path.read_bytes(), 300)
        pixels = np.minimum(pixels, 225)  # nothing in it is as white as what the detector marks
        if name == "lost":
            pixels[LOSS] = 255
        if name == "faded":
            pixels[:, : pixels.shape[1] // 2] = 255
        Image.fromarray(pixels).save(prints / f"{name}.png")
    damage = np.zeros(pixels.shape[:2], np.uint8)
    damage[10:20, 10:20] = 255
    Image.fromarray(damage).save(prints / "marked.png.mask.png")
    root = str(folder / "root")
    ingest(IngestSettings(root=root, inbox=str(folder / "inbox"), settle_s=0))
    put_in_use(open_catalog(root))
    return folder


def put_in_use(catalog: Catalog) -> None:
    """A detector, as a training would leave it."""
    path = "models/archive/detection/white/weights.safetensors"
    catalog.store.write(path, white_weights())
    model = {"model_id": "white", "kind": "detection", "collection": "archive", "promoted": True}
    model |= {"weights_path": path, "created_at": now()}
    catalog.append(MODELS, [model])


@pytest.fixture
def root(tmp_path: Path, delivered: Path) -> str:
    return str(shutil.copytree(delivered / "root", tmp_path / "root"))


def by_name(catalog: Catalog) -> dict[str, dict]:
    """Rows of detected masks, by the name of their scan."""
    names = {row["scan_id"]: Path(row["source_path"]).stem for row in catalog.rows(SCANS)}
    rows = [row for row in catalog.rows(MASKS) if row["origin"] == "detected"]
    return {names[row["scan_id"]]: row for row in rows}


def test_masks_are_proposed_for_scans_without_one_and_nothing_is_made_twice(root: str) -> None:
    settings = DetectSettings(root=root)
    counts = detect(settings)
    assert {name: counts[name] for name in ("proposed", "needs_review", "nothing_found")} == {
        "proposed": 1,
        "needs_review": 1,
        "nothing_found": 1,
    }
    catalog = open_catalog(root)
    rows = by_name(catalog)
    assert {name: row["status"] for name, row in rows.items()} == {
        "clean": "nothing_found",
        "lost": "proposed",
        "faded": "needs_review",
    }
    lost = rows["lost"]
    mask = read_mask(catalog.store.read(lost["mask_path"]))
    truth = np.zeros_like(mask)
    truth[LOSS] = True
    assert (mask != truth).mean() < 0.002
    assert lost["damaged_fraction"] == mask.mean()
    assert max(json.loads(lost["classes_json"]).items(), key=lambda item: item[1])[0] == "losses"
    assert rows["clean"]["mask_path"] is None
    assert rows["clean"]["overview_path"]
    assert "at most 15%" in rows["faded"]["message"]
    probability = Image.open(Path(root) / lost["probability_path"])
    assert (probability.mode, probability.getextrema()) == ("L", (0, 255))
    overview = np.asarray(Image.open(Path(root) / lost["overview_path"]))
    assert overview.shape[2] == 3

    assert not any(detect(settings).values())
    assert by_name(catalog) == rows
    finer = detect(DetectSettings(root=root, finer=1, collections=["prints"]))
    assert finer["done"] == 3
    assert len([row for row in catalog.rows(MASKS) if row["origin"] == "detected"]) == 6


def test_what_marks_too_much_is_never_filled_unseen(root: str) -> None:
    detect(DetectSettings(root=root))
    catalog = open_catalog(root)
    settings = RestoreSettings(root=root, masks="detected")
    chosen = {row["scan_id"] for row in _chosen_masks(catalog, settings, "prints", None)}
    assert chosen == {by_name(catalog)["lost"]["scan_id"]}


def test_only_delivered_masks_are_filled_unasked(root: str) -> None:
    detect(DetectSettings(root=root))
    restore(RestoreSettings(root=root))
    catalog = open_catalog(root)
    filled = {row["mask_id"] for row in catalog.rows(OUTPUTS)}
    assert filled.isdisjoint(row["mask_id"] for row in by_name(catalog).values())


def test_filled_regions_are_named_by_the_detector_in_use(root: str) -> None:
    detect(DetectSettings(root=root))
    restore(RestoreSettings(root=root, masks="all"))
    catalog = open_catalog(root)
    named = {}
    for row in catalog.rows(OUTPUTS):
        report = json.loads(catalog.store.read(row["report_path"]))
        assert report["detector_id"] == "white"
        named[report["mask_origin"]] = [one["class"] for one in report["regions"]]
    assert named == {"delivered": [None], "detected": ["losses"]}


def test_one_scan_is_looked_at_even_if_it_came_with_a_mask(root: str) -> None:
    catalog = open_catalog(root)
    marked = next(r for r in catalog.rows(SCANS) if r["source_path"].endswith("marked.png"))
    counts = detect(DetectSettings(root=root, scans=[marked["scan_id"][:10]]))
    assert counts["done"] == 1
    assert set(by_name(catalog)) == {"marked"}
    with pytest.raises(InvalidInputError, match="which fits none"):
        detect(DetectSettings(root=root, scans=["0123456789"]))


def test_a_scan_that_cannot_be_read_fails_alone_and_is_tried_again(root: str) -> None:
    catalog = open_catalog(root)
    clean = next(r for r in catalog.rows(SCANS) if r["source_path"].endswith("clean.png"))
    content = catalog.store.read(clean["access_path"])
    catalog.store.write(clean["access_path"], content[:2000])
    counts = detect(DetectSettings(root=root))
    assert (counts["failed"], counts["done"]) == (1, 2)
    assert by_name(catalog)["clean"]["status"] == "failed"
    catalog.store.write(clean["access_path"], content)
    counts = detect(DetectSettings(root=root))
    assert (counts.get("failed", 0), counts["done"]) == (0, 1)
    assert by_name(catalog)["clean"]["status"] == "nothing_found"


def test_a_withdrawal_removes_what_was_detected_and_lists_only_delivered_files(root: str) -> None:
    detect(DetectSettings(root=root))
    catalog = open_catalog(root)
    lost = by_name(catalog)["lost"]
    paths = [lost[name] for name in ("mask_path", "probability_path", "overview_path")]
    assert all(catalog.store.exists(path) for path in paths)
    assert fixity(FixitySettings(root=root, days_for_all=1)).get("failed", 0) == 0
    request = {"scans": [lost["scan_id"]], "reason": "claim of the heirs", "dry_run": False}
    counts = withdraw(WithdrawSettings(root=root, **request))
    assert counts["masks"] == 1
    assert not any(catalog.store.exists(path) for path in paths)
    assert "lost" not in by_name(catalog)
    refused = [row["source_path"] for row in catalog.rows(QUARANTINE)]
    assert len(refused) == 1
    assert refused[0].endswith("lost.png")


def test_without_a_detector_nothing_is_looked_at(root: str) -> None:
    catalog = open_catalog(root)
    catalog.remove(MODELS, ["white"])
    assert not any(detect(DetectSettings(root=root)).values())
    assert by_name(catalog) == {}
