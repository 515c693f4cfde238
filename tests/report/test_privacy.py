"""Attacks on the models of an archive, and what its pages say of them."""

import json
from datetime import UTC, datetime

import pytest
import torch

from artgan.catalog.models import confidential, folder
from artgan.catalog.schema import METRICS, MODELS
from artgan.catalog.works import load_pictures, works
from artgan.config import ReportSettings
from artgan.models.checkpoint import pack_weights
from artgan.models.discriminator import Discriminator
from artgan.models.filler import Filler
from artgan.models.generator import Generator
from artgan.models.patchgan import PatchGan
from artgan.models.translator import StyleDiscriminator, Translator
from artgan.report import measure_privacy as module
from artgan.report import membership_scores, sample_attack
from artgan.report.measure_privacy import find_suspects, measure_privacy
from artgan.report.measures import measure
from artgan.report.privacy import privacy_words
from artgan.report.site import build_site
from artgan.training.squares import scale_work, square

STAMP = {"run_id": "report-0", "created_at": datetime(2026, 3, 1, tzinfo=UTC)}
SIZES = {
    "simulation": {"size_px": 16, "base_channels": 8, "max_channels": 16, "latent": 4},
    "restoration": {
        "widths": [4, 8],
        "blocks": [1, 1],
        "short_side_px": 32,
        "crop_px": 16,
        "discriminator_width": 4,
    },
    "style": {"width": 4, "blocks": 1, "short_side_px": 32, "crop_px": 16},
    "cyclegan": {"width": 4, "blocks": 1, "short_side_px": 32, "crop_px": 16},
}


def networks(kind):
    torch.manual_seed(0)
    if kind == "simulation":
        sizes = (16, 8, 16)
        return {"generator_ema": Generator(*sizes, 4)}, Discriminator(*sizes)
    if kind == "restoration":
        return {"generator_ema": Filler((4, 8), (1, 1))}, PatchGan(4)
    return {"translator_ema": Translator(4, 1)}, StyleDiscriminator(8)


def add_model(archive, kind, collection="river"):
    """Add an untrained model that says that it learned from the collection's training works."""
    published, discriminator = networks(kind)
    settings = {"kind": kind, "preset": SIZES[kind]}
    path = f"models/{collection}/{kind}/{kind}-1/weights.safetensors"
    row = {
        "model_id": f"{kind}-1",
        "kind": kind,
        "collection": collection,
        "settings_json": json.dumps(settings),
        "weights_path": path,
        "promoted": True,
        "reason": "first model of its kind",
        "metric": "kid_x1000",
        "value": 1.0,
        "n_train": 14,
        "n_val": 4,
        "steps": 1,
        "created_at": archive.tick(),
    }
    learned = [work["scan_id"] for work in works(archive.catalog, collection, "train")]
    store = archive.catalog.store
    store.write(path, pack_weights(published, settings))
    warm = f"{confidential(folder(row))}/training.safetensors"
    store.write(warm, pack_weights({"discriminator": discriminator}, settings))
    store.write(f"{folder(row)}/model.json", json.dumps({"training_scans": learned}).encode())
    archive.catalog.append(MODELS, [row])
    return row, warm


def settings_for(archive):
    return ReportSettings(root=archive.catalog.store.root)


def found(archive):
    rows = [row for row in archive.catalog.rows(METRICS) if row["product"] == "privacy"]
    return {(row["subject"], row["metric"]): row for row in rows}


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    monkeypatch.setattr(sample_attack, "SAMPLES", 64)
    monkeypatch.setattr(module, "SAMPLES", 64)
    monkeypatch.setattr(membership_scores, "CROPS", 2)


def test_each_generative_model_is_attacked_with_and_without_its_discriminator(empty):
    empty.add_scans("river", 40)
    for kind in SIZES:
        add_model(empty, kind)
    added = measure_privacy(empty.catalog, "river", settings_for(empty), STAMP)
    rows = found(empty)
    assert added == len(rows) == 24
    assert {subject for subject, _ in rows} == {
        *("samples_alone", "simulation_discriminator"),
        *("filler_answers", "filler_discriminator"),
        *("translator_answers", "translator_discriminator"),
        *("cyclegan_answers", "cyclegan_discriminator"),
    }
    counts = {
        split: len(works(empty.catalog, "river", split)) for split in ("train", "val", "test")
    }
    for row in rows.values():
        assert row["ci_low"] <= row["value"] <= row["ci_high"]
        assert row["n_measured"] == counts["train"]
        assert row["n_reference"] == counts["val"] + counts["test"]
    # nothing that was never trained knows a work
    for subject, metric in rows:
        if metric == "membership_advantage":
            assert rows[subject, metric]["ci_low"] < 0.1
    assert measure_privacy(empty.catalog, "river", settings_for(empty), STAMP) == 0


def test_without_its_discriminator_a_model_is_attacked_by_what_is_published(empty):
    empty.add_scans("river", 40)
    for kind in SIZES:
        empty.catalog.store.delete(add_model(empty, kind)[1])
    measure_privacy(empty.catalog, "river", settings_for(empty), STAMP)
    subjects = {subject for subject, _ in found(empty)}
    answers = {"filler_answers", "translator_answers", "cyclegan_answers"}
    assert subjects == {"samples_alone"} | answers


def test_works_that_came_after_a_training_stand_on_neither_side(empty):
    empty.add_scans("river", 40)
    row, _ = add_model(empty, "simulation")
    before = find_suspects(empty.catalog, row, "river")
    learned = {work["scan_id"] for work in works(empty.catalog, "river", "train")}
    empty.add_scans("lake", 12)
    assert find_suspects(empty.catalog, row, "lake") is None  # none of these was learned from
    card = f"{folder(row)}/model.json"
    fewer = sorted(learned)[3:]
    empty.catalog.store.write(card, json.dumps({"training_scans": fewer}).encode())
    after = find_suspects(empty.catalog, row, "river")
    assert {work["scan_id"] for work in before.members} == learned
    assert {work["scan_id"] for work in after.members} == set(fewer)
    assert [w["scan_id"] for w in after.others] == [w["scan_id"] for w in before.others]
    assert not learned & {work["scan_id"] for work in after.others}


def test_a_generator_that_gives_its_works_away_is_named_on_its_page_and_card(empty, monkeypatch):
    empty.add_scans("river", 40)
    row, _ = add_model(empty, "simulation")
    paths = [work["access_path"] for work in works(empty.catalog, "river", "train")]
    squares = [
        square(scale_work(picture, 16), 1.0)
        for picture in load_pictures(empty.catalog.store, paths, 16)
    ]

    def by_heart(_, seeds, label):
        assert label is None
        return torch.stack([squares[seed % len(squares)] for seed in seeds])

    monkeypatch.setattr(sample_attack, "sample", by_heart)
    measure_privacy(empty.catalog, "river", settings_for(empty), STAMP)
    rows = found(empty)
    assert rows["samples_alone", "membership_advantage"]["value"] > 0.8
    assert rows["samples_alone", "membership_tpr"]["value"] > 0.8
    assert rows["simulation_discriminator", "membership_advantage"]["value"] < 0.5
    build_site(empty.catalog, "report-0")
    pages = f"reports/models/{row['model_id']}"
    page = empty.catalog.store.read(f"{pages}/index.html").decode()
    card = empty.catalog.store.read(f"{pages}/model-card.md").decode()
    for text in (page, card):
        assert "over the limit of 0.1. It betrays works" in text
        assert "told at 1 % false alarms" in text.replace("\\", "")
    numbers = page.split('id="numbers"')[1].split("</section>")[0]
    assert "Membership" not in numbers


def test_words_tell_a_leak_from_chance_and_from_what_was_not_tried():
    row = {
        **dict.fromkeys(("unit", "note", "extractor", "n_matched")),
        "metric": "membership_advantage",
        "subject": "samples_alone",
        "collection": "river",
        "product": "privacy",
        "n_measured": 30,
        "n_reference": 20,
        "reference_split": "test",
    }

    def words(value, low):
        one = row | {"value": value, "ci_low": low, "ci_high": value + 0.1}
        return privacy_words({"kind": "simulation"}, [measure(one)])

    assert words(0.04, -0.1).endswith("under the limit of 0.1.")
    assert "chance alone may explain" in words(0.2, -0.05)
    assert "betrays works" in words(0.4, 0.2)
    assert "Not measured yet" in privacy_words({"kind": "simulation"}, [])
    assert "Not attacked" in privacy_words({"kind": "detection"}, [])
