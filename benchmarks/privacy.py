"""Measure what a simulation tells of the works it learned from, and what privacy costs.

    ARTGAN_TEST_DATA=... python benchmarks/privacy.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/privacy.py --steps 1200

Three trainings at the size for two cores: one as it comes, one that is deliberately overfitted (a
tenth of the works, no augmentation, hardly a penalty), and one with differential privacy. Works of
one collection are parted by the hash of their names; attackers try to tell the half that was
learned from, by 1,024 samples alone and by the discriminator. The peer of each line is guessing.
The quality of each training stands beside it, as its kernel distance to works that it never saw.
Prints one JSON line for each result.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from held_out import say
from simulation import SEED, line, run

from artgan.errors import MissingAssetError
from artgan.imaging.read import read_rgb
from artgan.metrics.features import Extractor, extract, load_extractor
from artgan.metrics.membership import MOST_ADVANTAGE, Leak, membership, sample_scores
from artgan.models.simulators import AnyDiscriminator, AnyGenerator
from artgan.presets import SIMULATION_SIZES, SimulationPreset
from artgan.report.membership_scores import judgements, samples_of, spaces_of, views_of
from artgan.training import simulation
from artgan.training.loop import Trainee
from artgan.training.private import delta_for, epsilon

COLLECTION = "monet_256"
NOISE = 1.0
OVERFITTED_SHARE = 10
_VGG_SIDE_PX = 64
Line = dict[str, object]
Pictures = list[np.ndarray]


def halves(folder: Path, size_px: int, most: int | None) -> tuple[Pictures, Pictures]:
    """Read a collection, parted in two by the hash of the names."""
    files = sorted(folder.iterdir(), key=lambda f: hashlib.sha256(f.name.encode()).hexdigest())
    pictures = [read_rgb(path.read_bytes(), size_px) for path in files[:most]]
    return pictures[::2], pictures[1::2]


def attacks(
    trainee: Trainee, members: Pictures, others: Pictures, extractor: Extractor, size_px: int
) -> dict[str, Leak]:
    """Attack a training's end by samples alone and by its discriminator."""
    generator = trainee.networks["generator_ema"]
    discriminator = trainee.networks["discriminator"]
    assert isinstance(generator, AnyGenerator)
    assert isinstance(discriminator, AnyDiscriminator)
    views = views_of([*members, *others], size_px)
    spaces = spaces_of(views, samples_of(generator, None), len(members), extractor)
    scores = np.mean([judgements(discriminator, view, None) for view in views], axis=0)
    return {
        "samples": membership(*sample_scores(spaces)),
        "discriminator": membership(scores[: len(members)], scores[len(members) :]),
    }


def lines_of(name: str, leaks: dict[str, Leak], end: dict[str, float]) -> list[Line]:
    """Lay what attackers gain beside guessing."""
    lines = []
    for attacker, leak in leaks.items():
        low, high = leak.advantage_interval
        sure = attacker == "samples"
        wanted = {
            "as_it_comes": (f"under {MOST_ADVANTAGE}", leak.advantage < MOST_ADVANTAGE),
            "private": (f"under {MOST_ADVANTAGE}", leak.advantage < MOST_ADVANTAGE),
            "overfitted": (f"over {MOST_ADVANTAGE}, and refused", leak.is_too_much),
        }[name]
        target, holds = wanted if sure else ("none: printed as it is", True)
        words = f"advantage, 95 % interval {low:.2f} to {high:.2f}, n {leak.n_members}"
        lines += [
            line(
                *(f"privacy/{name}/{attacker}/advantage", leak.advantage, words),
                *("guessing", 0.0, target),
                holds=holds,
            ),
            line(
                *(f"privacy/{name}/{attacker}/told_at_1_percent", leak.tpr, "share of the works"),
                *("guessing", 0.01, "none: printed as it is"),
                holds=True,
            ),
        ]
    kid = end["kid_x1000"], "KID x 1000, VGG-19 conv3_4, works never seen"
    return [
        *lines,
        line(f"privacy/{name}/kid", *kid, "none", 0.0, "none: printed as it is", holds=True),
    ]


def trained(
    name: str,
    sides: tuple[Pictures, Pictures],
    preset: SimulationPreset,
    steps: int,
    features: Callable[[Sequence[np.ndarray]], np.ndarray],
) -> tuple[Trainee, dict[str, float]]:
    """Train from nothing; return the training and its last measures."""
    started = time.process_time()
    trainee = simulation.build(*sides, preset, steps, SEED, None, features)
    end = run(trainee, steps, name, None, (1.0,))[-1]
    say(f"{name}: {time.process_time() - started:.0f} s of processor time")
    return trainee, end


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few works, short trainings")
    parser.add_argument("--steps", type=int, default=1200, help="steps of each training")
    chosen = parser.parse_args()
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if folder is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    steps, most, root = (
        (20, 120, Path(folder)) if chosen.quick else (chosen.steps, None, Path(folder))
    )
    sizes = SIMULATION_SIZES["cpu-32"]
    members, others = halves(root / "scans" / COLLECTION, sizes.size_px, most)
    extractor = load_extractor(str(root / "weights"), vgg_size_px=_VGG_SIDE_PX)

    def features(pictures: Sequence[np.ndarray]) -> np.ndarray:
        return extract(extractor, pictures)

    few = members[: len(members) // OVERFITTED_SHARE]
    private = replace(sizes, loss="non-saturating", privacy_noise=NOISE)
    jobs = {
        "as_it_comes": (members, sizes),
        "private": (members, private),
        "overfitted": (few, replace(sizes, gamma=0.1 * sizes.gamma)),
    }
    delta = delta_for(len(members))
    bound = epsilon(NOISE, sizes.batch / len(members), steps, delta)
    say(f"epsilon {bound:.1f} at delta {delta:.1e}")
    augment = simulation._augmented
    for name, (works, preset) in jobs.items():
        simulation._augmented = _unchanged if name == "overfitted" else augment
        trainee, end = trained(name, (works, others), preset, steps, features)
        leaks = attacks(trainee, works, others, extractor, sizes.size_px)
        for result in lines_of(name, leaks, end):
            sys.stdout.write(json.dumps(result) + "\n")
            sys.stdout.flush()


def _unchanged(_: float, images: torch.Tensor) -> torch.Tensor:
    return images


if __name__ == "__main__":
    main()
