"""Nights that also propose masks and enhance, which no night does unless it is told to."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artgan.catalog.schema import MASKS, MODELS, OUTPUTS, RUNS
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.config import NightlySettings
from artgan.imaging.read import read_rgb
from artgan.models.checkpoint import pack_weights, unpack_weights
from artgan.models.tone import ToneNetwork
from artgan.presets import TonePreset
from flows.nightly import nightly
from tests.restore.white import white_weights


def put_in_use(catalog: Catalog, kind: str, content: bytes) -> None:
    """A model, as a training would leave it."""
    path = f"models/archive/{kind}/0/weights.safetensors"
    catalog.store.write(path, content)
    model = {"model_id": kind, "kind": kind, "collection": "archive", "promoted": True}
    model |= {"weights_path": path, "weights_sha256": "0" * 64, "created_at": now()}
    model["settings_json"] = json.dumps(unpack_weights(content)[1])
    catalog.append(MODELS, [model])


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Catalog:
    """An archive with a detector and a tone model, and an inbox of two scans with white losses."""
    folder = tmp_path_factory.mktemp("extras")
    prints = folder / "inbox" / "prints"
    prints.mkdir(parents=True)
    for path in sorted((real_data / "scans" / "van_gogh").iterdir())[:2]:
        pixels = np.minimum(read_rgb(path.read_bytes(), 200), 225)
        pixels[60:100, 80:140] = 255
        Image.fromarray(pixels).save(prints / f"{path.stem}.png")
    catalog = open_catalog(str(folder / "root"))
    put_in_use(catalog, "detection", white_weights())
    preset = TonePreset(width=8)
    tone = pack_weights({"tone_ema": ToneNetwork(preset.width)}, {"preset": asdict(preset)})
    put_in_use(catalog, "tone", tone)
    return catalog


def settings_for(catalog: Catalog, **more: object) -> NightlySettings:
    root = catalog.store.root
    inbox = str(Path(root).parent / "inbox")
    return NightlySettings.model_validate(
        {"root": root, "inbox": inbox, "preset": "smoke", "min_works": 1000, "settle_s": 0} | more
    )


def test_a_night_proposes_masks_and_enhances_if_it_is_told_to(catalog: Catalog) -> None:
    settings = settings_for(catalog, propose_masks=True, enhancements=["tone"])
    counts = nightly(settings)
    masks = catalog.rows(MASKS)
    assert [row["origin"] for row in masks] == ["detected"] * 2
    enhanced = [row for row in catalog.rows(OUTPUTS) if row["kind"] == "enhanced"]
    assert [row["status"] for row in enhanced] == ["ok"] * 2
    # proposals wait for a person
    assert "restored" not in {row["kind"] for row in catalog.rows(OUTPUTS)}
    assert {row["flow"] for row in catalog.rows(RUNS)} >= {"detect", "enhance"}
    assert counts["done"] >= 4


def test_a_night_trains_what_it_is_told_to_use() -> None:
    plain = NightlySettings(root="r", inbox="i")
    assert plain.train().kinds == ["restoration", "simulation", "style"]
    more = NightlySettings(root="r", inbox="i", propose_masks=True, enhancements=["upscale"])
    assert more.train().kinds == ["restoration", "simulation", "style", "upscale", "detection"]
    wanted = more.enhance()
    assert (wanted.tone, wanted.denoise, wanted.upscale, wanted.factor) == (False, False, True, 2)
