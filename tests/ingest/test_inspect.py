import hashlib
import io
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from artgan.catalog.schema import SCANS
from artgan.imaging.hashes import PHASH_ALGORITHM, phash
from artgan.imaging.read import read_rgb
from artgan.ingest.discover import FoundFile
from artgan.ingest.inspect import Accepted, Refused, inspect
from artgan.sample.icc import ADOBE_RGB, convert_from_srgb, profile_bytes

FOUND = FoundFile("dutch", "dutch/work.tif", 123, "v1", "scan")


def painting():
    coarse = np.random.default_rng(0).integers(60, 200, (5, 7, 3), dtype=np.uint8)
    return cv2.resize(coarse, (140, 100), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def file(tmp_path):
    def make(array, form="PNG", **options):
        buffer = io.BytesIO()
        Image.fromarray(array).save(buffer, form, **options)
        path = tmp_path / "work.tif"
        path.write_bytes(buffer.getvalue())
        return path

    return make


def test_a_good_scan_gets_a_row_and_an_access_copy(file):
    path = file(painting(), dpi=(300, 300))
    (judged,) = inspect(path, FOUND, 10**6)
    assert isinstance(judged, Accepted)
    assert judged.row["scan_id"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert judged.row["format"] == "png"
    assert (judged.row["width_px"], judged.row["height_px"]) == (140, 100)
    assert judged.row["source_path"] == "dutch/work.tif"
    assert judged.row["phash"] == phash(painting())
    assert judged.row["phash_algorithm"] == PHASH_ALGORITHM
    assert judged.access_extension == ".jpg"
    assert np.abs(read_rgb(judged.access).astype(int) - painting()).mean() < 2


def test_the_row_has_columns_of_the_scans_table_only_and_fits_into_json(file):
    (judged,) = inspect(file(painting()), FOUND, 10**6)
    assert isinstance(judged, Accepted)
    assert set(judged.row) <= set(SCANS.schema.names)
    assert json.loads(json.dumps(judged.row)) == judged.row


def test_the_access_copy_is_srgb_whatever_the_profile_and_upright_whatever_the_tag(file):
    stored = np.round(convert_from_srgb(painting().astype(np.float32) / 255, ADOBE_RGB) * 255)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = file(np.rot90(stored.astype(np.uint8)), icc_profile=profile_bytes(ADOBE_RGB), exif=exif)
    (judged,) = inspect(path, FOUND, 10**6)
    assert isinstance(judged, Accepted)
    assert judged.row["orientation"] == 6
    assert judged.row["icc_name"] == ADOBE_RGB.name
    assert np.abs(read_rgb(judged.access).astype(int) - painting()).mean() < 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty_file"), (b"a letter, not a picture", "not_an_image")],
)
def test_a_bad_file_is_refused_with_reason_sentence_and_hash(tmp_path, content, reason):
    path = tmp_path / "work.tif"
    path.write_bytes(content)
    (judged,) = inspect(path, FOUND, 10**6)
    assert isinstance(judged, Refused)
    assert judged.reason == reason
    assert judged.message.startswith("dutch/work.tif must ")
    assert judged.content_sha256 == hashlib.sha256(content).hexdigest()


def test_truncated_blank_and_oversized_scans_are_refused(file):
    path = file(painting())
    (judged,) = inspect(path, FOUND, 140 * 100 - 1)
    assert isinstance(judged, Refused)
    assert judged.reason == "too_large"
    path.write_bytes(path.read_bytes()[:-2000])
    (judged,) = inspect(path, FOUND, 10**6)
    assert isinstance(judged, Refused)
    assert judged.reason == "truncated"
    (judged,) = inspect(file(np.zeros((50, 50, 3), np.uint8)), FOUND, 10**6)
    assert isinstance(judged, Refused)
    assert judged.reason == "blank"
