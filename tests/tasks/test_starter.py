from pathlib import Path

import pytest
from prefect import flow

from artgan.catalog.models import BASE, STARTER, folder, in_use, in_use_or_base
from artgan.catalog.schema import MODELS
from artgan.catalog.table import Catalog, open_catalog
from artgan.config import TrainSettings
from artgan.presets import PresetName
from tasks.starter import adopt_starter
from tasks.train import make_job


@flow
def adopting(settings: TrainSettings) -> None:
    adopt_starter(settings, "run")


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """An archive that has taken the starter over."""
    root = str(tmp_path / "root")
    adopting(TrainSettings(root=root))
    return open_catalog(root)


def test_an_archive_without_a_filler_takes_the_starter_over_once(catalog: Catalog) -> None:
    model = in_use_or_base(catalog, "restoration", "prints")
    assert model is not None
    assert (model["preset"], model["run_id"]) == (STARTER, "run")
    assert catalog.store.exists(model["weights_path"])
    adopting(TrainSettings(root=catalog.store.root))
    assert len(catalog.rows(MODELS)) == 1


def test_an_archive_with_a_base_of_its_own_is_left_alone(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path / "root"))
    own = {"model_id": "own", "kind": "restoration", "collection": BASE, "promoted": True}
    catalog.append(MODELS, [own])
    adopting(TrainSettings(root=catalog.store.root))
    assert [row["model_id"] for row in catalog.rows(MODELS)] == ["own"]


@pytest.mark.parametrize("collection", [BASE, "prints"])
@pytest.mark.parametrize(("preset", "fits"), [("tiny", True), ("smoke", False)])
def test_trainings_start_from_the_starter_where_it_fits_and_are_always_compared_with_it(
    catalog: Catalog, collection: str, preset: PresetName, fits: bool
) -> None:
    starter = in_use(catalog, "restoration", BASE)
    assert starter is not None
    settings = TrainSettings(root=catalog.store.root, preset=preset)
    job = make_job(catalog, settings, "restoration", collection)
    assert job.base_model == (folder(starter) if fits else None)
    # A collection's training measures what it starts from at its start.
    compared = collection == BASE or not fits
    assert job.incumbent == (folder(starter) if compared else None)


def test_a_base_of_the_archives_own_does_not_start_from_the_one_before(catalog: Catalog) -> None:
    starter = in_use(catalog, "restoration", BASE)
    assert starter is not None
    later = starter | {
        "model_id": "own",
        "preset": "tiny",
        "weights_path": "models/archive/restoration/own/weights.safetensors",
        "created_at": starter["created_at"].replace(year=2100),
    }
    catalog.append(MODELS, [later])
    job = make_job(catalog, TrainSettings(root=catalog.store.root), "restoration", BASE)
    assert (job.base_model, job.incumbent) == (None, folder(later))
