"""Measure the stylizers that VGG-19 teaches: exact tiles, what they cost, and what they reach.

    ARTGAN_TEST_DATA=... python benchmarks/painting.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/painting.py --steps 400

Peers are the plain ways: the same painter on the whole picture at once, one tile at a time with
statistics of its own (what cutting by hand gives), a loop of torch.optim.LBFGS over the whole
picture, and colour transfer. Without ``--quick`` files of 10 and 100 megapixels go through `fast`
in a process of their own, whose peak memory is read. Prints one JSON line for each result;
progress goes to standard error.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyvips
import torch
from held_out import SEED, Split, read_split, say
from simulation import line
from stylization import COLLECTIONS, QUICK, others, run

from artgan.errors import MissingAssetError
from artgan.imaging.canvas import ArrayCanvas, windows
from artgan.imaging.read import read_rgb
from artgan.imaging.tensors import arrays_to_batch
from artgan.metrics.features import Extractor, load_vgg_extractor
from artgan.metrics.perceptual import gram_distance
from artgan.metrics.tiling import seam_ratio
from artgan.metrics.vgg import Vgg19Conv34
from artgan.models.painter import Painter
from artgan.presets import PRESETS, FastPreset
from artgan.stylize.color import ColorStylizer, color_map, measure_canvas, measure_colors
from artgan.stylize.file import stylize_file
from artgan.stylize.losses import content_loss, gram, gram_loss, mean_grams
from artgan.stylize.optim import Fit, OptimStylizer
from artgan.stylize.paint import paint_own
from artgan.stylize.stylizer import stylize_picture
from artgan.stylize.tiled_loss import Weights
from artgan.stylize.tiles import Tiles
from artgan.training.painting import build_adain, build_fast
from artgan.training.sides import Sides

MOST_OVERHEAD = 1.15
MOST_BYTES = 2e9
TILE_PX = 256
PAIRS = (
    ("old_masters", 3, "van_gogh", 2),
    ("monet_256", 5, "ukiyo_e", 4),
    ("van_gogh", 7, "monet_256", 11),
    ("ukiyo_e", 9, "old_masters", 8),
    ("old_masters", 12, "ukiyo_e", 15),
)
"""Content and style: a collection and the number of a file in it, each."""
PAIR_PX = 128
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
    """Return the shortest of several times, in seconds."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
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
            *("painting/throughput/fast", megapixels / tiled_s, "MP/s", "whole at once"),
            *(megapixels / plain_s, f"at most {MOST_OVERHEAD - 1:.0%} slower"),
            holds=tiled_s <= MOST_OVERHEAD * plain_s,
        ),
    ]


def fitting(extractor: Extractor, content: np.ndarray, style: np.ndarray, steps: int) -> list[Line]:
    """Compare a fit with a plain loop in time, and with its start and colour in distance."""
    network = extractor.network
    assert isinstance(network, Vgg19Conv34), "asked for by name"
    targets = mean_grams(network, [arrays_to_batch([style])])

    def distance(picture: np.ndarray) -> float:
        found = [gram(one) for one in network.maps(arrays_to_batch([picture]))]
        return float(gram_loss(found, targets))

    def plain() -> None:
        image = arrays_to_batch([content]).requires_grad_()
        wanted = network.maps(image.detach())[-1]
        optimizer = torch.optim.LBFGS([image], lr=1, max_iter=1, history_size=10)

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            maps = network.maps(image)
            loss = gram_loss([gram(one) for one in maps], targets)
            loss = loss + Weights().content * content_loss(maps[-1], wanted)
            loss.backward()
            return loss

        for _ in range(steps):
            optimizer.step(closure)

    started = time.perf_counter()
    result = stylize_picture(OptimStylizer(network, [style], Fit(steps=steps)), content)
    ours_s = (time.perf_counter() - started) / steps
    plain_s = best_of(plain, 1) / steps
    color = stylize_picture(ColorStylizer(measure_colors(style)), content)
    near = distance(result) / distance(content)
    apart = [float(gram_distance(extractor, [one], [style])[0]) for one in (result, color)]
    return [
        line(
            *("painting/optim/seconds_per_step", ours_s, "s", "plain loop", plain_s),
            "at most twice: the Gram matrices are pooled before the gradient",
            holds=ours_s <= 2 * plain_s,
        ),
        line(
            *("painting/optim/style_left", near, "part of the start's Gram loss", "start", 1.0),
            "below a tenth",
            holds=near < 0.1,
        ),
        line(
            *("painting/optim/gram_distance", apart[0], "", "color", apart[1], "below peer"),
            holds=apart[0] < apart[1],
        ),
    ]


def read_long(folder: Path, number: int) -> np.ndarray:
    """Read a collection's file by its number, made small."""
    picture = read_rgb(sorted(folder.iterdir())[number].read_bytes(), 600)
    height, width = picture.shape[:2]
    scale = PAIR_PX / max(height, width)
    size = round(width * scale), round(height * scale)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def pairs(scans: Path, extractor: Extractor, steps: int) -> list[Line]:
    """Fit works of five pairs of collections; compare Gram distances with the start's."""
    network = extractor.network
    assert isinstance(network, Vgg19Conv34), "asked for by name"
    lines = []
    for of, content_number, to, style_number in PAIRS:
        content = read_long(scans / of, content_number)
        style = read_long(scans / to, style_number)
        targets = mean_grams(network, [arrays_to_batch([style])])

        def distance(picture: np.ndarray, targets: Sequence[torch.Tensor] = targets) -> float:
            maps = network.maps(arrays_to_batch([picture]))
            parts = [
                (gram(one) - goal).norm() / goal.norm()
                for one, goal in zip(maps, targets, strict=True)
            ]
            return float(torch.stack(parts).mean())

        fit = Fit(steps=steps, coarsest_px=PAIR_PX // 4)
        made = stylize_picture(OptimStylizer(network, [style], fit), content)
        color = stylize_picture(ColorStylizer(measure_colors(style)), content)
        start = distance(content)
        ours, theirs = (distance(picture) / start for picture in (made, color))
        lines.append(
            line(
                *(f"painting/optim/pair/{of}_to_{to}", ours, "part of the start's Gram distance"),
                *("color", theirs, "below a tenth"),
                holds=ours < 0.1,
            )
        )
    return lines


def trainings(
    splits: dict[str, Split], extractor: Extractor, preset: FastPreset, steps: int
) -> list[Line]:
    """Train a painter of one style and one of any, and compare them with colour transfer."""
    style, content = splits[QUICK], others(splits, QUICK)
    sides = Sides(style.train, style.test, content.train, content.test)
    works = [work for split in splits.values() for work in split.train]
    held = [work for split in splits.values() for work in split.test[:4]]
    mixed = [held[n] for n in np.random.default_rng(SEED).permutation(len(held))]
    adain = replace(PRESETS["tiny"].adain, crop_px=preset.crop_px, batch=preset.batch)
    found = {
        "fast": build_fast(sides, preset, steps, SEED, None, extractor),
        "adain": build_adain(works, mixed, adain, steps, SEED, None, extractor),
    }
    lines = []
    for name, trainee in found.items():
        end = run(trainee, steps, name, None, (1.0,))[-1]
        say(f"{name}: {end}")
        ours, peer = end["gram_distance"], end["color_gram_distance"]
        lines.append(
            line(
                *(f"painting/gram_distance/{name}", ours, "", "color", peer, "below peer"),
                holds=ours < peer,
            )
        )
    return lines


def memory(megapixels: int) -> list[Line]:
    """Read the peak memory of a process that sends a file through `fast`."""
    command = [sys.executable, __file__, "--child", str(megapixels)]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    used, start = json.loads(found)
    return [
        line(
            *(f"painting/memory/{megapixels}_megapixels", used / 1e9, "GB", "before the picture"),
            *(start / 1e9, f"below {MOST_BYTES / 1e9:g} GB"),
            holds=used < MOST_BYTES,
        )
    ]


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
    print(json.dumps([_peak_bytes(), start]))


def _peak_bytes() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def report(lines: list[Line]) -> None:
    """Print results as they come."""
    for result in lines:
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short trainings, under a minute")
    parser.add_argument("--steps", type=int, default=200, help="steps of the trainings")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    torch.set_num_threads(min(2, torch.get_num_threads()))
    if chosen.child:
        child(chosen.child)
        return
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if folder is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    started, root = time.monotonic(), Path(folder)
    sizes = PRESETS["tiny"].fast
    preset = replace(sizes, crop_px=64, batch=2) if chosen.quick else sizes
    names = [n for n in COLLECTIONS if not (chosen.quick and n == "monet_256")]  # 300 scans
    splits = {n: read_split(root / "scans" / n, preset.short_side_px) for n in names}
    extractor = load_vgg_extractor(str(root / "weights"), preset.short_side_px)
    assert extractor is not None, "the folder of weights holds VGG-19"
    style, content = (splits[name].test[0] for name in ("van_gogh", "old_masters"))
    side = 512 if chosen.quick else 1024
    report(tiles(np.tile(content[:128, :128], (side // 128, side // 128, 1))))
    report(fitting(extractor, content[:128, :128], style, 8 if chosen.quick else 100))
    if not chosen.quick:
        report(pairs(root / "scans", extractor, 60))
    steps, learned, held = (8, 12, 3) if chosen.quick else (chosen.steps, None, None)
    few = {n: Split(one.train[:learned], one.test[:held]) for n, one in splits.items()}
    report(trainings(few, extractor, preset, steps))
    for megapixels in () if chosen.quick else (10, 100):
        report(memory(megapixels))
    say(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
