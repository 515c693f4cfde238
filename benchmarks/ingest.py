"""Measure ingest beside plain Pillow and beside bare libvips, which make the same things.

    ARTGAN_TEST_DATA=... python benchmarks/ingest.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/ingest.py

For each scan all sides hash the bytes, decode, convert an embedded profile to sRGB, write an access
JPEG of the same size (quality 92, 4:4:4) and shrink to 32 x 32 for a perceptual hash; ours also
proves the file whole, counts clipped pixels and measures sharpness. Pillow is what a careful person
writes first: load, ImageCms at full size, Lanczos. libvips is its `thumbnail`, the fastest loop
that we know; it takes no notice of the checksums behind deflated strips, so a second line has it
hold every strip against its own, as ours does. Speed is images for each second of CPU time, best of
several rounds taken in turn, so that other work on the machine does not count. Then follow the peak
memory of a process that ingests one master, the time of a second run over unchanged files, and how
many of a set of odd files come out right. What decoding in a child costs is measured beside the
same in one process. Prints one JSON line for each result; everything else goes to standard error.
"""

import argparse
import hashlib
import io
import json
import os
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from PIL import Image, ImageCms, ImageOps
from scipy.fft import dctn

from artgan.catalog.schema import QUARANTINE, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.config import IngestSettings
from artgan.errors import ArtganError, MissingAssetError
from artgan.imaging.colour import image_from_array
from artgan.imaging.read import read_rgb
from artgan.imaging.write import AccessForm
from artgan.ingest.decoder_process import Limits, child_cpu_s, child_process, end_child
from artgan.ingest.decoders import judge_scan
from artgan.ingest.discover import FoundFile, collections_in, discover
from artgan.ingest.inspect import Accepted, inspect
from artgan.ingest.known import read_known
from artgan.ingest.merge import Inspected, merge
from artgan.ingest.metadata import read_metadata
from artgan.sample.icc import ADOBE_RGB, DISPLAY_P3, convert_from_srgb, profile_bytes
from artgan.storage import Store, open_store
from tasks.ingest import judged_files

MAX_PIXELS = 500_000_000
SCANS_TARGET = 1.0
JPEG_TARGET = 5.0
VIPS_TARGET = 1 / 1.3
PEAK_TARGET_MB = 300
CHILD_TARGET = 1 / 1.1
RERUN_TARGET = 50
MASTER_PX = (6000, 8000)
ROUNDS = 3
QUICK_EVERY = 6  # of the real scans
QUICK_MASTERS = 2
MASTERS = 24  # of the second run
PEER = "Pillow: load, ImageCms at full size, Lanczos"
SAME_PROCESS = "the same without a child"
VIPS_PEER = "libvips: thumbnail with profile"
_STRIP_OFFSETS, _STRIP_BYTE_COUNTS = 273, 279
LONG_SIDE_PX: int = IngestSettings.model_fields["access_long_side_px"].default
CLOSE = 6.0  # mean difference of two renderings of one picture, in codes of 255


def main() -> int:
    """Run the measurements; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="part of it, one round")
    quick = parser.parse_args().quick
    try:
        folder = _data_folder()
    except ArtganError as error:
        print(error, file=sys.stderr)
        return 2
    rounds = 1 if quick else ROUNDS
    every = QUICK_EVERY if quick else 1
    _measure_scans(folder, rounds, every)
    _measure_child(folder, rounds, every)
    with tempfile.TemporaryDirectory() as scratch:
        _measure_masters(folder, Path(scratch), rounds, QUICK_MASTERS if quick else None)
        _measure_odd_files(folder, Path(scratch))
        if not quick:
            _measure_second_run("real scans", folder, Path(scratch), None)
            masters = _inbox_of_masters(folder, Path(scratch))
            title = f"{MASTERS} masters of 48 megapixels"
            _measure_second_run(title, masters, Path(scratch), RERUN_TARGET)
    return 0


def _data_folder() -> Path:
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if not folder:
        raise MissingAssetError(
            "ARTGAN_TEST_DATA must name the folder with real scans, got nothing. Set it."
        )
    return Path(folder) / "scans"


# What is compared


Method = Callable[[Path], bytes | None]


def ours(path: Path) -> bytes | None:
    """Judge a scan; return its access copy, or None if it is refused."""
    found = FoundFile("bench", path.name, path.stat().st_size, "", "scan")
    for judged in inspect(path, found, MAX_PIXELS, AccessForm("jpeg", LONG_SIDE_PX)):
        return judged.access if isinstance(judged, Accepted) else None
    return None


def in_child(path: Path) -> bytes | None:
    """Judge a scan in a child, as ingest does."""
    found = FoundFile("bench", path.name, path.stat().st_size, "", "scan")
    form = AccessForm("jpeg", LONG_SIDE_PX)
    judged, *_ = list(judge_scan(path, found, MAX_PIXELS, form, Limits()))
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
    scale = LONG_SIDE_PX / max(image.size)
    if scale < 1:
        size = round(image.width * scale), round(image.height * scale)
        image = image.resize(size, Image.Resampling.LANCZOS)
    _hash_of_small(np.asarray(image.resize((32, 32), Image.Resampling.LANCZOS)))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=92, subsampling=0)
    return buffer.getvalue()


def vips(path: Path) -> bytes | None:
    """Make the same with the thumbnailer of libvips; None if it raises."""
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256").hexdigest()
    try:
        options: dict[str, Any] = {"size": "down", "fail_on": "error"}
        if pyvips.Image.new_from_file(str(path)).get_typeof("icc-profile-data"):
            options["export_profile"] = "srgb"
        image = pyvips.Image.thumbnail(str(path), LONG_SIDE_PX, **options).copy_memory()
        small = image.thumbnail_image(32, height=32, size="force").numpy()
        content = image.write_to_buffer(".jpg", Q=92, subsample_mode="off", keep="none")
    except pyvips.Error:
        return None
    _hash_of_small(small)
    return content


def vips_proving(path: Path) -> bytes | None:
    """Make the same with libvips, and prove a deflated TIFF by its checksums as ours does."""
    with Image.open(path) as image, path.open("rb") as file:
        starts, lengths = image.tag_v2[_STRIP_OFFSETS], image.tag_v2[_STRIP_BYTE_COUNTS]
        for start, length in zip(starts, lengths, strict=True):
            file.seek(start)
            zlib.decompress(file.read(length))
    return vips(path)


def _hash_of_small(small: np.ndarray) -> str:
    grey = small.reshape(32, 32, -1)[:, :, :3].mean(axis=2)
    low = np.asarray(dctn(grey, type=2))[:8, :8]
    return np.packbits(low > np.median(low)).tobytes().hex()


def _cpu_seconds() -> float:
    """CPU seconds of this process and of its decoder."""
    return time.process_time() + child_cpu_s()


def _best_seconds(methods: Sequence[Method], paths: Sequence[Path], rounds: int) -> list[float]:
    """CPU seconds that each method takes for all of these files."""
    best = [float("inf")] * len(methods)
    for _ in range(rounds):
        for index, method in enumerate(methods):
            start = _cpu_seconds()
            for path in paths:
                method(path)
            best[index] = min(best[index], _cpu_seconds() - start)
    return best


def _report(
    name: str, images: int, seconds: float, peer_seconds: float, peer: str, target: float | None
) -> None:
    ratio = peer_seconds / seconds
    row = {
        "name": name,
        "value": round(images / seconds, 3),
        "unit": "images/CPU-s",
        "peer": peer,
        "peer_value": round(images / peer_seconds, 3),
        "ratio": round(ratio, 3),
    }
    asked = None if target is None else f"ratio >= {target:.3g}"
    row |= {"target": asked, "holds": None if target is None else ratio >= target}
    print(json.dumps(row), flush=True)


# Real scans, and masters of the size that museums deliver


def _measure_scans(folder: Path, rounds: int, every: int) -> None:
    inbox = open_store(str(folder), name="scans", must_exist=True)
    images, seconds, peer_seconds = 0, 0.0, 0.0
    for collection in collections_in(inbox):
        files = discover(inbox, collection)
        paths = [Path(inbox.uri(file.path)) for file in files if file.role == "scan"][::every]
        ours_s, pillow_s = _best_seconds((ours, pillow), paths, rounds)
        _report(f"ingest {collection}", len(paths), ours_s, pillow_s, PEER, SCANS_TARGET)
        images += len(paths)
        seconds += ours_s
        peer_seconds += pillow_s
    _report("ingest all real scans", images, seconds, peer_seconds, PEER, SCANS_TARGET)


def _measure_child(folder: Path, rounds: int, every: int) -> None:
    """What decoding in a child costs once it runs; a thread starts one for its first file."""
    inbox = open_store(str(folder), name="scans", must_exist=True)
    names = collections_in(inbox)
    files = [file for name in names for file in discover(inbox, name) if file.role == "scan"]
    paths = [Path(inbox.uri(file.path)) for file in files][::every]
    in_child(paths[0])
    name, (own_s, child_s) = "ingest in a child", _best_seconds((ours, in_child), paths, rounds)
    _report(name, len(paths), child_s, own_s, SAME_PROCESS, CHILD_TARGET)


def _measure_masters(folder: Path, scratch: Path, rounds: int, count: int | None) -> None:
    for kind, path in islice(_masters(folder, scratch, MASTER_PX), count):
        name = f"ingest {kind} {MASTER_PX[0]} x {MASTER_PX[1]}"
        ours_s, pillow_s, vips_s = _best_seconds((ours, pillow, vips), [path], rounds)
        # A JPEG without a profile leaves a naive loop nothing to convert: no target for that.
        is_converted_jpeg = kind.startswith("JPEG") and "without" not in kind
        _report(name, 1, ours_s, pillow_s, PEER, JPEG_TARGET if is_converted_jpeg else None)
        _report(name, 1, ours_s, vips_s, VIPS_PEER, VIPS_TARGET)
        if "deflate" in kind:
            ours_s, vips_s = _best_seconds((ours, vips_proving), [path], rounds)
            _report(name, 1, ours_s, vips_s, f"{VIPS_PEER}, and checksums", VIPS_TARGET)
        _report_peak(name, path)


def _report_peak(name: str, path: Path) -> None:
    """Ingest one master in a child, as a worker does, and report the most memory that it held."""
    end_child()
    in_child(path)
    status = Path(f"/proc/{child_process()}/status").read_text()
    peak_mb = int(status.split("VmHWM:")[1].split()[0]) / 1024
    row = {
        "name": f"{name}: peak memory of the decoding child",
        "value": round(peak_mb),
        "unit": "MB",
        "peer": "limit",
        "peer_value": PEAK_TARGET_MB,
        "ratio": round(peak_mb / PEAK_TARGET_MB, 3),
        "target": "ratio <= 1",
        "holds": peak_mb <= PEAK_TARGET_MB,
    }
    print(json.dumps(row), flush=True)


def _inbox_of_masters(folder: Path, scratch: Path) -> Path:
    """A collection of masters that are all different files, as JPEG."""
    _, first = next(_masters(folder, scratch, MASTER_PX))
    content, inbox = first.read_bytes(), scratch / "inbox"
    (inbox / "masters").mkdir(parents=True)
    for number in range(MASTERS):
        # after the end marker: another file, the same picture
        path = inbox / "masters" / f"{number:03d}.jpg"
        path.write_bytes(content + number.to_bytes(8, "big"))
    return inbox


def _measure_second_run(title: str, folder: Path, scratch: Path, target: float | None) -> None:
    """Take in an inbox, then find that nothing is new: by the functions of the flow."""
    inbox = open_store(str(folder), name="scans", must_exist=True)
    catalog = open_catalog(str(scratch / f"root of {title}"))
    seconds = []
    for _ in range(2):
        start = time.process_time()
        images = sum(_take_in(catalog, inbox, name) for name in collections_in(inbox))
        seconds.append(time.process_time() - start)
        print(f"{images} new files: {seconds[-1]:.2f} CPU-s", file=sys.stderr)
    ratio = seconds[0] / seconds[1]
    row = {
        "name": f"second run over unchanged scans: {title}",
        "value": round(seconds[1], 3),
        "unit": "CPU-s",
        "peer": "first run",
        "peer_value": round(seconds[0], 3),
        "ratio": round(ratio, 1),
        "target": None if target is None else f"ratio >= {target:g}",
        "holds": None if target is None else ratio >= target,
    }
    print(json.dumps(row), flush=True)


def _take_in(catalog: Catalog, inbox: Store, collection: str) -> int:
    known = judged_files(catalog, collection)
    found = [file for file in discover(inbox, collection) if file.role == "scan"]
    new = [file for file in found if (file.path, file.version) not in known]
    inspected = []
    for file in new:
        with inbox.local(file.path) as path:
            for judged in inspect(path, file, MAX_PIXELS, AccessForm("jpeg", LONG_SIDE_PX)):
                if isinstance(judged, Accepted):
                    key = f"access/{collection}/{judged.row['scan_id']}{judged.access_extension}"
                    catalog.store.write(key, judged.access)
                    inspected.append(Inspected(file, judged.row | {"access_path": key}, None))
    if inspected:
        merged = merge(inspected, read_known(catalog), read_metadata(inbox, collection))
        stamp = {"ingested_at": now(), "source_uri": inbox.root}
        catalog.append(SCANS, [row | stamp for row in merged.scans])
        refused = [row | {"source_uri": inbox.root} for row in merged.refused]
        catalog.append(QUARANTINE, refused)
    return len(new)


def _painting(folder: Path, size: tuple[int, int]) -> np.ndarray:
    """A real 4K scan enlarged, with grain, as float (H, W, 3) in [0, 1]."""
    largest = max((folder / "stubbs_4k").iterdir(), key=lambda path: path.stat().st_size)
    picture = Image.fromarray(read_rgb(largest.read_bytes())).resize(size)
    grain = np.random.default_rng(0).normal(0, 0.01, (size[1], size[0], 1))
    return np.clip(np.asarray(picture) / 255 + grain, 0, 1).astype(np.float32)


def _masters(folder: Path, scratch: Path, size: tuple[int, int]) -> Iterator[tuple[str, Path]]:
    picture = _painting(folder, size)
    shallow = np.round(picture * 255).astype(np.uint8)
    for start in range(0, size[1], 500):  # a whole picture of float64 would not fit
        rows = slice(start, start + 500)
        picture[rows] = convert_from_srgb(picture[rows], DISPLAY_P3)
    wide = np.round(picture * 255).astype(np.uint8)
    deep = np.round(picture * 65535).astype(np.uint16)
    del picture
    jpeg, tiff = scratch / "master.jpg", scratch / "master.tif"
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name, pixels, icc in (
        ("JPEG sRGB", shallow, srgb),
        ("JPEG Display P3", wide, profile_bytes(DISPLAY_P3)),
        ("JPEG without a profile", shallow, None),
    ):
        Image.fromarray(pixels).save(jpeg, quality=92, subsampling=0, icc_profile=icc)
        yield name, jpeg
    for compression in ("none", "lzw", "deflate"):
        image_from_array(shallow).write_to_file(str(tiff), compression=compression)
        yield f"TIFF 8 bit {compression}", tiff
    image_from_array(deep, profile_bytes(DISPLAY_P3)).write_to_file(str(tiff))
    yield "TIFF 16 bit Display P3", tiff


# Odd files: made here, with the colours that must come out


def _odd_files(folder: Path, scratch: Path) -> Iterator[tuple[str, Path, np.ndarray | None]]:
    """Name, file, and the sRGB picture to be seen; None for a file that must be refused."""
    picture = _painting(folder, (600, 400))
    shallow = np.round(picture * 255).astype(np.uint8)
    deep = np.round(picture * 65535).astype(np.uint16)
    flat = np.concatenate([deep[..., :1]] * 3, axis=2)
    image = pyvips.Image.new_from_array(shallow)

    def made_by_vips(name: str, made: pyvips.Image, quality: int | None = None) -> Path:
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
    cut = made_by_vips("whole.jpg", image, 95).read_bytes()
    (scratch / "cut.jpg").write_bytes(cut[: len(cut) // 2])
    (scratch / "text.jpg").write_bytes(b"list of works")
    (scratch / "empty.tif").write_bytes(b"")
    yield "16-bit grey TIFF", made_by_vips("grey16.tif", grey16), np.round(flat / 257)
    yield "16-bit RGB TIFF", made_by_vips("rgb16.tif", rgb16), shallow
    yield "AdobeRGB TIFF", saved("a.tif", wide, {"icc_profile": profile_bytes(ADOBE_RGB)}), shallow
    yield (
        "orientation 6",
        saved("o.jpg", np.rot90(shallow), {"exif": turned, "quality": 95}),
        shallow,
    )
    yield "zstd TIFF", saved("z.tif", shallow, {"compression": "zstd"}), shallow
    yield "CIELAB TIFF", made_by_vips("lab.tif", image.colourspace("lab")), shallow
    yield "float TIFF", made_by_vips("float.tif", image.colourspace("scrgb")), shallow
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
