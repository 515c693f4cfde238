"""From a real scan's file to a file that keeps what the scan was."""

import numpy as np
import pytest
import pyvips
import tifffile
import torch
from torch import nn

from artgan.enhance.file import Networks, enhance_file
from artgan.imaging.colour import embedded_profile, image_from_array
from artgan.imaging.decode import SourceEncoding
from artgan.imaging.read import read_rgb
from artgan.imaging.scan_file import RefusedScan
from artgan.models.finisher import Denoiser, Upscaler
from artgan.models.tone import ToneNetwork
from artgan.provenance import DigitalSourceType, Provenance, read_xmp, xmp_packet
from artgan.sample.icc import ADOBE_RGB, profile_bytes
from tests.pictures import tiff_bytes

ALL = {
    "denoise": {"strength": 0.5},
    "tone": {"strength": 1.0},
    "upscale": {"strength": 1.0, "factor": 2},
}


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    made = Networks(Denoiser((16, 16), (1, 1)), ToneNetwork(8), Upscaler(16, 1))
    for network in (made.denoiser, made.upscaler):
        for part in network.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.normal_(part.weight, std=0.06)
    nn.init.normal_(made.tone.head.weight, std=0.2)
    for network in (made.denoiser, made.tone, made.upscaler):
        network.eval()
    return made


@pytest.fixture(scope="module")
def deep_scan(real_data, tmp_path_factory):
    """A real work as 16-bit TIFF in another space, 300 px/inch."""
    path = sorted((real_data / "scans" / "old_masters").iterdir())[0]
    picture = read_rgb(path.read_bytes(), 150)
    array = (
        picture.astype(np.uint16) * 257
        + np.arange(picture.shape[1], dtype=np.uint16)[:, None] % 200
    )
    encoding = SourceEncoding("tiff", 16, 3, icc=profile_bytes(ADOBE_RGB), dpi=300.0)
    target = tmp_path_factory.mktemp("scan") / "scan.tif"
    target.write_bytes(tiff_bytes(array, encoding))
    return target


def test_depth_profile_and_note_are_kept_and_the_resolution_grows(networks, deep_scan, tmp_path):
    note = xmp_packet(
        DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA, Provenance(title="A work")
    )
    made = enhance_file(deep_scan, 1, networks, ALL, folder=tmp_path, xmp=note)
    before = pyvips.Image.new_from_file(str(deep_scan))
    after = pyvips.Image.new_from_file(str(made.path))
    assert (after.width, after.height) == (2 * before.width, 2 * before.height)
    assert after.format == "ushort"
    assert embedded_profile(after) == embedded_profile(before)
    assert after.xres * 25.4 == pytest.approx(600.0, abs=0.1)
    assert read_xmp(made.path)["title"] == "A work"
    facts = made.facts()
    assert facts["dpi"] == pytest.approx(600.0)
    assert facts["assessment"] in {"conjectural", "needs_review"}
    assert facts["changed_pixels"] is None
    assert facts["profile"]
    assert not (tmp_path / "pixels.raw").exists()


def test_tone_alone_leaves_numbers_that_undo_it(networks, deep_scan, tmp_path):
    only = Networks(tone=networks.tone)
    made = enhance_file(deep_scan, 1, only, {"tone": {"strength": 1.0}}, folder=tmp_path)
    assert made.tone is not None
    assert not made.tone.is_identity
    source, result = (tifffile.imread(path) / 65_535 for path in (deep_scan, made.path))
    back = made.tone.invert(torch.from_numpy(result).permute(2, 0, 1)[None])[0]
    kept = ((result > 0) & (result < 1)).all(axis=2)
    error = np.abs(back.permute(1, 2, 0).numpy() - source)[kept]
    assert kept.mean() > 0.3
    # near black the inverse of a gamma is steep, and codes are whole
    assert np.quantile(error, 0.99) < 1e-3
    assert made.facts()["undone"]["largest_error"] < 0.02


@pytest.mark.parametrize("tile_px", [32, 128])
def test_the_file_does_not_depend_on_the_tile(networks, deep_scan, tmp_path, tile_px):
    first = tmp_path / "first"
    second = tmp_path / "second"
    first.mkdir()
    second.mkdir()
    whole = enhance_file(deep_scan, 1, networks, ALL, folder=first)
    tiled = enhance_file(deep_scan, 1, networks, ALL, folder=second, tile_px=tile_px)
    assert whole.path.read_bytes() == tiled.path.read_bytes()


def test_a_turned_scan_comes_out_upright(networks, tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    image = image_from_array(picture)
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    path = tmp_path / "turned.tif"
    image.write_to_file(str(path))
    made = enhance_file(path, 1, Networks(networks.denoiser), ALL_DENOISE, folder=tmp_path)
    assert (made.height_px, made.width_px) == (90, 60)
    after = pyvips.Image.new_from_file(str(made.path)).numpy()
    upright = np.rot90(picture, -1)
    assert np.abs(after.astype(int) - upright).mean() < 60
    assert np.corrcoef(after.ravel(), upright.ravel())[0, 1] > 0.9


ALL_DENOISE = {"denoise": {"strength": 0.5}}


def test_a_grey_scan_of_one_channel_stays_one(networks, tmp_path):
    grey = np.random.default_rng(0).integers(60, 200, (50, 64), dtype=np.uint8)
    path = tmp_path / "grey.tif"
    tifffile.imwrite(path, grey)
    made = enhance_file(path, 1, networks, ALL, folder=tmp_path)
    assert tifffile.imread(made.path).shape == (100, 128)
    assert made.is_grey
    assert len(set(made.tone.gamma)) == 1


def test_a_cut_file_is_refused(networks, deep_scan, tmp_path):
    path = tmp_path / "cut.tif"
    path.write_bytes(deep_scan.read_bytes()[:-4000])
    with pytest.raises(RefusedScan):
        enhance_file(path, 1, networks, ALL, folder=tmp_path)
