"""Simulation with a model that is in use, without waiting for a training."""

import io
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from artgan.catalog.schema import MODELS, OUTPUTS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.config import SimulateSettings
from artgan.imaging.write import png_bytes
from artgan.models.checkpoint import pack_weights
from artgan.models.simulators import load_generator, make_generator
from artgan.presets import SimulationPreset
from artgan.provenance import read_xmp
from artgan.simulate.works import simulate as simulate_pictures
from flows.simulate import simulate

SCAN = "abcdef0123456789" * 4


def archive_with_generator(root: Path, *, promoted: bool) -> Catalog:
    catalog = open_catalog(str(root))
    catalog.append(
        SCANS,
        [
            {
                "scan_id": SCAN,
                "access_path": "access/prints/a.png",
                "is_current": True,
                "collection": "prints",
                "source_path": "prints/a.tif",
                "source_uri": "/prints/a.tif",
                "source_bytes": 1,
            }
        ],
    )
    rng = np.random.default_rng(0)
    access = np.kron(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
    catalog.store.write("access/prints/a.png", png_bytes(access))
    torch.manual_seed(0)
    preset = SimulationPreset(16, 8, 16, 16, continuous=2, modes=3)
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


def test_a_smaller_variety_is_a_work_of_its_own(tmp_path: Path) -> None:
    catalog = archive_with_generator(tmp_path, promoted=True)
    for truncation in (1.0, 0.5, 1.0):
        simulate(SimulateSettings(root=str(tmp_path), works=2, truncation=truncation))
    rows = catalog.rows(OUTPUTS)
    varieties = [json.loads(row["settings_json"])["truncation"] for row in rows]
    assert sorted(varieties) == [0.5, 0.5, 1.0, 1.0]
    assert len({row["output_sha256"] for row in rows}) == 4


def test_a_film_a_sheet_and_a_projection_are_made_once_and_labelled(tmp_path: Path) -> None:
    catalog = archive_with_generator(tmp_path, promoted=True)
    asked = {"works": 1, "film_s": 1, "axes": True, "project": [SCAN[:10]]}
    counts = simulate(SimulateSettings(root=str(tmp_path), **asked))
    assert counts["done"] == 4
    assert not simulate(SimulateSettings(root=str(tmp_path), **asked)).get("done")
    rows = {row["method"]: row for row in catalog.rows(OUTPUTS)}
    assert {row["status"] for row in rows.values()} == {"ok"}, rows
    for method, row in rows.items():
        path = tmp_path / row["output_path"]
        note = read_xmp(path)
        assert note["digital_source_type"] == row["digital_source_type"]
        assert "not a work of any person" in note["note"]
        with Image.open(path) as picture:
            assert picture.size == (row["width_px"], row["height_px"])
            assert picture.n_frames == (20 if method == "interpolation" else 1)
    assert rows["projection"]["scan_id"] == SCAN
    assert rows["projection"]["digital_source_type"] == "compositeWithTrainedAlgorithmicMedia"
    report = json.loads(catalog.store.read(rows["projection"]["report_path"]))
    assert report["rms_levels"] < report["rms_levels_of_the_nearest_of_256"]
    found = json.loads(catalog.store.read(rows["axes"]["report_path"]))["rows"]
    assert found == ["axis 1", "axis 2", "mode 1", "mode 2", "mode 3"]


def test_a_model_that_was_not_promoted_makes_nothing(tmp_path: Path) -> None:
    catalog = archive_with_generator(tmp_path, promoted=False)
    counts = simulate(SimulateSettings(root=str(tmp_path), works=2))
    assert not counts.get("done")
    assert catalog.read(OUTPUTS).num_rows == 0
