import io

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from artgan.errors import InvalidInputError
from artgan.imaging.colour import (
    array_to_srgb,
    from_srgb_deep,
    image_from_array,
    to_srgb,
    to_srgb_deep,
)
from artgan.imaging.decode import decode, render
from artgan.sample.icc import ADOBE_RGB, DISPLAY_P3, convert_from_srgb, profile_bytes


def smooth(height=64, width=96):
    """Colours of all hues, away from the edge of sRGB, as float (H, W, 3) in [0.2, 0.8]."""
    rng = np.random.default_rng(1)
    coarse = rng.uniform(0.2, 0.8, (4, 6, 3)).astype(np.float32)
    return np.kron(coarse, np.ones((height // 4, width // 6, 1), np.float32))


def as_codes(picture, dtype=np.uint8):
    return np.round(picture * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("space", [ADOBE_RGB, DISPLAY_P3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_an_embedded_profile_gives_back_the_srgb_colours_it_was_made_from(space, dtype):
    stored = as_codes(convert_from_srgb(smooth(), space), dtype)
    rendered = array_to_srgb(stored, profile_bytes(space)).astype(int)
    # Storing in 8 bits costs half a code, the steeper curve of sRGB in the dark up to two.
    assert np.abs(rendered - as_codes(smooth())).max() <= 2
    ignored = array_to_srgb(stored, None).astype(int)
    assert np.abs(ignored - as_codes(smooth())).max() > 4


@pytest.mark.parametrize("space", [ADOBE_RGB, DISPLAY_P3])
def test_agrees_with_an_independent_conversion_by_pillow(space):
    stored = as_codes(convert_from_srgb(smooth(), space))
    icc = profile_bytes(space)
    peer = ImageCms.profileToProfile(
        Image.fromarray(stored),
        ImageCms.ImageCmsProfile(io.BytesIO(icc)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    difference = array_to_srgb(stored, icc).astype(int) - np.asarray(peer)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_are_divided_by_257_and_rounded(channels):
    ramp = np.arange(65_536, dtype=np.uint16).reshape(256, 256, 1).repeat(channels, axis=2)
    expected = np.floor(ramp / 257 + 0.5).astype(np.uint8)
    assert np.array_equal(array_to_srgb(ramp, None), np.broadcast_to(expected, (256, 256, 3)))


def test_grey_becomes_three_equal_channels():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    assert np.array_equal(array_to_srgb(grey, None), grey.repeat(3, axis=2))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [2, 4])
def test_transparency_shows_white(dtype, channels):
    full = np.iinfo(dtype).max
    array = np.zeros((1, 3, channels), dtype)
    array[0, :, -1] = (0, full // 2, full)
    rendered = array_to_srgb(array, None)
    assert np.abs(rendered[0, :, 0].astype(int) - (255, 128, 0)).max() <= 1


def test_transparency_shows_white_beside_a_profile_too():
    stored = as_codes(np.concatenate([smooth(), np.zeros((64, 96, 1), np.float32)], axis=2))
    assert array_to_srgb(stored, profile_bytes(ADOBE_RGB)).min() == 255


def test_a_profile_for_other_channels_is_ignored():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    assert np.array_equal(array_to_srgb(grey, profile_bytes(ADOBE_RGB)), grey.repeat(3, axis=2))


@pytest.mark.parametrize("space", ["lab", "scrgb"])
def test_lab_and_linear_floats_give_back_the_colours_they_were_made_from(space):
    original = as_codes(smooth())
    image = image_from_array(original)
    if space == "lab":  # of D50, as profiles and Photoshop have it
        image = image.icc_import(input_profile="srgb", pcs="lab", intent="relative")
    else:
        image = image.colourspace(space)
    scan = decode(image.write_to_buffer(".tif", keep="none"), 10**7)
    assert scan.bit_depth == 32
    assert np.abs(render(scan, to_srgb(scan.image)).astype(int) - original).max() <= 1


def test_grey_floats_are_linear_light():
    linear = np.array([[[0.0], [0.2140], [1.0], [2.0]]], np.float32)  # 0.2140 is sRGB 0.5
    image = pyvips.Image.new_from_memory(linear.tobytes(), 4, 1, 1, "float")
    rendered = to_srgb(image.copy(interpretation="b-w")).numpy()
    assert rendered[0, :, 1].tolist() == pytest.approx([0, 127.5, 255, 255], abs=1)


def test_cmyk_without_a_profile_keeps_the_sense_of_its_inks():
    inks = np.array([[[255, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 255], [0, 255, 255, 0]]], np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(inks.repeat(16, 0).repeat(16, 1), "CMYK").save(buffer, "JPEG", quality=100)
    scan = decode(buffer.getvalue(), 10**6)
    assert scan.colour_space == "cmyk"
    cyan, paper, black, red = render(scan, to_srgb(scan.image))[8, 8::16].astype(int)
    assert cyan[2] > cyan[0] + 80
    assert paper.min() > 240
    assert black.max() < 60
    assert red[0] > red[2] + 80


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("space", [ADOBE_RGB, DISPLAY_P3])
def test_srgb_goes_back_into_the_space_of_the_scan_at_its_depth_with_its_alpha(
    dtype, space, channels
):
    icc = profile_bytes(space)
    stored = as_codes(convert_from_srgb(smooth(), space), dtype)
    alpha = as_codes(smooth()[:, :, :1], dtype)
    whole = np.concatenate([stored, alpha], axis=2)[:, :, :channels]
    rendered = to_srgb_deep(image_from_array(whole, icc))
    back, embedded = from_srgb_deep(rendered, icc)
    assert embedded == icc
    array = back.numpy()
    assert array.dtype == dtype
    step = np.iinfo(dtype).max / 255
    assert np.abs(array[:, :, :3].astype(int) - stored).max() <= 1.6 * step
    assert np.array_equal(array[:, :, 3:], whole[:, :, 3:])


def test_arrays_that_are_no_picture_are_refused():
    with pytest.raises(InvalidInputError, match=r"array must have shape .* got \(2, 2, 7\)"):
        image_from_array(np.zeros((2, 2, 7), np.uint8))
    with pytest.raises(InvalidInputError, match="array must be uint8 or uint16, got float64"):
        image_from_array(np.zeros((2, 2, 3)))
