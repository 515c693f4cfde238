"""Measure speed and memory of enhancing whole scans, by their size and beside an untiled forward.

    python benchmarks/enhanced_scans.py --quick
    python benchmarks/enhanced_scans.py

Scans are invented, 16-bit RGB TIFFs, written and read on this disk. Each is enhanced in a process
of its own by networks as large as those of the preset tiny, with random weights. Memory is the
most that the process held, libraries included. The peer is the same denoiser on the whole picture
at once, where that is small enough to try. Prints one JSON line for each result.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
import torch

from artgan.enhance.file import Networks, enhance_file
from artgan.models.finisher import Denoiser, Upscaler
from artgan.models.tone import ToneNetwork
from artgan.presets import PRESETS

CHAINS: dict[str, dict[str, dict[str, Any]]] = {
    "tone": {"tone": {"strength": 1.0}},
    "denoise": {"denoise": {"strength": 0.5}},
    "x2": {"upscale": {"strength": 1.0, "factor": 2}},
}
MOST_MIB = 2048
FLAT = 1.5


def write_scan(path: Path, megapixels: float) -> None:
    """Write an invented 16-bit scan without holding it in memory."""
    side = int((megapixels * 1e6) ** 0.5)
    waves = [pyvips.Image.sines(side, side, hfreq=3 + band, vfreq=5) for band in range(3)]
    noise = pyvips.Image.gaussnoise(side, side, sigma=2000, mean=0)
    picture = waves[0].bandjoin(waves[1:]).linear([12_000] * 3, [30_000] * 3) + noise
    picture.cast("ushort").copy(interpretation="rgb16").tiffsave(str(path), compression="lzw")


def networks() -> Networks:
    """Networks of the preset tiny, whose corrections are not zero."""
    preset = PRESETS["tiny"]
    torch.manual_seed(0)
    made = Networks(
        Denoiser(preset.denoise.widths, preset.denoise.blocks),
        ToneNetwork(preset.tone.width),
        Upscaler(preset.upscale.width, preset.upscale.blocks),
    )
    for network in (made.denoiser, made.tone, made.upscaler):
        assert network is not None
        torch.nn.init.normal_(network.head.weight, std=0.05)
        network.eval()
    return made


def enhanced(scan: str, name: str) -> tuple[float, float]:
    """Enhance a scan; return seconds, and the most memory of this process in MiB."""
    all_ = networks()
    operators = CHAINS[name]
    chosen = Networks(
        denoiser=all_.denoiser if "denoise" in operators else None,
        tone=all_.tone if "tone" in operators else None,
        upscaler=all_.upscaler if "upscale" in operators else None,
    )
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=Path(scan).parent) as folder:
        enhance_file(Path(scan), 1, chosen, operators, folder=Path(folder))
    return time.perf_counter() - started, _memory_mib()


def untiled(scan: str, _: str) -> tuple[float, float]:
    """Denoise a scan as one tensor; return seconds and memory likewise."""
    network = networks().denoiser
    assert network is not None
    started = time.perf_counter()
    codes = pyvips.Image.new_from_file(scan).numpy()
    levels = torch.from_numpy(codes.astype(np.float32)).permute(2, 0, 1)[None] / 65_535
    with torch.inference_mode():
        even = levels[..., : levels.shape[2] // 2 * 2, : levels.shape[3] // 2 * 2]
        made = network(even, 0.5).clamp(0, 1).mul(65_535).round().numpy().astype(np.uint16)
    assert made.shape[1] == 3
    return time.perf_counter() - started, _memory_mib()


def _memory_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def alone(work: Any, scan: Path, name: str) -> tuple[float, float]:  # noqa: ANN401
    """Run in a fresh process, so that memory is that of this one scan."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(work, (str(scan), name))


def say(  # noqa: PLR0913, PLR0917 -- the fields of a line
    name: str, value: float, unit: str, peer: str, peer_value: float, target: str, holds: object
) -> None:
    """Print one result."""
    row = {
        "name": f"enhanced_scans/{name}",
        "value": round(value, 3),
        "unit": unit,
        "peer": peer,
        "peer_value": round(peer_value, 3),
        "ratio": round(value / peer_value, 3),
        "target": target,
        "holds": holds,
    }
    print(json.dumps(row), flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1 and 4 megapixels")
    quick = parser.parse_args().quick
    sizes = (1.0, 4.0) if quick else (10.0, 40.0, 160.0)
    first: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for size in sizes:
            scan = Path(scratch) / f"{size:g}.tif"
            write_scan(scan, size)
            for name in CHAINS:
                seconds, memory = alone(enhanced, scan, name)
                rate = size / seconds
                print(f"{name} {size:g} MP: {seconds:.1f} s, {memory:.0f} MiB", file=sys.stderr)
                if size == sizes[0]:
                    first[name] = memory
                say(f"{name}/{size:g}MP/rate", rate, "MP/s", "one", 1.0, "shown", None)
                flat = memory < MOST_MIB and memory < FLAT * first[name]
                target = f"at most {FLAT} times that of {sizes[0]:g} MP, and 2 GiB"
                peer = f"{sizes[0]:g} MP"
                say(f"{name}/{size:g}MP/memory", memory, "MiB", peer, first[name], target, flat)
            if size == sizes[0]:
                seconds, memory = alone(untiled, scan, "denoise")
                tiled_s = alone(enhanced, scan, "denoise")[0]
                say("denoise/time", tiled_s, "s", "untiled", seconds, "shown", None)
                say("denoise/memory", first["denoise"], "MiB", "untiled", memory, "shown", None)
            scan.unlink()


if __name__ == "__main__":
    main()
