import hashlib
import io
import json

import cv2
import duckdb
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from artgan.catalog.publish import publish
from artgan.catalog.schema import SCANS
from artgan.catalog.table import open_catalog
from artgan.imaging.conformance import nonconformities
from artgan.imaging.hashes import PHASH_ALGORITHM, phash
from artgan.imaging.read import read_rgb
from artgan.imaging.write import AccessForm
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


def test_an_access_copy_has_the_size_and_the_form_that_was_asked_for(file):
    large = cv2.resize(painting(), (1400, 1000), interpolation=cv2.INTER_CUBIC)
    path = file(large, dpi=(300, 250))
    for form, size, ending in (
        (AccessForm("jpeg", 700), (700, 500), ".jpg"),
        (AccessForm("pyramid", 350), (350, 250), ".tif"),
        (AccessForm("pyramid", 0), (1400, 1000), ".tif"),
        (AccessForm("jpeg", 4000), (1400, 1000), ".jpg"),
    ):
        (judged,) = inspect(path, FOUND, 10**7, form)
        assert (judged.row["access_width_px"], judged.row["access_height_px"]) == size
        assert (judged.row["width_px"], judged.row["height_px"]) == (1400, 1000)
        assert judged.access_extension == ending
        seen = read_rgb(judged.access)
        assert seen.shape[1::-1] == size
        expected = cv2.resize(large, size, interpolation=cv2.INTER_AREA)
        assert np.abs(seen.astype(int) - expected).mean() < 2
        assert np.abs(read_rgb(judged.access, 100).astype(int) - painting()).mean() < 3


def test_what_is_measured_does_not_depend_on_the_size_of_the_access_copy(file):
    rng = np.random.default_rng(4)
    noise = rng.integers(0, 40, (1000, 1400, 3))
    large = cv2.resize(painting(), (1400, 1000), interpolation=cv2.INTER_CUBIC) - noise
    path = file(np.clip(large, 0, 255).astype(np.uint8))
    rows = []
    for side in (0, 300, 4000):
        (judged,) = inspect(path, FOUND, 10**7, AccessForm("jpeg", side))
        rows.append({name: value for name, value in judged.row.items() if "access_" not in name})
    assert rows[0] == rows[1] == rows[2]


def test_a_row_says_what_a_digitisation_lab_asks(file):
    picture = painting()
    picture[:10] = 255
    picture[10:15, :, 2] = 0
    path = file(picture, "TIFF", dpi=(300, 250), icc_profile=profile_bytes(ADOBE_RGB))
    (judged,) = inspect(path, FOUND, 10**6)
    row = judged.row
    assert (row["dpi"], row["dpi_vertical"]) == (300, 250)
    assert row["clipped_highlights_fraction"] == pytest.approx(0.1)
    assert row["clipped_shadows_fraction"] == pytest.approx(0.05)
    assert 0 < row["sharpness"] < 1
    assert row["nonconformities"] == nonconformities(row)
    assert "metamorfoze_resolution" in row["nonconformities"]
    assert "metamorfoze_format" not in row["nonconformities"]


def test_analysts_find_what_breaks_a_guideline_with_one_query(file, tmp_path):
    (judged,) = inspect(file(painting()), FOUND, 10**6)
    stamp = {"source_uri": "inbox", "access_path": "access/x.jpg"}
    catalog = open_catalog(str(tmp_path / "root"))
    catalog.append(SCANS, [judged.row | stamp])
    publish(catalog)
    snapshot = tmp_path / "root" / "published" / "scans" / "scans.parquet"
    answer = duckdb.sql(
        "select list_filter(nonconformities, lambda rule: rule like 'metamorfoze%') as broken "
        f"from '{snapshot}' where list_contains(nonconformities, 'metamorfoze_format')"
    ).fetchall()
    assert answer == [([rule for rule in judged.row["nonconformities"] if rule[0] == "m"],)]
    assert pd.read_parquet(snapshot)["nonconformities"][0].tolist() == judged.row["nonconformities"]
    assert catalog.rows(SCANS)[0]["nonconformities"] == judged.row["nonconformities"]
