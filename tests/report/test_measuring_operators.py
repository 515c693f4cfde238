"""Detector, tone, denoiser and upscaler measured beside others, with small untrained networks."""

import json
from datetime import UTC, datetime

import pytest
import torch

from artgan.catalog.schema import METRICS, MODELS
from artgan.config import ReportSettings
from artgan.metrics.table import find_metric
from artgan.models.checkpoint import pack_weights
from artgan.models.detector import Detector
from artgan.models.filler import Filler
from artgan.models.finisher import Denoiser, Upscaler
from artgan.models.tone import ToneNetwork
from artgan.presets import ENHANCERS, OPAQUE
from artgan.report.figures import read_figures
from artgan.report.measure_detection import BROAD, measure_detection
from artgan.report.measure_enhancement import measure_enhancement
from artgan.report.site import build_site

RUN = "report-00001-0123456789abcdef0123"
STAMP = {"run_id": RUN, "created_at": datetime(2026, 3, 1, tzinfo=UTC)}
SIZES = {"short_side_px": 128, "widths": [16, 16], "blocks": [1, 1], "width": 16}
UPSCALER = {"short_side_px": 128, "width": 16, "blocks": 1}
DETECTOR = {"short_side_px": 128, "sheet_px": 64, "widths": [4, 8], "blocks": [1, 1]}
DETECTOR |= {"classes": OPAQUE}
PEERS = {
    "tone": {"do_nothing", "grey_world", "auto_levels"},
    "denoise": {"do_nothing", "denoise_half", "median", "nlm_3", "nlm_6", "nlm_10"},
    "upscale": {"bicubic", "lanczos"},
}


def add_model(archive, kind, name, network, preset):
    path = f"models/archive/{kind}/0/weights.safetensors"
    archive.catalog.store.write(path, pack_weights({name: network}, {"preset": preset}))
    row = {
        "model_id": f"{kind}-0",
        "kind": kind,
        "collection": "archive",
        "settings_json": json.dumps({"preset": preset}),
        "preset": "smoke",
        "weights_path": path,
        "promoted": True,
        "created_at": archive.tick(),
    }
    archive.catalog.append(MODELS, [row])


@pytest.fixture(scope="module")
def archive(new_archive):
    """A measured archive with a model of each kind, none of which has learned anything."""
    archive = new_archive()
    archive.add_scans("river", 24)
    torch.manual_seed(0)
    add_model(archive, "tone", "tone_ema", ToneNetwork(16), SIZES)
    add_model(archive, "denoise", "denoiser_ema", Denoiser((16, 16), (1, 1)), SIZES)
    add_model(archive, "upscale", "upscaler_ema", Upscaler(16, 1), UPSCALER)
    add_model(archive, "detection", "detector_ema", Detector((4, 8), (1, 1), OPAQUE, 128), DETECTOR)
    add_model(archive, "restoration", "generator_ema", Filler((16, 16), (1, 1)), SIZES)
    assert all(added > 0 for added in measure(archive))
    return archive


def settings_for(archive):
    return ReportSettings(root=archive.catalog.store.root, crops=8)


def measure(archive):
    settings = settings_for(archive)
    return [
        measure_detection(archive.catalog, "river", settings, STAMP),
        *(measure_enhancement(archive.catalog, k, "river", settings, STAMP) for k in ENHANCERS),
    ]


def numbers(archive, product, stratum=None):
    rows = [row for row in archive.catalog.rows(METRICS) if row["product"] == product]
    return {(row["subject"], row["metric"]): row for row in rows if row["stratum"] == stratum}


def test_what_was_measured_is_not_measured_again(archive):
    assert measure(archive) == [0, 0, 0, 0]


@pytest.mark.parametrize("kind", ENHANCERS)
def test_methods_mend_the_same_pictures_and_untrained_networks_do_nothing(archive, kind):
    found = numbers(archive, kind)
    assert {subject for subject, _ in found} == {kind} | PEERS[kind]
    for row in found.values():
        assert row["model_id"] == f"{kind}-0"
        assert row["n_measured"] >= row["n_reference"] >= 2
        assert row["unit"] == find_metric(row["metric"]).unit
        if row["metric"] != "clean_delta_e00":
            assert row["ci_low"] < row["value"] < row["ci_high"]
    metric = "delta_e00" if kind == "tone" else "psnr_db"
    # a network starts as what it corrects, up to rounding of enlarged codes
    start = "bicubic" if kind == "upscale" else "do_nothing"
    assert found[kind, metric]["value"] == pytest.approx(found[start, metric]["value"], abs=1.0)


def test_a_clean_picture_is_left_by_who_does_nothing_and_blurred_by_the_median(archive):
    clean = numbers(archive, "denoise", "fault: none")
    assert clean["do_nothing", "psnr_db"]["value"] == 60.0
    assert clean["median", "psnr_db"]["value"] < 59.0
    noisy = numbers(archive, "denoise", "fault: noise of 10 codes")
    assert noisy["do_nothing", "psnr_db"]["value"] == pytest.approx(28.1, abs=0.5)
    assert noisy["nlm_10", "psnr_db"]["value"] > noisy["do_nothing", "psnr_db"]["value"] + 2


def test_tone_says_how_far_clean_works_move(archive):
    found = numbers(archive, "tone")
    assert found["tone", "clean_delta_e00"]["value"] == 0.0
    assert found["auto_levels", "clean_delta_e00"]["value"] > 1.0


def test_a_detector_is_measured_beside_filters_and_by_what_filling_gains(archive):
    found = numbers(archive, "detection")
    # untrained, it marks nothing
    assert found["detector", "union_f1"]["value"] == 0.0
    assert found["detector", "clean_altered"]["value"] == 0.0
    assert found["top_hat", "damage_recall"]["value"] > 0.0
    decibels = {name: found[name, "psnr_db"]["value"] for name in ("blind", "do_nothing", "known")}
    assert decibels["blind"] == decibels["do_nothing"]
    assert decibels["known"] > decibels["do_nothing"] + 3
    kinds = {
        row["stratum"]
        for row in archive.catalog.rows(METRICS)
        if row["product"] == "detection" and row["stratum"]
    }
    assert len(kinds) >= 3
    assert kinds <= {BROAD, *(f"damage: {kind}" for kind in OPAQUE)}
    broad = [row for row in archive.catalog.rows(METRICS) if row["stratum"] == BROAD]
    by_subject = {row["subject"]: row["value"] for row in broad}
    assert by_subject["detector"] == 0.0
    assert 0.0 < by_subject["top_hat"] < 1.0


def test_pages_show_each_operator_beside_other_methods_with_strips(archive):
    figures, unreadable = read_figures(archive.catalog.store, "river")
    assert unreadable == []
    assert {figure.product for figure in figures} == {"detection", *ENHANCERS}
    assert all(len(figure.items) >= 2 for figure in figures)
    build_site(archive.catalog, RUN)
    page = archive.catalog.store.read("reports/collections/river/index.html").decode()
    aged = page.index("Held-out works, aged, by method")
    assert page.index("Colour error", aged) < page.index("PSNR", aged)  # what decides comes first
    for heading in ("Damage detection", "Tone", "Noise and blur", "Enlargement"):
        assert f"<h2>{heading}</h2>" in page
    for words in (
        "Top-hat filters",
        "Grey-world",
        "Non-local means, strength 6",
        "Lanczos",
        "Detector, then filler",
        "a quarter of the size",
        "marked by the detector",
    ):
        assert words in page, words


def test_a_collection_without_such_models_has_no_such_sections(empty):
    empty.add_scans("river", 12)
    assert measure_detection(empty.catalog, "river", settings_for(empty), STAMP) == 0
    for kind in ENHANCERS:
        assert measure_enhancement(empty.catalog, kind, "river", settings_for(empty), STAMP) == 0
    build_site(empty.catalog, RUN)
    page = empty.catalog.store.read("reports/collections/river/index.html").decode()
    assert "<h2>Restoration</h2>" in page
    assert "<h2>Tone</h2>" not in page
