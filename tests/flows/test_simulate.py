"""Simulation with a model that is in use, without waiting for a training."""

import io
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from artgan.catalog.schema import MODELS, OUTPUTS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.config import SimulateSettings
from artgan.models.checkpoint import pack_weights
from artgan.models.simulators import load_generator, make_generator
from artgan.presets import SimulationPreset
from artgan.simulate.works import simulate as simulate_pictures
from flows.simulate import simulate


def archive_with_generator(root: Path, *, promoted: bool) -> Catalog:
    catalog = open_catalog(str(root))
    catalog.append(
        SCANS,
        [
            {
                "scan_id": "s",
                "collection": "prints",
                "source_path": "prints/a.tif",
                "source_uri": "/prints/a.tif",
                "source_bytes": 1,
            }
        ],
    )
    torch.manual_seed(0)
    preset = SimulationPreset()
    generator = make_generator(preset)
    path = "models/prints/simulation/m/weights.safetensors"
    settings = {"preset": asdict(preset)}
    catalog.store.write(path, pack_weights({"generator_ema": generator}, settings))
    model = {
        "model_id": "m",
        "kind": "simulation",
        "collection": "prints",
        "promoted": promoted,
        "weights_path": path,
        "created_at": now(),
    }
    catalog.append(MODELS, [model])
    return catalog


def test_each_work_is_made_again_from_its_seed_and_labelled(tmp_path: Path) -> None:
    catalog = archive_with_generator(tmp_path, promoted=True)
    counts = simulate(SimulateSettings(root=str(tmp_path), works=5, seed=7))
    assert counts["done"] == 5
    rows = sorted(catalog.rows(OUTPUTS), key=lambda row: row["seed"])
    assert [row["seed"] for row in rows] == [7, 8, 9, 10, 11]
    generator = load_generator(catalog.store.read("models/prints/simulation/m/weights.safetensors"))
    for row in rows:
        content = catalog.store.read(row["output_path"])
        picture = np.asarray(Image.open(io.BytesIO(content), formats=("PNG",)))
        assert (picture == simulate_pictures(generator, [row["seed"]])[0]).all()
        assert row["digital_source_type"] == "trainedAlgorithmicMedia"
        assert b"XML:com.adobe.xmp" in content
    assert len({row["output_sha256"] for row in rows}) == 5


def test_more_works_are_added_and_none_is_made_twice(tmp_path: Path) -> None:
    catalog = archive_with_generator(tmp_path, promoted=True)
    simulate(SimulateSettings(root=str(tmp_path), works=2))
    counts = simulate(SimulateSettings(root=str(tmp_path), works=3))
    assert counts["done"] == 1
    assert catalog.read(OUTPUTS).num_rows == 3


def test_a_model_that_was_not_promoted_makes_nothing(tmp_path: Path) -> None:
    catalog = archive_with_generator(tmp_path, promoted=False)
    counts = simulate(SimulateSettings(root=str(tmp_path), works=2))
    assert not counts.get("done")
    assert catalog.read(OUTPUTS).num_rows == 0
