"""Measure how restoration grows with the scan: speed and memory beside others, memory by size.

    ARTGAN_TEST_DATA=... python benchmarks/restoration_size.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/restoration_size.py

Scans are made of real ones laid side by side, 16 bits with noise in the low ones, as uncompressed
TIFF; damage is scratches, flakes and a deep loss, light where memory is measured and heavy where
speed is. Each figure comes from a process of its own, of one thread: its processor time without
imports, and the most memory that it ever held (VmHWM of /proc), of which some 550 MiB are torch,
OpenCV and libvips themselves.

* Memory of everything that leaves the studio for a scan of 10, 40, 100 and 400 megapixels.
* Speed and memory of filling in memory, 8 bits: tiled, by one forward of the whole frame, and by
  ``cv2.inpaint``; the network is that of the preset tiny, untrained, which costs the same.

Prints one JSON line for each result; everything else goes to standard error.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyvips
import torch

from artgan.errors import MissingAssetError
from artgan.imaging.decode import scan_array
from artgan.imaging.read import read_mask
from artgan.models.classical import inpaint
from artgan.models.filler import Filler
from artgan.models.prefill import push_pull
from artgan.presets import PRESETS
from artgan.restore.fill import Filling, fill_scan, run_filler
from artgan.restore.product import Order, make_product

SIZES, QUICK_SIZES = (10, 40, 100, 400), (4, 16)
SPEED_MEGAPIXELS, QUICK_SPEED_MEGAPIXELS = 8, 1
MOST_MIB = 2000  # 2 GB, rounded down
FLAT = 1.5  # times the memory of the smallest scan
LIGHT, HEAVY = (1, 8), (12, 60)  # scratches and flakes in each 10 megapixels
BLOCK_PX = 3162  # side of 10 megapixels
METHODS = ("tiled", "whole frame", "telea", "navier_stokes")


def main() -> int:
    """Run the measurements, or one of them where a parent asks; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small scans, under a minute")
    parser.add_argument("--only", choices=["memory", "speed"], help="half of it")
    parser.add_argument("--child", nargs=3, metavar=("WHAT", "SCAN", "MASK"))
    chosen = parser.parse_args()
    if chosen.child:
        what, scan, mask = chosen.child
        print(json.dumps(_measured(what, Path(scan), Path(mask))))
        return 0
    with tempfile.TemporaryDirectory(prefix="artgan-bench-") as folder:
        if chosen.only != "speed":
            _memory(Path(folder), QUICK_SIZES if chosen.quick else SIZES)
        if chosen.only != "memory":
            _speed(Path(folder), QUICK_SPEED_MEGAPIXELS if chosen.quick else SPEED_MEGAPIXELS)
    return 0


def _memory(folder: Path, sizes: tuple[int, ...]) -> None:
    first = 0.0
    for megapixels in sizes:
        scan, mask = _damaged(folder, megapixels, 16, LIGHT)
        found = _in_child("product", scan, mask)
        scan.unlink()
        first = first or found["MiB"]
        line = _line(f"restoration/memory/{megapixels}_megapixels", found["MiB"], "MiB")
        limit = f"at most {MOST_MIB} MiB and {FLAT} times the first"
        holds = found["MiB"] <= min(MOST_MIB, FLAT * first)
        _say(line | _peer(f"{sizes[0]} megapixels", first, found["MiB"], limit, holds=holds))
        rate = found["megapixels"] / found["s"]
        line = _line(f"restoration/product_speed/{megapixels}_megapixels", rate, "Mpx/s")
        _say(line | _peer("processor seconds", found["s"], found["s"], "none"))


def _speed(folder: Path, megapixels: int) -> None:
    scan, mask = _damaged(folder, megapixels, 8, HEAVY)
    found = {method: _in_child(method, scan, mask) for method in METHODS}
    ours = found["tiled"]
    rate = {method: one["megapixels"] / one["s"] for method, one in found.items()}
    for method in METHODS[1:]:
        name = method.replace(" ", "_")
        line = _line(f"restoration/fill_speed/beside_{name}", rate["tiled"], "Mpx/s")
        _say(line | _peer(method, rate[method], rate["tiled"], "none"))
        line = _line(f"restoration/fill_memory/beside_{name}", ours["MiB"], "MiB")
        is_peer = method == "whole frame"
        holds = ours["MiB"] < found[method]["MiB"] if is_peer else None
        target = "less than peer" if is_peer else "none"
        _say(line | _peer(method, found[method]["MiB"], ours["MiB"], target, holds=holds))


def _line(name: str, value: float, unit: str) -> dict[str, Any]:
    return {"name": name, "value": round(value, 3), "unit": unit}


def _peer(
    name: str, peer: float, value: float, target: str, *, holds: bool | None = None
) -> dict[str, Any]:
    ratio = round(value / peer, 4)
    same = {"peer": name, "peer_value": round(peer, 3), "ratio": ratio}
    return same | {"target": target, "holds": holds}


def _say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def _in_child(what: str, scan: Path, mask: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", what, str(scan), str(mask)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    print(f"{what}, {scan.name}: {found}", file=sys.stderr)
    return found


def _measured(what: str, scan: Path, mask: Path) -> dict[str, float]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    preset = PRESETS["tiny"].restoration
    filler = Filler(preset.widths, preset.blocks).eval()
    header = pyvips.Image.new_from_file(str(scan))
    megapixels = header.width * header.height / 1e6
    seconds = _product(scan, mask, filler) if what == "product" else _fill(what, scan, mask, filler)
    return {"megapixels": megapixels, "s": round(seconds, 2), "MiB": round(_most_memory_mib())}


def _product(scan: Path, mask: Path, filler: Filler) -> float:
    with tempfile.TemporaryDirectory(dir=scan.parent) as folder:
        out, scratch = Path(folder) / "out", Path(folder) / "scratch"
        out.mkdir()
        scratch.mkdir()
        started = time.process_time()
        order = Order(scan, 1, mask, "delivered", None, {})
        made = make_product(order, Filling(filler), {"fill": {"strength": 1.0}}, out, scratch)
        seconds = time.process_time() - started
        print(made, file=sys.stderr)
        return seconds


def _fill(method: str, scan: Path, mask: Path, filler: Filler) -> float:
    pixels, lost = scan_array(scan)[0], read_mask(mask.read_bytes())
    started = time.process_time()
    match method:
        case "tiled":
            fill_scan(pixels, lost, filler)
        case "whole frame":
            _forward(pixels, lost, filler)
        case "telea" | "navier_stokes":
            inpaint(pixels, lost, method)
    return time.process_time() - started


@torch.inference_mode()
def _forward(pixels: np.ndarray, lost: np.ndarray, filler: Filler) -> None:
    """Fill as most programs do: the whole picture at once."""
    images = torch.from_numpy(pixels).permute(2, 0, 1)[None].float().div_(255.0)
    holes = torch.from_numpy(lost)[None, None].float()
    filled = run_filler(filler, push_pull(images, holes), holes)
    torch.where(holes > 0.5, filled, images).mul_(255.0).round_().to(torch.uint8).numpy()


def _most_memory_mib() -> float:
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _damaged(
    folder: Path, megapixels: int, bits: int, strokes: tuple[int, int]
) -> tuple[Path, Path]:
    """Write a scan and its mask; nothing of either is ever whole in memory."""
    side = round((megapixels * 1e6) ** 0.5) // 32 * 32
    scan, mask = (folder / f"{megapixels}-{bits}.{kind}" for kind in ("tif", "png"))
    picture = _real().crop(0, 0, 2048, 2048)
    across = -(-side // 2048)
    image = picture.replicate(across, across).crop(0, 0, side, side)
    if bits == 16:
        noise = pyvips.Image.gaussnoise(side, side, sigma=60, mean=0)
        image = (image * 250 + noise + 400).cast("ushort").copy(interpretation="rgb16")
    image.tiffsave(str(scan), bigtiff=True, tile=True)
    block = min(side, BLOCK_PX)
    damage = pyvips.Image.new_from_array(_damage(block, strokes))
    times = -(-side // block)
    damage.replicate(times, times).crop(0, 0, side, side).pngsave(str(mask))
    return scan, mask


def _real() -> pyvips.Image:
    root = os.environ.get("ARTGAN_TEST_DATA")
    if root is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    path = sorted((Path(root) / "scans/stubbs_4k").iterdir())[0]
    return pyvips.Image.new_from_file(str(path))


def _damage(side: int, strokes: tuple[int, int]) -> np.ndarray:
    """Draw the damage of one block: so many scratches and flakes, and one loss 200 px across."""
    drawn, rng = np.zeros((side, side), np.uint8), np.random.default_rng(0)
    for _ in range(strokes[0]):
        x, y, to_x, to_y = (int(value) for value in rng.integers(0, side, 4))
        cv2.line(drawn, (x, y), (to_x, to_y), 255, 3)
    for _ in range(strokes[1]):
        x, y, radius = (int(value) for value in rng.integers([0, 0, 3], [side, side, 14]))
        cv2.circle(drawn, (x, y), radius, 255, -1)
    cv2.circle(drawn, (side // 2, side // 3), min(100, side // 10), 255, -1)
    return drawn


if __name__ == "__main__":
    sys.exit(main())
