"""Networks of an archive under attack, and the table of it."""

import json
from datetime import UTC, datetime

import pytest
import torch

from artgan.catalog.models import confidential, folder
from artgan.catalog.schema import METRICS, MODELS
from artgan.config import ReportSettings
from artgan.metrics.attacks import KINDS, attack_names
from artgan.models.checkpoint import pack_weights
from artgan.models.detector import Detector
from artgan.models.discriminator import Discriminator
from artgan.models.generator import Generator
from artgan.presets import DAMAGE_CLASSES
from artgan.report import archive_network
from artgan.report import measure_robustness as module
from artgan.report.archive_network import refresh_archive_network
from artgan.report.measure_robustness import measure_robustness
from artgan.report.site import build_site
from tests.report.test_archive_network import tinted

STAMP = {"run_id": "report-0", "created_at": datetime(2026, 3, 1, tzinfo=UTC)}
DETECTOR = {"widths": [4, 8], "blocks": [1, 1], "classes": DAMAGE_CLASSES, "short_side_px": 48}
GENERATOR = {"size_px": 16, "base_channels": 8, "max_channels": 16, "latent": 4}


def add_model(archive, kind, published, preset, discriminator=None):
    settings = {"kind": kind, "preset": preset}
    row = {
        "model_id": f"{kind}-1",
        "kind": kind,
        "collection": "river",
        "settings_json": json.dumps(settings),
        "weights_path": f"models/river/{kind}/{kind}-1/weights.safetensors",
        "promoted": True,
        "created_at": archive.tick(),
    }
    archive.catalog.store.write(row["weights_path"], pack_weights(published, settings))
    if discriminator is not None:
        warm = pack_weights({"discriminator": discriminator}, settings)
        archive.catalog.store.write(f"{confidential(folder(row))}/training.safetensors", warm)
    archive.catalog.append(MODELS, [row])


@pytest.fixture
def judged(empty, monkeypatch):
    """Two collections, a detector, a discriminator and the network that tells collections."""
    full = archive_network.train_archive_network

    def short(*sides, steps, codes):
        return full(*sides, steps=20 if steps == 200 else 40, codes=codes)

    monkeypatch.setattr(archive_network, "train_archive_network", short)
    monkeypatch.setattr(module, "CROPS", 3)
    monkeypatch.setattr(module, "CROP_PX", 32)
    monkeypatch.setattr(module, "MOST_WORKS", 6)
    empty.picture = tinted
    for collection in ("river", "hill"):
        empty.add_scans(collection, 46)
    torch.manual_seed(0)
    detector = Detector((4, 8), (1, 1), DAMAGE_CLASSES, 48)
    add_model(empty, "detection", {"detector_ema": detector}, DETECTOR)
    generator = Generator(16, 8, 16, 4)
    critic = Discriminator(16, 8, 16)
    add_model(empty, "simulation", {"generator_ema": generator}, GENERATOR, critic)
    return empty


def test_what_judges_pictures_is_attacked_and_the_page_shows_it_beside_noise(judged):
    settings = ReportSettings(root=judged.catalog.store.root, hardened_codes=8)
    for codes in (0, 8):
        refresh_archive_network(judged.catalog, codes)
    added = measure_robustness(judged.catalog, "river", settings, STAMP)
    rows = [row for row in judged.catalog.rows(METRICS) if row["product"] == "robustness"]
    found = {(row["subject"], row["stratum"].removeprefix("attack: ")): row for row in rows}
    subjects = {"detector", "classifier", "classifier_hardened", "discriminator"}
    assert set(found) == {(one, way) for one in subjects for way in attack_names()}
    assert added == len(rows) == 28
    assert measure_robustness(judged.catalog, "river", settings, STAMP) == 0
    plain, _, _, strong, *_, strongest = attack_names()
    for subject in ("classifier", "discriminator"):
        values = [found[subject, way]["value"] for way in (plain, strong, strongest)]
        assert values == sorted(values, reverse=True)
        row = found[subject, plain]
        assert row["ci_low"] <= row["value"] <= row["ci_high"]
    # a network that nothing tells anything: real and generated are turned round altogether
    assert found["discriminator", strongest]["value"] == 0.0
    assert found["classifier", plain]["model_id"] is None
    build_site(judged.catalog, "report-0")
    page = judged.catalog.store.read("reports/collections/river/index.html").decode()
    part = page.split('<section id="robustness"')[1].split("</section>")[0]
    for words in ("within 4 of 255", "within 8 of 255", "The same, hardened"):
        assert words in part
    for kind in KINDS:
        assert part.count(f'<th scope="row">{kind}</th>') == len(subjects)
    assert part.count("<data ") == len(rows)
    other = judged.catalog.store.read("reports/collections/hill/index.html").decode()
    assert 'id="robustness"' not in other


def test_few_works_or_nothing_that_judges_gives_no_table(empty):
    settings = ReportSettings(root=empty.catalog.store.root)
    empty.add_scans("river", 8)
    assert measure_robustness(empty.catalog, "river", settings, STAMP) == 0
    empty.add_scans("hill", 40)
    assert measure_robustness(empty.catalog, "hill", settings, STAMP) == 0
