import io

import cv2
import numpy as np
import pytest
import pyvips
from PIL import Image

from artgan.imaging import reduce
from artgan.imaging.colour import to_srgb
from artgan.imaging.decode import decode, render
from artgan.imaging.reduce import check_shows_something, reduce_scan
from artgan.imaging.scan_file import RefusedScan
from artgan.sample.icc import ADOBE_RGB, convert_from_srgb, profile_bytes

MAX = 10**9


def smooth(height=600, width=800, channels=3):
    rng = np.random.default_rng(1)
    coarse = rng.integers(20, 236, (7, 9, channels), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


def encoded(array, form, **options):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, form, **options)
    return buffer.getvalue()


def vips_tiff(array, interpretation, **options):
    image = pyvips.Image.new_from_array(array, interpretation=interpretation)
    return image.write_to_buffer(".tif", **options)


def expected(content, size):
    """The picture converted and resized by Pillow at full size."""
    scan = decode(content, MAX)
    whole = Image.fromarray(render(scan, to_srgb(scan.image)))
    return np.asarray(whole.resize(size, Image.Resampling.LANCZOS)).astype(int)


KINDS = {
    "jpeg": lambda: encoded(smooth(), "JPEG", quality=95),
    "jpeg on its side": lambda: encoded(smooth(), "JPEG", quality=95, exif=turned(6)),
    "grey jpeg": lambda: encoded(smooth()[:, :, 0], "JPEG", quality=95),
    "cmyk jpeg": lambda: cmyk(),  # noqa: PLW0108 - defined below
    "profile jpeg": lambda: encoded(
        smooth(), "JPEG", quality=95, icc_profile=profile_bytes(ADOBE_RGB)
    ),
    "png": lambda: encoded(smooth(), "PNG"),
    "alpha png": lambda: encoded(smooth(channels=4), "PNG"),
    "16-bit tiff": lambda: vips_tiff(smooth().astype(np.uint16) * 257, "rgb16"),
    "16-bit grey tiff": lambda: vips_tiff(smooth()[:, :, 0].astype(np.uint16) * 257, "grey16"),
    "float tiff": lambda: vips_tiff((smooth() / 255).astype(np.float32) ** 2.2, "scrgb"),
    "tiled tiff": lambda: vips_tiff(smooth(), "srgb", tile=True, compression="lzw"),
    "webp": lambda: encoded(smooth(), "WEBP", quality=95),
}


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def cmyk():
    buffer = io.BytesIO()
    Image.fromarray(smooth()).convert("CMYK").save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.mark.parametrize("long_side_px", [0, 5000, 800, 700, 400, 180, 100])
@pytest.mark.parametrize("kind", KINDS)
def test_a_reduced_scan_shows_the_same_in_the_size_asked_for(kind, long_side_px, monkeypatch):
    monkeypatch.setattr(reduce, "_STRIP_BYTES", 20_000)  # several strips
    content = KINDS[kind]()
    scan = decode(content, MAX)
    reduced = reduce_scan(scan, long_side_px)
    picture = reduced.fitted(long_side_px)
    height, width = picture.shape[:2]
    long_side = 800 if long_side_px in (0, 5000) else long_side_px
    assert max(width, height) == long_side
    assert (width < height) == (kind == "jpeg on its side")
    assert min(width, height) == round(600 * long_side / 800)
    assert picture.dtype == np.uint8
    assert np.abs(picture - expected(content, (width, height))).mean() < 1


def test_sides_that_no_factor_divides_move_nothing_by_a_pixel(monkeypatch):
    monkeypatch.setattr(reduce, "_STRIP_BYTES", 20_000)
    edge = np.full((607, 811, 3), 30, np.uint8)
    edge[:, 405:] = 200
    picture = reduce_scan(decode(encoded(edge, "PNG"), MAX), 270).fitted(270).astype(float)
    assert picture.shape == (202, 270, 3)
    bright = (picture.mean(axis=(0, 2)) - 30) / 170
    assert abs((270 - bright.sum()) - 270 * 405 / 811) < 0.5  # where the step is, in pixels


def test_a_scroll_keeps_a_readable_short_side():
    scroll = np.tile(smooth(60, 600), (1, 5, 1))
    reduced = reduce_scan(decode(encoded(scroll, "PNG"), MAX), 160)
    assert reduced.fitted(160).shape == (40, 2000, 3)
    assert reduced.fitted_size(400) == (3000, 60)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("long_side_px", [0, 200])
def test_every_orientation_is_turned_once(orientation, long_side_px):
    content = encoded(smooth(), "JPEG", quality=95, exif=turned(orientation))
    picture = reduce_scan(decode(content, MAX), long_side_px).fitted(long_side_px)
    with Image.open(io.BytesIO(content)) as opened:
        upright = Image.fromarray(render(decode(content, MAX)))
        assert opened.getexif()[0x0112] == orientation
    peer = np.asarray(upright.resize(picture.shape[1::-1], Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(picture - peer).mean() < 1


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("long_side_px", [0, 100])
def test_a_cut_file_is_refused_however_little_is_kept_of_it(form, long_side_px):
    options = {"compression": "tiff_lzw"} if form == "TIFF" else {}
    rng = np.random.default_rng(0)
    content = encoded(rng.integers(0, 256, (400, 500, 3), dtype=np.uint8), form, **options)
    for length in (len(content) - 3000, len(content) // 2):
        with pytest.raises(RefusedScan) as refused:
            reduce_scan(decode(content[:length], MAX), long_side_px)
        assert refused.value.reason in {"truncated", "decode_failed"}


def test_clipping_is_told_from_all_stored_values():
    picture = smooth().astype(np.uint16) * 257
    picture[17, 23, 1] = 0
    picture[500:502, 700] = 65535
    scan = decode(vips_tiff(picture, "rgb16"), MAX)
    clipping = reduce_scan(scan, 100).clipping
    assert (clipping.shadows, clipping.highlights, clipping.pixels) == (1, 2, 600 * 800)


def test_clipping_does_not_look_at_alpha_and_says_nothing_of_inks():
    transparent = smooth(channels=4)
    transparent[:, :, 3] = 0
    clipping = reduce_scan(decode(encoded(transparent, "PNG"), MAX), 0).clipping
    assert (clipping.shadows, clipping.highlights) == (0, 0)
    for kind in ("cmyk jpeg", "float tiff"):
        assert reduce_scan(decode(KINDS[kind](), MAX), 0).clipping is None


def test_a_pattern_too_fine_for_the_reduced_picture_is_no_blank_picture():
    board = np.zeros((800, 800, 3), np.uint8)
    board[::2, ::2] = board[1::2, 1::2] = 254
    scan = decode(encoded(board, "PNG"), MAX)
    picture = reduce_scan(scan, 200).fitted(200)
    assert (picture == 127).all()
    check_shows_something(scan, picture)
    blank = decode(encoded(np.full_like(board, 127), "PNG"), MAX)
    with pytest.raises(RefusedScan, match="one single colour") as refused:
        check_shows_something(blank, reduce_scan(blank, 200).fitted(200))
    assert refused.value.reason == "blank"


def test_a_giant_at_full_size_is_kept_in_a_file(monkeypatch):
    monkeypatch.setattr(reduce, "_LARGEST_IN_MEMORY_BYTES", 1000)
    monkeypatch.setattr(reduce, "_STRIP_BYTES", 20_000)
    reduced = reduce_scan(decode(encoded(smooth(), "PNG"), MAX), 0)
    assert isinstance(reduced.pixels, np.memmap)
    assert np.array_equal(reduced.fitted(0), smooth())


def test_a_master_in_a_wide_space_is_seen_in_its_colours():
    stored = np.round(convert_from_srgb(smooth().astype(np.float32) / 255, ADOBE_RGB) * 255)
    content = encoded(stored.astype(np.uint8), "TIFF", icc_profile=profile_bytes(ADOBE_RGB))
    picture = reduce_scan(decode(content, MAX), 0).fitted(0).astype(int)
    assert np.abs(picture - smooth()).mean() < 0.5
    assert np.abs(stored - smooth()).mean() > 4
