"""Every real scan is judged as a person would, and quickly."""

import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from artgan.imaging.colour import to_srgb
from artgan.imaging.decode import decode, render
from artgan.imaging.hashes import hamming_distances, hashes_to_array
from artgan.imaging.read import read_rgb
from artgan.imaging.write import ACCESS_QUALITY
from artgan.ingest.discover import collections_in, discover
from artgan.ingest.duplicates import KnownHashes, assign_groups
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
    groups = assign_groups([(row["scan_id"], row["phash"]) for row in rows], KnownHashes())
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
    groups = assign_groups([(row["scan_id"], row["phash"]) for row in rows], KnownHashes())
    found = {(row["collection"], split_of(groups[row["scan_id"]])) for row in rows}
    assert len(found) == 5 * 3


def by_pillow(path):
    """The picture upright, without its profile and converted by LittleCMS."""
    naive = ImageOps.exif_transpose(Image.open(path))
    icc = naive.info.get("icc_profile")
    naive = naive.convert("RGB")
    if icc is None:
        return naive, naive
    converted = ImageCms.profileToProfile(
        naive,
        ImageCms.ImageCmsProfile(io.BytesIO(icc)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return naive, converted


def encoded_alike(picture, size):
    """Scale to the size of the access copy, if that is smaller, and encode as it is."""
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=ACCESS_QUALITY, subsampling=0)
    return np.asarray(Image.open(buffer)).astype(int)


def difference_from(path, file):
    """Mean differences of one scan from Pillow's: converted, as access copy, without profile."""
    naive, converted = by_pillow(path)
    scan = decode(path, MAX_PIXELS)
    rendered = render(scan, to_srgb(scan.image)).astype(int)
    assert np.abs(rendered - np.asarray(converted)).max() <= 1
    access = read_rgb(only_page(path.parent.parent, file).access).astype(int)
    reference = encoded_alike(converted, access.shape[1::-1])
    ignored = np.abs(np.asarray(naive).astype(int) - np.asarray(converted)).mean()
    is_whole = access.shape == rendered.shape
    return scan.icc_name, is_whole, np.abs(access - reference).mean(), ignored


@pytest.mark.slow
def test_every_access_copy_shows_what_pillow_and_littlecms_make_of_the_scan(real_data):
    folder = real_data / "scans"
    inbox = open_store(str(folder))
    files = [file for name in collections_in(inbox) for file in discover(inbox, name)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda file: difference_from(folder / file.path, file), files))
    assert len(found) == 441
    # Two libraries scale in two ways, so a copy that was made smaller has another tolerance.
    assert max(mean for _, is_whole, mean, _ in found if is_whole) <= 1
    assert max((mean for _, is_whole, mean, _ in found if not is_whole), default=0) <= 2
    visible = [ignored for name, _, _, ignored in found if name == "eciRGB v2"]
    assert len(visible) == 23
    assert min(visible) > 1
    assert all(ignored == 0 for name, _, _, ignored in found if name is None)
