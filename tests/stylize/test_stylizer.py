"""What is done with every result: strength, colours, codes, alpha; and whole files."""

from pathlib import Path

import numpy as np
import pytest
import pyvips

from artgan.errors import InvalidInputError
from artgan.imaging.canvas import ArrayCanvas
from artgan.imaging.colour import array_to_srgb, image_from_array, srgb_profile
from artgan.imaging.decode import scan_array
from artgan.provenance import DigitalSourceType, Provenance, read_xmp, xmp_packet
from artgan.stylize.color import ColorStatistics, ColorStylizer
from artgan.stylize.file import stylize_file
from artgan.stylize.stylizer import Finish, stylize_canvas, stylize_picture
from artgan.stylize.tiles import Tiles
from tests.stylize.conftest import noise

RED = ColorStatistics(np.array([0.7, 0.3, 0.2]), np.diag([0.01, 0.01, 0.01]))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_results_have_colours_the_depth_and_the_alpha_of_the_picture(channels, dtype):
    picture = noise(30, 20, channels, dtype=dtype)
    result = stylize_picture(ColorStylizer(RED), picture)
    assert result.dtype == dtype
    assert result.shape == (30, 20, 3 + (channels in {2, 4}))
    means = result[..., :3].mean(axis=(0, 1)) / np.iinfo(dtype).max
    np.testing.assert_allclose(means, RED.mean, atol=0.01)
    if channels in {2, 4}:
        assert np.array_equal(result[..., -1], picture[..., -1])


def test_strength_goes_from_the_picture_to_the_result(make_stylizer):
    picture, stylizer = noise(33, 40, 3), make_stylizer("fast")
    none, half, full = (
        stylize_picture(stylizer, picture, Finish(strength)).astype(float)
        for strength in (0.0, 0.5, 1.0)
    )
    assert np.array_equal(none, picture)
    assert np.abs(half - (none + full) / 2).max() <= 1.0
    assert np.abs(full - none).mean() > 2


def test_kept_colours_leave_only_light_and_dark_to_the_style():
    picture = noise(30, 20, 3) // 2 + 60
    result = stylize_picture(ColorStylizer(RED), picture, Finish(keep_colours=True))
    full = stylize_picture(ColorStylizer(RED), picture)
    assert np.abs(np.ptp(result.astype(int) - picture, axis=2)).max() <= 1
    luma = np.array([0.299, 0.587, 0.114])
    assert np.abs(result @ luma - full @ luma).max() < 1.5


def test_regions_take_the_style_and_the_rest_stays_as_it_is():
    picture = noise(40, 30, 3)
    regions = np.zeros((40, 30, 1), np.uint8)
    regions[20:], regions[19] = 255, 51
    finish = Finish(regions=ArrayCanvas(regions))
    result = stylize_picture(ColorStylizer(RED), picture, finish, Tiles(32)).astype(float)
    full = stylize_picture(ColorStylizer(RED), picture).astype(float)
    assert np.array_equal(result[:19], picture[:19])
    assert np.array_equal(result[20:], full[20:])
    assert np.abs(result[19] - (0.8 * picture[19] + 0.2 * full[19])).max() <= 1.0
    small = Finish(regions=ArrayCanvas(regions[:20]))
    with pytest.raises(InvalidInputError, match="size of the picture, 30 x 40, got 30 x 20"):
        stylize_picture(ColorStylizer(RED), picture, small)


def test_changed_pixels_are_counted():
    picture = noise(30, 20, 3)
    result = np.zeros_like(picture)
    changed = stylize_canvas(ColorStylizer(RED), ArrayCanvas(picture), ArrayCanvas(result))
    assert changed == (result != picture).any(axis=2).sum()


def adobe(folder: Path) -> bytes:
    """A profile of another RGB space: that of libvips' P3, which is wider than sRGB."""
    tagged = pyvips.Image.black(1, 1, bands=3).copy(interpretation="srgb")
    tagged.write_to_file(str(folder / "p3.png"), profile="p3", keep="icc")
    return bytes(pyvips.Image.new_from_file(str(folder / "p3.png")).get("icc-profile-data"))


@pytest.mark.parametrize("profile", ["p3", "srgb", None])
def test_a_file_keeps_size_depth_profile_resolution_and_alpha(tmp_path, profile, make_stylizer):
    icc = {"p3": adobe(tmp_path), "srgb": srgb_profile(), None: None}[profile]
    pixels = noise(75, 110, 4, dtype=np.uint16)
    image = image_from_array(pixels, icc).copy(xres=300 / 25.4, yres=300 / 25.4)
    image.write_to_file(str(tmp_path / "scan.tif"))
    work = tmp_path / "work"
    work.mkdir()
    stylizer = make_stylizer("fast")
    made = stylize_file(tmp_path / "scan.tif", 1, stylizer, folder=work, tile_px=32)
    assert (made.width_px, made.height_px, made.bit_depth) == (110, 75, 16)
    result, encoding = scan_array(made.path)
    assert result.dtype == np.uint16
    assert encoding.icc == icc
    assert encoding.dpi == pytest.approx(300, abs=0.1)
    assert np.array_equal(result[..., 3], pixels[..., 3])
    # the same colours as from an sRGB copy of eight bits
    expected = stylize_picture(stylizer, array_to_srgb(pixels[..., :3], icc))
    found = array_to_srgb(result[..., :3], icc)
    assert np.abs(found.astype(int) - expected).mean() < 1.0


def test_a_grey_scan_that_lies_on_its_side_comes_upright_and_in_colour(tmp_path):
    pixels = noise(40, 60, 1)
    image = image_from_array(pixels).copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    image.write_to_file(str(tmp_path / "scan.tif"))
    work = tmp_path / "work"
    work.mkdir()
    made = stylize_file(tmp_path / "scan.tif", 1, ColorStylizer(RED), folder=work)
    result, encoding = scan_array(made.path)
    assert result.shape == (60, 40, 3)
    assert encoding.icc is None
    upright = np.rot90(pixels, -1)
    assert np.corrcoef(result[..., 0].ravel(), upright.ravel())[0, 1] > 0.99


def test_a_file_says_how_it_came_about(tmp_path):
    image_from_array(noise(20, 20, 3)).write_to_file(str(tmp_path / "scan.png"))
    work = tmp_path / "work"
    work.mkdir()
    packet = xmp_packet(DigitalSourceType.ALGORITHMICALLY_ENHANCED, Provenance(note="By color."))
    made = stylize_file(tmp_path / "scan.png", 1, ColorStylizer(RED), folder=work, xmp=packet)
    assert read_xmp(made.path)["note"] == "By color."
