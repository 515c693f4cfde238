import io

import cv2
import numpy as np
import pytest
import pyvips
from PIL import Image, TiffImagePlugin

from artgan.errors import CorruptAssetError
from artgan.imaging.colour import to_srgb
from artgan.imaging.decode import check_not_blank, decode, render, scan_array
from artgan.imaging.scan_file import RefusedScan

MAX_PIXELS = 10_000_000
EXTRA_SAMPLE_STRAIGHT = b"\x52\x01\x03\x00\x01\x00\x00\x00\x02\x00"  # tag 338, one short, 2


def picture(height=60, width=90, channels=3, dtype=np.uint8):
    rng = np.random.default_rng(0)
    return rng.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True)


def encoded(array, form, **options):
    buffer = io.BytesIO()
    Image.fromarray(array.squeeze()).save(buffer, form, **options)
    return buffer.getvalue()


def deep_tiff(array, **options):
    height, width, channels = array.shape
    kind = {1: "uchar", 2: "ushort", 4: "float"}[array.itemsize]
    image = pyvips.Image.new_from_memory(array.tobytes(), width, height, channels, kind)
    space = {"uchar": "srgb", "ushort": "rgb16", "float": "scrgb"}[kind]
    if channels == 1:
        space = {"uchar": "b-w", "ushort": "grey16", "float": "b-w"}[kind]
    return image.copy(interpretation=space).write_to_buffer(".tif", **options)


def judge(content, max_pixels):
    scan = decode(content, max_pixels, name="work.tif")
    check_not_blank(scan.name, render(scan))


def refusal(content, max_pixels=MAX_PIXELS):
    with pytest.raises(RefusedScan) as caught:
        judge(content, max_pixels)
    assert str(caught.value).startswith("work.tif must ")
    assert ", got " in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize(
    ("form", "expected"),
    [("PNG", "png"), ("TIFF", "tiff"), ("JPEG", "jpeg"), ("WEBP", "webp"), ("AVIF", "avif"),
     ("GIF", "gif"), ("BMP", "bmp"), ("JPEG2000", "jp2")],
)  # fmt: skip
def test_the_format_follows_from_the_content_whatever_the_name(tmp_path, form, expected):
    path = tmp_path / "named_otherwise.jpg"
    path.write_bytes(encoded(picture(), form))
    scan = decode(path, MAX_PIXELS)
    assert scan.format == expected
    assert (scan.width_px, scan.height_px, scan.channels, scan.bit_depth) == (90, 60, 3, 8)
    assert render(scan).shape == (60, 90, 3)


def test_facts_of_a_sixteen_bit_tiff_are_those_of_the_file():
    content = deep_tiff(
        picture(dtype=np.uint16), compression="lzw", xres=300 / 25.4, yres=300 / 25.4
    )
    scan = decode(content, MAX_PIXELS)
    assert (scan.bit_depth, scan.channels, scan.colour_space) == (16, 3, "rgb16")
    assert (scan.compression, scan.pages, scan.orientation, scan.icc) == ("lzw", 1, 1, None)
    assert scan.dpi == pytest.approx(300, abs=0.01)


def test_a_resolution_that_is_not_stated_is_none():
    assert decode(deep_tiff(picture()), MAX_PIXELS).dpi is None
    assert decode(encoded(picture(), "WEBP"), MAX_PIXELS).dpi is None


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bit_pixels_come_back_exactly(channels):
    original = picture(channels=channels, dtype=np.uint16)
    array, encoding = scan_array(deep_tiff(original, compression="deflate"))
    assert array.dtype == np.uint16
    assert np.array_equal(array, original)
    assert (encoding.bit_depth, encoding.channels, encoding.converted) == (16, channels, False)


@pytest.mark.parametrize("form", ["TIFF", "JPEG", "PNG"])
def test_orientation_six_is_turned_upright(form):
    stored = np.zeros((40, 80, 3), np.uint8)
    stored[:, :20] = 255  # the left edge of what is stored is the top of what is shown
    exif = Image.Exif()
    exif[0x0112] = 6
    scan = decode(encoded(stored, form, exif=exif), MAX_PIXELS)
    assert (scan.orientation, scan.width_px, scan.height_px) == (6, 40, 80)
    shown = render(scan)
    assert shown[:15].min() > 200
    assert shown[25:].max() < 50


def test_only_the_first_page_is_read_and_the_pages_are_counted():
    first, second = picture(), picture()[::-1]
    buffer = io.BytesIO()
    Image.fromarray(first).save(
        buffer, "TIFF", save_all=True, append_images=[Image.fromarray(second)]
    )
    scan = decode(buffer.getvalue(), MAX_PIXELS)
    assert scan.pages == 2
    assert np.array_equal(render(scan), first)


@pytest.mark.parametrize("codec", ["zstd", "lzma"])
def test_tiff_codecs_that_libvips_lacks_are_read_exactly_by_pillow(codec):
    content = encoded(picture(), "TIFF", compression=codec, dpi=(240, 240))
    scan = decode(content, MAX_PIXELS)
    assert scan.compression == codec
    assert scan.dpi == pytest.approx(240)
    assert np.array_equal(render(scan), picture())
    with pytest.raises(pyvips.Error):  # the premise: without our detour this would fail or be black
        pyvips.Image.new_from_buffer(content, "", fail_on="error").avg()


def test_deep_jpeg2000_keeps_sixteen_bits():
    original = picture(dtype=np.uint16)
    lossless = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000]
    content = cv2.imencode(".jp2", original[:, :, ::-1], lossless)[1].tobytes()
    scan = decode(content, MAX_PIXELS)
    assert scan.bit_depth == 16
    assert np.array_equal(render(scan), original)


def test_a_black_picture_of_an_unknown_codec_is_never_accepted():
    content = bytearray(encoded(picture(), "TIFF", compression="tiff_lzw"))
    tag = content.find(b"\x03\x01\x03\x00\x01\x00\x00\x00\x05\x00")  # tag 259, one short, LZW
    content[tag + 8 : tag + 10] = (34712).to_bytes(2, "little")  # JPEG 2000
    assert refusal(bytes(content)) == "decode_failed"


def test_unknown_tags_and_trailing_bytes_do_not_refuse_a_good_file():
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[50_000] = "a private note"
    tags.tagtype[50_000] = 2
    render(decode(encoded(picture(), "TIFF", tiffinfo=tags), MAX_PIXELS))
    render(decode(encoded(picture(), "JPEG") + b"left over", MAX_PIXELS))


def test_a_broken_profile_does_not_refuse_a_good_file():
    content = encoded(picture(), "PNG", icc_profile=b"this is no profile" * 20)
    scan = decode(content, MAX_PIXELS)
    assert scan.icc_name is None
    assert np.array_equal(render(scan, to_srgb(scan.image)), picture())


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "JPEG2000"])
def test_a_file_cut_in_half_is_refused_as_truncated(form):
    content = encoded(picture(300, 300), form)
    assert refusal(content[: len(content) // 2]) == "truncated"


def test_a_tiff_whose_directory_is_cut_off_is_refused_as_truncated():
    content = deep_tiff(picture(300, 300), compression="deflate")
    assert refusal(content[: len(content) // 2]) == "truncated"


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_flipped_bits_in_a_checked_stream_are_refused(form):
    options = {"compression": "tiff_adobe_deflate"} if form == "TIFF" else {}
    content = bytearray(encoded(picture(300, 300), form, **options))
    middle = len(content) // 2
    content[middle : middle + 8] = bytes(255 - byte for byte in content[middle : middle + 8])
    assert refusal(bytes(content)) == "decode_failed"


@pytest.mark.parametrize("compression", ["deflate", "lzw", "jpeg"])
@pytest.mark.parametrize("is_pyramid", [True, False])
def test_a_damaged_tile_is_refused_instead_of_painted_black(compression, is_pyramid):
    options = {"compression": compression, "tile": True, "pyramid": is_pyramid}
    content = bytearray(deep_tiff(picture(600, 700), **options))
    assert judge(bytes(content), MAX_PIXELS) is None
    start = len(content) // 10
    content[start : start + 20_000] = b"\x5a" * 20_000
    assert refusal(bytes(content)) == "decode_failed"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_file"),
        (b"A list of works, saved under the wrong name.", "not_an_image"),
        (b"BM and W, a letter that begins like a bitmap but is none", "not_an_image"),
        (b"%PDF-1.7 ...", "unsupported"),
        (b"8BPS\x00\x01" + bytes(60), "unsupported"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "unsupported"),
    ],
)
def test_what_is_no_scan_is_refused_with_its_reason(content, reason):
    assert refusal(content) == reason


def test_a_camera_raw_file_is_refused_rather_than_its_preview_accepted():
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[50_706] = b"\x01\x04\x00\x00"
    assert refusal(encoded(picture(), "TIFF", tiffinfo=tags)) == "unsupported"


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded():
    bomb = encoded(np.zeros((20_000, 20_000), np.uint8), "PNG")
    assert len(bomb) < 1_000_000
    assert refusal(bomb, 399_999_999) == "decompression_bomb"
    assert refusal(encoded(picture(), "BMP"), 90 * 60 - 1) == "too_large"
    assert decode(encoded(picture(), "BMP"), 90 * 60).width_px == 90


def test_a_picture_of_one_colour_is_refused_as_blank():
    flat = np.full((200, 300, 3), 7, np.uint8)
    assert refusal(encoded(flat, "PNG")) == "blank"
    flat[123, 234] = 8
    check_not_blank("work", flat)


def test_a_fourth_channel_that_is_no_alpha_is_left_out():
    spectral = picture(channels=4)
    content = bytearray(deep_tiff(spectral))
    place = content.find(
        b"\x52\x01\x03\x00\x01\x00\x00\x00\x02\x00"
    )  # ExtraSamples: straight alpha
    content[place + 8] = 0  # unspecified
    scan = decode(bytes(content), MAX_PIXELS)
    assert scan.channels == 4
    assert np.array_equal(render(scan), spectral[:, :, :3])


def test_associated_alpha_is_made_straight():
    straight = picture(channels=4)
    straight[:, :, 3] = np.clip(straight[:, :, 3], 100, 255)
    alpha = straight[:, :, 3:] / 255
    stored = np.round(straight * np.concatenate([alpha, alpha, alpha, np.ones_like(alpha)], 2))
    content = bytearray(deep_tiff(stored.astype(np.uint8)))
    content[content.find(EXTRA_SAMPLE_STRAIGHT) + 8] = 1  # associated
    # Rounding what was stored costs up to 0.5, divided by the smallest alpha of 100/255.
    difference = render(decode(bytes(content), MAX_PIXELS)).astype(int) - straight
    assert np.abs(difference).max() <= 2


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA"])
def test_palettes_bilevel_and_alpha_come_as_the_values_they_stand_for(mode):
    original = Image.fromarray(picture()).convert(mode)
    buffer = io.BytesIO()
    original.save(buffer, "PNG")
    plain = {"1": "L", "P": "RGB"}.get(mode, mode)
    expected = np.asarray(original.convert(plain)).reshape(60, 90, -1)
    array, encoding = scan_array(buffer.getvalue())
    assert np.array_equal(array, expected)
    assert encoding.channels == expected.shape[2]


@pytest.mark.parametrize("space", ["cmyk", "lab", "float"])
def test_spaces_no_writer_works_in_come_as_srgb_and_say_so(space):
    smooth = cv2.GaussianBlur(picture(), (0, 0), 5)
    image = pyvips.Image.new_from_array(smooth)
    if space == "cmyk":
        image = image.icc_transform("cmyk")
    elif space == "lab":
        image = image.icc_import(input_profile="srgb", pcs="lab", intent="relative")
    else:
        image = image.colourspace("scrgb")
    content = image.write_to_buffer(".tif", keep="none")
    array, encoding = scan_array(content)
    assert encoding.converted
    assert encoding.icc is None
    assert array.dtype == np.uint8
    tolerance = 12 if space == "cmyk" else 1  # what a press cannot print is lost
    assert np.abs(array.astype(int) - smooth).mean() <= tolerance


def test_a_refusal_is_a_corrupt_asset():
    with pytest.raises(CorruptAssetError, match=r"work must hold a picture, got zero bytes\."):
        decode(b"", MAX_PIXELS, name="work")


def test_a_file_replaced_under_the_same_name_is_read_anew(tmp_path):
    path = tmp_path / "work.png"
    for original in (picture(), 255 - picture()):
        path.write_bytes(encoded(original, "PNG"))
        assert np.array_equal(scan_array(path)[0], original)


def test_resolution_is_told_both_ways_as_seen_upright_and_never_invented():
    exif = Image.Exif()
    exif[0x0112] = 6
    stated = decode(encoded(picture(), "JPEG", dpi=(300, 250)), MAX_PIXELS)
    turned = decode(encoded(picture(), "JPEG", dpi=(300, 250), exif=exif), MAX_PIXELS)
    assert (stated.dpi, stated.dpi_vertical) == (300, 250)
    assert (turned.dpi, turned.dpi_vertical) == (250, 300)
    assert decode(encoded(picture(), "JPEG", dpi=(72, 72)), MAX_PIXELS).dpi == 72
    for form in ("JPEG", "PNG", "TIFF"):
        assert decode(encoded(picture(), form), MAX_PIXELS).dpi is None
