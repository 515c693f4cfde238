"""A level 0 image service, checked by the specification and by its pixels."""

import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

from artgan.errors import CorruptAssetError
from artgan.iiif.image import Service, describe, write_pictures
from artgan.imaging.colour import image_from_array
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet


def painting(width: int, height: int) -> np.ndarray:
    """Smooth shapes and edges, as JPEG is made for; no two places look alike."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [
        x * 255 // max(1, width - 1),
        y * 255 // max(1, height - 1),
        (x // 137 + y // 153) % 9,
    ]
    return np.stack([planes[0], planes[1], planes[2] * 28], axis=2).astype(np.uint8)


def tiles_implied(info: dict) -> dict[str, tuple[int, int]]:
    """Return path and size of every tile that info.json promises: Image API 3, section 5.4."""
    width, height = info["width"], info["height"]
    found = {}
    for tiles in info["tiles"]:
        tile_w, tile_h = tiles["width"], tiles.get("height", tiles["width"])
        for scale in tiles["scaleFactors"]:
            for top in range(0, height, tile_h * scale):
                for left in range(0, width, tile_w * scale):
                    right = min(left + tile_w * scale, width)
                    bottom = min(top + tile_h * scale, height)
                    size = (math.ceil((right - left) / scale), math.ceil((bottom - top) / scale))
                    is_whole = (left, top, right, bottom) == (0, 0, width, height)
                    region = "full" if is_whole else f"{left},{top},{right - left},{bottom - top}"
                    is_unscaled_whole = is_whole and size == (width, height)
                    name = "max" if is_unscaled_whole and "maxWidth" not in info else None
                    path = f"{region}/{name or f'{size[0]},{size[1]}'}/0/default.jpg"
                    found[path] = size
    return found


def make(folder: Path, array: np.ndarray, **shape: int) -> dict:
    service = Service(array.shape[1], array.shape[0], **({"tile_px": 256, "full_px": 3000} | shape))
    write_pictures(lambda: image_from_array(array), service, folder)
    return describe(service, "https://example.org/iiif/a")


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path, formats=("JPEG",)) as picture:
        picture.load()
        return picture.size


SIZES = [
    (700, 500),
    (1025, 513),
    (1024, 1024),
    (2049, 1505),
    (256, 256),
    (257, 1),
    (100, 3),
    (1, 900),
    (255, 2000),
    (3509, 2506),
    (9000, 300),  # so wide that full/max is lower than a tile
]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_address_that_info_json_promises_is_a_file_of_that_size(tmp_path, width, height):
    folder = tmp_path / "service"
    info = make(folder, painting(width, height), full_px=2048)
    assert (info["width"], info["height"]) == (width, height)
    promised = tiles_implied(info)
    for size in info["sizes"]:
        pair = (size["width"], size["height"])
        promised[f"full/{pair[0]},{pair[1]}/0/default.jpg"] = pair
    limit = min(1.0, info.get("maxWidth", width) / width, info.get("maxHeight", height) / height)
    promised["full/max/0/default.jpg"] = (round(width * limit), round(height * limit))
    for path, size in promised.items():
        assert size_of(folder / path) == size, path
        assert size[0] <= info.get("maxWidth", width)
        assert size[1] <= info.get("maxHeight", height)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg")}
    assert there - set(promised) <= {f"full/{width},{height}/0/default.jpg"}


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_tiles_laid_side_by_side_are_the_picture(tmp_path, scale):
    array = painting(1100, 900)
    info = make(tmp_path / "service", array)
    stitched = np.zeros((math.ceil(900 / scale), math.ceil(1100 / scale), 3), np.uint8)
    for path, (width, height) in tiles_implied(
        info | {"tiles": [{"width": 256, "scaleFactors": [scale]}]}
    ).items():
        left, top = (int(part) // scale for part in path.split(",")[:2])
        tile = np.asarray(Image.open(tmp_path / "service" / path, formats=("JPEG",)))
        stitched[top : top + height, left : left + width] = tile
    # Halving averages two by two; the last odd row or column stands alone.
    expected = np.asarray(Image.fromarray(array).reduce(scale))
    difference = np.abs(stitched.astype(int) - expected)[: expected.shape[0], : expected.shape[1]]
    assert difference.mean() < 2.5
    assert np.percentile(difference, 99) < 30


def test_the_largest_whole_picture_keeps_within_its_limit_and_the_proportions(tmp_path):
    info = make(tmp_path / "service", painting(5000, 1250), full_px=2048)
    assert (info["maxWidth"], info["maxHeight"]) == (2048, 2048)
    assert size_of(tmp_path / "service/full/max/0/default.jpg") == (2048, 512)
    widths = [size["width"] for size in info["sizes"]]
    assert widths == sorted(widths)
    assert all(abs(size["width"] - 4 * size["height"]) < 4 for size in info["sizes"])  # under 1 px


def test_info_json_says_what_level_0_must_say():
    service = Service(4000, 3000, 1024, 3000)
    rights = "http://creativecommons.org/publicdomain/zero/1.0/"
    info = json.loads(json.dumps(describe(service, "https://example.org/i/x", rights)))
    assert info == {
        "@context": "http://iiif.io/api/image/3/context.json",
        "id": "https://example.org/i/x",
        "type": "ImageService3",
        "protocol": "http://iiif.io/api/image",
        "profile": "level0",
        "width": 4000,
        "height": 3000,
        "maxWidth": 3000,
        "maxHeight": 3000,
        "sizes": [
            {"width": 320, "height": 240},
            {"width": 1000, "height": 750},
            {"width": 1024, "height": 768},
        ],
        "tiles": [{"width": 1024, "scaleFactors": [1, 2, 4]}],
        "rights": rights,
    }


def test_whole_pictures_and_tiles_say_where_they_come_from(tmp_path):
    packet = xmp_packet(DigitalSourceType.DIGITAL_CAPTURE, Provenance(title="Zonnebloemen"))
    service = Service(600, 400, 256, 3000)
    picture = image_from_array(painting(600, 400))
    write_pictures(lambda: picture, service, tmp_path / "s", packet)
    assert b"Zonnebloemen" in (tmp_path / "s/full/max/0/default.jpg").read_bytes()
    assert b"Zonnebloemen" in (tmp_path / "s/full/320,213/0/default.jpg").read_bytes()
    tile = (tmp_path / "s/0,0,256,256/256,256/0/default.jpg").read_bytes()
    assert b"Zonnebloemen" in tile
    assert b"ICC_PROFILE" not in tile


def test_a_picture_that_breaks_off_is_refused_in_a_sentence(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(painting(900, 900)).save(buffer, "JPEG")
    half = buffer.getvalue()[: len(buffer.getvalue()) // 2]

    def broken() -> pyvips.Image:
        return pyvips.Image.new_from_buffer(half, "", access="sequential", fail_on="error")

    with pytest.raises(CorruptAssetError, match="must be readable from top to bottom"):
        write_pictures(broken, Service(900, 900, 256, 3000), tmp_path / "s")
