"""Measure what a simulation tells of the works it learned from, and what privacy costs.

    ARTGAN_TEST_DATA=... python benchmarks/privacy.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/privacy.py --steps 1200

Three trainings at the size for two cores: one as it comes, one that is overfitted (a tenth of the
works, no augmentation, hardly a penalty), and one with differential privacy; and a generator that
was taught to repeat works by heart, which shows that the attack can succeed. Works of
one collection are parted by the hash of their names; attackers try to tell the half that was
learned from, by 1,024 samples alone and by the discriminator. The peer of each line is guessing.
The quality of each training stands beside it, as its kernel distance to works that it never saw.
The second takes two thirds of the steps, the third one a third; so do their peers. Prints one JSON
line for each result; ``--state DIR`` keeps the trainings, so that a killed run goes on.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from held_out import say
from simulation import SEED, line, run
from torch import nn

from artgan.errors import MissingAssetError
from artgan.imaging.read import read_rgb
from artgan.metrics.features import Extractor, extract, load_vgg_extractor
from artgan.metrics.membership import MOST_ADVANTAGE, Leak, membership, sample_scores
from artgan.models.simulators import AnyDiscriminator, AnyGenerator
from artgan.presets import SIMULATION_SIZES, SimulationPreset
from artgan.report.measure_privacy import SIDE_PX
from artgan.report.membership_scores import judgements, samples_of, spaces_of, views_of
from artgan.training import simulation
from artgan.training.accountant import delta_for, epsilon
from artgan.training.loop import Trainee

COLLECTION = "monet_256"
NOISE = 1.0
OVERFITTED_SHARE = 10
Line = dict[str, object]
Pictures = list[np.ndarray]
Features = Callable[[Sequence[np.ndarray]], np.ndarray]


def halves(folder: Path, size_px: int, most: int | None) -> tuple[Pictures, Pictures]:
    """Read a collection, parted in two by the hash of the names."""
    files = sorted(folder.iterdir(), key=lambda f: hashlib.sha256(f.name.encode()).hexdigest())
    pictures = [read_rgb(path.read_bytes(), size_px) for path in files[:most]]
    return pictures[::2], pictures[1::2]


def learn_by_heart(generator: nn.Module, works: Pictures, steps: int, size_px: int) -> None:
    """Teach a generator to answer each start with one of a few works."""
    targets = views_of(works, size_px)[1]
    assert isinstance(generator, AnyGenerator)
    generator.requires_grad_()
    optimizer = torch.optim.Adam(generator.parameters(), 3e-3)
    torch.manual_seed(SEED)
    for _ in range(steps):
        z, noise = generator.draw(16)
        loss = (generator(z, noise) - targets[z[:, : len(works)].argmax(dim=1)]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    generator.requires_grad_(requires_grad=False)


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


def lines_of(
    name: str, leaks: dict[str, Leak], end: dict[str, float], plain_kid: float
) -> list[Line]:
    """Lay what attackers gain beside guessing."""
    lines = []
    for attacker, leak in leaks.items():
        low, high = leak.advantage_interval
        sure = attacker == "samples"
        wanted = {
            "as_it_comes": (f"under {MOST_ADVANTAGE}", leak.advantage < MOST_ADVANTAGE),
            "private": (f"under {MOST_ADVANTAGE}", leak.advantage < MOST_ADVANTAGE),
            "overfitted": ("none: printed as it is", True),
            "by_heart": (f"over {MOST_ADVANTAGE}, and refused", leak.is_too_much),
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
    peer = "as it comes, after as many steps", plain_kid, "none: printed as it is"
    return [*lines, line(f"privacy/{name}/kid", *kid, *peer, holds=True)]


@dataclass(frozen=True)
class Job:
    """One training: its name, both sides, sizes and length."""

    name: str
    sides: tuple[Pictures, Pictures]
    preset: SimulationPreset
    steps: int

    def run(self, features: Features, state: Path | None) -> tuple[Trainee, list[dict[str, float]]]:
        """Train from nothing; return the training, and its measures by thirds of the steps."""
        started = time.process_time()
        trainee = simulation.build(*self.sides, self.preset, self.steps, SEED, None, features)
        history = run(trainee, self.steps, self.name, state, (1 / 3, 2 / 3, 1.0))
        say(f"{self.name}: {time.process_time() - started:.0f} s of processor time")
        return trainee, history


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few works, short trainings")
    parser.add_argument("--steps", type=int, default=1200, help="steps of each training")
    parser.add_argument("--state", type=Path, help="folder for the states of the trainings")
    chosen = parser.parse_args()
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if folder is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    steps, most, root = (
        (20, 120, Path(folder)) if chosen.quick else (chosen.steps, None, Path(folder))
    )
    sizes = SIMULATION_SIZES["cpu-32"]
    members, others = halves(root / "scans" / COLLECTION, sizes.size_px, most)
    extractor = load_vgg_extractor(str(root / "weights"), SIDE_PX)
    assert extractor is not None, "the folder of weights holds VGG-19"

    def features(pictures: Sequence[np.ndarray]) -> np.ndarray:
        return extract(extractor, pictures)

    few, third = members[: len(members) // OVERFITTED_SHARE], steps // 3
    private = replace(sizes, loss="non-saturating", privacy_noise=NOISE)
    jobs = [
        Job("as_it_comes", (members, others), sizes, steps),
        Job("overfitted", (few, others), replace(sizes, gamma=0.1 * sizes.gamma), 2 * third),
        Job("private", (members, others), private, third),
    ]
    delta = delta_for(len(members))
    bound = epsilon(NOISE, sizes.batch / len(members), third, delta)
    say(f"private: epsilon {bound:.1f} at delta {delta:.1e}")
    augment, plain_kid = simulation._augmented, {}
    for job in jobs:
        simulation._augmented = _unchanged if job.name == "overfitted" else augment
        trainee, history = job.run(features, chosen.state)
        leaks = attacks(trainee, *job.sides, extractor, sizes.size_px)
        ends = {round(record["step"]): record["kid_x1000"] for record in history}
        plain_kid = plain_kid or ends
        for result in lines_of(job.name, leaks, history[-1], plain_kid[job.steps]):
            report(result)
    sides = few, others
    trainee = simulation.build(*sides, sizes, 1, SEED, None, features)
    learn_by_heart(trainee.networks["generator_ema"], few, third, sizes.size_px)
    leaks = attacks(trainee, *sides, extractor, sizes.size_px)
    for result in lines_of("by_heart", leaks, trainee.validate(), plain_kid[third]):
        report(result)


def report(result: Line) -> None:
    """Print a result as it comes."""
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()


def _unchanged(_: float, images: torch.Tensor) -> torch.Tensor:
    return images


if __name__ == "__main__":
    main()
