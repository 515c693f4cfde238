"""The sample archive: repeatable, complete, and broken exactly where it says so."""

import csv
import hashlib
import io
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from artgan.errors import InvalidInputError
from artgan.sample.archive import COLLECTIONS, MIN_WORKS, picture_size, write_sample
from artgan.sample.damage import LAYERS, damage_picture
from artgan.sample.icc import ADOBE_RGB, DISPLAY_P3, convert_from_srgb, profile_bytes

SEED = 3
WORKS = MIN_WORKS
COLUMNS = {
    "brush_landscapes": ("utf-8", ",", "File"),
    "woodblock_views": ("utf-8-sig", ";", "bestandsnaam"),
    "hard_edge": ("utf-8", ",", "filename"),
}


@pytest.fixture(scope="module")
def inbox(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inbox")
    return folder, write_sample(folder, seed=SEED, works=WORKS)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def is_image_name(path: Path) -> bool:
    ending = path.suffix.lower() in (".jpg", ".png", ".tif")
    return ending and not path.name.endswith(".mask.png")


def decodes(path: Path) -> bool:
    """Whether every pixel of the file can be read; libvips reads half a JPEG without complaint
    unless it is told to fail."""
    try:
        pyvips.Image.new_from_file(str(path), fail_on="truncated").avg()
    except pyvips.Error:
        return False
    return True


def displayed(path: Path) -> np.ndarray:
    """Picture as a viewer shows it: turned upright, in sRGB, uint8 (H, W, bands)."""
    image = pyvips.Image.new_from_file(str(path), fail_on="truncated").autorot()
    if image.get_typeof("icc-profile-data"):
        return image.icc_transform("srgb", embedded=True, depth=8, intent="relative").numpy()
    return image.colourspace("srgb").numpy() if image.bands == 3 else image.numpy()


def rows_of(folder: Path, collection: str) -> list[dict[str, str]]:
    encoding, separator, _ = COLUMNS[collection]
    text = (folder / collection / "metadata.csv").read_bytes().decode(encoding)
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))


def test_the_same_seed_writes_the_same_bytes_and_another_seed_does_not(inbox, tmp_path):
    folder, _ = inbox
    write_sample(tmp_path / "again", seed=SEED, works=WORKS)
    first, again = digests(folder), digests(tmp_path / "again")
    assert first == again
    write_sample(tmp_path / "other", seed=4, works=MIN_WORKS)
    other = digests(tmp_path / "other")
    shared = [name for name in first.keys() & other.keys() if "scan 00" in name]
    assert shared
    assert all(first[name] != other[name] for name in shared)


def test_the_counts_are_those_of_the_files(inbox):
    folder, summary = inbox
    files = [path for path in folder.rglob("*") if path.is_file()]
    images = [path for path in files if is_image_name(path)]
    whole = [path for path in images if decodes(path)]
    masks = [path for path in files if path.name.endswith(".mask.png")]
    assert summary.collections == tuple(sorted(COLLECTIONS, key=list(COLLECTIONS).index))
    assert {path.name for path in folder.iterdir()} == set(summary.collections)
    assert summary.files == len(files)
    assert summary.scans == len(whole) == 3 * WORKS + 2
    assert summary.broken == len(images) - len(whole) == 3
    assert summary.masks == len(masks) >= 9


def test_sixteen_bit_masters_hold_more_than_eight_bits(inbox):
    folder, _ = inbox
    deep = [pyvips.Image.new_from_file(str(path)) for path in folder.rglob("*.[tT][iI][fF]")]
    deep = [image for image in deep if image.format == "ushort"]
    assert {image.bands for image in deep} == {1, 3}
    for image in deep:
        values = image.numpy()
        # An 8-bit picture stretched to 16 bits has only multiples of 257.
        assert (values % 257 != 0).mean() > 0.9
        assert values.max() > 40000


@pytest.mark.parametrize("space", [ADOBE_RGB, DISPLAY_P3])
def test_profiles_convert_back_to_srgb_in_pillow_and_libvips(space):
    picture = np.random.default_rng(0).uniform(0.15, 1, (48, 48, 3)).astype(np.float32)
    coded = convert_from_srgb(picture, space)
    assert np.abs(coded - picture).max() > 0.05
    profile = profile_bytes(space)
    assert len(profile) == int.from_bytes(profile[:4], "big")
    eight = Image.fromarray(np.round(coded * 255).astype(np.uint8))
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    back = ImageCms.profileToProfile(eight, source, ImageCms.createProfile("sRGB"))
    assert np.abs(np.asarray(back) / 255 - picture).mean() < 0.6 / 255
    deep = pyvips.Image.new_from_array(np.round(coded * 65535).astype(np.uint16))
    deep = deep.copy(interpretation="rgb16")
    deep.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    shown = deep.icc_transform("srgb", embedded=True, depth=8, intent="relative").numpy()
    assert np.abs(shown / 255 - picture).mean() < 0.6 / 255


def test_wide_gamut_scans_carry_their_profile_and_need_it(inbox):
    folder, _ = inbox
    names = set()
    for path in filter(is_image_name, folder.rglob("*")):
        if not decodes(path):
            continue
        image = pyvips.Image.new_from_file(str(path))
        if image.get_typeof("icc-profile-data"):
            profile = ImageCms.ImageCmsProfile(io.BytesIO(image.get("icc-profile-data")))
            names.add(ImageCms.getProfileDescription(profile).strip())
            ignored = image.cast("uchar", shift=True) if image.format == "ushort" else image
            shift = np.abs(displayed(path).astype(float) - ignored.autorot().numpy()).mean()
            assert shift > 1.2, path.name
    assert names == {ADOBE_RGB.name, DISPLAY_P3.name}


def test_a_turned_jpeg_is_stored_on_its_side_and_its_mask_is_upright(inbox):
    folder, _ = inbox
    turned = folder / "brush_landscapes" / "scan 002.jpg"
    stored = Image.open(turned)
    assert stored.getexif()[0x0112] == 6
    mask = Image.open(f"{turned}.mask.png")
    assert mask.size == stored.size[::-1] == displayed(turned).shape[1::-1]


@pytest.mark.parametrize(("order", "collection"), list(enumerate(COLUMNS)))
def test_scans_show_the_painted_picture_outside_of_their_damage(inbox, order, collection):
    folder, _ = inbox
    seen = set()
    for path in filter(is_image_name, (folder / collection).iterdir()):
        number = re.fullmatch(r"\D*(?:1831-)?0*(\d{1,2})\.\w+", path.name)
        if number is None:
            continue
        rng = np.random.default_rng([SEED, order, int(number[1]) - 1])
        painter = COLLECTIONS[collection]
        picture, _ = painter.paint(picture_size(painter.shapes, rng), rng)
        shown = displayed(path).astype(float)
        if shown.ndim == 2:
            continue
        mask_path = path.with_name(f"{path.name}.mask.png")
        mask = np.asarray(Image.open(mask_path)) > 0 if mask_path.is_file() else np.False_
        hurt = np.broadcast_to(mask, shown.shape[:2])[..., None]
        error = shown - picture * 255
        # Blurred, because the noise of JPEG averages out while a wrong profile or a wrong turn
        # does not: without its profile a scan is off by more than 1.2 levels.
        around = cv2.GaussianBlur(np.where(hurt, 0, error), (0, 0), 3)
        assert np.abs(around).mean() < 0.6, path.name
        if mask_path.is_file():
            assert np.abs(error).mean(-1)[mask].mean() > 20, path.name
        seen.add(path.name)
    assert len(seen) >= WORKS - 1


def test_every_mask_fits_its_scan_and_covers_two_to_fifteen_percent(inbox):
    folder, _ = inbox
    masks = list(folder.rglob("*.mask.png"))
    traits = set()
    for path in masks:
        scan = path.with_name(path.name.removesuffix(".mask.png"))
        image = pyvips.Image.new_from_file(str(scan))
        mask = np.asarray(Image.open(path))
        assert mask.dtype == np.uint8
        assert mask.ndim == 2
        assert set(np.unique(mask)) == {0, 255}
        assert mask.shape == displayed(scan).shape[:2]
        assert 0.02 <= (mask == 255).mean() <= 0.15, path.name
        traits.add(image.format)
        traits.add("turned" if image.get_typeof("orientation") else "upright")
        traits.add("tagged" if image.get_typeof("icc-profile-data") else "untagged")
    assert {"ushort", "turned", "tagged"} <= traits
    per_collection = [sum(name in path.parts for path in masks) for name in COLLECTIONS]
    assert min(per_collection) >= 3


@pytest.mark.parametrize("kind", LAYERS)
def test_damage_changes_nothing_outside_of_its_mask(kind):
    rng = np.random.default_rng(5)
    picture = rng.uniform(0.3, 0.6, (200, 260, 3)).astype(np.float32)
    hurt, mask = damage_picture(picture, (kind,), rng)
    assert np.array_equal(hurt[~mask], picture[~mask])
    assert np.abs(hurt - picture).max(-1)[mask].mean() > 0.05
    assert 0.03 <= mask.mean() <= 0.15


def test_broken_and_stray_files_are_there(inbox):
    folder, _ = inbox
    cut = folder / "brush_landscapes" / "scan 900.jpg"
    assert cut.read_bytes()[:3] == b"\xff\xd8\xff"
    assert pyvips.Image.new_from_file(str(cut)).avg() > 0  # without fail_on nobody notices
    assert not decodes(cut)
    text = folder / "woodblock_views" / "OV-1831-900.jpg"
    assert text.read_text(encoding="ascii").startswith("Scan follows")
    assert (folder / "hard_edge" / "HE_9000.JPG").stat().st_size == 0
    assert (folder / "brush_landscapes" / ".DS_Store").is_file()
    assert (folder / "hard_edge" / "Thumbs.db").is_file()


def test_one_scan_comes_twice_and_one_again_smaller(inbox):
    folder, _ = inbox
    hashes = [digest for name, digest in digests(folder).items() if is_image_name(Path(name))]
    assert len(hashes) - len(set(hashes)) == 1
    whole = displayed(folder / "woodblock_views" / "épreuve 006.tif")
    small = displayed(folder / "woodblock_views" / "OV-1831-006 klein.jpg")
    assert small.shape[0] < whole.shape[0]
    shrunk = cv2.resize(whole, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk.astype(float) - small).mean() < 8


def test_names_have_spaces_accents_and_upper_case_endings(inbox):
    folder, _ = inbox
    names = [path.name for path in folder.rglob("*") if is_image_name(path)]
    assert any(" " in name for name in names)
    assert any(not name.isascii() for name in names)
    assert {".JPG", ".TIF"} <= {Path(name).suffix for name in names}


@pytest.mark.parametrize("collection", COLUMNS)
def test_metadata_names_its_scans_but_for_one_on_each_side(inbox, collection):
    folder, _ = inbox
    rows = rows_of(folder, collection)
    column = COLUMNS[collection][2]
    listed = {row[column] for row in rows}
    scans = {path.name for path in (folder / collection).iterdir() if is_image_name(path)}
    assert len(rows) == len(listed) == WORKS
    assert len(listed - scans) == 1
    strays = {name for name in scans - listed if re.search(r"900|copy|klein", name)}
    assert len(scans - listed - strays) == 1
    masks = {path.name for path in (folder / collection).glob("*.mask.png")}
    assert {f"{name}.mask.png" for name in listed} & masks
    assert all(None not in row and None not in row.values() for row in rows)


def test_metadata_has_the_habits_of_real_exports(inbox):
    folder, _ = inbox
    brush, wood, hard = (rows_of(folder, name) for name in COLUMNS)
    raw = (folder / "woodblock_views" / "metadata.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfinventarisnummer;titel;")
    assert any("\n" in row["Title"] for row in brush)
    assert any("|" in row["Artist Display Name"] for row in brush)
    assert any(not row["titel"].isascii() for row in wood)
    dates = {row["Object Date"] for row in brush} | {row["datering"] for row in wood}
    dates |= {row["date"] for row in hard}
    wanted = {"c.1820-5", "1888, printed 1901", "n.d.", "16th century", "ca. 1911", "1913\u201315"}
    assert wanted <= dates
    sizes = {row["Dimensions"] for row in brush} | {row["afmetingen"] for row in wood}
    assert {"31.5 x 42 cm", "(upper): 12 in."} <= sizes


def style(picture: np.ndarray) -> np.ndarray:
    """Colour and texture of a picture at 128 px: mean and spread of Lab, edge strengths."""
    small = cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    edges = np.abs(cv2.Laplacian(lab[..., 0], cv2.CV_32F))
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    values = [*lab.mean((0, 1)), *lab.std((0, 1)), chroma.mean(), np.log(np.median(edges) + 0.1)]
    return np.array([*values, np.log(edges.mean() + 0.1)])


def test_collections_differ_more_from_one_another_than_within():
    styles = {}
    for order, (name, collection) in enumerate(COLLECTIONS.items()):
        rngs = [np.random.default_rng([9, order, work]) for work in range(12)]
        pictures = [collection.paint((220, 280), rng)[0] for rng in rngs]
        styles[name] = np.array([style(np.round(p * 255).astype(np.uint8)) for p in pictures])
    pooled = np.concatenate(list(styles.values()))
    scaled = {name: (s - pooled.mean(0)) / pooled.std(0) for name, s in styles.items()}
    centres = {name: s.mean(0) for name, s in scaled.items()}
    spread = np.mean([np.linalg.norm(s - centres[n], axis=1).mean() for n, s in scaled.items()])
    names = list(styles)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        gap = np.linalg.norm(centres[names[first]] - centres[names[second]])
        assert gap > spread, (names[first], names[second], gap, spread)
    hits = [
        min(centres, key=lambda other: np.linalg.norm(vector - centres[other])) == name
        for name, vectors in scaled.items()
        for vector in vectors
    ]
    assert np.mean(hits) > 0.85


@pytest.mark.parametrize(("seed", "works", "name"), [(0, MIN_WORKS - 1, "works"), (-1, 12, "seed")])
def test_wrong_settings_are_refused_with_their_name(tmp_path, seed, works, name):
    with pytest.raises(InvalidInputError, match=f"^{name} must be at least"):
        write_sample(tmp_path, seed=seed, works=works)
    assert not any(tmp_path.iterdir())
