"""Pages of a TIFF: which directories are pages, and how one broken page leaves the others whole."""

import io
import struct

import numpy as np
import pytest
import pyvips
import tifffile

from artgan.errors import InvalidInputError
from artgan.imaging import tiff
from artgan.imaging.decode import decode, render, scan_array
from artgan.imaging.scan_file import RefusedScan

MAX_PIXELS = 10**6
SIZES = ((40, 60), (50, 30), (33, 44))


def picture(height, width, channels=3, dtype=np.uint8):
    rng = np.random.default_rng(height)
    return rng.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True)


def book(pages=None, *, big=False, order="<", **options):
    buffer = io.BytesIO()
    options = {"compression": "zlib", "photometric": "rgb"} | options
    with tifffile.TiffWriter(buffer, bigtiff=big, byteorder=order) as writer:
        for page in pages or [picture(*size) for size in SIZES]:
            writer.write(page, metadata=None, **options)
    return buffer.getvalue()


def offsets_of(content):
    with tifffile.TiffFile(io.BytesIO(content)) as opened:
        return [(page.offset, page.dataoffsets, page.databytecounts) for page in opened.pages]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("compression", ["zlib", "lzw", "zstd"])
def test_every_page_is_read_with_its_own_size_and_depth(order, big, compression):
    written = [picture(40, 60), picture(50, 30, dtype=np.uint16), picture(33, 44)]
    content = book(written, order=order, big=big, compression=compression)
    for number, expected in enumerate(written, start=1):
        scan = decode(content, MAX_PIXELS, page=number)
        assert scan.pages == 3
        assert (scan.height_px, scan.width_px) == expected.shape[:2]
        assert scan.bit_depth == 8 * expected.itemsize
        array, _ = scan_array(content, page=number)
        assert np.array_equal(array, expected)


def test_a_page_that_is_not_there_is_refused_by_its_number():
    with pytest.raises(InvalidInputError, match=r"page must be from 1 to 3 in b\.tif, got 4"):
        decode(book(), MAX_PIXELS, name="b.tif", page=4)
    with pytest.raises(InvalidInputError, match="page must be from 1 to 1"):
        decode(book([picture(9, 9)]), MAX_PIXELS, page=2)


@pytest.mark.parametrize("options", [{}, {"subifd": True}, {"bigtiff": True}])
def test_levels_of_a_pyramid_are_no_pages(options):
    image = pyvips.Image.new_from_array(picture(700, 900))
    content = image.tiffsave_buffer(tile=True, pyramid=True, compression="deflate", **options)
    assert decode(content, MAX_PIXELS).pages == 1


def test_a_pyramid_whose_levels_are_not_flagged_is_recognised_by_its_halving():
    first = picture(320, 480)
    levels = [first, first[::2, ::2], first[::4, ::4]]
    content = book([np.ascontiguousarray(one) for one in levels], tile=(64, 64))
    assert decode(content, MAX_PIXELS).pages == 1
    assert decode(book(levels[:2] + levels[:1], tile=(64, 64)), MAX_PIXELS).pages == 3
    assert decode(book(levels), MAX_PIXELS).pages == 3  # strips: a book of shrinking pages


def test_thumbnails_and_masks_between_the_pages_are_left_out():
    buffer = io.BytesIO()
    first, second = picture(40, 60), picture(50, 30)
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(first[::4, ::4].copy(), photometric="rgb", subfiletype=1)
        writer.write(first, photometric="rgb")
        writer.write(first[:, :, 0] > 99, photometric="minisblack", subfiletype=4)
        writer.write(second, photometric="rgb", subfiletype=2)
    content = buffer.getvalue()
    assert decode(content, MAX_PIXELS).pages == 2
    assert np.array_equal(scan_array(content, page=1)[0], first)
    assert np.array_equal(scan_array(content, page=2)[0], second)


def test_a_lone_page_that_calls_itself_a_thumbnail_is_still_read():
    content = book([picture(40, 60)], subfiletype=1)
    assert np.array_equal(scan_array(content)[0], picture(40, 60))


def test_previews_beside_a_raw_picture_in_a_sub_directory_are_not_taken_for_scans():
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(picture(10, 12), photometric="rgb", subfiletype=1, subifds=1)
        writer.write(picture(40, 60)[:, :, 0].copy(), photometric="cfa")
    with pytest.raises(RefusedScan, match="got a camera raw file"):
        decode(buffer.getvalue(), MAX_PIXELS)


def judged(content):
    """Array or reason of each page."""
    found = []
    for number in range(1, decode_count(content) + 1):
        try:
            found.append(render(decode(content, MAX_PIXELS, page=number)))
        except RefusedScan as refusal:
            found.append(refusal.reason)
    return found


def decode_count(content):
    return len(tiff.pages(tiff.directories(content)))


@pytest.mark.parametrize("compression", ["zlib", "lzw", "zstd", "lzma", "jpeg"])
def test_one_damaged_page_leaves_the_others_whole(compression):
    content = bytearray(book(compression=compression))
    whole = judged(bytes(content))
    _, starts, _ = offsets_of(content)[1]
    content[starts[0] : starts[0] + 8] = bytes(8)
    first, second, third = judged(bytes(content))
    assert second == "decode_failed"
    assert np.array_equal(first, whole[0])
    assert np.array_equal(third, whole[2])


@pytest.mark.parametrize("compression", ["zlib", "lzw", None, "zstd"])
def test_pages_before_a_cut_are_kept(compression):
    content = book(compression=compression)
    cut = content[: offsets_of(content)[2][1][0] + 20]
    first, second, third = judged(cut)
    assert third == "truncated"
    assert np.array_equal(first, picture(*SIZES[0]))
    assert np.array_equal(second, picture(*SIZES[1]))


@pytest.mark.parametrize("compression", ["zlib", "lzw", None, "jpeg"])
def test_pages_before_a_broken_chain_are_kept_and_the_loss_is_heard_of(compression):
    content = book(compression=compression)
    whole = judged(content)
    cut = content[: offsets_of(content)[2][0] + 9]  # within the third directory
    first, second, third = judged(cut)
    assert third == "truncated"
    assert np.array_equal(first, whole[0])
    assert np.array_equal(second, whole[1])


def test_a_chain_that_bites_its_tail_ends():
    content = bytearray(book())
    last = offsets_of(content)[2][0]
    (entries,) = struct.unpack("<H", content[last : last + 2])
    content[last + 2 + 12 * entries : last + 6 + 12 * entries] = struct.pack("<I", 8)
    assert decode_count(bytes(content)) == 3
