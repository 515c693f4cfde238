"""Enhancement with models that are in use, without waiting for a training."""

import hashlib
import io
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from pydantic import ValidationError
from torch import nn

from artgan.catalog.schema import MODELS, OUTPUTS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.config import EnhanceSettings, WithdrawSettings
from artgan.errors import InvalidInputError
from artgan.imaging.decode import scan_array
from artgan.models.checkpoint import pack_weights
from artgan.models.finisher import Denoiser, Upscaler
from artgan.models.tone import ToneNetwork, tone_from_json
from artgan.presets import DenoisePreset, TonePreset, UpscalePreset
from artgan.provenance import read_xmp
from flows.checks import check_places
from flows.enhance import enhance
from flows.withdraw import withdraw

PRESETS = {
    "tone": TonePreset(width=8),
    "denoise": DenoisePreset(widths=(8, 12), blocks=(1, 1)),
    "upscale": UpscalePreset(width=8, blocks=1),
}


def networks() -> dict[str, tuple[str, nn.Module]]:
    """Networks that do something, with their names in a checkpoint."""
    torch.manual_seed(0)
    made: dict[str, tuple[str, nn.Module]] = {
        "tone": ("tone_ema", ToneNetwork(8)),
        "denoise": ("denoiser_ema", Denoiser((8, 12), (1, 1))),
        "upscale": ("upscaler_ema", Upscaler(8, 1)),
    }
    for _, network in made.values():
        for weights in network.parameters():
            nn.init.normal_(weights, std=0.08)
    return made


def archive(root: Path, inbox: Path) -> Catalog:
    """Two scans, of 8 and of 16 bits, and a model of each kind in use for all collections."""
    catalog = open_catalog(str(root))
    rng = np.random.default_rng(0)
    rows = []
    inbox.mkdir()
    for name, peak in (("a", 255), ("b", 65_535)):
        waves = np.sin(np.arange(64) / 9)[:, None, None] * np.cos(np.arange(90) / 7)[None, :, None]
        levels = 0.4 + 0.2 * waves + rng.normal(0, 0.05, (64, 90, 3))
        pixels = (levels.clip(0, 1) * peak).astype(np.uint8 if peak == 255 else np.uint16)
        path = inbox / f"{name}.tif"
        tifffile.imwrite(path, pixels, photometric="rgb", resolution=(300, 300))
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append(
            {
                "scan_id": content,
                "content_sha256": content,
                "collection": "prints",
                "source_path": f"prints/{name}.tif",
                "source_uri": str(path),
                "source_bytes": path.stat().st_size,
                "title": f"Work {name}",
                "page": 1,
                "width_px": 90,
                "height_px": 64,
                "duplicate_group": name,
                "split": "test",
            }
        )
    catalog.append(SCANS, rows)
    for kind, (name, network) in networks().items():
        path = f"models/archive/{kind}/m-{kind}/weights.safetensors"
        content = pack_weights({name: network}, {"preset": asdict(PRESETS[kind])})
        catalog.store.write(path, content)
        model = {
            "model_id": f"m-{kind}",
            "kind": kind,
            "collection": "archive",
            "promoted": True,
            "weights_path": path,
            "weights_sha256": hashlib.sha256(content).hexdigest(),
            "created_at": now(),
        }
        catalog.append(MODELS, [model])
    return catalog


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return archive(tmp_path / "root", tmp_path / "inbox")


def run(catalog: Catalog, **settings) -> dict[str, int]:
    return enhance(EnhanceSettings(root=catalog.store.root, **settings))


def files(catalog: Catalog) -> list[str]:
    return [entry.key for entry in catalog.store.entries("outputs/enhanced")]


def test_every_scan_is_enhanced_labelled_and_reported(catalog: Catalog) -> None:
    counts = run(catalog, tone=True, denoise=True, upscale=True)
    assert counts["done"] == 2
    scans = {row["scan_id"]: row for row in catalog.rows(SCANS)}
    for row in catalog.rows(OUTPUTS):
        scan = scans[row["scan_id"]]
        before, encoding = scan_array(Path(scan["source_uri"]))
        path = Path(catalog.store.root) / row["output_path"]
        after, kept = scan_array(path)
        assert after.shape == (128, 180, 3)
        assert after.dtype == before.dtype
        assert kept.dpi == pytest.approx(2 * encoding.dpi)
        assert (row["width_px"], row["height_px"]) == (180, 128)
        assert row["bit_depth"] == 8 * before.dtype.itemsize
        assert row["method"] == "denoise+tone+x2"
        assert row["model_id"] == "m-upscale"
        assert row["digital_source_type"] == "compositeWithTrainedAlgorithmicMedia"
        assert read_xmp(path)["digital_source_type"] == row["digital_source_type"]
        assert read_xmp(path)["source_sha256"] == row["scan_id"]
        report = json.loads(catalog.store.read(row["report_path"]))
        for kind in ("tone", "denoise", "upscale"):
            assert report["operators"][kind]["model_id"] == f"m-{kind}"
            assert len(report["operators"][kind]["weights_sha256"]) == 64
        assert report["operators"]["denoise"]["strength"] == 0.5
        assert report["operators"] == json.loads(row["settings_json"])
        tone_from_json(report["operators"]["tone"]["numbers"])
        assert report["assessment"] == row["assessment"]
        assert row["assessment"] in {"conjectural", "needs_review"}
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert row["output_sha256"] == digest
        # the summary of the run need not read the file again
        assert catalog.store.exists(f"reports/thumbs/320/{digest[:2]}/{digest}.jpg")


def test_nothing_is_made_twice_and_other_strengths_are_other_files(catalog: Catalog) -> None:
    assert run(catalog, denoise=True)["done"] == 2
    first = files(catalog)
    assert not run(catalog, denoise=True).get("done")
    assert files(catalog) == first
    assert run(catalog, denoise=True, denoise_strength=0.8)["done"] == 2
    assert run(catalog, upscale=True, factor=4)["done"] == 2
    assert len(files(catalog)) == 12  # a file and a report of each
    sizes = {(row["method"], row["width_px"]) for row in catalog.rows(OUTPUTS)}
    assert sizes == {("denoise", 90), ("x4", 360)}


def test_tone_alone_is_a_correction_whose_numbers_undo_it(catalog: Catalog) -> None:
    assert run(catalog, tone=True)["done"] == 2
    for row in catalog.rows(OUTPUTS):
        assert row["digital_source_type"] == "algorithmicallyEnhanced"
        numbers = tone_from_json(json.loads(row["settings_json"])["tone"]["numbers"])
        scan = next(one for one in catalog.rows(SCANS) if one["scan_id"] == row["scan_id"])
        before, _ = scan_array(Path(scan["source_uri"]))
        after, _ = scan_array(Path(catalog.store.root) / row["output_path"])
        peak = np.iinfo(before.dtype).max
        levels = torch.from_numpy(after / peak).permute(2, 0, 1)[None]
        back = numbers.invert(levels)[0].permute(1, 2, 0).numpy()
        kept = ((after > 0) & (after < peak)).all(axis=2)
        assert np.quantile(np.abs(back - before / peak)[kept], 0.9) < 1.5 / 255


def test_only_named_scans_are_enhanced_and_unknown_ones_refused(catalog: Catalog) -> None:
    chosen = catalog.rows(SCANS)[0]["scan_id"]
    assert run(catalog, denoise=True, scans=[chosen[:8]])["done"] == 1
    assert [row["scan_id"] for row in catalog.rows(OUTPUTS)] == [chosen]
    with pytest.raises(InvalidInputError, match="scans must name scans"):
        check_places(EnhanceSettings(root=catalog.store.root, tone=True, scans=["0" * 8]))


def test_restored_files_are_enhanced_where_asked_for(catalog: Catalog) -> None:
    scan = catalog.rows(SCANS)[0]
    content = Path(scan["source_uri"]).read_bytes()
    for number, name in enumerate(("old", "new")):
        made = io.BytesIO()
        tifffile.imwrite(made, tifffile.imread(io.BytesIO(content)) // (2 - number))
        path = f"outputs/restored/prints/{name}.tif"
        catalog.store.write(path, made.getvalue())
        catalog.append(
            OUTPUTS,
            [
                {
                    "output_id": name,
                    "kind": "restored",
                    "collection": "prints",
                    "scan_id": scan["scan_id"],
                    "status": "ok",
                    "output_path": path,
                    "output_sha256": hashlib.sha256(made.getvalue()).hexdigest(),
                    "created_at": now(),
                }
            ],
        )
    assert run(catalog, tone=True, source="restored")["done"] == 1
    row = next(row for row in catalog.rows(OUTPUTS) if row["kind"] == "enhanced")
    assert json.loads(row["settings_json"])["source_output_id"] == "new"
    # what was filled by a model stays a composite, whatever is done to its tone
    assert row["digital_source_type"] == "compositeWithTrainedAlgorithmicMedia"
    catalog.store.write("outputs/restored/prints/new.tif", b"something else")
    again = EnhanceSettings(
        root=catalog.store.root, denoise=True, source="restored", max_failed_fraction=1.0
    )
    assert enhance(again)["failed"] == 1
    failed = next(row for row in catalog.rows(OUTPUTS) if row["status"] == "failed")
    assert "Restore the scan again" in failed["message"]


def test_a_broken_scan_fails_and_the_other_is_made(catalog: Catalog) -> None:
    first = Path(catalog.rows(SCANS)[0]["source_uri"])
    first.write_bytes(first.read_bytes()[:-20])
    counts = run(catalog, denoise=True)
    assert (counts["done"], counts["failed"]) == (1, 1)


def test_without_a_model_nothing_is_made(catalog: Catalog) -> None:
    row = next(row for row in catalog.rows(MODELS) if row["kind"] == "upscale")
    catalog.replace(MODELS, [row | {"promoted": False}])
    assert not run(catalog, denoise=True, upscale=True).get("done")
    assert files(catalog) == []


def test_a_withdrawn_scan_takes_its_enhanced_files_along(catalog: Catalog) -> None:
    run(catalog, tone=True)
    scan = catalog.rows(SCANS)[0]["scan_id"]
    settings = WithdrawSettings(
        root=catalog.store.root, scans=[scan], reason="claim 7", dry_run=False
    )
    withdraw(settings)
    left = [row for row in catalog.rows(OUTPUTS) if row["status"] == "ok"]
    assert len(left) == 1
    assert all(left[0]["output_id"] in key for key in files(catalog))
    assert len(files(catalog)) == 2
    assert len(catalog.store.entries("reports/thumbs")) <= 2


def test_a_form_with_nothing_ticked_is_refused() -> None:
    with pytest.raises(ValidationError, match="tone, denoise or upscale must be chosen"):
        EnhanceSettings(root="archive")
