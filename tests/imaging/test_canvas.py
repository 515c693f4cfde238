"""Scans and masks on disk, compared with the same in memory."""

import io

import numpy as np
import pytest
from PIL import Image

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.imaging.canvas import ArrayCanvas, FileCanvas, Window, mask_canvas, scan_canvas, windows
from artgan.imaging.decode import SourceEncoding, scan_array
from artgan.imaging.read import read_mask
from artgan.imaging.scan_file import RefusedScan
from artgan.imaging.write import png_bytes, write_mask, write_tiff
from tests.pictures import tiff_bytes

ALL = 10**9


def noise(height, width, channels, dtype):
    rng = np.random.default_rng(0)
    return rng.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True)


def whole(canvas):
    return canvas.read(Window(0, canvas.shape[0], 0, canvas.shape[1]))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_windows_of_a_file_are_those_of_an_array(tmp_path, dtype, channels):
    array = noise(37, 53, channels, dtype)
    canvas = FileCanvas.zeros(tmp_path / "raw", array.shape, array.dtype)
    assert not whole(canvas).any()
    same = ArrayCanvas(np.zeros_like(array))
    for window in (Window(0, 37, 0, 53), Window(3, 20, 5, 33), Window(36, 37, 52, 53)):
        for one in (canvas, same):
            one.write(window, array[window.slices] // 2 + window.left)
        assert np.array_equal(whole(canvas), whole(same))
        assert np.array_equal(canvas.read(window), same.read(window))
    assert np.array_equal(np.concatenate(list(canvas.strips())), whole(same))


def test_windows_cover_a_frame_once_and_grow_up_to_it():
    seen = np.zeros((70, 101), int)
    for window in windows(seen.shape, 32):
        seen[window.slices] += 1
        around = window.grown(10, seen.shape)
        assert seen[around.slices][window.within(around)].shape == window.size
    assert (seen == 1).all()


def test_a_file_that_was_cut_is_told(tmp_path):
    canvas = FileCanvas(tmp_path / "raw", (4, 4, 3), np.dtype(np.uint8))
    canvas.path.write_bytes(bytes(40))
    with pytest.raises(CorruptAssetError, match="must hold"):
        whole(canvas)


@pytest.mark.parametrize("size", [(1, 1), (31, 47), (2050, 2003)])
@pytest.mark.parametrize(("dtype", "channels"), [(np.uint8, 1), (np.uint16, 3), (np.uint16, 4)])
def test_a_scan_passes_through_a_file_and_out_again_unchanged(tmp_path, dtype, channels, size):
    array = noise(*size, channels, dtype)
    if size == (1, 1):
        array = np.concatenate([array, 255 - array])  # one colour alone is no picture
    content = tiff_bytes(array, SourceEncoding("tiff", 8, channels, None, 300.0))
    (tmp_path / "scan.tif").write_bytes(content)
    canvas, encoding = scan_canvas(tmp_path / "scan.tif", tmp_path / "raw", ALL)
    assert np.array_equal(whole(canvas), array)
    write_tiff(tmp_path / "copy.tif", canvas.image(encoding.icc), encoding)
    assert (tmp_path / "copy.tif").read_bytes() == content


def test_real_scans_of_every_kind_are_the_same_on_disk_and_in_memory(real_data, tmp_path):
    for folder in sorted((real_data / "scans").iterdir()):
        if not folder.is_dir() or folder.name == "stubbs_4k":
            continue
        path = sorted(folder.iterdir())[0]
        array, expected = scan_array(path)
        canvas, encoding = scan_canvas(path, tmp_path / folder.name, ALL)
        assert np.array_equal(whole(canvas), array)
        assert encoding == expected


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF"])
def test_a_sideways_or_cut_scan_is_treated_as_in_memory(tmp_path, form):
    picture = Image.fromarray(noise(60, 90, 3, np.uint8))
    exif = Image.Exif()
    exif[274] = 6
    buffer = io.BytesIO()
    picture.save(buffer, form, **({"exif": exif} if form in {"JPEG", "TIFF", "PNG"} else {}))
    path = tmp_path / "scan"
    path.write_bytes(buffer.getvalue())
    canvas, encoding = scan_canvas(path, tmp_path / "raw", ALL)
    array, expected = scan_array(path)
    assert np.array_equal(whole(canvas), array)
    assert encoding == expected
    path.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    with pytest.raises(RefusedScan):
        scan_canvas(path, tmp_path / "raw", ALL)


def test_a_scan_of_one_colour_is_refused(tmp_path):
    content = tiff_bytes(np.full((300, 5000, 3), 7, np.uint8), SourceEncoding("tiff", 8, 3))
    (tmp_path / "scan.tif").write_bytes(content)
    with pytest.raises(RefusedScan, match="one single colour"):
        scan_canvas(tmp_path / "scan.tif", tmp_path / "raw", ALL)


@pytest.mark.parametrize("kind", ["grey", "deep", "RGBA", "1", "P"])
def test_a_mask_on_disk_is_the_mask_in_memory(tmp_path, kind):
    levels = noise(40, 60, 1, np.uint8)[..., 0]
    match kind:
        case "grey":
            content = png_bytes(levels)
        case "deep":
            content = png_bytes(levels.astype(np.uint16) * 257)
        case "RGBA":
            content = png_bytes(noise(40, 60, 4, np.uint8))
        case _:
            buffer = io.BytesIO()
            Image.fromarray((levels > 99).astype(np.uint8) * 255).convert(kind).save(buffer, "PNG")
            content = buffer.getvalue()
    (tmp_path / "mask.png").write_bytes(content)
    canvas = mask_canvas(tmp_path / "mask.png", tmp_path / "raw", (40, 60))
    assert np.array_equal(whole(canvas)[..., 0] == 255, read_mask(content))
    assert set(np.unique(whole(canvas))) <= {0, 255}
    write_mask(tmp_path / "kept.png", canvas.image())
    assert np.array_equal(read_mask((tmp_path / "kept.png").read_bytes()), read_mask(content))


def test_a_mask_of_another_size_is_refused(tmp_path):
    (tmp_path / "mask.png").write_bytes(png_bytes(noise(40, 60, 1, np.uint8)))
    with pytest.raises(InvalidInputError, match="mask must have the size of its upright scan, 40"):
        mask_canvas(tmp_path / "mask.png", tmp_path / "raw", (60, 40))
