import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from artgan.imaging import write
from artgan.imaging.colour import image_from_array
from artgan.imaging.decode import SourceEncoding, decode, directory_count, scan_array
from artgan.imaging.read import read_rgb
from artgan.imaging.write import access_copy, png_bytes, thumbnail_jpeg
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet
from artgan.sample.icc import ADOBE_RGB, profile_bytes
from tests.pictures import tiff_bytes


def noise(height, width, channels, dtype):
    rng = np.random.default_rng(0)
    return rng.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True)


def smooth(height=200, width=300):
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(31, 47), (2050, 2003)])
def test_tiff_gives_back_every_pixel_profile_and_resolution(dtype, channels, size):
    original = noise(*size, channels, dtype)
    icc = profile_bytes(ADOBE_RGB) if channels >= 3 else None
    content = tiff_bytes(original, SourceEncoding("tiff", 8, channels, icc, 600.0))
    array, encoding = scan_array(content)
    assert array.dtype == dtype
    assert np.array_equal(array, original)
    assert (encoding.icc, encoding.dpi) == (icc, pytest.approx(600, abs=0.01))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_opencv_reads_the_same_pixels_from_our_tiff_and_png(dtype, channels):
    original = noise(40, 50, channels, dtype)
    order = {1: [0], 3: [2, 1, 0]}[channels]  # it gives blue first
    for content in (
        tiff_bytes(original, SourceEncoding("tiff", 8, channels)),
        png_bytes(original),
    ):
        array = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
        assert array.dtype == dtype
        assert np.array_equal(array.reshape(original.shape)[:, :, order], original)


def test_tiff_states_that_it_is_upright_and_large_ones_are_tiled():
    small = Image.open(io.BytesIO(tiff_bytes(smooth(), SourceEncoding("tiff", 8, 3))))
    assert isinstance(small, TiffImagePlugin.TiffImageFile)
    assert small.tag_v2[274] == 1
    assert 322 not in small.tag_v2
    large = Image.open(io.BytesIO(tiff_bytes(smooth(2000, 2000), SourceEncoding("tiff", 8, 3))))
    assert isinstance(large, TiffImagePlugin.TiffImageFile)
    assert large.tag_v2[322] == 256


def test_png_takes_masks_without_a_channel_axis():
    mask = (np.indices((20, 30)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert np.array_equal(scan_array(png_bytes(mask))[0][:, :, 0], mask)


def test_pixels_do_not_depend_on_the_note_inside():
    packet = xmp_packet(DigitalSourceType.DIGITAL_CAPTURE, Provenance(title="A & B"))
    original = noise(40, 50, 3, np.uint16)
    encoding = SourceEncoding("tiff", 16, 3)
    for content in (png_bytes(original, packet), tiff_bytes(original, encoding, packet)):
        assert np.array_equal(scan_array(content)[0], original)


def test_access_copy_is_a_jpeg_of_full_colour_resolution_with_a_profile_and_nothing_else():
    content, extension = access_copy(smooth())
    read = Image.open(io.BytesIO(content), formats=["JPEG"])
    assert extension == ".jpg"
    assert read.size == (300, 200)
    assert not read.getexif()
    profile = ImageCms.ImageCmsProfile(io.BytesIO(read.info["icc_profile"]))
    assert ImageCms.getProfileDescription(profile).strip() == "sRGB"
    assert set(read.info) <= {
        "jfif",
        "jfif_version",
        "jfif_unit",
        "jfif_density",
        "dpi",
        "icc_profile",
    }
    assert [component[1:3] for component in read.layer] == [(1, 1)] * 3
    assert np.abs(np.asarray(read).astype(int) - smooth()).mean() < 2


def test_a_scroll_beyond_the_limit_of_jpeg_becomes_a_pyramid():
    scroll = np.tile(smooth(8, 6_600), (1, 10, 1))
    assert scroll.shape[1] > write.JPEG_LIMIT_PX
    content, extension = access_copy(scroll)
    scan = decode(content, 10**9)
    assert extension == ".tif"
    assert (scan.format, scan.width_px, scan.height_px) == ("tiff", 66_000, 8)
    assert directory_count(scan.image) > 1
    assert np.abs(read_rgb(content).astype(int) - scroll).mean() < 3


@pytest.mark.parametrize("kind", ["array", "image"])
def test_a_thumbnail_has_the_long_side_asked_for_and_never_grows(kind):
    picture = smooth() if kind == "array" else image_from_array(smooth())
    small = Image.open(io.BytesIO(thumbnail_jpeg(picture, 90)))
    assert small.size == (90, 60)
    assert Image.open(io.BytesIO(thumbnail_jpeg(picture, 1000))).size == (300, 200)


def test_lower_quality_makes_a_smaller_thumbnail():
    assert len(thumbnail_jpeg(smooth(), 300, quality=30)) < len(thumbnail_jpeg(smooth(), 300))


def test_the_access_jpeg_of_a_picture_is_always_the_same_bytes():
    assert access_copy(smooth()) == access_copy(smooth())
