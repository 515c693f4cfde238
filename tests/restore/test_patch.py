"""Patches, applied by us and by numpy alone."""

import numpy as np
import pytest
import tifffile

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.imaging.colour import image_from_array
from artgan.imaging.decode import SourceEncoding, scan_array
from artgan.imaging.write import write_tiff
from artgan.restore.patch import apply_patch, check_patch, difference
from artgan.sample.icc import ADOBE_RGB, profile_bytes
from tests.pictures import tiff_bytes


def write(path, array, icc=None):
    encoding = SourceEncoding("tiff", 8, array.shape[2], icc, 300.0)
    path.write_bytes(tiff_bytes(array, encoding))
    return path


@pytest.fixture(params=[(np.uint8, 1), (np.uint8, 4), (np.uint16, 2), (np.uint16, 3)])
def pair(request):
    """A scan and a restoration with every kind of step, the largest ones included."""
    dtype, channels = request.param
    rng = np.random.default_rng(0)
    top = np.iinfo(dtype).max
    scan = rng.integers(0, top, (61, 83, channels), dtype, endpoint=True)
    mask = rng.random((61, 83)) < 0.3
    restored = np.where(mask[..., None], rng.integers(0, top, scan.shape, dtype), scan)
    scan[0, :2], restored[0, :2] = [[0], [top]], [[top], [0]]
    mask[0, :2] = True
    return scan, restored.astype(dtype), mask


def patch_of(tmp_path, scan, restored):
    encoding = SourceEncoding("tiff", 8, scan.shape[2])
    change = difference(image_from_array(restored), image_from_array(scan))
    write_tiff(tmp_path / "patch.tif", change, encoding)
    return tmp_path / "patch.tif"


def test_a_patch_leads_there_and_back_in_every_bit(tmp_path, pair):
    scan, restored, mask = pair
    icc = profile_bytes(ADOBE_RGB) if scan.shape[2] >= 3 else None
    before, after = write(tmp_path / "a.tif", scan, icc), write(tmp_path / "b.tif", restored, icc)
    patch = patch_of(tmp_path, scan, restored)
    marked = image_from_array(mask.astype(np.uint8) * 255)
    changed = check_patch(image_from_array(scan), after, patch, marked)
    assert changed == np.count_nonzero((scan != restored).any(axis=2))
    apply_patch(before, patch, tmp_path / "made.tif")
    made, encoding = scan_array(tmp_path / "made.tif")
    assert np.array_equal(made, restored)
    assert (encoding.icc, round(encoding.dpi or 0)) == (icc, 300)
    apply_patch(after, patch, tmp_path / "back.tif", undo=True)
    assert np.array_equal(scan_array(tmp_path / "back.tif")[0], scan)


def test_a_patch_is_a_picture_that_any_program_can_add(tmp_path, pair):
    scan, restored, _ = pair
    change = tifffile.imread(patch_of(tmp_path, scan, restored)).reshape(scan.shape)
    assert change.dtype == scan.dtype
    assert np.array_equal(scan + change, restored)  # numpy wraps around, as the patch does
    assert np.array_equal(restored - change, scan)


def test_files_that_do_not_fit_together_are_told(tmp_path, pair):
    scan, restored, mask = pair
    patch = patch_of(tmp_path, scan, restored)
    marked = image_from_array(mask.astype(np.uint8) * 255)
    wrong = restored.copy()
    wrong[30, 40, 0] ^= 1
    with pytest.raises(CorruptAssetError, match="got 1 pixels where it does not"):
        check_patch(image_from_array(scan), write(tmp_path / "b.tif", wrong), patch, marked)
    after = write(tmp_path / "c.tif", restored)
    with pytest.raises(CorruptAssetError, match="equal the scan outside of the mask"):
        check_patch(image_from_array(scan), after, patch, marked * 0)


def test_a_patch_of_another_kind_and_a_file_that_is_there_are_refused(tmp_path, pair):
    scan, restored, _ = pair
    before, patch = write(tmp_path / "a.tif", scan), patch_of(tmp_path, scan, restored)
    other = write(tmp_path / "other.tif", scan[:-1])
    with pytest.raises(InvalidInputError, match="patch must be of the kind of the pic"):
        apply_patch(other, patch, tmp_path / "made.tif")
    with pytest.raises(InvalidInputError, match="to must be a new file"):
        apply_patch(before, patch, before)
    assert np.array_equal(scan_array(before)[0], scan)
