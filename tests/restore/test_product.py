"""The folder of a restored scan: every file in it, against the scan."""

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from artgan.errors import InvalidInputError
from artgan.imaging.decode import SourceEncoding, scan_array
from artgan.imaging.read import read_mask, read_rgb
from artgan.imaging.write import png_bytes
from artgan.keys import file_sha256
from artgan.models.filler import Filler
from artgan.provenance import read_xmp
from artgan.restore.fill import Filling, fill_scan
from artgan.restore.product import Order, make_product
from artgan.sample.icc import ADOBE_RGB, profile_bytes
from tests.pictures import tiff_bytes
from tests.restore.white import white_detector

FACTS = {"model_id": "m1", "source_sha256": "ab" * 32, "scan_id": "ab" * 32}


@pytest.fixture(scope="module")
def filler():
    torch.manual_seed(0)
    network = Filler((8, 12, 16), (1, 1, 2)).eval()
    with torch.no_grad():
        for weights in network.parameters():
            weights.normal_(0.0, 0.04)
    return network


def make(folder, scan, mask, filler, origin="delivered", strength=1.0, *, detector=None):
    """Restore a file with a mask; return the product and the folder of its files."""
    out, scratch = folder / "out", folder / "scratch"
    for one in (out, scratch):
        one.mkdir(parents=True)
    (folder / "mask.png").write_bytes(png_bytes(mask.astype(np.uint8) * 255))
    order = Order(scan, 1, folder / "mask.png", origin, "Harbour", FACTS)
    how = Filling(filler, strength=strength)
    made = make_product(order, how, {"fill": {"strength": strength}}, out, scratch, detector)
    return made, out


def damage(size):
    mask = np.zeros(size, bool)
    mask[30:36, 20:-20] = True
    mask[60:64, 40:44] = True
    mask[-1, -1] = True
    return mask


KINDS = [(np.uint8, 1), (np.uint8, 3), (np.uint16, 2), (np.uint16, 3), (np.uint16, 4)]


@pytest.mark.parametrize(("dtype", "channels"), KINDS)
def test_all_files_agree_with_the_scan(tmp_path, filler, dtype, channels):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, np.iinfo(dtype).max, (301, 403, channels), dtype)
    icc = profile_bytes(ADOBE_RGB) if channels >= 3 else None
    scan = tmp_path / "scan.tif"
    scan.write_bytes(tiff_bytes(pixels, SourceEncoding("tiff", 8, channels, icc, 400.0)))
    mask = damage(pixels.shape[:2])
    made, out = make(tmp_path, scan, mask, filler)
    restored, encoding = scan_array(out / "restored.tif")
    expected = fill_scan(pixels, mask, filler)
    assert np.array_equal(restored, expected.pixels)
    assert restored.dtype == dtype
    assert (encoding.icc, round(encoding.dpi or 0)) == (icc, 400)
    assert np.array_equal(restored[~mask], pixels[~mask])
    patch = scan_array(out / "patch.tif")[0]
    assert np.array_equal(pixels + patch, restored)
    assert np.array_equal(restored - patch, pixels)
    for name in ("mask.png", "mask_effective.png"):
        assert np.array_equal(read_mask((out / name).read_bytes()), mask)
    assert made.masked_pixels == mask.sum()
    assert made.changed_pixels == expected.changed_pixels
    preview = read_rgb((out / "preview.jpg").read_bytes())
    assert preview.shape == (301, 403, 3)
    for name in ("restored.tif", "patch.tif", "preview.jpg"):
        note = read_xmp(out / name)
        assert note["digital_source_type"] == "compositeWithTrainedAlgorithmicMedia"
        assert (note["model_id"], note["title"]) == ("m1", "Harbour")


def test_the_report_says_what_was_done(tmp_path, filler):
    pixels = np.random.default_rng(0).integers(0, 256, (301, 403, 3), dtype=np.uint8)
    (tmp_path / "scan.tif").write_bytes(tiff_bytes(pixels, SourceEncoding("tiff", 8, 3)))
    mask = damage((301, 403))
    made, out = make(tmp_path, tmp_path / "scan.tif", mask, filler, strength=0.5)
    report = json.loads((out / "report.json").read_text())
    assert report["status"] == made.assessment.status == "ok"
    assert report["operators"] == {"fill": {"strength": 0.5}}
    assert (report["model_id"], report["scan_id"]) == ("m1", "ab" * 32)
    assert (report["tile_px"], report["halo_px"], report["bit_depth"]) == (512, 64, 8)
    assert report["masked_pixels"] == mask.sum()
    assert report["changed_fraction"] == pytest.approx(made.changed_pixels / mask.size)
    assert report["changed_outside_mask"] == 0
    assert report["unchanged_verified"]
    assert report["patch_verified"]
    assert 0 < report["mean_de00"] < report["max_de00"]
    assert [one["area_px"] for one in report["regions"]] == [6 * 363, 16, 1]
    first = report["regions"][0]
    assert [first[name] for name in ("left", "top", "width", "height")] == [20, 30, 363, 6]
    assert (first["depth_px"], first["class"], first["conjectural"]) == (3.0, None, False)
    assert set(report["files"]) == {path.name for path in out.iterdir()} - {"report.json"}
    for name, digest in report["files"].items():
        assert file_sha256(out / name) == digest


def test_regions_are_named_where_a_detector_is_in_use(tmp_path, filler):
    pixels = np.full((301, 403, 3), 90, np.uint8)
    pixels[30:36] = 255
    (tmp_path / "scan.tif").write_bytes(tiff_bytes(pixels, SourceEncoding("tiff", 8, 3)))
    mask = damage((301, 403))
    _, out = make(tmp_path, tmp_path / "scan.tif", mask, filler, detector=white_detector("tear"))
    regions = json.loads((out / "report.json").read_text())["regions"]
    assert [one["class"] for one in regions] == ["tear", None, None]
    assert regions[0]["class_probability"] > 0.9
    assert regions[1]["class_probability"] < 0.01


def test_the_preview_is_hatched_where_it_was_filled_and_nowhere_else(tmp_path, filler):
    y, x = np.mgrid[0:300, 0:420]
    pixels = np.stack([x // 2, y // 2, 90 + (x + y) // 8], axis=2).astype(np.uint8)
    (tmp_path / "scan.tif").write_bytes(tiff_bytes(pixels, SourceEncoding("tiff", 8, 3)))
    mask = np.zeros((300, 420), bool)
    mask[100:130, 100:300] = True
    _, out = make(tmp_path, tmp_path / "scan.tif", mask, filler, strength=0.0)
    preview = read_rgb((out / "preview.jpg").read_bytes()).astype(int)
    change = np.abs(preview - pixels).max(axis=2)
    assert change[mask].mean() > 12
    assert change[:90].max() < 8
    assert change[140:].max() < 8


def test_a_preview_of_a_large_scan_is_reduced(tmp_path, filler):
    pixels = np.zeros((200, 4100, 3), np.uint16)
    pixels[:, :, 0] = np.linspace(0, 65535, 4100)
    (tmp_path / "scan.tif").write_bytes(tiff_bytes(pixels, SourceEncoding("tiff", 8, 3)))
    mask = np.zeros((200, 4100), bool)
    mask[50:60, 1000:1100] = True
    _, out = make(tmp_path, tmp_path / "scan.tif", mask, filler)
    preview = Image.open(io.BytesIO((out / "preview.jpg").read_bytes()))
    assert preview.size == (3000, 146)
    level = np.asarray(preview)[10, [0, 1500, 2999], 0]
    assert level.astype(int) == pytest.approx([0, 127, 255], abs=4)


def test_a_jpeg_is_restored_from_its_own_pixels(tmp_path, filler, real_data):
    path = sorted((real_data / "scans" / "monet_256").iterdir())[0]
    pixels, _ = scan_array(path)
    mask = damage(pixels.shape[:2])
    _, out = make(tmp_path, path, mask, filler)
    restored = scan_array(out / "restored.tif")[0]
    assert np.array_equal(restored[~mask], pixels[~mask])
    assert not np.array_equal(restored, pixels)


def test_masks_that_do_not_serve_are_refused_in_a_sentence(tmp_path, filler):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    (tmp_path / "scan.tif").write_bytes(tiff_bytes(pixels, SourceEncoding("tiff", 8, 3)))

    def attempt(name, mask):
        return make(tmp_path / name, tmp_path / "scan.tif", mask, filler)

    with pytest.raises(InvalidInputError, match="mask must have the size of its upright scan, 96"):
        attempt("turned", np.ones((96, 64), bool))
    with pytest.raises(InvalidInputError, match="mask must mark damage"):
        attempt("empty", np.zeros((64, 96), bool))
    with pytest.raises(InvalidInputError, match="mask must leave some pixels known"):
        attempt("full", np.ones((64, 96), bool))
