"""From the settings of a training to its job, on an archive of rows alone."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from artgan.catalog.models import BASE, CARD
from artgan.catalog.schema import MODELS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.config import TrainSettings
from artgan.presets import PRESETS, SIMULATION_SIZES, MultiPreset, SimulationPreset
from artgan.training.plan import TrainJob, can_be_judged, job_from_json, job_to_json
from tasks.train import decide_on, make_job


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Thirty works in each of two collections; five prints are small."""
    catalog = open_catalog(str(tmp_path / "root"))
    rows = [
        {
            "scan_id": f"{collection[0]}{number:02d}",
            "collection": collection,
            "source_path": f"{collection}/{number}.tif",
            "source_uri": f"/inbox/{collection}/{number}.tif",
            "source_bytes": 1,
            "duplicate_group": f"{collection}{number}",
            "split": "train" if number < 20 else "val" if number < 25 else "test",
            "access_path": f"access/{collection}/{number}.jpg",
            "width_px": 100 if collection == "prints" and number < 5 else 600,
            "height_px": 500,
        }
        for collection in ("prints", "rivers")
        for number in range(30)
    ]
    catalog.append(SCANS, rows)
    return catalog


def job_of(catalog: Catalog, collection: str = "prints", **chosen: object) -> TrainJob:
    settings = TrainSettings.model_validate({"root": catalog.store.root} | chosen)
    return make_job(catalog, settings, "simulation", collection)


def record(catalog: Catalog, job: TrainJob, model_id: str) -> None:
    """Record a model as if a job had been done."""
    settings = {"kind": job.kind, "preset": asdict(job.sizes)}
    row = {
        "model_id": model_id,
        "kind": job.kind,
        "collection": job.collection,
        "preset": job.preset,
        "promoted": True,
        "settings_json": json.dumps(settings),
        "weights_path": f"models/{model_id}/weights.safetensors",
        "created_at": now(),
    }
    catalog.append(MODELS, [row])
    card = json.dumps({"training_scans": sorted(job.train.scan_ids)}).encode()
    catalog.store.write(f"models/{model_id}/{CARD}", card)


def test_without_a_choice_the_job_is_the_presets(catalog: Catalog) -> None:
    job = job_of(catalog)
    assert job.simulation is None
    assert job.sizes is PRESETS["tiny"].simulation
    assert len(job.train) == 20


def test_network_loss_codes_and_size_reach_the_child(catalog: Catalog) -> None:
    chosen = {"network": "style", "codes": 2, "modes": 3, "size": "draft-128"}
    job = job_from_json(job_to_json(job_of(catalog, **chosen)))
    sizes = job.sizes
    assert isinstance(sizes, SimulationPreset)
    assert (sizes.network, sizes.loss, sizes.size_px) == ("style", "non-saturating", 128)
    assert (sizes.continuous, sizes.modes, sizes.classes) == (2, 3, ())
    assert job.steps == SIMULATION_SIZES["draft-128"].collection_steps
    hinge = job_of(catalog, **chosen, loss="hinge")
    assert hinge.model_id != job.model_id
    # works smaller than the model's own are left out: they would stop the training
    assert len(job.train) == 15


def test_a_base_by_collection_knows_whose_each_work_is(catalog: Catalog) -> None:
    job = job_from_json(job_to_json(job_of(catalog, BASE, by_collection=True)))
    assert isinstance(job.sizes, SimulationPreset)
    assert job.sizes.classes == ("prints", "rivers")
    assert job.train.collections.count("rivers") == 20
    assert len(job.train.collections) == len(job.train)


def test_another_network_is_trained_although_the_works_are_unchanged(catalog: Catalog) -> None:
    settings = TrainSettings(root=catalog.store.root)
    record(catalog, job_of(catalog), "first")
    assert not decide_on(catalog, settings, job_of(catalog)).train
    for chosen in ({"network": "dcgan"}, {"loss": "hinge"}, {"codes": 1}):
        assert decide_on(catalog, settings, job_of(catalog, **chosen)).train
    record(catalog, job_of(catalog, network="dcgan"), "second")
    assert not decide_on(catalog, settings, job_of(catalog, network="dcgan")).train
    assert not decide_on(catalog, settings, job_of(catalog)).train


def test_only_a_base_of_the_same_network_is_fine_tuned(catalog: Catalog) -> None:
    record(catalog, job_of(catalog, BASE, network="style"), "base")
    assert job_of(catalog, network="style").base_model == "models/base"
    assert job_of(catalog).base_model is None
    assert job_of(catalog).incumbent == "models/base"


def test_a_painter_of_all_collections_knows_those_with_enough_works(catalog: Catalog) -> None:
    settings = TrainSettings.model_validate({"root": catalog.store.root})
    job = job_from_json(job_to_json(make_job(catalog, settings, "multi", BASE)))
    assert isinstance(job.sizes, MultiPreset)
    assert job.sizes.classes == ("prints", "rivers")
    assert can_be_judged(job)
    rivers = [row for row in catalog.rows(SCANS) if row["collection"] == "rivers"]
    catalog.remove(SCANS, [row["scan_id"] for row in rivers if row["split"] == "val"])
    alone = make_job(catalog, settings, "multi", BASE)
    assert alone.classes == ("prints",)
    assert not can_be_judged(alone)
    assert make_job(catalog, settings, "multi", "prints").steps == 0
