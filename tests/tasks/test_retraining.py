"""Withdrawn works are followed into the models that learned from them, and into their children."""

import json
from pathlib import Path

import pytest

from artgan.catalog.models import BASE, in_use, withdrawn_works
from artgan.catalog.schema import MODELS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.config import TrainSettings
from artgan.presets import PRESETS
from tasks.train import decide_on, make_job

KIND = "style"


def scan(number: int, split: str, collection: str) -> dict[str, object]:
    name = f"{collection}-{number}"
    return {
        "scan_id": name,
        "content_sha256": name,
        "collection": collection,
        "source_path": f"{collection}/{number}.png",
        "source_uri": name,
        "source_bytes": 1,
        "access_path": f"access/{name}.jpg",
        "access_width_px": 9,
        "access_height_px": 9,
        "width_px": 9,
        "height_px": 9,
        "duplicate_group": name,
        "split": split,
        "page": 1,
        "is_current": True,
    }


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Two collections; a base that learned from both, and a model of each that started from it."""
    catalog = open_catalog(str(tmp_path / "root"))
    scans = [
        scan(number, ("train", "val", "test")[number % 3], collection)
        for collection in ("prints", "rest")
        for number in range(12)
    ]
    catalog.append(SCANS, scans)
    preset = {"preset": vars(PRESETS["tiny"].style)}
    for collection in (BASE, "prints", "rest"):
        trained = [
            one["scan_id"]
            for one in scans
            if one["split"] == "train" and collection in {BASE, one["collection"]}
        ]
        folder = f"models/{collection}/{KIND}/{collection}-model"
        card = json.dumps({"training_scans": trained}).encode()
        catalog.store.write(f"{folder}/model.json", card)
        row = {
            "model_id": f"{collection}-model",
            "kind": KIND,
            "collection": collection,
            "base_model_id": None if collection == BASE else f"{BASE}-model",
            "preset": "tiny",
            "promoted": True,
            "settings_json": json.dumps(preset),
            "weights_path": f"{folder}/weights.safetensors",
            "withdrawn_works": 0,
            "created_at": now(),
        }
        catalog.append(MODELS, [row])
    return catalog


def mark(catalog: Catalog, *models: str) -> None:
    rows = [row for row in catalog.rows(MODELS) if row["model_id"] in models]
    catalog.replace(MODELS, [row | {"withdrawn_works": 1} for row in rows])


def is_due(catalog: Catalog, collection: str) -> bool:
    settings = TrainSettings(root=catalog.store.root)
    return decide_on(catalog, settings, make_job(catalog, settings, KIND, collection)).train


def test_nothing_is_due_before(catalog: Catalog) -> None:
    assert not any(is_due(catalog, name) for name in (BASE, "prints", "rest"))
    job = make_job(catalog, TrainSettings(root=catalog.store.root), KIND, "prints")
    assert job.base_model == f"models/{BASE}/{KIND}/{BASE}-model"
    assert job.incumbent == f"models/prints/{KIND}/prints-model"


def test_one_withdrawn_work_makes_its_models_due_and_no_other(catalog: Catalog) -> None:
    mark(catalog, "prints-model")
    assert [is_due(catalog, name) for name in (BASE, "prints", "rest")] == [False, True, False]


def test_what_started_from_such_a_model_is_due_as_well(catalog: Catalog) -> None:
    mark(catalog, f"{BASE}-model")
    assert withdrawn_works(catalog, in_use(catalog, KIND, "rest")) == 1
    assert all(is_due(catalog, name) for name in (BASE, "prints", "rest"))


def test_such_a_model_is_neither_started_from_nor_defended(catalog: Catalog) -> None:
    mark(catalog, f"{BASE}-model", "prints-model")
    job = make_job(catalog, TrainSettings(root=catalog.store.root), KIND, "prints")
    assert (job.base_model, job.incumbent) == (None, None)
