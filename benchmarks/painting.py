"""Measure the stylizers that VGG-19 teaches: exact tiles, what they cost, and what they reach.

    ARTGAN_TEST_DATA=... python benchmarks/painting.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/painting.py --parts=pairs --pair-px=256
    ARTGAN_TEST_DATA=... python benchmarks/painting.py --parts=trainings --seconds=150 --seed=1

Peers are the plain ways: the same painter on the whole picture at once, one tile at a time with
statistics of its own (what cutting by hand gives), a loop of torch.optim.LBFGS over the whole
picture, and colour transfer. Parts: ``tiles``, ``fit`` and ``pairs`` (see `fitting`),
``trainings`` of `fast` and `adain`, measured on held-out works, and ``memory``: files of 10 and
100 megapixels go through `fast` in a process of their own, whose peak is read. ``--quick`` leaves
out memory and all pairs but one. An accelerator serves pairs and trainings. Prints one JSON line
for each result; progress goes to standard error.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyvips
import torch
from fitting import PAIRS, fit_child, fitting, pairs
from held_out import SEED, changes_of, line, read_split, say
from lessons import Lesson, trainings
from stylization import COLLECTIONS

from artgan.errors import MissingAssetError
from artgan.imaging.canvas import ArrayCanvas, windows
from artgan.imaging.tensors import arrays_to_batch
from artgan.metrics.features import Extractor, load_vgg_extractor
from artgan.metrics.tiling import seam_ratio
from artgan.models.painter import Painter
from artgan.presets import PRESETS
from artgan.stylize.color import color_map, measure_canvas
from artgan.stylize.file import stylize_file
from artgan.stylize.paint import paint_own
from artgan.stylize.stylizer import stylize_picture
from artgan.stylize.tiles import Tiles

PARTS = ("tiles", "fit", "pairs", "trainings", "memory")
SIZES_MP = (10, 100)
MOST_OVERHEAD = 1.15
MOST_BYTES = 2e9
MOST_GROWN = 1.2
TILE_PX = 256
Line = dict[str, object]


def untrained() -> Painter:
    """Return a painter of the preset's size, with all of it at work."""
    torch.manual_seed(SEED)
    sizes = PRESETS["tiny"].fast
    painter = Painter(sizes.width, sizes.blocks, own_manner=True)
    painter.get_buffer("style_mean").fill_(0.5)
    painter.get_buffer("style_covariance").mul_(0.04)
    torch.nn.init.normal_(painter.head.weight, std=0.05)
    return painter.eval().requires_grad_(requires_grad=False)


def at_once(painter: Painter, picture: np.ndarray) -> np.ndarray:
    """Paint a whole picture in one call of the network, as other projects do."""
    tint = color_map(measure_canvas(ArrayCanvas(picture)), paint_own(painter).colors)
    with torch.inference_mode():
        tinted = tint(arrays_to_batch([picture])).clamp(0.0, 1.0)
        levels = painter(tinted, painter.own_manner()).clamp(0.0, 1.0)
    return levels[0].mul(255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def best_of(work: Callable[[], object], times: int = 3) -> float:
    """Return the shortest of several times, in seconds of the processor."""
    seconds = []
    for _ in range(times):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


def tiles(picture: np.ndarray) -> list[Line]:
    """Compare tiles with the whole: difference, seams, time."""
    painter = untrained()
    whole = at_once(painter, picture)
    tiled = stylize_picture(paint_own(painter), picture, tiles=Tiles(TILE_PX))
    by_hand = np.empty_like(picture)
    for window in windows(picture.shape[:2], TILE_PX):
        part = np.ascontiguousarray(picture[window.slices])
        by_hand[window.slices] = at_once(painter, part)
    borders = [range(TILE_PX, side, TILE_PX) for side in picture.shape[:2]]
    ours, theirs = (seam_ratio(made, whole, *borders) for made in (tiled, by_hand))
    apart = float(np.abs(tiled.astype(int) - whole).max())
    plain_s = best_of(lambda: at_once(painter, picture))
    tiled_s = best_of(lambda: stylize_picture(paint_own(painter), picture))
    megapixels = picture.shape[0] * picture.shape[1] / 1e6
    hand = "tiles cut by hand"
    return [
        line(
            *("painting/tiles/largest_difference", apart, "levels of 255", hand),
            *(float(np.abs(by_hand.astype(int) - whole).max()), "at most 1, by rounding"),
            holds=apart <= 1,
        ),
        line(
            *("painting/tiles/seam_ratio", ours, "", hand, theirs, "1.00 +- 0.01"),
            holds=abs(ours - 1) <= 0.01,
        ),
        line(
            *("painting/throughput/fast", megapixels / tiled_s, "MP per CPU s", "whole at once"),
            *(megapixels / plain_s, f"at most {MOST_OVERHEAD - 1:.0%} slower"),
            holds=tiled_s <= MOST_OVERHEAD * plain_s,
        ),
    ]


def memory() -> list[Line]:
    """Read the peak memory of processes that send files of two sizes through `fast`."""
    lines, grown = [], []
    for megapixels in SIZES_MP:
        command = [sys.executable, __file__, "--child", str(megapixels)]
        found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        used, start, seconds = json.loads(found)
        grown.append(used)
        say(f"{megapixels} megapixels: {seconds:.0f} CPU s")
        lines.append(
            line(
                *(f"painting/memory/{megapixels}_megapixels", used / 1e9, "GB"),
                *("before the picture", start / 1e9, f"below {MOST_BYTES / 1e9:g} GB"),
                holds=used < MOST_BYTES,
            )
        )
    lines.append(
        line(
            *("painting/memory/grown", grown[1] / 1e9, "GB at 100 megapixels", "at 10"),
            *(grown[0] / 1e9, f"at most {MOST_GROWN:g} times"),
            holds=grown[1] <= MOST_GROWN * grown[0],
        )
    )
    return lines


def child(megapixels: int) -> None:
    """Send a file of noise and shades through `fast`; print peak and starting memory in bytes."""
    side = round((megapixels * 1e6) ** 0.5)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shades = pyvips.Image.xyz(side, side) / side * 200
        noise = pyvips.Image.gaussnoise(side, side, sigma=15, mean=20)
        picture = shades[0].bandjoin([shades[1], noise + shades[0] / 2]).cast("uchar")
        picture.copy(interpretation="srgb").write_to_file(
            str(folder / "scan.tif"), bigtiff=True, tile=True, compression="deflate"
        )
        start = _peak_bytes()
        work = folder / "work"
        work.mkdir()
        stylize_file(folder / "scan.tif", 1, paint_own(untrained()), folder=work)
    print(json.dumps([_peak_bytes(), start, time.process_time()]))


def _peak_bytes() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def report(lines: list[Line]) -> None:
    """Print results as they come."""
    for result in lines:
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


def asked() -> argparse.Namespace:
    """Read the command line; lists are parted by commas, so that run.py passes them on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short trainings, under a minute")
    parser.add_argument("--parts", default=",".join(PARTS), help="which of them")
    parser.add_argument("--steps", type=int, default=200, help="steps of the trainings")
    parser.add_argument("--seconds", type=float, default=0.0, help="steps as many as fit in")
    parser.add_argument("--set", default="", help="fields of the presets, as width=24,batch=8")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--pair", type=int, choices=range(len(PAIRS)), help="the only one")
    parser.add_argument("--pair-px", type=int, default=128, help="long side of the pairs")
    parser.add_argument("--pair-steps", type=int, default=60, help="steps at each scale")
    parser.add_argument("--pictures", type=Path, help="folder of sheets")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--fit", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def optim(root: Path, extractor: Extractor, chosen: argparse.Namespace) -> None:
    """Measure `optim`."""
    small = {n: read_split(root / "scans" / n, 128, most=3) for n in ("van_gogh", "old_masters")}
    style, content = (small[name].test[0] for name in small)
    if "fit" in chosen.parts:
        report(fitting(extractor, content[:128, :128], style, 8 if chosen.quick else 100))
    if "pairs" in chosen.parts:
        size, steps = (96, 24) if chosen.quick else (chosen.pair_px, chosen.pair_steps)
        every = PAIRS[:1] if chosen.quick else PAIRS
        for pair in every if chosen.pair is None else [PAIRS[chosen.pair]]:
            report(pairs(root, pair, size, steps, chosen.pictures))


def painters(
    root: Path, extractor: Extractor, chosen: argparse.Namespace, changes: dict[str, str]
) -> None:
    """Train painters of one style and of any."""
    if torch.cuda.is_available():
        extractor.network.to("cuda")
    side_px = int(changes.get("short_side_px", PRESETS["tiny"].fast.short_side_px))
    names = [n for n in COLLECTIONS if not (chosen.quick and n == "monet_256")]  # 300 scans
    most = 12 if chosen.quick else None
    splits = {n: read_split(root / "scans" / n, side_px, most=most) for n in names}
    steps = 8 if chosen.quick else chosen.steps
    lesson = Lesson(steps, chosen.seconds, changes, chosen.seed, chosen.pictures)
    report(trainings(splits, extractor, lesson))


def main() -> None:
    """Measure and print."""
    chosen = asked()
    torch.set_num_threads(min(2, torch.get_num_threads()))
    if chosen.child or chosen.fit:
        child(chosen.child) if chosen.child else fit_child(chosen.fit)
        return
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if folder is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    if chosen.pictures is not None:
        chosen.pictures.mkdir(parents=True, exist_ok=True)
    started, root = time.monotonic(), Path(folder)
    changes = {"crop_px": "64", "batch": "2"} if chosen.quick else {}
    changes |= changes_of(chosen.set)
    if "tiles" in chosen.parts:
        work = read_split(root / "scans" / "old_masters", 128, most=3).test[0][:128, :128]
        times = 4 if chosen.quick else 8
        report(tiles(np.tile(work, (times, times, 1))))
    side_px = int(changes.get("short_side_px", PRESETS["tiny"].fast.short_side_px))
    extractor = load_vgg_extractor(str(root / "weights"), side_px)
    assert extractor is not None, "the folder of weights holds VGG-19"
    optim(root, extractor, chosen)
    if "trainings" in chosen.parts:
        painters(root, extractor, chosen, changes)
    if "memory" in chosen.parts and not chosen.quick:
        report(memory())
    say(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
