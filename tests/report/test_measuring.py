"""Measurements on an archive with networks of its own, small and untrained."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
import torch

from artgan import weights
from artgan.catalog.models import BASE
from artgan.catalog.schema import METRICS, MODELS
from artgan.config import ReportSettings
from artgan.degrade.masks import ALL_DAMAGE
from artgan.metrics import artfid
from artgan.metrics.archive_network import archive_extractor
from artgan.metrics.pyramid import RandomPyramid
from artgan.metrics.table import find_metric
from artgan.models.checkpoint import pack_weights
from artgan.models.filler import Filler
from artgan.models.generator import Generator
from artgan.models.multi import MultiPainter
from artgan.models.painter import Painter
from artgan.models.translator import Translator
from artgan.report import measure_simulation as module
from artgan.report import measure_stylization as measure_stylization_module
from artgan.report.figures import read_figures
from artgan.report.measure_restoration import measure_restoration
from artgan.report.measure_simulation import measure_simulation
from artgan.report.measure_stylization import measure_stylization
from artgan.report.strata import strata_table
from artgan.training.archive_network import Labelled, train_archive_network
from tests.metrics.art_weights import write_art_weights

STAMP = {"run_id": "report-0", "created_at": datetime(2026, 3, 1, tzinfo=UTC)}
FILLER = {"widths": [4, 8], "blocks": [1, 1], "short_side_px": 64, "crop_px": 32}
GENERATOR = {"size_px": 16, "base_channels": 8, "max_channels": 32, "latent": 16}


def add_model(archive, kind, name, network, preset, collection="river"):
    settings = {"kind": kind, "preset": preset}
    path = f"models/{collection}/{kind}/{name}/weights.safetensors"
    names = {Painter: "painter_ema", Translator: "translator_ema", MultiPainter: "multi_ema"}
    part = names.get(type(network), "generator_ema")
    archive.catalog.store.write(path, pack_weights({part: network}, settings))
    row = {
        "model_id": name,
        "kind": kind,
        "collection": collection,
        "settings_json": json.dumps(settings),
        "weights_path": path,
        "promoted": True,
        "created_at": archive.tick(),
    }
    archive.catalog.append(MODELS, [row])


def add_generator(archive, name, seed):
    torch.manual_seed(seed)
    add_model(archive, "simulation", name, Generator(*GENERATOR.values()), GENERATOR)


def settings_for(archive, weights=None):
    root = archive.catalog.store.root
    return ReportSettings(root=root, samples=64, crops=8, weights=weights)


def numbers(archive, product):
    rows = [row for row in archive.catalog.rows(METRICS) if row["product"] == product]
    return {(row["subject"], row["metric"]): row for row in rows if row["stratum"] is None}


@pytest.fixture
def seen(monkeypatch):
    """Pictures that went through the network, counted."""
    count = []
    forward = RandomPyramid.forward

    def counted(self, images):
        count.append(len(images))
        return forward(self, images)

    monkeypatch.setattr(RandomPyramid, "forward", counted)
    return count


def test_second_generator_of_a_collection_costs_only_its_own_pictures(empty, seen):
    empty.add_scans("river", 40)
    add_generator(empty, "first", 0)
    assert measure_simulation(empty.catalog, "river", settings_for(empty), STAMP) > 0
    # 39 works, since the first two scans show one, 64 generated, and the mirrored training works
    works = 39
    first = sum(seen)
    assert works + 64 < first < 2 * works + 64
    assert measure_simulation(empty.catalog, "river", settings_for(empty), STAMP) == 0
    assert sum(seen) == first
    add_generator(empty, "second", 1)
    assert measure_simulation(empty.catalog, "river", settings_for(empty), STAMP) > 0
    assert sum(seen) == first + 64


def test_small_collection_gets_no_number_that_says_nothing_at_its_size(empty):
    empty.add_scans("river", 44)
    add_generator(empty, "first", 0)
    measure_simulation(empty.catalog, "river", settings_for(empty), STAMP)
    metrics = {metric for _, metric in numbers(empty, "simulation")}
    assert metrics == {"kid_x1000", "copy_ratio", "copied_share", "diversity_ratio", "fd_excess"}


def test_larger_collection_gets_all_of_them_at_matched_sizes(empty):
    empty.add_scans("river", 110)
    add_generator(empty, "first", 0)
    settings = settings_for(empty).model_copy(update={"samples": 110})
    measure_simulation(empty.catalog, "river", settings, STAMP)
    found = numbers(empty, "simulation")
    for metric in ("fd", "fd_floor", "fd_excess"):
        assert found["generator", metric]["n_matched"] == 54
    for metric in ("density", "coverage", "precision", "recall", "vendi_score"):
        assert found["generator", metric]["n_matched"] == 109
    excess = found["generator", "fd"]["value"] - found["generator", "fd_floor"]["value"]
    assert found["generator", "fd_excess"]["value"] == pytest.approx(excess)
    assert 1.0 < found["real_works", "vendi_score"]["value"] < 109
    # untrained noise is neither near the works nor a copy of one
    assert found["generator", "precision"]["value"] < 0.2
    assert found["generator", "copied_share"]["value"] == 0.0


def test_archives_own_network_measures_beside_the_other_and_leaves_it_the_headline(
    empty, monkeypatch
):
    empty.add_scans("river", 46)
    empty.add_scans("hill", 46)
    network = train_archive_network(*[quartered(empty)] * 2, ["river", "hill"], steps=2)
    own = archive_extractor(network.content)
    monkeypatch.setattr(module, "find_archive_extractor", lambda *_: own)
    add_generator(empty, "first", 0)
    measure_simulation(empty.catalog, "river", settings_for(empty), STAMP)
    rows = [row for row in empty.catalog.rows(METRICS) if row["metric"] == "fd_excess"]
    assert {row["extractor"] for row in rows} == {"FD-random", own.label}
    assert {row["extractor_sha256"] for row in rows} >= {own.weights_sha256}
    kernel = {
        row["extractor"] for row in empty.catalog.rows(METRICS) if row["metric"] == "kid_x1000"
    }
    assert kernel == {"FD-random"}


def quartered(archive):
    pictures = [np.resize(archive.picture(number), (64, 64, 3)) for number in range(4)]
    return Labelled(pictures, [0, 1, 0, 1])


def test_restoration_is_measured_in_light_structure_colour_and_what_must_not_change(empty):
    empty.add_scans("river", 24)
    torch.manual_seed(0)
    filler = Filler((4, 8), (1, 1))
    add_model(empty, "restoration", "first", filler, FILLER)
    measure_restoration(empty.catalog, "river", settings_for(empty), STAMP)
    found = numbers(empty, "restoration")
    subjects = {subject for subject, _ in found}
    assert subjects == {"filler", "telea", "navier_stokes", "prefill", "do_nothing"}
    for subject in subjects:
        assert found[subject, "max_change_outside"]["value"] == 0.0
        assert found[subject, "psnr_hole_db"]["ci_low"] < found[subject, "psnr_hole_db"]["value"]
    for metric in ("psnr_hole_db", "ssim_hole"):
        assert found["telea", metric]["value"] > found["do_nothing", metric]["value"]
    colour = "delta_e00_hole"
    assert found["telea", colour]["value"] < found["do_nothing", colour]["value"]
    assert not any(metric.startswith("feature_distance") for _, metric in found)
    edges = {name: found[name, "boundary_ratio"]["value"] for name in ("telea", "do_nothing")}
    assert edges["telea"] < edges["do_nothing"]


def test_the_crops_on_which_a_filler_is_worst_are_shown_beside_unselected_ones(empty):
    empty.add_scans("river", 24)
    torch.manual_seed(0)
    add_model(empty, "restoration", "first", Filler((4, 8), (1, 1)), FILLER)
    measure_restoration(empty.catalog, "river", settings_for(empty), STAMP)
    figures, unreadable = read_figures(empty.catalog.store, "river")
    assert unreadable == []
    shown = {figure.title: [item.note for item in figure.items] for figure in figures}
    worst = shown["Where the filler is farthest from the truth"]
    decibels = [float(note.rsplit(" ", 2)[1]) for note in worst]
    assert len(decibels) == 6
    assert decibels == sorted(decibels)
    assert worst != shown["Held-out works with synthetic damage"]


def test_restoration_is_measured_by_class_of_damage_and_by_damaged_area_too(empty):
    empty.add_scans("river", 24)
    torch.manual_seed(0)
    add_model(empty, "restoration", "first", Filler((4, 8), (1, 1)), FILLER)
    measure_restoration(empty.catalog, "river", settings_for(empty), STAMP)
    rows = [row for row in empty.catalog.rows(METRICS) if row["stratum"] is not None]
    assert {row["metric"] for row in rows} >= {"psnr_hole_db", "ssim_hole", "delta_e00_hole"}
    crops = {row["stratum"]: row["n_measured"] for row in rows}
    kinds = {name for name in crops if name.startswith("damage: ")}
    assert kinds == {f"damage: {kind}" for kind in ALL_DAMAGE}
    areas = crops.keys() - kinds
    assert len(areas) >= 2
    assert sum(crops[name] for name in areas) == sum(crops[name] for name in kinds)
    table = strata_table(rows, "river", "psnr_hole_db")
    assert table is not None
    assert table.columns[0] == "Filler (this archive's model)"
    assert [row.name for row in table.rows[: len(kinds)]] == sorted(ALL_DAMAGE)
    widths = [int(row.name.partition("%")[0]) for row in table.rows[len(kinds) :]]
    assert widths == sorted(widths)
    for row in table.rows:
        values = [cell.row["value"] for cell in row.cells]
        # an untrained filler is the prefill, and where both are best none is called so
        best = [place for place, value in enumerate(values) if value == max(values)]
        assert row.best == (best[0] if len(best) == 1 else None)
    assert strata_table(rows, "hill", "psnr_hole_db") is None


def test_vgg_adds_its_own_measures_under_its_own_name(empty, real_data):
    weights = str(real_data / "weights")
    for collection in ("river", "hill"):
        empty.add_scans(collection, 12)
    torch.manual_seed(0)
    add_model(empty, "restoration", "first", Filler((4, 8), (1, 1)), FILLER)
    for kind, collection in (("fast", "river"), ("adain", BASE)):
        painter = Painter(4, 1, own_manner=kind == "fast")
        add_model(empty, kind, f"{kind}-1", painter, {"width": 4, "blocks": 1}, collection)
    add_model(empty, "cyclegan", "cyclegan-1", Translator(4, 1), {"width": 4, "blocks": 1})
    names = {"classes": ["hill", "river"]}
    multi = MultiPainter(4, 1, names["classes"])
    add_model(empty, "multi", "multi-1", multi, {"width": 4, "blocks": 1} | names, BASE)
    measure_restoration(empty.catalog, "river", settings_for(empty, weights), STAMP)
    measure_stylization(empty.catalog, "river", settings_for(empty, weights), STAMP)
    restored, stylized = numbers(empty, "restoration"), numbers(empty, "stylization")
    metric = "feature_distance_vgg19_conv3_4"
    assert restored["telea", metric]["value"] < restored["do_nothing", metric]["value"]
    assert restored["telea", metric]["extractor"] == "FD-VGG19c34"
    assert restored["telea", "psnr_hole_db"]["extractor"] is None
    assert stylized["unchanged", "cfsd"]["value"] == pytest.approx(0.0, abs=1e-9)
    assert stylized["color", "cfsd"]["value"] > 0.0
    assert {("color", "gram_distance"), ("unchanged", "gram_distance")} <= set(stylized)
    assert {row["extractor"] for row in stylized.values()} == {"FD-VGG19c34"}
    for kind in ("cyclegan", "fast", "multi", "adain"):
        row = stylized[kind, "gram_distance"]
        assert row["model_id"] == f"{kind}-1"
        assert row["value"] > 0.0
        assert (kind, "kid_x1000") in stylized


def test_the_parts_of_artfid_are_measured_where_their_networks_are_given(
    empty, tmp_path, monkeypatch
):
    for collection in ("river", "hill"):
        empty.add_scans(collection, 12)
    folder = tmp_path / "weights"
    folder.mkdir()
    write_art_weights(folder)
    for name in ("ALEXNET", "LPIPS_HEADS"):
        monkeypatch.setattr(artfid, name, replace(getattr(weights, name), sha256=""))
    monkeypatch.setattr(measure_stylization_module, "ALEXNET", artfid.ALEXNET)
    measure_stylization(empty.catalog, "river", settings_for(empty, str(folder)), STAMP)
    found = numbers(empty, "stylization")
    assert found["unchanged", "lpips"]["value"] == pytest.approx(0.0, abs=1e-9)
    assert found["color", "lpips"]["value"] > 0.0
    assert found["color", "lpips"]["extractor"] == "LPIPS-Alex"
    assert found["color", "art_fd"]["extractor"] == "FD-art-inception"
    assert found["color", "art_fd"]["value"] < found["unchanged", "art_fd"]["value"]
    assert not found["color", "art_fd"]["is_fid"]
    assert measure_stylization(empty.catalog, "river", settings_for(empty, str(folder)), STAMP) == 0
    assert measure_stylization(empty.catalog, "river", settings_for(empty), STAMP) > 0


def test_without_the_fid_network_no_number_is_called_fid_and_all_are_in_the_table(empty):
    for collection in ("river", "hill"):
        empty.add_scans(collection, 40)
    add_generator(empty, "first", 0)
    measure_simulation(empty.catalog, "river", settings_for(empty), STAMP)
    measure_stylization(empty.catalog, "river", settings_for(empty), STAMP)
    rows = list(empty.catalog.rows(METRICS))
    assert len(rows) > 10
    for row in rows:
        assert find_metric(row["metric"]) is not None
        assert row["is_fid"] is False
        cells = {name: str(value) for name, value in row.items() if name not in {"note", "is_fid"}}
        assert not any("fid" in text.lower() for text in cells.values())
        assert "FID" not in row["note"].replace("not comparable with published FID", "")


def test_measures_of_one_archive_are_the_same_when_features_are_kept(empty):
    empty.add_scans("river", 40)
    add_generator(empty, "first", 0)
    measure_simulation(empty.catalog, "river", settings_for(empty), STAMP)
    before = {key: row["value"] for key, row in numbers(empty, "simulation").items()}
    add_generator(empty, "again", 0)
    measure_simulation(empty.catalog, "river", settings_for(empty), STAMP)
    after = {key: row["value"] for key, row in numbers(empty, "simulation").items()}
    assert np.array(list(after.values())) == pytest.approx(np.array(list(before.values())))
