"""Every real scan is judged as a person would, and quickly."""

import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageCms

from artgan.imaging.colour import to_srgb
from artgan.imaging.decode import decode, render
from artgan.imaging.hashes import hamming_distances, hashes_to_array
from artgan.ingest.discover import collections_in, discover
from artgan.ingest.duplicates import assign_groups
from artgan.ingest.inspect import Accepted, inspect
from artgan.ingest.split import split_of
from artgan.storage import open_store

MAX_PIXELS = 100_000_000


def only_page(folder, file):
    (judged,) = inspect(folder / file.path, file, MAX_PIXELS)
    return judged


@pytest.fixture(scope="module")
def rows(real_data):
    """One row for each distinct scan."""
    inbox = open_store(str(real_data / "scans"))
    files = [file for name in collections_in(inbox) for file in discover(inbox, name)]
    with ThreadPoolExecutor(2) as pool:
        judged = list(pool.map(lambda file: only_page(real_data / "scans", file), files))
    assert len(judged) == 441
    accepted = [one.row for one in judged if isinstance(one, Accepted)]
    assert len(accepted) == 441
    return list({row["scan_id"]: row for row in accepted}.values())


def test_formats_and_profiles_are_those_inside_the_files(rows):
    assert Counter(row["format"] for row in rows) == {"jpeg": 437, "png": 2, "webp": 1}
    assert all(row["source_path"].endswith(".jpg") for row in rows if row["format"] == "png")
    profiles = Counter(row["icc_name"] for row in rows)
    assert profiles["eciRGB v2"] == 22
    assert {row["bit_depth"] for row in rows} == {8}


def test_the_byte_duplicate_and_works_that_are_there_in_two_reproductions_are_found(rows):
    assert len(rows) == 440
    groups = assign_groups([(row["scan_id"], row["phash"]) for row in rows], [])
    pairs = Counter(groups.values())
    shared = sorted(row["source_path"] for row in rows if pairs[groups[row["scan_id"]]] > 1)
    assert shared == [
        "monet_256/9908d1daa9.jpg",  # one painting, photographed twice in other colours
        "monet_256/fba982625d.jpg",
        "ukiyo_e/hokusai_lavague.jpg",  # one print from two sources
        "ukiyo_e/jyun_p17.jpg",
    ]


def test_no_other_pictures_come_near_the_threshold(rows):
    hashes = hashes_to_array([row["phash"] for row in rows])
    distances = hamming_distances(hashes, hashes)[np.triu_indices(len(rows), 1)]
    assert (distances <= 4).sum() == 2


def test_every_collection_has_works_in_every_split(rows):
    groups = assign_groups([(row["scan_id"], row["phash"]) for row in rows], [])
    found = {(row["collection"], split_of(groups[row["scan_id"]])) for row in rows}
    assert len(found) == 5 * 3


def test_real_profiles_are_converted_as_pillow_converts_them(rows, real_data):
    tagged = [row for row in rows if row["icc_name"]]
    assert len(tagged) == 28
    for row in tagged:
        path = real_data / "scans" / row["source_path"]
        scan = decode(path, MAX_PIXELS)
        assert scan.icc is not None
        peer = ImageCms.profileToProfile(
            Image.open(path).convert("RGB"),
            ImageCms.ImageCmsProfile(io.BytesIO(scan.icc)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        difference = np.abs(render(scan, to_srgb(scan.image)).astype(int) - np.asarray(peer))
        assert difference.max() <= 1
