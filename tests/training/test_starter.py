"""The filler that comes with artgan, and the command that makes it again."""

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from artgan.degrade.evaluation import evaluation_crops, hole_psnr_db
from artgan.imaging.read import read_rgb
from artgan.models.checkpoint import unpack_weights
from artgan.models.filler import load_filler
from artgan.presets import PRESETS
from artgan.restore.measure import restorations
from artgan.sample.archive import MIN_WORKS
from artgan.sample.starter import _pictures, remake
from artgan.storage import open_store
from artgan.training.plan import fitting
from artgan.training.shipped import starter_bytes
from artgan.training.starter import install


def test_it_is_small_and_an_archive_gets_it_as_any_other_model(tmp_path):
    store = open_store(str(tmp_path))
    model = install(store)
    weights = store.read(model["weights_path"])
    assert len(weights) < 2_000_000
    assert hashlib.sha256(weights).hexdigest() == model["weights_sha256"]
    card = json.loads(
        store.read(model["weights_path"].replace("weights.safetensors", "model.json"))
    )
    assert card == model
    assert fitting(model, "restoration", "tiny") is model
    assert install(store) == model


def test_it_beats_the_classical_methods_on_real_scans_that_it_never_saw(real_data):
    fillers = {"model": load_filler(starter_bytes())}
    sizes = PRESETS["tiny"].restoration
    for collection in ("monet_256", "old_masters", "stubbs_4k", "ukiyo_e", "van_gogh"):
        files = sorted((real_data / "scans" / collection).iterdir())[:12]
        works = [read_rgb(path.read_bytes(), sizes.short_side_px) for path in files]
        crops = evaluation_crops(works, sizes.crop_px, 36, 1)
        rows = [restorations(crop, fillers, number) for number, crop in enumerate(crops)]
        mean = {
            method: np.mean(
                [hole_psnr_db(row[method], crop) for row, crop in zip(rows, crops, strict=True)]
            )
            for method in rows[0]
        }
        assert mean["model"] > max(mean["telea"], mean["navier_stokes"]) + 0.3, collection


def test_works_whose_names_end_in_capitals_are_learned_from_and_masks_and_broken_files_are_not(
    tmp_path,
):
    for number, name in enumerate(("a.JPG", "b.png", "c.Tif", "d.png.mask.png", "e.csv")):
        picture = Image.fromarray(np.full((40, 50, 3), 40 * number, np.uint8))
        picture.putpixel((3, 3), (255, 0, 0))
        picture.save(tmp_path / name, format="PNG" if name == "e.csv" else None)
    (tmp_path / "broken.JPG").write_bytes(b"")
    found = _pictures(tmp_path, 32)
    assert sorted(round(float(np.median(one)), -1) for one in found) == [0, 40, 80]


@pytest.mark.slow
def test_the_command_makes_such_weights_again():
    lines = []
    states, settings = unpack_weights(remake(works=2 * MIN_WORKS, steps=4, say=lines.append))
    shipped, _ = unpack_weights(starter_bytes())
    shapes, wanted = (
        {name: {key: one.shape for key, one in state.items()} for name, state in these.items()}
        for these in (states, shipped)
    )
    assert shapes == wanted
    assert settings["made"]["n_train"] > 10
    assert len(json.loads(settings["made"]["history_json"])) >= 2
    assert lines
