"""Measure textures made of parts of real scans: are they seamless, and how near to the parts?

    ARTGAN_TEST_DATA=... python benchmarks/texture.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/texture.py --state pictures/

Of each part, reduced to 128 x 128 pixels, a tile four times as wide and high is made, by the
generator of the product after it learned its bonuses, and by image quilting (Efros and Freeman
2001) with blocks of 24 or of 40 pixels, whichever comes nearer. The seam ratio divides the steps
across a tile's border by those next to it: 1 shows nothing, and the mean of three tiles, whose
borders any place inside could have been, scatters by 0.02. KID is measured in VGG-19 conv3_4
features of 32-pixel pieces, 200 of a tile against all of the part, mean of three tiles. Time is
that of the processor. Prints one JSON line for each result; with ``--state`` states and pictures
are kept.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import held_out
import numpy as np
import torch
from held_out import kept_in, report, say
from quilting import quilt

from artgan.errors import MissingAssetError
from artgan.imaging.read import read_rgb
from artgan.imaging.write import png_bytes
from artgan.metrics.borders import border_ratio
from artgan.metrics.features import extract, load_extractor, normalise
from artgan.metrics.kernel import kid_x1000
from artgan.models.texture import TextureGenerator
from artgan.simulate.texture import scale_for, texture_part, texture_tile
from artgan.training.loop import train
from artgan.training.texture import PIECE_PX, build, pieces

PARTS = {
    "wheat": ("van_gogh/vgm_Reaper.jpg", (0.35, 0.62, 0.62, 0.95)),
    "foam": ("ukiyo_e/jyun_1887.jpg", (0.30, 0.66, 0.52, 0.92)),
    "night": ("van_gogh/Vincent_van_Gogh_167.jpg", (0.30, 0.18, 0.60, 0.50)),
}
DETAIL_PX = 128
BLOCKS_PX = 24, 40
MEASURED = 200
SEAM_TOLERANCE = 0.05

Features = Callable[[list[np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class Effort:
    """How long and how large."""

    steps: int
    larger: int
    seeds: int
    seam_seeds: int


QUICK = Effort(steps=10, larger=2, seeds=1, seam_seeds=1)
FULL = Effort(steps=100, larger=4, seeds=3, seam_seeds=3)


def load_part(scans: Path, name: str) -> np.ndarray:
    """Read a part of a scan at the size that textures are learned from."""
    file, box = PARTS[name]
    content = (scans / file).read_bytes()
    height, width = read_rgb(content).shape[:2]
    short = round(min(height, width) * scale_for((width, height), box, DETAIL_PX))
    return texture_part(read_rgb(content, short), box)


def learned(part: np.ndarray, name: str, steps: int, state: Path | None) -> TextureGenerator:
    """Return a generator that learned its bonuses."""
    trainee = build([part], steps, 0, lambda _: np.ones(1))
    load, save = kept_in(state, f"texture-{name}")
    train(
        trainee,
        steps,
        0,
        load_state=load,
        save_state=save,
        validate_at=(),
        observe=lambda progress: report(name, progress),
    )
    generator = trainee.networks["texture"]
    assert isinstance(generator, TextureGenerator)
    return generator


def distance(features: Features, part: np.ndarray, tiles: list[np.ndarray]) -> float:
    """Return the mean KID x 1000 of tiles to a part."""
    real = features(pieces(part, PIECE_PX))
    found = []
    for number, tile in enumerate(tiles):
        every = pieces(tile, PIECE_PX)
        rng = np.random.default_rng(number)
        chosen = rng.choice(len(every), min(MEASURED, len(every)), replace=False)
        made = features([every[i] for i in chosen])
        found.append(kid_x1000(*normalise(real, made)).value)
    return float(np.mean(found))


def line(
    name: str, value: float, unit: str, peer_value: float, target: str, *, holds: bool | None
) -> dict[str, object]:
    """Make one result beside quilting."""
    return held_out.line(name, value, unit, "image quilting", peer_value, target, holds=holds)


def measure(
    scans: Path, name: str, effort: Effort, features: Features, state: Path | None
) -> list[dict[str, object]]:
    """Make textures of one part in both ways, and compare them."""
    part = load_part(scans, name)
    height, width = (effort.larger * side for side in part.shape[:2])
    started = time.process_time()
    generator = learned(part, name, effort.steps, state)
    learning_s, started = time.process_time() - started, time.process_time()
    made = [texture_tile(generator, seed, width, height) for seed in range(effort.seam_seeds)]
    ours, ours_s = [tile for tile, _ in made], time.process_time() - started
    started = time.process_time()
    by_block = {
        block: [quilt(part, height, width, seed, block) for seed in range(effort.seeds)]
        for block in BLOCKS_PX
    }
    quilted_s = (time.process_time() - started) / len(BLOCKS_PX)
    say(f"{name}: continued {[round(continued, 3) for _, continued in made]}")
    of_quilting = {block: distance(features, part, tiles) for block, tiles in by_block.items()}
    say(f"{name}: KID of quilting by block {of_quilting}")
    quilted = by_block[min(of_quilting, key=lambda block: of_quilting[block])]
    if state is not None:
        for kind, tile in (("part", part), ("ours", ours[0]), ("quilted", quilted[0])):
            (state / f"{name}-{kind}.png").write_bytes(png_bytes(tile))
    seams = [float(np.mean([border_ratio(tile) for tile in tiles])) for tiles in (ours, quilted)]
    kids = [distance(features, part, ours[: effort.seeds]), min(of_quilting.values())]
    return [
        line(
            f"texture/seam/{name}",
            *(seams[0], "steps across the border over those next to it", seams[1]),
            f"1 give or take {SEAM_TOLERANCE}",
            holds=abs(seams[0] - 1) <= SEAM_TOLERANCE,
        ),
        line(
            f"texture/kid/{name}",
            *(kids[0], "KID x1000 of 32 px pieces, VGG-19 conv3_4", kids[1]),
            "below the peer",
            holds=kids[0] < kids[1],
        ),
        line(
            f"texture/seconds/{name}",
            ours_s / effort.seam_seeds,
            f"CPU s for {width} x {height}, after {learning_s:.0f} s of learning",
            quilted_s / effort.seeds,
            "reported",
            holds=None,
        ),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one part, under a minute")
    parser.add_argument("--state", type=Path, help="folder of states and pictures")
    parser.add_argument("--only", choices=PARTS, help="one part")
    chosen = parser.parse_args()
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if folder is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(min(2, torch.get_num_threads()))
    if chosen.state is not None:
        chosen.state.mkdir(parents=True, exist_ok=True)
    extractor = load_extractor(f"{folder}/weights", vgg_size_px=PIECE_PX)
    effort = QUICK if chosen.quick else FULL
    names = [chosen.only] if chosen.only else list(PARTS)[: 1 if chosen.quick else None]
    for name in names:
        found = measure(
            Path(folder) / "scans", name, effort, lambda p: extract(extractor, p), chosen.state
        )
        for one in found:
            sys.stdout.write(json.dumps(one) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
