"""Measure what a simulation tells of the works it learned from, and what privacy costs.

    ARTGAN_TEST_DATA=... python benchmarks/privacy.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/privacy.py --state=DIR --only=overfitted --seed=1
    ARTGAN_TEST_DATA=... python benchmarks/privacy.py --state=DIR --finished

Three trainings at the size for two cores, each from three seeds: one as it comes; one that is
overfitted on purpose (ten works, no augmentation), which shows that the attacks can succeed; and
one with differential privacy. Works of one collection are parted in two by the hash of their names
and the seed; attackers try to tell the half that was learned from: by samples alone, as the report
does it and by four times as many, and by the discriminator. Scores of the three seeds are judged
together. The peer of each line is guessing. The quality of each training stands beside it, as its
kernel distance to works that it never saw.

Prints one JSON line for each result. With ``--state`` a killed measurement goes on, and trainings
may run side by side (``--only``, ``--seed``); ``--finished`` then lays out what is there.
"""

import argparse
import copy
import hashlib
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from held_out import kept_in, line, report, say
from torch import Tensor

from artgan.errors import MissingAssetError
from artgan.imaging.read import read_rgb
from artgan.metrics.features import Extractor, extract, load_vgg_extractor
from artgan.metrics.membership import MOST_ADVANTAGE, Leak, membership, sample_scores
from artgan.models.simulators import AnyDiscriminator, AnyGenerator
from artgan.presets import SIMULATION_SIZES, SimulationPreset
from artgan.report.sample_attack import (
    SAMPLES,
    SIDE_PX,
    judgements,
    samples_of,
    spaces_of,
    views_of,
)
from artgan.training import simulation
from artgan.training.accountant import delta_for, epsilon
from artgan.training.loop import Trainee, train, training_device

COLLECTION = "monet_256"
SEEDS = (0, 1, 2)
NOISE = 1.0
FEW = 10
MANY_SAMPLES, QUICK_SAMPLES = 4096, 128
QUICK_STEPS, QUICK_WORKS = 9, 60
Line = dict[str, object]
Pictures = list[np.ndarray]


@dataclass(frozen=True)
class Plan:
    """One training: what it is called, its sizes and length, and how many works it learns from."""

    name: str
    preset: SimulationPreset
    steps: int
    works: int | None = None
    is_augmented: bool = True


@dataclass
class Found:
    """What was found at a step of a training: measures, and attackers' scores of both sides."""

    step: int
    measures: dict[str, float]
    scores: dict[str, list[list[float]]]

    def leak(self, attacker: str) -> Leak:
        """What an attacker gains."""
        members, others = (np.array(side) for side in self.scores[attacker])
        return membership(members, others)


def plans(steps: int) -> list[Plan]:
    """Return the three trainings."""
    sizes = SIMULATION_SIZES["cpu-32"]
    private = replace(sizes, loss="non-saturating", privacy_noise=NOISE)
    return [
        Plan("as_it_comes", sizes, steps),
        Plan("overfitted", sizes, steps, FEW, is_augmented=False),
        Plan("private", private, steps),
    ]


def halves(folder: Path, size_px: int, most: int | None, seed: int) -> tuple[Pictures, Pictures]:
    """Read a collection, parted in two by the hash of the names and a seed."""

    def hashed(path: Path) -> str:
        return hashlib.sha256(f"{seed}:{path.name}".encode()).hexdigest()

    files = sorted(sorted(folder.iterdir())[:most], key=hashed)
    pictures = [read_rgb(path.read_bytes(), size_px) for path in files]
    return pictures[::2], pictures[1::2]


@dataclass(frozen=True)
class Bench:
    """What all trainings share.

    Attributes:
        scans: Folder of the collection.
        most: Works read at most; None means all.
        samples: Drawn for an attack.
        parts: Attacks on the way: after each of so many parts of the steps.
        extractor: VGG-19 at the side at which the report looks for copies.
        state: Folder of states and scores, if any.
    """

    scans: Path
    most: int | None
    samples: int
    parts: int
    extractor: Extractor
    state: Path | None

    def features(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Return features (N, D)."""
        return extract(self.extractor, pictures)

    def measure(self, plan: Plan, seed: int) -> Found:
        """Train, and attack after each part of the steps; a training that is done is not made."""
        label, found = f"{plan.name}-seed{seed}", self.kept(plan.name, seed)
        members, others = halves(self.scans, plan.preset.size_px, self.most, seed)
        sides = members[: plan.works], others
        trainee = simulation.build(*sides, plan.preset, plan.steps, seed, None, self.features)
        if not plan.is_augmented:
            trainee.step.__self__.adversaries.augment = _unchanged  # pyright: ignore
        load, save = kept_in(self.state, label)
        for steps in (plan.steps * part // self.parts for part in range(1, self.parts + 1)):
            if found is not None and found.step >= steps:
                continue
            train(
                trainee,
                steps,
                seed,
                load_state=load,
                save_state=save,
                validate_at=(),
                observe=lambda progress: report(label, progress),
                checkpoint_every_s=10.0,
            )
            found = Found(steps, trainee.validate(), self.attacked(trainee, sides))
            self.keep(plan.name, seed, found)
            gains = {name: round(found.leak(name).advantage, 3) for name in found.scores}
            say(f"{label}: after {steps} steps {gains}, {found.measures}")
        assert found is not None
        return found

    def attacked(
        self, trainee: Trainee, sides: tuple[Pictures, Pictures]
    ) -> dict[str, list[list[float]]]:
        """Return the scores that attackers give to works of both sides."""
        names = "generator_ema", "discriminator"
        networks = [copy.deepcopy(trainee.networks[name]).cpu().eval() for name in names]
        generator, discriminator = networks
        assert isinstance(generator, AnyGenerator)
        assert isinstance(discriminator, AnyDiscriminator)
        members, others = sides
        views = views_of([*members, *others], SIMULATION_SIZES["cpu-32"].size_px)
        made = samples_of(generator, None, self.samples)
        many = spaces_of(views, made, len(members), self.extractor)
        few = [replace(space, generated=space.generated[:SAMPLES]) for space in many]
        judged = np.mean([judgements(discriminator, view, None) for view in views], axis=0)
        scores = {
            "samples": sample_scores(few),
            "many_samples": sample_scores(many),
            "discriminator": (judged[: len(members)], judged[len(members) :]),
        }
        return {name: [side.tolist() for side in both] for name, both in scores.items()}

    def _file(self, name: str, seed: int) -> Path | None:
        return None if self.state is None else self.state / f"{name}-seed{seed}.json"

    def keep(self, name: str, seed: int, found: Found) -> None:
        """Keep what was found, in place of what was found at an earlier step."""
        path = self._file(name, seed)
        if path is not None:
            path.write_text(json.dumps(asdict(found)))

    def kept(self, name: str, seed: int) -> Found | None:
        """Return what was found of a training so far."""
        path = self._file(name, seed)
        return Found(**json.loads(path.read_text())) if path is not None and path.exists() else None


def lines_of(name: str, found: Sequence[Found], plain: Sequence[Found]) -> list[Line]:
    """Lay what attackers gain of all seeds together beside guessing."""
    lines = []
    lengths = sorted({one.step for one in found})
    steps = f"trainings: {len(found)}, of {lengths[0]} to {lengths[-1]} steps"
    for attacker in found[0].scores:
        leak = together(found, attacker)
        low, high = leak.advantage_interval
        sizes = f"n {leak.n_members} and {leak.n_others}, {steps}"
        target, holds = _wanted(name, attacker, leak)
        lines += [
            line(
                *(f"privacy/{name}/{attacker}/advantage", leak.advantage),
                f"advantage, 95 % interval {low:.3f} to {high:.3f}, {sizes}",
                *("guessing", 0.0),
                target=target,
                holds=holds,
            ),
            line(
                *(f"privacy/{name}/{attacker}/told_at_1_percent", leak.tpr),
                f"share of the works, {sizes}",
                *("guessing", 0.01),
            ),
        ]
    for measure in ("kid_x1000", "diversity_ratio"):
        mine, theirs = ([one.measures[measure] for one in side] for side in (found, plain or found))
        lines.append(
            line(
                *(f"privacy/{name}/{measure}", float(np.mean(mine))),
                f"VGG-19 conv3_4, works never seen, {min(mine):.4g} to {max(mine):.4g}, {steps}",
                *("as it comes", float(np.mean(theirs))),
            )
        )
    return lines


def together(found: Sequence[Found], attacker: str) -> Leak:
    """Judge the scores of several trainings at one threshold.

    A work may take part in each of them; the intervals take the scores for independent.
    """
    sides = [np.concatenate([np.array(one.scores[attacker][at]) for one in found]) for at in (0, 1)]
    return membership(*sides)


def _wanted(name: str, attacker: str, leak: Leak) -> tuple[str | None, bool | None]:
    if attacker == "discriminator":
        return None, None
    if name == "overfitted":
        return f"its interval over {MOST_ADVANTAGE}", leak.advantage_interval[0] > MOST_ADVANTAGE
    return f"under {MOST_ADVANTAGE}", leak.advantage < MOST_ADVANTAGE


def bound_line(works: int, steps: int) -> Line:
    """Say what the private training promises."""
    delta = delta_for(works)
    bound = epsilon(NOISE, SIMULATION_SIZES["cpu-32"].batch / works, steps, delta)
    words = f"epsilon at delta {delta:.1e}, {works} works, {steps} steps, noise {NOISE:g}"
    return line(
        *("privacy/private/epsilon", bound, words),
        *("weak from", 10.0),
    )


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few works, a few steps, one seed")
    parser.add_argument("--steps", type=int, help="steps of a training; the preset's by default")
    parser.add_argument("--only", choices=[plan.name for plan in plans(1)], help="one training")
    parser.add_argument("--seed", type=int, choices=SEEDS, help="one seed")
    parser.add_argument("--parts", type=int, default=3, help="attacks of each training on its way")
    parser.add_argument("--state", type=Path, help="folder for states and scores")
    parser.add_argument("--finished", action="store_true", help="lay out what is there already")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    chosen = options()
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if folder is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    if chosen.state is not None:
        chosen.state.mkdir(parents=True, exist_ok=True)
    extractor = load_vgg_extractor(f"{folder}/weights", SIDE_PX)
    assert extractor is not None, "the folder of weights holds VGG-19"
    extractor.network.to(training_device())
    scans, most = Path(folder) / "scans" / COLLECTION, QUICK_WORKS if chosen.quick else None
    samples = QUICK_SAMPLES if chosen.quick else MANY_SAMPLES
    bench = Bench(scans, most, samples, chosen.parts, extractor, chosen.state)
    preset_steps = QUICK_STEPS if chosen.quick else SIMULATION_SIZES["cpu-32"].collection_steps
    steps = chosen.steps or preset_steps
    seeds = SEEDS[:1] if chosen.quick else SEEDS if chosen.seed is None else (chosen.seed,)
    made = bench.kept if chosen.finished else None
    everything: dict[str, list[Found]] = {}
    for plan in plans(steps):
        if chosen.only in {None, plan.name}:
            some = [made(plan.name, s) if made else bench.measure(plan, s) for s in seeds]
            everything[plan.name] = [one for one in some if one is not None]
    usual = everything.get("as_it_comes") or [bench.kept("as_it_comes", seed) for seed in seeds]
    plain = [one for one in usual if one is not None]
    for name, found in everything.items():
        for result in lines_of(name, found, plain) if found else ():
            sys.stdout.write(json.dumps(result) + "\n")
    if everything.get("private"):
        works = len(everything["private"][0].scores["samples"][0])
        sys.stdout.write(json.dumps(bound_line(works, everything["private"][0].step)) + "\n")
    say(f"{time.process_time():.0f} s of processor time")


def _unchanged(images: Tensor) -> Tensor:
    return images


if __name__ == "__main__":
    main()
