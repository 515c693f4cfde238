"""Stylization in bulk and on demand, with painters in use, without waiting for a training."""

import io
import json
import logging
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from artgan.catalog.schema import MODELS, OUTPUTS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.works import load_pictures
from artgan.clock import now
from artgan.config import StylizeSettings
from artgan.errors import InvalidInputError
from artgan.imaging.colour import image_from_array
from artgan.imaging.decode import scan_array
from artgan.imaging.look import look_at
from artgan.imaging.write import png_bytes
from artgan.keys import file_sha256
from artgan.models.checkpoint import pack_weights
from artgan.models.multi import MultiPainter
from artgan.models.painter import Painter
from artgan.models.translator import Translator
from artgan.presets import PRESETS, KindPreset
from artgan.provenance import read_xmp
from artgan.storage import Store
from flows.checks import check_places
from flows.stylize import stylize

SIDE_PX = 48


def add_work(catalog: Catalog, collection: str, number: int, folder: Path) -> None:
    """Add a scan of 16 bits, and its access copy."""
    rng = np.random.default_rng([number, len(collection)])
    blocks = rng.integers(0, 1 << 16, (6, 8, 3), dtype=np.uint16)
    pixels = np.kron(blocks, np.ones((8, 9, 1), np.uint16))
    scan = folder / f"{collection}-{number}.tif"
    image_from_array(pixels).write_to_file(str(scan))
    digest = file_sha256(scan)
    access = f"access/{collection}/{digest}.png"
    catalog.store.write(access, png_bytes((pixels // 257).astype(np.uint8)))
    row = {
        "scan_id": digest,
        "content_sha256": digest,
        "collection": collection,
        "source_path": f"{collection}/{scan.name}",
        "source_uri": str(scan),
        "source_bytes": scan.stat().st_size,
        "access_path": access,
        "width_px": pixels.shape[1],
        "height_px": pixels.shape[0],
        "duplicate_group": digest,
        "split": ("train", "test")[number % 2],
        "year_from": 1880 + number,
        "page": 1,
    }
    catalog.append(SCANS, [row])


def add_painter(catalog: Catalog, kind: str, collection: str) -> None:
    torch.manual_seed(0)
    preset = PRESETS["smoke"].fast
    painter = Painter(preset.width, preset.blocks, own_manner=kind == "fast")
    painter.get_buffer("style_mean").fill_(0.5)
    painter.get_buffer("style_covariance").mul_(0.05)
    torch.nn.init.normal_(painter.head.weight, std=0.1)
    record(catalog, kind, collection, {"painter_ema": painter}, preset)


def add_multi(catalog: Catalog) -> None:
    torch.manual_seed(0)
    preset = replace(PRESETS["smoke"].multi, classes=("mist", "sunflowers"))
    multi = MultiPainter(preset.width, preset.blocks, preset.classes)
    torch.nn.init.normal_(multi.painter.head.weight, std=0.1)
    torch.nn.init.normal_(multi.manners, 1.0, 0.5)
    multi.color_covariances.mul_(0.05)
    record(catalog, "multi", "archive", {"multi_ema": multi}, preset)


def add_translator(catalog: Catalog, collection: str) -> None:
    torch.manual_seed(0)
    preset = PRESETS["smoke"].cyclegan
    translator = Translator(preset.width, preset.blocks)
    torch.nn.init.normal_(translator.head.weight, std=0.1)
    record(catalog, "cyclegan", collection, {"translator_ema": translator}, preset)


def record(
    catalog: Catalog, kind: str, collection: str, networks: dict[str, nn.Module], preset: KindPreset
) -> None:
    path = f"models/{collection}/{kind}/{kind}/weights.safetensors"
    settings = {"kind": kind, "preset": asdict(preset)}
    catalog.store.write(path, pack_weights(networks, settings))
    model = {
        "model_id": f"{kind}-{collection}",
        "kind": kind,
        "collection": collection,
        "promoted": True,
        "weights_path": path,
        "settings_json": json.dumps(settings),
        "created_at": now(),
    }
    catalog.append(MODELS, [model])


@pytest.fixture
def archive(tmp_path: Path) -> Catalog:
    """Two collections of four works; models of one, and painters of both and of any style."""
    catalog = open_catalog(str(tmp_path / "root"))
    for collection in ("mist", "sunflowers"):
        for number in range(4):
            add_work(catalog, collection, number, tmp_path)
    add_painter(catalog, "fast", "mist")
    add_painter(catalog, "adain", "archive")
    add_translator(catalog, "mist")
    add_multi(catalog)
    return catalog


def asked(catalog: Catalog, **more: object) -> StylizeSettings:
    given = {"collections": ["mist"], "contents": 2, "long_side_px": SIDE_PX, "steps": 2}
    return StylizeSettings.model_validate({"root": catalog.store.root} | given | more)


def made(catalog: Catalog) -> list[dict]:
    return [row for row in catalog.rows(OUTPUTS) if row["status"] == "ok"]


def scans(catalog: Catalog, collection: str) -> list[str]:
    rows = [row for row in catalog.rows(SCANS) if row["collection"] == collection]
    return [row["scan_id"] for row in sorted(rows, key=lambda row: row["year_from"])]


def test_every_method_makes_its_files_once_with_scores_beside_colour_alone(
    archive: Catalog, real_data: Path
) -> None:
    settings = asked(
        archive,
        methods=["color", "cyclegan", "fast", "multi", "adain", "optim"],
        weights=str(real_data / "weights"),
    )
    assert stylize(settings)["done"] == 12
    rows = made(archive)
    pictures = {}
    for row in rows:
        content = archive.store.read(row["output_path"])
        picture = np.asarray(Image.open(io.BytesIO(content), formats=("PNG",)))
        assert max(picture.shape) == SIDE_PX
        assert row["changed_pixels"] > 0
        assert row["phash"] == look_at(content).phash
        assert row["cfsd"] >= 0
        if row["method"] == "color":
            assert row["gram_distance"] == pytest.approx(row["color_gram_distance"], abs=0.01)
        pictures[row["method"], row["scan_id"]] = picture.tobytes()
    assert len(set(pictures.values())) == 12
    for scan_id in {row["scan_id"] for row in rows}:
        floor = {row["color_gram_distance"] for row in rows if row["scan_id"] == scan_id}
        assert len(floor) == 1
    assert not stylize(settings).get("done")
    assert {row["output_sha256"] for row in made(archive)} == {row["output_sha256"] for row in rows}
    assert not list(archive.store.entries("_work/fits"))


def test_without_vgg_optim_says_so_in_a_sentence_and_the_rest_work(
    archive: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        stylize(asked(archive, methods=["optim", "cut", "color", "fast"]))
    assert {row["method"] for row in made(archive)} == {"color", "fast"}
    said = [one.message for one in caplog.records]
    assert any("weights for optim must hold vgg19_conv1_1-conv3_4.safetensors" in x for x in said)
    assert any("model for cut must be in use, got none" in sentence for sentence in said)
    assert all(row["gram_distance"] is None for row in made(archive))


def test_one_work_in_a_blend_of_two_at_full_size(archive: Catalog) -> None:
    content = scans(archive, "sunflowers")[1]
    styles = [scans(archive, "mist")[0], scans(archive, "sunflowers")[2]]
    mask = np.zeros((48, 72), np.uint8)
    mask[:, 36:] = 255
    regions = Path(archive.store.root).parent / "right half.png"
    regions.write_bytes(png_bytes(mask))
    settings = asked(
        archive,
        collections=[],
        methods=["color", "fast", "adain"],
        scan=content[:12],
        regions=str(regions),
        style_scans=[one[:10] for one in styles],
        style_shares=[1, 3],
        resolution="full",
        strength=0.5,
    )
    stylize(settings)
    rows = {row["method"]: row for row in made(archive)}
    assert set(rows) == {"color", "adain"}
    assert all(row["collection"] == "mist" for row in rows.values())
    source = next(row for row in archive.rows(SCANS) if row["scan_id"] == content)
    before, _ = scan_array(Path(source["source_uri"]))
    for row in rows.values():
        with archive.store.local(row["output_path"]) as path:
            after, _ = scan_array(path)
        assert after.dtype == np.uint16
        assert after.shape == before.shape
        assert np.array_equal(after[:, :36], before[:, :36])
        assert (after != before).any(axis=2).sum() == row["changed_pixels"]
    stylize(settings.model_copy(update={"style_shares": [3, 1]}))
    assert len(made(archive)) == 4


def test_collections_are_blended_by_name_and_the_file_says_so(
    archive: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    plain = {"methods": ["multi"], "scan": scans(archive, "sunflowers")[1][:12]}
    stylize(asked(archive, **plain))
    stylize(asked(archive, **plain, blend_with=["sunflowers"]))
    with caplog.at_level(logging.WARNING):
        stylize(
            asked(
                archive,
                **plain | {"methods": ["multi", "cyclegan"]},
                blend_with=["sunflowers"],
                style_shares=[1, 9],
            )
        )
    assert any("style of cyclegan must be one collection" in one.message for one in caplog.records)
    rows = sorted(made(archive), key=lambda row: len(row["settings_json"]))
    assert [row["method"] for row in rows] == ["multi"] * 3
    assert len({row["output_sha256"] for row in rows}) == 3
    assert json.loads(rows[2]["settings_json"])["style_shares"] == [1, 9]
    with archive.store.local(rows[2]["output_path"]) as path:
        assert "manner of mist and sunflowers by multi" in read_xmp(path)["note"]
    with caplog.at_level(logging.WARNING):
        stylize(asked(archive, **plain, blend_with=["fog"]))
    assert any("must be one of mist, sunflowers, got fog" in one.message for one in caplog.records)
    with pytest.raises(ValueError, match="for the style and each collection"):
        asked(archive, **plain, blend_with=["sunflowers"], style_shares=[1])


def test_a_style_is_measured_once_for_all_chunks(
    archive: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def watched(store: Store, paths: tuple[str, ...], side_px: int) -> list[np.ndarray]:
        read.append(len(paths))
        return load_pictures(store, paths, side_px)

    monkeypatch.setattr("tasks.styles.load_pictures", watched)
    monkeypatch.setattr("tasks.stylize.QUICK_CHUNK", 1)
    monkeypatch.setenv("ARTGAN_TASK_WORKERS", "1")
    assert stylize(asked(archive, methods=["color"], contents=4))["done"] == 4
    assert read == [2]


def test_a_scan_asked_for_by_name_is_rendered_though_another_stands_for_its_work(
    archive: Catalog,
) -> None:
    stands, named = scans(archive, "sunflowers")[:2]
    rows = [row for row in archive.rows(SCANS) if row["scan_id"] in (stands, named)]
    larger = {stands: 2, named: 1}
    archive.replace(
        SCANS,
        [
            row | {"duplicate_group": stands, "width_px": row["width_px"] * larger[row["scan_id"]]}
            for row in rows
        ],
    )
    stylize(asked(archive, methods=["color"], scan=named[:12], style_scans=[named[:12]]))
    assert made(archive) == []  # its manner is of another collection than the one asked for
    stylize(asked(archive, methods=["color"], scan=named[:12]))
    assert [row["scan_id"] for row in made(archive)] == [named]


def test_conditions_choose_works_and_styles(archive: Catalog) -> None:
    settings = asked(
        archive,
        contents=9,
        methods=["color", "adain"],
        content="collection = 'sunflowers' and year_from > 1881",
        style="year_from = 1880",
    )
    check_places(settings)
    stylize(settings)
    assert {row["scan_id"] for row in made(archive)} == set(scans(archive, "sunflowers")[2:])
    assert len(made(archive)) == 4
    for condition in ("year_from > 3000", "no_such_column = 1", "true); drop table scans"):
        with pytest.raises(InvalidInputError):
            check_places(asked(archive, content=condition))


def test_an_item_that_is_too_large_for_memory_is_made_in_smaller_tiles(
    archive: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    stylize(asked(archive, methods=["fast"]))
    undisturbed = {row["output_id"]: row["output_sha256"] for row in made(archive)}
    for row in made(archive):
        archive.store.delete(row["output_path"])
    archive.remove(OUTPUTS, [row["output_id"] for row in made(archive)])
    whole = Painter.stem

    def full(self: Painter, tinted: torch.Tensor) -> torch.Tensor:
        if tinted.shape[3] > 44:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return whole(self, tinted)

    monkeypatch.setattr(Painter, "stem", full)
    assert stylize(asked(archive, methods=["fast"]))["done"] == 2
    assert {row["output_id"]: row["output_sha256"] for row in made(archive)} == undisturbed
