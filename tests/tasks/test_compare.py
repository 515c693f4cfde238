"""Base, scratch and fine-tuned model side by side, without waiting for a training."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from prefect import flow

from artgan.catalog.models import BASE
from artgan.catalog.schema import MODELS, OUTPUTS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.config import TrainSettings
from artgan.models.checkpoint import pack_weights
from artgan.models.simulators import make_generator
from artgan.presets import PRESETS
from artgan.provenance import read_xmp
from tasks.compare import compare_models, plan_comparison
from tasks.train import make_job


@flow
def comparing(settings: TrainSettings, curve: list[dict[str, float]]) -> dict[str, Any] | None:
    pair = plan_comparison(settings, "prints")
    if pair is None:
        return None
    add_model(open_catalog(settings.root), pair[1].folder, curve)
    return compare_models(settings, *pair, "run")


def add_model(catalog: Catalog, folder: str, curve: list[dict[str, float]]) -> None:
    """Leave a model's files as a training does."""
    preset = PRESETS["smoke"].simulation
    torch.manual_seed(len(folder))
    weights = pack_weights({"generator_ema": make_generator(preset)}, {"preset": asdict(preset)})
    catalog.store.write(f"{folder}/weights.safetensors", weights)
    catalog.store.write(
        f"{folder}/model.json", json.dumps({"history_json": json.dumps(curve)}).encode()
    )


def archive(root: Path) -> tuple[Catalog, TrainSettings]:
    """An archive with one scan and a base in use."""
    catalog = open_catalog(str(root))
    scan = {
        "scan_id": "a",
        "collection": "prints",
        "source_path": "prints/a.tif",
        "source_uri": "/prints/a.tif",
        "source_bytes": 1,
        "split": "train",
        "access_path": "access/prints/a.jpg",
        "width_px": 60,
        "height_px": 60,
    }
    catalog.append(SCANS, [scan])
    add_model(catalog, "models/archive/simulation/base", [])
    base = {
        "model_id": "base",
        "kind": "simulation",
        "collection": BASE,
        "preset": "smoke",
        "promoted": True,
        "settings_json": json.dumps({"preset": asdict(PRESETS["smoke"].simulation)}),
        "weights_path": "models/archive/simulation/base/weights.safetensors",
        "created_at": now(),
    }
    catalog.append(MODELS, [base])
    return catalog, TrainSettings(root=str(root), preset="smoke", kinds=["simulation"])


def test_three_models_are_laid_side_by_side_once_the_fine_tuning_is_there(tmp_path: Path) -> None:
    catalog, settings = archive(tmp_path)
    scratch = [{"step": 0, "kid_x1000": 90.0}, {"step": 6, "kid_x1000": 30.0}]
    assert comparing(settings, scratch) is None
    tuned = make_job(catalog, settings, "simulation", "prints")
    assert tuned.base_model == "models/archive/simulation/base"
    add_model(
        catalog, tuned.folder, [{"step": 0, "kid_x1000": 40.0}, {"step": 6, "kid_x1000": 20.0}]
    )
    numbers = comparing(settings, scratch)
    assert numbers is not None
    assert (numbers["base"], numbers["scratch"], numbers["fine_tuned"]) == (40.0, 30.0, 20.0)
    assert comparing(settings, scratch) == numbers
    (row,) = catalog.rows(OUTPUTS)
    assert row["method"] == "comparison"
    note = read_xmp(tmp_path / row["output_path"])
    assert note["digital_source_type"] == row["digital_source_type"] == "trainedAlgorithmicMedia"
    assert json.loads(catalog.store.read(row["report_path"]))["models"][0] == "base"
