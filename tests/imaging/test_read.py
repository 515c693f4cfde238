import io

import cv2
import numpy as np
import pytest
from PIL import Image

from artgan.errors import InvalidInputError
from artgan.imaging.colour import image_from_array
from artgan.imaging.read import read_mask, read_rgb
from artgan.imaging.scan_file import RefusedScan


def smooth(height=400, width=601):
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def encoded(array, form, **options):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, form, **options)
    return buffer.getvalue()


def pyramid(picture):
    return image_from_array(picture).write_to_buffer(
        ".tif", tile=True, pyramid=True, compression="deflate"
    )


def test_the_picture_as_it_is_comes_pixel_for_pixel():
    assert np.array_equal(read_rgb(encoded(smooth(), "PNG")), smooth())


@pytest.mark.parametrize("short_side_px", [1, 37, 64, 256, 400, 512])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "pyramid", "BMP"])
def test_the_short_side_is_exact_and_the_shape_kept(form, short_side_px):
    content = pyramid(smooth()) if form == "pyramid" else encoded(smooth(), form)
    picture = read_rgb(content, short_side_px)
    assert picture.dtype == np.uint8
    assert picture.shape == (short_side_px, max(1, round(601 * short_side_px / 400)), 3)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "pyramid"])
def test_a_reduced_picture_shows_the_same(form):
    content = pyramid(smooth()) if form == "pyramid" else encoded(smooth(), form)
    expected = cv2.resize(smooth(), (150, 100), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(read_rgb(content, 100).astype(int) - expected).mean() < 2


def test_tall_pictures_are_measured_by_their_width():
    tall = np.ascontiguousarray(smooth().transpose(1, 0, 2))
    assert read_rgb(encoded(tall, "JPEG"), 100).shape == (150, 100, 3)


def test_grey_pictures_come_with_three_channels():
    grey = smooth()[:, :, 0]
    assert np.array_equal(read_rgb(encoded(grey, "PNG")), grey[:, :, None].repeat(3, axis=2))


@pytest.mark.parametrize("short_side_px", [None, 20, 64])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_cut_picture_is_refused_at_full_and_at_reduced_size(form, short_side_px):
    content = encoded(smooth(), form)
    with pytest.raises(RefusedScan):
        read_rgb(content[: len(content) // 2], short_side_px)


def test_the_second_page_of_a_book_is_not_taken_for_a_smaller_first():
    buffer = io.BytesIO()
    other = Image.fromarray(255 - smooth(600, 300))
    Image.fromarray(smooth()).save(buffer, "TIFF", save_all=True, append_images=[other])
    assert read_rgb(buffer.getvalue(), 50).shape == (50, 75, 3)
    assert np.abs(read_rgb(buffer.getvalue(), 50).astype(int).mean() - smooth().mean()) < 2


def test_a_side_below_one_pixel_is_refused():
    with pytest.raises(InvalidInputError, match="short_side_px must be at least 1, got 0"):
        read_rgb(encoded(smooth(), "PNG"), 0)


def test_a_mask_is_damaged_from_128_on():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(read_mask(encoded(levels, "PNG")), levels >= 128)
    deep = levels.astype(np.uint16) * 257
    assert np.array_equal(read_mask(encoded(deep, "PNG")), levels >= 128)
    assert np.array_equal(read_mask(encoded(deep, "TIFF")), levels >= 128)


def test_a_bilevel_mask_and_a_mask_with_a_palette_are_read():
    marked = np.indices((16, 16)).sum(axis=0) > 14
    picture = Image.fromarray((marked * 255).astype(np.uint8))
    for mode in ("1", "P"):
        buffer = io.BytesIO()
        picture.convert(mode).save(buffer, "PNG")
        assert np.array_equal(read_mask(buffer.getvalue()), marked)


def test_red_marks_damage_and_transparent_white_does_not():
    mask = np.zeros((2, 3, 4), np.uint8)
    mask[:, 0] = (255, 0, 0, 255)
    mask[:, 1] = (255, 255, 255, 0)
    assert read_mask(encoded(mask, "PNG")).tolist() == [[True, False, False]] * 2


def test_a_jpeg_mask_survives_its_ringing():
    marked = np.zeros((64, 64), np.uint8)
    marked[16:48, 16:48] = 255
    assert np.array_equal(read_mask(encoded(marked, "JPEG", quality=75)), marked > 0)


def test_text_is_no_mask():
    with pytest.raises(RefusedScan, match="mask must be a picture"):
        read_mask(b"not a picture at all")
