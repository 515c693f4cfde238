"""Every kind of file that is made says what it is, and is still found when its mark is gone."""

import json
import os
import re
import shutil
from dataclasses import asdict
from pathlib import Path

import av
import numpy as np
import pytest
import pyvips
import torch
from PIL import Image
from torch import nn

from artgan.catalog.recognise import Recognised, recognise
from artgan.catalog.schema import MASKS, MODELS, OUTPUTS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.config import (
    DetectSettings,
    EnhanceSettings,
    FilmSettings,
    IiifSettings,
    IngestSettings,
    RestoreSettings,
    SimulateSettings,
    StylizeSettings,
)
from artgan.imaging.write import png_bytes
from artgan.ingest.decoder_process import Limits, end_child
from artgan.ingest.decoders import examine
from artgan.models.checkpoint import pack_weights
from artgan.models.detector import Detector
from artgan.models.finisher import Denoiser
from artgan.models.generator import Generator
from artgan.models.translator import Translator
from artgan.presets import DETECTED, DenoisePreset
from artgan.provenance import DigitalSourceType
from flows.__main__ import run as artgan
from flows.detect import detect
from flows.enhance import enhance
from flows.film import film
from flows.iiif import iiif
from flows.ingest import ingest
from flows.restore import restore
from flows.simulate import simulate
from flows.stylize import stylize
from tests.films import moving, write_film

pytestmark = pytest.mark.slow

CAPTURE = DigitalSourceType.DIGITAL_CAPTURE
COMPOSITE = DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA
ENHANCED = DigitalSourceType.ALGORITHMICALLY_ENHANCED
TRAINED = DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA
WIDTH, HEIGHT = 480, 360


def write_inbox(folder: Path) -> None:
    rng = np.random.default_rng(3)
    for collection in ("prints", "sketches"):
        (folder / collection).mkdir(parents=True)
        for number in range(2):
            blocks = rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)
            picture = Image.fromarray(blocks).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
            picture.save(folder / collection / f"{number}.png")
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[100:130, 200:260] = 255
    (folder / "prints" / "0.png.mask.png").write_bytes(png_bytes(mask))
    for path in folder.rglob("*.png"):
        os.utime(path, (1e9, 1e9))


def networks() -> dict[str, tuple[dict[str, nn.Module], dict[str, object]]]:
    torch.manual_seed(0)
    shape = {"widths": (8, 12), "blocks": (1, 1)}
    denoiser = Denoiser((8, 12), (1, 1))
    for weights in denoiser.parameters():  # as it is made, it changes nothing
        nn.init.normal_(weights, std=0.08)
    return {
        "simulation": (
            {"generator_ema": Generator(32, 8, 32, 16)},
            {"size_px": 32, "base_channels": 8, "max_channels": 32, "latent": 16},
        ),
        "style": ({"translator_ema": Translator(8, 1)}, {"width": 8, "blocks": 1}),
        "denoise": ({"denoiser_ema": denoiser}, asdict(DenoisePreset(**shape))),
        "detection": (
            {"detector_ema": Detector((8, 12), (1, 1), tuple(DETECTED), 128)},
            shape | {"classes": list(DETECTED), "short_side_px": 128},
        ),
    }


def use(catalog: Catalog, kind: str, collection: str, made) -> None:
    chosen, preset = made
    path = f"models/{collection}/{kind}/m-{kind}/weights.safetensors"
    catalog.store.write(path, pack_weights(chosen, {"preset": preset}))
    row = {"model_id": f"m-{kind}", "kind": kind, "collection": collection, "promoted": True}
    catalog.append(MODELS, [row | {"weights_path": path, "created_at": now()}])


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """An archive in which every flow that makes pictures has run."""
    folder = tmp_path_factory.mktemp("all")
    write_inbox(folder / "inbox")
    root = str(folder / "root")
    ingest(IngestSettings(root=root, inbox=str(folder / "inbox"), access_long_side_px=400))
    catalog = open_catalog(root)
    for kind, made in networks().items():
        use(catalog, kind, "prints" if kind in {"simulation", "style"} else "archive", made)
    detect(DetectSettings(root=root, collections=["sketches"]))
    restore(RestoreSettings(root=root))
    enhance(EnhanceSettings(root=root, denoise=True))
    (scan, *_) = [row for row in catalog.rows(SCANS) if row["collection"] == "prints"]
    more = {"film_s": 0.4, "axes": True, "project": [scan["scan_id"]]}
    simulate(SimulateSettings(root=root, works=2, **more))
    style = {"root": root, "collections": ["prints"], "contents": 1, "methods": ["color", "cut"]}
    stylize(StylizeSettings(**style))
    stylize(StylizeSettings(**style, resolution="full"))
    video = write_film(folder / "walk.mkv", moving(1, 5))
    film(FilmSettings(root=root, collections=["prints"], video=str(video)))
    iiif(IiifSettings(root=root, base_url="https://iiif.example.org", tile_px=256))
    return catalog


@pytest.fixture(scope="module", autouse=True)
def _end():
    yield
    end_child()


def _shown(row: dict[str, str]) -> str:
    """Say what a file of the table outputs is, closer than its kind does."""
    if row["kind"] == "simulated" and row["method"] != "generator":
        return row["method"]
    is_full = row["kind"] == "stylized" and row["output_path"].endswith(".tif")
    return "stylized at full size" if is_full else row["kind"]


def made_files(catalog: Catalog) -> list[tuple[str, str, Path, str]]:
    """Kind, id, file and expected term of all that was made."""
    local = lambda key: Path(catalog.store.uri(key))  # noqa: E731
    files = [
        ("access", row["scan_id"], local(row["access_path"]), CAPTURE)
        for row in catalog.rows(SCANS)
    ]
    for row in catalog.rows(OUTPUTS):
        assert row["status"] == "ok", row["message"]
        path, term = local(row["output_path"]), row["digital_source_type"]
        if row["kind"] == "iiif":
            tile = next(path.parent.glob("0,0,*/*/0/default.jpg"))
            files.append(("tile", row["scan_id"], tile, CAPTURE))
            whole = path.parent / "full/max/0/default.jpg"
            files.append(("whole", row["scan_id"], whole, CAPTURE))
            continue
        files.append((_shown(row), row["output_id"], path, term))
        if row["kind"] == "restored":
            files.append(("patch", row["output_id"], local(row["patch_path"]), term))
            files.append(("preview", row["scan_id"], local(row["preview_path"]), term))
        if row["kind"] == "film":
            files.append(("film preview", row["output_id"], local(row["preview_path"]), term))
    for row in catalog.rows(MASKS):
        if row["origin"] == "detected":
            files.append(("overview", row["scan_id"], local(row["overview_path"]), COMPOSITE))
            files.append(("probability", row["mask_id"], local(row["probability_path"]), TRAINED))
    return files


def told(catalog: Catalog, path: Path) -> Recognised:
    seen = examine(path, None, Limits())
    return recognise(catalog, seen.sha256, seen.look, seen.mark, seen.signature)


def packet_by_another(path: Path) -> str:
    """Read a packet by FFmpeg or by Pillow, which did not write it."""
    if path.suffix == ".mp4":
        with av.open(str(path), options={"export_xmp": "1"}) as container:
            return container.metadata["xmp"]
    with Image.open(path) as image:
        found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
        found = found or image.tag_v2[700]
        return found if isinstance(found, str) else found.decode()


def test_all_kinds_are_there(catalog: Catalog) -> None:
    kinds = {kind for kind, *_ in made_files(catalog)}
    assert kinds == {
        *("access", "overview", "probability", "restored", "patch", "preview", "enhanced"),
        *("simulated", "interpolation", "axes", "projection"),
        *("stylized", "stylized at full size", "tile", "whole", "film", "film preview"),
    }


def test_another_library_reads_the_term_and_the_origin_in_every_file(catalog: Catalog) -> None:
    for kind, _, path, term in made_files(catalog):
        packet = packet_by_another(path)
        assert re.search(r"digitalsourcetype/(\w+)<", packet)[1] == term, kind
        assert "SettingsSha256" in packet, kind
        assert "CreatorTool>artgan " in packet, kind
        nothing_real = kind in {"simulated", "interpolation", "axes"}
        assert ("SourceSha256" in packet) != nothing_real, kind


def test_untouched_files_are_known_and_none_is_accused(catalog: Catalog) -> None:
    for kind, name, path, term in made_files(catalog):
        found = told(catalog, path)
        assert found.mark["digital_source_type"] == term
        if kind not in {"preview", "film preview", "overview", "probability", "tile", "whole"}:
            assert found.verdict == "unchanged", kind
            assert [one["id"] for one in found.known] == [name]
        else:
            assert found.verdict in {"copy", "marked"}, (kind, found.says)


@pytest.mark.parametrize("how", ["saved again", "recompressed", "halved"])
def test_without_its_mark_a_copy_is_found_by_what_it_looks_like(
    catalog: Catalog, tmp_path: Path, how: str
) -> None:
    for kind, name, path, _ in made_files(catalog):
        # No pictures of the work, a part of one, or one drawn over by a detector of random weights.
        # Films are not looked for by their looks.
        if kind in {"patch", "probability", "tile", "overview", "film", "film preview"}:
            continue
        picture = Image.open(path).convert("RGB")
        if how == "halved":
            picture = picture.reduce(2)
        copy = tmp_path / ("copy.png" if how == "saved again" else "copy.jpg")
        picture.save(copy, quality=50)
        found = told(catalog, copy)
        assert found.mark == {}
        assert found.verdict == "copy", kind
        assert name in {one.id for one in found.candidates}, kind


def test_a_copy_that_keeps_its_mark_is_not_accused(catalog: Catalog, tmp_path: Path) -> None:
    for kind, _, path, term in made_files(catalog):
        if kind in {"patch", "probability"}:
            continue
        if kind == "film":
            copy = tmp_path / "copy.mp4"
            copy.write_bytes(path.read_bytes() + b"\0\0\0\x08free")
            found = told(catalog, copy)
            assert (found.verdict, found.mark["digital_source_type"]) == ("marked", term)
            continue
        copy = tmp_path / "copy.jpg"
        flat = pyvips.Image.new_from_file(str(path)).copy(interpretation="srgb")
        (flat >> 8 if flat.format == "ushort" else flat).cast("uchar").jpegsave(str(copy), Q=75)
        found = told(catalog, copy)
        assert found.mark["digital_source_type"] == term
        assert found.verdict in {"copy", "marked"}, (kind, found.says)


def test_a_machines_work_that_is_said_to_be_a_capture_is_found_out(
    catalog: Catalog, tmp_path: Path
) -> None:
    (row, *_) = [one for one in catalog.rows(OUTPUTS) if one["kind"] == "simulated"]
    content = Path(catalog.store.uri(row["output_path"])).read_bytes()
    copy = tmp_path / "copy.png"
    packet = packet_by_another(Path(catalog.store.uri(row["output_path"])))
    picture = pyvips.Image.new_from_buffer(content, "").copy()
    other = packet.replace(TRAINED, CAPTURE).encode()
    picture.set_type(pyvips.GValue.blob_type, "xmp-data", other)
    picture.pngsave(str(copy))
    found = told(catalog, copy)
    assert found.verdict == "changed"
    assert "Its mark says digitalCapture, but it looks like the simulated" in " ".join(found.says)


def test_a_mark_of_a_scan_that_was_never_here_is_found_out(
    catalog: Catalog, tmp_path: Path
) -> None:
    (row, *_) = catalog.rows(SCANS)
    access = Path(catalog.store.uri(row["access_path"]))
    content = access.read_bytes().replace(row["content_sha256"].encode(), b"0" * 64)
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(content)
    found = told(catalog, copy)
    assert found.verdict == "changed"
    assert "which is not in the catalog" in found.says[0]


def test_the_command_says_it_and_its_exit_code_too(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (row, *_) = [one for one in catalog.rows(OUTPUTS) if one["kind"] == "restored"]
    path, root = catalog.store.uri(row["output_path"]), catalog.store.root
    assert artgan(["verify", path, "--root", root]) == 0
    said = capsys.readouterr().out
    assert "restored.tif: exactly a file of this archive" in said
    assert f"restored {row['output_id']}, {COMPOSITE}" in said
    assert artgan(["verify", path, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["mark"]["model_id"] == row["model_id"]
    changed = tmp_path / "changed.tif"
    digest = row["output_sha256"]
    assert digest
    shutil.copy(path, changed)
    scan = catalog.rows(SCANS)[0]["content_sha256"]
    source = json.loads(catalog.store.read(row["report_path"]))["source_sha256"]
    assert source in changed.read_bytes().decode("latin-1")
    changed.write_bytes(changed.read_bytes().replace(source.encode(), b"f" * 64))
    assert scan
    assert artgan(["verify", str(changed), "--root", root]) == 1
    assert "CHANGED" in capsys.readouterr().out
    (row, *_) = [one for one in catalog.rows(OUTPUTS) if one["kind"] == "film"]
    assert artgan(["verify", catalog.store.uri(row["output_path"]), "--root", root]) == 0
    said = capsys.readouterr().out
    assert f"film {row['output_id']}, {ENHANCED}" in said
    assert "film       mp4" in said
    letter = tmp_path / "letter.jpg"
    letter.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n\x1b[31m")
    assert artgan(["verify", str(letter), "--root", root]) == 0
    assert "\x1b" not in capsys.readouterr().out
