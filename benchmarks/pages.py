"""How long the report of a large catalog takes to write, and how much memory: works by the number.

    python benchmarks/pages.py --quick
    python benchmarks/pages.py --works 100000

The works are rows only: their thumbnails are put there beforehand, since making them is a cost of
decoding, once for each scan, whose rate is told apart. Prints one JSON line for each result.
"""

import argparse
import hashlib
import json
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime

import numpy as np

from artgan.catalog.schema import SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.imaging.write import access_copy, thumbnail_jpeg
from artgan.report.site import build_site
from artgan.report.snapshot import scan_source
from artgan.report.thumbs import FOLDER, LARGE_PX, SMALL_PX, open_thumbnails

_SIZE = (3000, 4000)
_BATCH = 20_000
_RUN = "report-00001-benchmark"


def scan_row(number: int, collection: str) -> dict[str, object]:
    """Return the row of an invented scan."""
    name = hashlib.sha256(str(number).encode()).hexdigest()
    return {
        "scan_id": name,
        "collection": collection,
        "source_path": f"{collection}/plate {number:06d}.tif",
        "source_uri": "inbox",
        "source_bytes": 1,
        "format": "tiff",
        "width_px": _SIZE[1],
        "height_px": _SIZE[0],
        "bit_depth": 8,
        "accession_number": f"1889.{number}",
        "title": f"Plate {number}, view of the river",
        "artist": f"Hand {number % 300}",
        "date_text": "c. 1888",
        "year_from": 1886,
        "year_to": 1890,
        "medium": "etching",
        "rights": "Public domain",
        "duplicate_group": name,
        "split": ("train", "train", "val", "test")[number % 4],
        "access_path": f"access/{collection}/{name}.jpg",
        "metadata_json": '{"Credit line": "Gift of the heirs"}',
        "ingested_at": datetime(2026, 3, 1, tzinfo=UTC),
    }


def fill(catalog: Catalog, works: int) -> None:
    """Add rows and thumbnails."""
    picture = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    small = thumbnail_jpeg(picture, SMALL_PX)
    for start in range(0, works, _BATCH):
        rows = [scan_row(n, "large") for n in range(start, min(works, start + _BATCH))]
        catalog.append(SCANS, rows)
        for row in rows:
            for side in (SMALL_PX, LARGE_PX):
                name = str(row["scan_id"])
                catalog.store.write(f"{FOLDER}/{side}/{name[:2]}/{name}.jpg", small)


def decode_rate(catalog: Catalog, count: int) -> float:
    """Return thumbnails a second, made of access copies of 12 megapixels."""
    noise = np.random.default_rng(1).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    picture = np.repeat(np.repeat(noise, 10, axis=0), 10, axis=1)
    content = access_copy(picture)[0]
    rows = [scan_row(-1 - number, "decoded") for number in range(count)]
    for row in rows:
        catalog.store.write(str(row["access_path"]), content)
    thumbnails = open_thumbnails(catalog.store)
    started = time.perf_counter()
    for row in rows:
        source = scan_source(row | {"access_width_px": 4000, "access_height_px": 3000})
        thumbnails.whole(source)
        thumbnails.whole(source, LARGE_PX)
    return 2 * count / (time.perf_counter() - started)


def say(name: str, value: float, unit: str, target: float | None) -> None:
    """Print a result; a target is the most that a report may take."""
    line = {"name": name, "value": round(value, 2), "unit": unit, "peer": "budget"}
    holds = None if target is None else value <= target
    line |= {"peer_value": target, "ratio": None, "target": target, "holds": holds}
    print(json.dumps(line), flush=True)


def main() -> int:
    """Fill an archive, write its report twice, and print times, sizes and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--works", type=int, default=100_000, help="works in the catalog")
    parser.add_argument("--quick", action="store_true", help="a tenth of the works")
    given = parser.parse_args()
    works = given.works // 10 if given.quick else given.works
    with tempfile.TemporaryDirectory(prefix="artgan-") as folder:
        catalog = open_catalog(folder)
        fill(catalog, works)
        for name, target in (("first report", 300.0), ("report without news", None)):
            wall, cpu = time.perf_counter(), time.process_time()
            build_site(catalog, _RUN)
            say(f"{name} of {works:,} works", time.perf_counter() - wall, "s", target)
            say(f"{name} of {works:,} works, CPU", time.process_time() - cpu, "s", None)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        say("peak memory", peak_mb, "MB", 2000)
        pages = [e for e in catalog.store.entries("reports") if e.key.endswith(".html")]
        say("largest page", max(entry.size for entry in pages) / 1000, "kB", 300)
        say("pages", len(pages), "pages", None)
        say("thumbnails of 12 megapixels", decode_rate(catalog, 20), "1/s", None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
