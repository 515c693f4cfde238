import io

import numpy as np
import pytest
from PIL import Image

from artgan.catalog.schema import MASKS
from artgan.imaging.read import read_mask
from artgan.imaging.write import png_bytes
from artgan.ingest.discover import FoundFile
from artgan.ingest.inspect import Accepted, Refused
from artgan.ingest.masks import inspect_mask, page_of_mask

FOUND = FoundFile("dutch", "dutch/a.tif.mask.png", 99, "v1", "mask")
SCAN = {"scan_id": "ab" * 32, "width_px": 60, "height_px": 40}


def mask(height=40, width=60, value=255):
    array = np.zeros((height, width), np.uint8)
    array[10:20, 15:30] = value
    return png_bytes(array)


def test_a_mask_points_at_the_scan_beside_it():
    assert page_of_mask("dutch/a.tif.mask.png") == ("dutch/a.tif", 1)
    assert page_of_mask("dutch/B.JPG.MASK.PNG") == ("dutch/B.JPG", 1)


def test_a_mask_of_a_later_page_says_so():
    assert page_of_mask("dutch/a.tif.page2.mask.png") == ("dutch/a.tif", 2)
    assert page_of_mask("dutch/B.TIF.PAGE12.MASK.PNG") == ("dutch/B.TIF", 12)
    assert page_of_mask("dutch/a.page0.mask.png") == ("dutch/a.page0", 1)


def test_a_good_mask_gets_a_row_and_a_kept_copy():
    judged = inspect_mask(mask(), FOUND, SCAN)
    assert isinstance(judged, Accepted)
    assert judged.row["scan_id"] == SCAN["scan_id"]
    assert judged.row["damaged_fraction"] == pytest.approx(150 / 2400)
    assert judged.access_extension == ".png"
    assert np.array_equal(read_mask(judged.access), read_mask(mask()))
    assert set(judged.row) <= set(MASKS.schema.names)


def test_the_identifier_follows_the_scan_and_the_bytes():
    def identifier(content, scan):
        judged = inspect_mask(content, FOUND, scan)
        assert isinstance(judged, Accepted)
        return judged.row["mask_id"]

    assert identifier(mask(), SCAN) == identifier(mask(), SCAN)
    assert identifier(mask(), SCAN) != identifier(mask(value=200), SCAN)
    assert identifier(mask(), SCAN) != identifier(mask(), SCAN | {"scan_id": "cd" * 32})


@pytest.mark.parametrize(
    ("content", "scan", "reason"),
    [
        (mask(), None, "mask_without_scan"),
        (mask(60, 40), SCAN, "mask_size_mismatch"),
        (mask(value=127), SCAN, "mask_empty"),
        (mask(value=1), SCAN, "mask_empty"),
        (b"text", SCAN, "not_an_image"),
        (b"", SCAN, "empty_file"),
        (mask()[:-20], SCAN, "truncated"),
    ],
)
def test_a_mask_that_cannot_serve_is_refused_with_its_reason(content, scan, reason):
    judged = inspect_mask(content, FOUND, scan)
    assert isinstance(judged, Refused)
    assert judged.reason == reason
    assert " must " in judged.message


def test_a_huge_mask_is_refused_by_its_header():
    buffer = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(buffer, "PNG", compress_level=1)
    judged = inspect_mask(buffer.getvalue(), FOUND, SCAN)
    assert isinstance(judged, Refused)
    assert judged.reason == "mask_size_mismatch"
    assert "60 x 40, got 30000 x 30000" in judged.message
