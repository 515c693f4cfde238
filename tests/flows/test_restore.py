"""The restore flow: folders of files, masks of every origin, corrected masks, refusals."""

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from artgan.catalog.beside import files_of
from artgan.catalog.fixity import check, find_targets
from artgan.catalog.schema import MASKS, MODELS, OUTPUTS, SCANS, WITHDRAWALS
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.withdraw import find, remove_files
from artgan.clock import now
from artgan.config import IngestSettings, RestoreSettings
from artgan.errors import ArtganError
from artgan.imaging.decode import scan_array
from artgan.imaging.read import read_mask
from artgan.imaging.write import png_bytes
from artgan.keys import file_sha256
from artgan.models.checkpoint import pack_weights
from artgan.models.filler import Filler
from flows.__main__ import run
from flows.ingest import ingest
from flows.restore import restore
from tasks.outputs import commit_outputs

SIZE = (120, 160)
HALF = {"strength": 0.5, "perceptual": 0.0}


def picture(seed: int) -> np.ndarray:
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(blocks).resize(SIZE[::-1], Image.Resampling.BICUBIC))


def spot(top: int, left: int, side: int = 4) -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    mask[top : top + side, left : left + side] = 255
    return mask


def weights() -> bytes:
    torch.manual_seed(0)
    network = Filler((4, 8), (1, 1))
    with torch.no_grad():
        for one in network.parameters():
            one.normal_(0.0, 0.02)
    return pack_weights(
        {"generator_ema": network}, {"preset": {"widths": [4, 8], "blocks": [1, 1]}}
    )


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scans, one with a mask, catalogued, and a filler that is in use."""
    folder = tmp_path_factory.mktemp("restore")
    prints = folder / "inbox/prints"
    prints.mkdir(parents=True)
    for seed, name in enumerate("ab"):
        Image.fromarray(picture(seed)).save(prints / f"{name}.tif")
    (prints / "a.tif.mask.png").write_bytes(png_bytes(spot(20, 30)))
    root = folder / "root"
    ingest(IngestSettings(root=str(root), inbox=str(folder / "inbox"), settle_s=0))
    catalog = open_catalog(str(root))
    path = "models/archive/restoration/m1/weights.safetensors"
    catalog.store.write(path, weights())
    model = {"model_id": "m1", "kind": "restoration", "collection": "archive", "promoted": True}
    model |= {
        "weights_path": path,
        "weights_sha256": catalog.store.sha256(path),
        "created_at": now(),
    }
    catalog.append(MODELS, [model])
    return folder


@pytest.fixture
def archive(tmp_path: Path, delivered: Path) -> Catalog:
    return open_catalog(str(shutil.copytree(delivered / "root", tmp_path / "root")))


def scans(catalog: Catalog) -> dict[str, dict[str, Any]]:
    return {Path(row["source_path"]).stem: row for row in catalog.rows(SCANS)}


def asked(catalog: Catalog, **more: Any) -> RestoreSettings:
    return RestoreSettings.model_validate({"root": catalog.store.root} | more)


def restored(catalog: Catalog) -> list[dict[str, Any]]:
    rows = [row for row in catalog.rows(OUTPUTS) if row["kind"] == "restored"]
    return sorted(rows, key=lambda row: row["created_at"])


def test_a_restored_scan_has_a_folder_that_its_row_describes(archive: Catalog) -> None:
    assert restore(asked(archive)) == {"done": 1, "failed": 0}
    (row,) = restored(archive)
    assert (row["status"], row["assessment"]) == ("ok", "ok")
    folder = f"outputs/restored/prints/{row['output_id']}"
    there = [entry.key for entry in archive.store.entries("outputs")]
    assert sorted(files_of(row)) == there
    assert {key.rsplit("/", 1)[0] for key in there} == {folder}
    report = json.loads(archive.store.read(row["report_path"]))
    assert (report["output_id"], report["model_id"]) == (row["output_id"], "m1")
    assert report["operators"] == {"fill": {"strength": 1.0, "perceptual": 0.0}}
    digests = [archive.store.sha256(row[name]) for name in ("output_path", "patch_path")]
    assert digests == [row["output_sha256"], row["patch_sha256"]]
    assert archive.store.entries("_tmp") == []
    assert restore(asked(archive)) == {}


def test_every_setting_that_shapes_pixels_makes_a_file_of_its_own(archive: Catalog) -> None:
    restore(asked(archive))
    restore(asked(archive, strength=0.5))
    whole, half = restored(archive)
    assert json.loads(half["settings_json"]) == HALF
    pictures = [scan_array(Path(archive.store.uri(one["output_path"])))[0] for one in (whole, half)]
    before = picture(0)
    mask = spot(20, 30) > 0
    expected = (pictures[0][mask].astype(float) + before[mask]) / 2
    assert np.abs(pictures[1][mask] - expected).max() <= 0.5
    assert np.array_equal(pictures[1][~mask], before[~mask])


def test_a_corrected_mask_becomes_a_mask_of_its_own_and_the_earlier_file_stays(
    archive: Catalog, tmp_path: Path
) -> None:
    restore(asked(archive))
    (first,) = restored(archive)
    edited = tmp_path / "edited.png"
    edited.write_bytes(png_bytes(spot(60, 70, 6)))
    scan = scans(archive)["a"]["scan_id"]
    counts = restore(asked(archive, scan=scan[:10], mask=str(edited)))
    assert counts == {"done": 1, "failed": 0, "masks": 1}
    masks = {row["origin"]: row for row in archive.rows(MASKS)}
    assert set(masks) == {"delivered", "edited"}
    assert masks["edited"]["scan_id"] == scan
    kept = read_mask(archive.store.read(masks["edited"]["mask_path"]))
    assert np.array_equal(kept, spot(60, 70, 6) > 0)
    old, new = restored(archive)
    assert old == first
    assert new["mask_id"] == masks["edited"]["mask_id"]
    after = scan_array(Path(archive.store.uri(new["output_path"])))[0]
    assert ((after != picture(0)).any(axis=2) <= (spot(60, 70, 6) > 0)).all()
    assert all(archive.store.exists(path) for path in files_of(old))
    assert restore(asked(archive, scan=scan[:10], mask=str(edited))) == {"masks": 1}
    assert restore(asked(archive)) == {}  # people's masks, corrected ones included, are all filled


def test_a_scan_can_be_restored_alone(archive: Catalog) -> None:
    named = scans(archive)
    assert restore(asked(archive, scan=named["b"]["scan_id"][:8])) == {}
    assert restore(asked(archive, scan=named["a"]["scan_id"][:8])) == {"done": 1, "failed": 0}


def detect(catalog: Catalog, mask: np.ndarray, name: str, age_days: int) -> None:
    path = f"masks/prints/{name}.png"
    catalog.store.write(path, png_bytes(mask))
    row = {
        "mask_id": name,
        "scan_id": scans(catalog)["b"]["scan_id"],
        "collection": "prints",
        "source_path": "b.tif",
        "source_uri": "detector",
        "source_bytes": 1,
        "mask_path": path,
        "origin": "detected",
        "ingested_at": now() - timedelta(age_days),
    }
    catalog.append(MASKS, [row])


def test_masks_that_a_machine_drew_are_filled_when_asked_for_and_need_a_look(
    archive: Catalog,
) -> None:
    detect(archive, spot(10, 10), "older", 3)
    detect(archive, spot(40, 40), "newer", 1)
    assert restore(asked(archive, masks="detected")) == {"done": 1, "failed": 0}
    (row,) = restored(archive)
    assert (row["mask_id"], row["assessment"]) == ("newer", "needs_review")
    report = json.loads(archive.store.read(row["report_path"]))
    assert report["mask_origin"] == "detected"
    assert "detected by a machine" in report["reasons"][0]
    assert restore(asked(archive)) == {"done": 1, "failed": 0}  # the delivered one
    assert restore(asked(archive, masks="all")) == {}


def test_fixity_checks_patch_and_report_and_leaves_corrected_masks_alone(
    archive: Catalog, tmp_path: Path
) -> None:
    edited = tmp_path / "edited.png"
    edited.write_bytes(png_bytes(spot(60, 70)))
    scan = scans(archive)["a"]["scan_id"]
    restore(asked(archive, scan=scan, mask=str(edited)))
    edited.unlink()
    (row,) = restored(archive)
    targets = {one.path: one for one in find_targets(archive)}
    assert {row["output_path"], row["patch_path"], row["report_path"]} <= set(targets)
    assert sum(one.kind == "mask" for one in targets.values()) == 1
    assert {check(one, None)["outcome"] for one in targets.values()} == {"success"}
    archive.store.write(row["patch_path"], b"other bytes")
    assert check(targets[row["patch_path"]], None)["outcome"] == "fail"


def test_withdrawal_finds_every_file_of_a_folder_and_those_of_older_archives(
    archive: Catalog,
) -> None:
    restore(asked(archive))
    (row,) = restored(archive)
    scan = scans(archive)["a"]
    flat = {"output_path": "outputs/restored/prints/old.tif", "kind": "restored", "status": "ok"}
    flat |= {"output_id": "old", "collection": "prints", "scan_id": scan["scan_id"]}
    archive.append(OUTPUTS, [flat])
    for name in ("old.tif", "old.mask.png"):
        archive.store.write(f"outputs/restored/prints/{name}", b"made before there were folders")
    found = find(archive, {scan["scan_id"]: scan})
    assert set(files_of(row)) | set(files_of(flat)) <= set(found.files[scan["scan_id"]])
    remove_files(archive, found)
    assert archive.store.entries("outputs") == []


def test_a_scan_withdrawn_while_it_was_restored_leaves_no_file(archive: Catalog) -> None:
    restore(asked(archive))
    (row,) = restored(archive)
    gone = {"scan_id": row["scan_id"], "collection": "prints", "reason": "claim"}
    archive.append(WITHDRAWALS, [gone])
    again = row | {"created_at": str(row["created_at"])}
    assert commit_outputs(archive, "restored", "prints", [[again]], "r") == {"done": 0, "failed": 0}
    assert archive.store.entries("outputs") == []


def test_wrong_scans_and_masks_cost_a_sentence_and_no_run(
    archive: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan = scans(archive)["a"]["scan_id"][:12]
    (tmp_path / "small.png").write_bytes(png_bytes(spot(1, 1)[:50]))
    (tmp_path / "empty.png").write_bytes(png_bytes(spot(1, 1) * 0))
    (tmp_path / "good.png").write_bytes(png_bytes(spot(1, 1)))
    before = {entry.key for entry in archive.store.entries()}

    def said(*flags: str) -> str:
        assert run(["restore", "--root", archive.store.root, *flags]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        return line

    small, empty, good = (str(tmp_path / f"{name}.png") for name in ("small", "empty", "good"))
    assert "mask must have the size of its upright scan, 160 x 120, got 160 x 50" in said(
        *("--scan", scan, "--mask", small)
    )
    assert "mask must mark damage with white" in said("--scan", scan, "--mask", empty)
    assert "mask must be a file" in said("--scan", scan, "--mask", str(tmp_path / "none.png"))
    assert "which fits no scan in use" in said("--scan", "0" * 12, "--mask", good)
    assert "scan must be given with a corrected mask" in said("--mask", good)
    assert "--strength" in said("--strength", "1.5")
    assert "--masks" in said("--masks", "some")
    assert {entry.key for entry in archive.store.entries()} == before


def test_a_mask_that_became_unfit_fails_its_row_and_no_other(archive: Catalog) -> None:
    detect(archive, spot(1, 1)[:60], "cut", 1)
    counts = restore(asked(archive, masks="all"))
    assert counts == {"done": 1, "failed": 1}
    (failed,) = [row for row in restored(archive) if row["status"] == "failed"]
    assert failed["message"].startswith("mask must have the size of its upright scan")
    assert files_of(failed) == []
    with pytest.raises(ArtganError, match="failed fraction"):
        restore(asked(archive, masks="all", max_failed_fraction=0.1))


def test_the_patch_command_leads_there_and_back(
    archive: Catalog, delivered: Path, tmp_path: Path
) -> None:
    restore(asked(archive))
    (row,) = restored(archive)
    scan, made = delivered / "inbox/prints/a.tif", tmp_path / "made.tif"
    patch = archive.store.uri(row["patch_path"])
    assert run(["patch", str(scan), "--patch", patch, "--to", str(made)]) == 0
    output = Path(archive.store.uri(row["output_path"]))
    assert np.array_equal(scan_array(made)[0], scan_array(output)[0])
    back = tmp_path / "back.tif"
    assert run(["patch", str(output), "--patch", patch, "--to", str(back), "--undo"]) == 0
    assert np.array_equal(scan_array(back)[0], picture(0))
    digest = file_sha256(back)
    assert run(["patch", str(output), "--patch", patch, "--to", str(back), "--undo"]) == 2
    assert file_sha256(back) == digest
