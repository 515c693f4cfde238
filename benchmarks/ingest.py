"""Measure ingest beside a plain Pillow pipeline that makes the same things.

    ARTGAN_TEST_DATA=... python benchmarks/ingest.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/ingest.py

For each scan both sides hash the bytes, decode all pixels, convert an embedded profile to sRGB,
write the same access JPEG (quality 92, 4:4:4) and a 64-bit perceptual hash. The peer
does what a careful person writes first with Pillow: load, ImageCms at full size, Lanczos to 32 px.
Speed is images for each second of CPU time, best of several rounds taken in turn, so that other
work on the machine does not count. The second measure is how many of a set of odd files come out
right. Prints one JSON line for each result; everything else goes to standard error.
"""

import argparse
import hashlib
import io
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from PIL import Image, ImageCms, ImageOps
from scipy.fft import dctn

from artgan.errors import ArtganError, MissingAssetError
from artgan.imaging.read import read_rgb
from artgan.ingest.discover import FoundFile, collections_in, discover
from artgan.ingest.inspect import Accepted, inspect
from artgan.sample.icc import ADOBE_RGB, DISPLAY_P3, convert_from_srgb, profile_bytes
from artgan.storage import open_store

MAX_PIXELS = 500_000_000
SCANS_TARGET = 1.0
MASTERS_TARGET = 1.5
MASTER_PX = (6000, 4000)
QUICK_MASTER_PX = (3000, 2000)
ROUNDS = 3
PEER = "Pillow: load, ImageCms at full size, Lanczos"
CLOSE = 6.0  # mean difference of two renderings of one picture, in codes of 255


def main() -> int:
    """Run the measurements; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller masters, one round")
    quick = parser.parse_args().quick
    try:
        folder = _data_folder()
    except ArtganError as error:
        print(error, file=sys.stderr)
        return 2
    rounds = 1 if quick else ROUNDS
    _measure_scans(folder, rounds)
    with tempfile.TemporaryDirectory() as scratch:
        _measure_masters(folder, Path(scratch), QUICK_MASTER_PX if quick else MASTER_PX, rounds)
        _measure_odd_files(folder, Path(scratch))
    return 0


def _data_folder() -> Path:
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if not folder:
        raise MissingAssetError(
            "ARTGAN_TEST_DATA must name the folder with real scans, got nothing. Set it."
        )
    return Path(folder) / "scans"


# What is compared


def ours(path: Path) -> bytes | None:
    """Judge a scan; return its access copy, or None if it is refused."""
    found = FoundFile("bench", path.name, path.stat().st_size, "", "scan")
    (judged,) = inspect(path, found, MAX_PIXELS)
    return judged.access if isinstance(judged, Accepted) else None


def pillow(path: Path) -> bytes | None:
    """Make the same with Pillow; None if it raises."""
    hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        image = ImageOps.exif_transpose(Image.open(path))
        image.load()
        icc = image.info.get("icc_profile")
        if icc and image.mode in {"RGB", "CMYK"}:
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            target = ImageCms.createProfile("sRGB")
            image = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
        image = image.convert("RGB") if image is not None else Image.new("RGB", (1, 1))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    grey = np.asarray(image.resize((32, 32), Image.Resampling.LANCZOS).convert("L"), float)
    low = np.asarray(dctn(grey, type=2))[:8, :8]
    np.packbits(low > np.median(low)).tobytes().hex()
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=92, subsampling=0)
    return buffer.getvalue()


def _best_seconds(paths: Sequence[Path], rounds: int) -> tuple[float, float]:
    """CPU seconds for all of these files: ours and Pillow's."""
    times: dict[Callable[[Path], bytes | None], list[float]] = {ours: [], pillow: []}
    for _ in range(rounds):
        for method, seconds in times.items():
            start = time.process_time()
            for path in paths:
                method(path)
            seconds.append(time.process_time() - start)
    return min(times[ours]), min(times[pillow])


def _report(name: str, images: int, seconds: float, peer_seconds: float, target: float) -> None:
    row = {
        "name": name,
        "value": round(images / seconds, 3),
        "unit": "images/CPU-s",
        "peer": PEER,
        "peer_value": round(images / peer_seconds, 3),
        "ratio": round(peer_seconds / seconds, 3),
        "target": f"ratio >= {target}",
        "holds": peer_seconds / seconds >= target,
    }
    print(json.dumps(row), flush=True)


# Real scans, and masters of the size that museums deliver


def _measure_scans(folder: Path, rounds: int) -> None:
    inbox = open_store(str(folder), name="scans", must_exist=True)
    images, seconds, peer_seconds = 0, 0.0, 0.0
    for collection in collections_in(inbox):
        files = discover(inbox, collection)
        paths = [Path(inbox.uri(file.path)) for file in files if file.role == "scan"]
        ours_s, pillow_s = _best_seconds(paths, rounds)
        _report(f"ingest {collection}", len(paths), ours_s, pillow_s, SCANS_TARGET)
        images += len(paths)
        seconds += ours_s
        peer_seconds += pillow_s
    _report("ingest all real scans", images, seconds, peer_seconds, SCANS_TARGET)


def _measure_masters(folder: Path, scratch: Path, size: tuple[int, int], rounds: int) -> None:
    for name, path in _masters(folder, scratch, size):
        ours_s, pillow_s = _best_seconds([path], rounds)
        _report(f"ingest {name} {size[0]} x {size[1]}", 1, ours_s, pillow_s, MASTERS_TARGET)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process, both sides: {peak_mb:.0f} MB", file=sys.stderr)


def _painting(folder: Path, size: tuple[int, int]) -> np.ndarray:
    """A real 4K scan enlarged, with grain, as float (H, W, 3) in [0, 1]."""
    largest = max((folder / "stubbs_4k").iterdir(), key=lambda path: path.stat().st_size)
    picture = Image.fromarray(read_rgb(largest.read_bytes())).resize(size)
    grain = np.random.default_rng(0).normal(0, 0.01, (size[1], size[0], 1))
    return np.clip(np.asarray(picture) / 255 + grain, 0, 1).astype(np.float32)


def _masters(folder: Path, scratch: Path, size: tuple[int, int]) -> Iterator[tuple[str, Path]]:
    picture = _painting(folder, size)
    shallow = np.round(picture * 255).astype(np.uint8)
    wide = np.round(convert_from_srgb(picture, DISPLAY_P3) * 255).astype(np.uint8)
    jpeg = scratch / "master.jpg"
    Image.fromarray(shallow).save(jpeg, quality=92, subsampling=0)
    yield "JPEG sRGB", jpeg
    Image.fromarray(wide).save(jpeg, quality=92, icc_profile=profile_bytes(DISPLAY_P3))
    yield "JPEG Display P3", jpeg
    tiff = scratch / "master.tif"
    for compression in ("none", "lzw", "deflate"):
        pyvips.Image.new_from_array(shallow).write_to_file(str(tiff), compression=compression)
        yield f"TIFF 8 bit {compression}", tiff


# Odd files: made here, with the colours that must come out


def _odd_files(folder: Path, scratch: Path) -> Iterator[tuple[str, Path, np.ndarray | None]]:
    """Name, file, and the sRGB picture to be seen; None for a file that must be refused."""
    picture = _painting(folder, (600, 400))
    shallow = np.round(picture * 255).astype(np.uint8)
    deep = np.round(picture * 65535).astype(np.uint16)
    flat = np.concatenate([deep[..., :1]] * 3, axis=2)
    image = pyvips.Image.new_from_array(shallow)

    def vips(name: str, made: pyvips.Image, quality: int | None = None) -> Path:
        made.write_to_file(str(scratch / name), **({"Q": quality} if quality else {}))
        return scratch / name

    def saved(name: str, array: np.ndarray, options: dict[str, Any]) -> Path:
        Image.fromarray(array).save(scratch / name, **options)
        return scratch / name

    wide = np.round(convert_from_srgb(picture, ADOBE_RGB) * 255).astype(np.uint8)
    grey16 = pyvips.Image.new_from_array(deep[..., 0], interpretation="grey16")
    rgb16 = pyvips.Image.new_from_array(deep, interpretation="rgb16")
    turned = Image.Exif()
    turned[0x0112] = 6
    white = np.full_like(shallow, 255)
    opaque = np.arange(600) < 300
    alpha = np.dstack([shallow, np.broadcast_to(np.uint8(255) * opaque, (400, 600))])
    cut = vips("whole.jpg", image, 95).read_bytes()
    (scratch / "cut.jpg").write_bytes(cut[: len(cut) // 2])
    (scratch / "text.jpg").write_bytes(b"list of works")
    (scratch / "empty.tif").write_bytes(b"")
    yield "16-bit grey TIFF", vips("grey16.tif", grey16), np.round(flat / 257)
    yield "16-bit RGB TIFF", vips("rgb16.tif", rgb16), shallow
    yield "AdobeRGB TIFF", saved("a.tif", wide, {"icc_profile": profile_bytes(ADOBE_RGB)}), shallow
    yield (
        "orientation 6",
        saved("o.jpg", np.rot90(shallow), {"exif": turned, "quality": 95}),
        shallow,
    )
    yield "zstd TIFF", saved("z.tif", shallow, {"compression": "zstd"}), shallow
    yield "CIELAB TIFF", vips("lab.tif", image.colourspace("lab")), shallow
    yield "float TIFF", vips("float.tif", image.colourspace("scrgb")), shallow
    yield "transparent PNG", saved("alpha.png", alpha, {}), np.where(opaque[:, None], shallow, 255)
    yield "blank picture", saved("blank.png", white, {}), None
    yield "half a JPEG", scratch / "cut.jpg", None
    yield "text named .jpg", scratch / "text.jpg", None
    yield "empty file", scratch / "empty.tif", None


def _is_right(access: bytes | None, expected: np.ndarray | None) -> bool:
    if access is None or expected is None:
        return access is None and expected is None
    seen = read_rgb(access).astype(float)
    return seen.shape == expected.shape and float(np.abs(seen - expected).mean()) < CLOSE


def _measure_odd_files(folder: Path, scratch: Path) -> None:
    right = {ours: 0, pillow: 0}
    count = 0
    for name, path, expected in _odd_files(folder, scratch):
        count += 1
        for method in right:
            is_right = _is_right(method(path), expected)
            right[method] += is_right
            if not is_right:
                print(f"{method.__name__} got {name} wrong", file=sys.stderr)
    row = {
        "name": "odd files judged and rendered right",
        "value": right[ours],
        "unit": f"of {count}",
        "peer": PEER,
        "peer_value": right[pillow],
        "ratio": round(right[ours] / right[pillow], 3),
        "target": f"{count} of {count}",
        "holds": right[ours] == count,
    }
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    sys.exit(main())
