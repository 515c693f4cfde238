"""Stylize an archive in bulk: how fast beside a loop, and whether kills and full memory cost items.

    ARTGAN_TEST_DATA=... python benchmarks/bulk.py [--quick]
    ARTGAN_TEST_DATA=... python benchmarks/bulk.py --root ARCHIVE

Runs ``artgan stylize`` as a user does: every work of the real scans in the colours of two
collections. ``--root`` names an archive of them, which is copied; without it they are ingested
first. Time is processor time of all processes, less that of a run that finds nothing to do, so that
what else the machine does counts little.

The loop makes the same files one after the other, in this process and by the same functions: for
each style it measures the works of the style once, and for each picture it reads the access copy at
the size asked for, gives it the colours, writes a PNG with its packet of provenance, and nothing
else. It has no catalog, no digests, no hash of what a file looks like, nothing to resume from, and
stops at the first error. Prints one JSON line for each result.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from held_out import line, say

from artgan.catalog.schema import OUTPUTS
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.works import Work, access_size, load_pictures, works
from artgan.errors import MissingAssetError
from artgan.imaging.read import read_rgb
from artgan.imaging.write import png_bytes
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet
from artgan.stylize.color import ColorStylizer, measure_colors, pool_colors
from artgan.stylize.stylizer import stylize_picture

STYLES = ("monet_256", "ukiyo_e")
LONG_SIDE_PX = 512
KILLS = (0.2, 0.4)
"""Parts of the files that are there when a run is killed."""
LEAST_OF_LOOP = 0.85
_STATISTICS_SIDE_PX = 64
_EACH_ANEW = 12
_FULL_MEMORY = """
import sys
import torch
from artgan.stylize.stylizer import Source
from flows.__main__ import run
whole, pictures = Source.levels, [0]
def levels(self, window):
    if not hasattr(self, "number"):
        pictures[0] += 1
        self.number = pictures[0]
    if self.number % 3 == 0 and max(window.size) > 96:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    return whole(self, window)
Source.levels = levels
sys.exit(run(sys.argv[1:]))
"""


@dataclass(frozen=True)
class Place:
    """Where runs happen: an archive, and where Prefect keeps what it knows."""

    root: Path
    home: Path

    def start(self, contents: int, code: str | None = None) -> subprocess.Popen[bytes]:
        """Start a bulk run at the head of a group of processes."""
        flags = ["stylize", "--root", str(self.root), "--contents", str(contents)]
        flags += ["--methods", "color", "--long-side-px", str(LONG_SIDE_PX)]
        flags += ["--collections", ",".join(STYLES)]
        flags += ["--contents-from", ",".join(collections(self.root))]
        quiet = {"PREFECT_HOME": str(self.home), "PREFECT_LOGGING_LEVEL": "ERROR"}
        return subprocess.Popen(
            [sys.executable, *(("-c", code) if code else ("-m", "flows")), *flags],
            env=os.environ | quiet | {"OMP_NUM_THREADS": "1"},
            start_new_session=True,
            stdout=sys.stderr,
        )

    def spend(self, contents: int, code: str | None = None) -> float:
        """Run to the end; return its processor time in seconds."""
        process = self.start(contents, code)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"a run ended with {process.returncode}")
        return used.ru_utime + used.ru_stime

    def files(self) -> dict[str, bytes]:
        """Return what lies below outputs."""
        below = self.root / "outputs" / "stylized"
        return {str(one.relative_to(below)): one.read_bytes() for one in below.rglob("*.png")}

    def rows(self) -> dict[str, str]:
        """Return the digests of the files in the catalog, by output_id.

        Raises:
            SystemExit: One stands there twice, or was not made.
        """
        found = open_catalog(str(self.root)).rows(OUTPUTS)
        if len({row["output_id"] for row in found}) != len(found):
            raise SystemExit("a file stands in the catalog twice")
        return {row["output_id"]: row["output_sha256"] for row in found if row["status"] == "ok"}


def collections(root: Path) -> list[str]:
    """Return the collections of an archive."""
    return sorted({work["collection"] for work in works(open_catalog(str(root)))})


def ingested(given: Path | None, folder: Path, home: Path) -> Path:
    """Return an archive of the real scans without any outputs."""
    root = folder / "root"
    if given is not None:
        shutil.copytree(given, root)
        return root
    data = os.environ.get("ARTGAN_TEST_DATA")
    if data is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    command = [sys.executable, "-m", "flows", "ingest", "--root", str(root)]
    environment = os.environ | {"PREFECT_HOME": str(home), "PREFECT_LOGGING_LEVEL": "ERROR"}
    subprocess.run(
        [*command, "--inbox", f"{data}/scans"], env=environment, check=True, stdout=sys.stderr
    )
    return root


def killed(place: Place, contents: int, expected: int) -> int:
    """Run, killed at some moments, to the end; return how many files lay there at each kill."""
    for part in KILLS:
        process = place.start(contents)
        below = place.root / "outputs" / "stylized"
        while process.poll() is None:
            if sum(1 for _ in below.rglob("*.png")) >= part * expected:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                break
            time.sleep(0.05)
        say(f"killed with {len(place.files())} of {expected} files, {len(place.rows())} in rows")
        if process.returncode != -signal.SIGKILL:
            raise SystemExit("a run ended before it was killed")
    place.spend(contents)
    return len(KILLS)


def loop(catalog: Catalog, chosen: list[Work], *, anew: bool) -> tuple[float, float]:
    """Render pictures one after the other; return megapixels and seconds of processor time.

    Args:
        catalog: The archive.
        chosen: Works to render in each style.
        anew: Whether the style is measured for each picture, as stylize-datasets does.
    """
    megapixels, started = 0.0, time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        for name in STYLES:
            paths = [work["access_path"] for work in works(catalog, name, "train")]
            colors = None
            for number, work in enumerate(chosen):
                if colors is None or anew:
                    styles = load_pictures(catalog.store, paths, _STATISTICS_SIDE_PX)
                    colors = pool_colors([measure_colors(one) for one in styles])
                scale = min(1.0, LONG_SIDE_PX / max(access_size(work)))
                short_px = max(1, round(scale * min(access_size(work))))
                picture = read_rgb(catalog.store.read(work["access_path"]), short_px)
                made = stylize_picture(ColorStylizer(colors), picture)
                note = Provenance(work["scan_id"], title=work["title"], note=name)
                packet = xmp_packet(DigitalSourceType.ALGORITHMICALLY_ENHANCED, note)
                Path(folder, f"{number}.png").write_bytes(png_bytes(made, packet))
                megapixels += made.shape[0] * made.shape[1] / 1e6
    return megapixels, time.process_time() - started


def speeds(place: Place, contents: int, busy_s: float) -> list[dict[str, object]]:
    """Compare a bulk run of some processor time with loops over the same pictures."""
    idle_s = place.spend(contents)
    catalog = open_catalog(str(place.root))
    chosen = works(catalog)[:contents]
    megapixels, loop_s = loop(catalog, chosen, anew=False)
    few, anew_s = loop(catalog, chosen[:_EACH_ANEW], anew=True)
    made = sum(row["width_px"] * row["height_px"] for row in catalog.rows(OUTPUTS)) / 1e6
    say(f"{made:.1f} MP in {busy_s:.1f} s, idle {idle_s:.1f} s")
    say(f"{megapixels:.1f} MP by a loop in {loop_s:.1f} s")
    bulk = made / (busy_s - idle_s)
    peers = {
        "loop": ("a plain loop, style measured once", megapixels / loop_s, LEAST_OF_LOOP),
        "loop_anew": ("a loop, style measured for each picture", few / anew_s, 1.0),
    }
    return [
        line(
            f"bulk/throughput/color/{name}",
            bulk,
            "MP per processor second",
            peer,
            value,
            f"at least {least:g} of it",
            holds=bulk >= least * value,
        )
        for name, (peer, value, least) in peers.items()
    ]


def disturbances(
    folder: Path, undisturbed: Place, archive: Path, contents: int
) -> list[dict[str, object]]:
    """Compare runs that are killed, and runs out of memory, with one that nothing disturbs."""
    rows, files = undisturbed.rows(), undisturbed.files()
    lines = []
    for name in ("kills", "out_of_memory"):
        place = Place(folder / name, undisturbed.home)
        shutil.copytree(archive, place.root)
        if name == "kills":
            killed(place, contents, len(rows))
        else:
            place.spend(contents, _FULL_MEMORY)
        same = place.rows() == rows and place.files() == files
        lines.append(
            line(
                f"bulk/{name}",
                len(place.rows()),
                "items, each once",
                "an undisturbed run",
                len(rows),
                "the same bytes",
                holds=same,
            )
        )
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="24 works, and nothing is killed")
    parser.add_argument("--root", type=Path, help="archive of the real scans, which is copied")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    contents = 24 if chosen.quick else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "home"
        upgrade = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
        environment = os.environ | {"PREFECT_HOME": str(home)}
        subprocess.run(upgrade, check=True, env=environment, stdout=subprocess.DEVNULL)
        root = ingested(chosen.root, folder, home)
        untouched = folder / "untouched"
        shutil.copytree(root, untouched)
        place = Place(root, home)
        busy_s = place.spend(contents)
        lines = speeds(place, contents, busy_s)
        if not chosen.quick:
            lines += disturbances(folder, place, untouched, contents)
    for result in lines:
        sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
