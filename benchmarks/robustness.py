"""Measure what adversarial training does for the networks that judge pictures, and what it costs.

    ARTGAN_TEST_DATA=... python benchmarks/robustness.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/robustness.py --state=DIR --only=detector --seed=1
    ARTGAN_TEST_DATA=... python benchmarks/robustness.py --state=DIR --finished

Two networks at the sizes of the preset tiny: ``classifier``, the archive's own network that tells
collections apart, and ``detector``, which marks damage. Each is trained as it comes and hardened
within a bound, on three splits: of each collection the works with the lowest hashes of seed and
name are held out. Held-out works are attacked as the report does it: FGSM, PGD-20 from 3 starts at
4 and 8 codes of 255, and noise of the same size. The classifier is also attacked without a bound to
speak of, which no sound defence survives, and with pictures that were made against the other one.
The peer of each line of a hardened network is the plain one.

Prints one JSON line for each mean over the splits. With ``--state`` a killed measurement goes on,
and trainings may run side by side (``--only``, ``--bound``, ``--seed``); ``--finished`` then lays
out what is there.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from held_out import kept_in, line, read_splits, report, say
from torch import Tensor

from artgan.degrade.blind import blind_crops
from artgan.errors import MissingAssetError
from artgan.imaging.read import read_rgb
from artgan.imaging.tensors import arrays_to_batch
from artgan.metrics.archive_network import ArchiveNetwork, archive_extractor
from artgan.metrics.attacks import attack_names
from artgan.metrics.features import Extractor
from artgan.metrics.robustness import margin, pgd
from artgan.models.checkpoint import unpack_weights
from artgan.models.detector import Detector
from artgan.presets import PRESETS
from artgan.report.attacked import attack_classifier, attack_detector
from artgan.training import detection
from artgan.training.archive_network import (
    HARDENED_STEPS,
    LOADED_PX,
    STEPS,
    Labelled,
    train_archive_network,
)
from artgan.training.loop import train, training_device

COLLECTIONS = ("monet_256", "old_masters", "ukiyo_e", "van_gogh")
SEEDS = (0, 1, 2)
BOUNDS = {"plain": 0, "hardened_4": 4, "hardened_8": 8}
PARTS = {"classifier": "share of works told", "detector": "F1 of pixels marked"}
RAISED = 0.2
WORKS, CROPS, CROP_PX, CLEAN_CROPS = 39, 96, 64, 64
QUICK_WORKS, QUICK_STEPS, QUICK_CROPS = 6, 6, 4
STRONGEST = 8
STRONGEST_WAY = attack_names()[-1]
FAR = 64
"""A bound at which nothing of a picture need be left."""
UNBOUNDED, TRANSFERRED = f"PGD, {FAR}/255", "made against the plain one, 8/255"
Line = dict[str, object]
Works = dict[str, list[np.ndarray]]


@dataclass(frozen=True)
class Subject:
    """One training: which network, hardened within which bound, on which split."""

    part: str
    bound: str
    seed: int

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.part}-{self.bound}-seed{self.seed}"


@dataclass(frozen=True)
class Found:
    """What was found of a training: a number for each way of changing pictures, and its cost."""

    values: dict[str, float]
    steps: int
    cpu_s: float
    held_out: int
    start: str = "nothing"


def read_sides(scans: Path, short_side_px: int, most: int, seed: int) -> tuple[Works, Works]:
    """Read all collections, a third of each held out by the hash of seed and name."""
    learn: Works = {}
    test: Works = {}
    for name in COLLECTIONS:
        files = sorted((scans / name).iterdir())
        ranked = sorted(files, key=lambda f: hashlib.sha256(f"{seed}:{f.name}".encode()).digest())
        pictures = [read_rgb(path.read_bytes(), short_side_px) for path in ranked[:most]]
        held_out = len(pictures) // 3
        learn[name], test[name] = pictures[held_out:], pictures[:held_out]
    return learn, test


def labelled(works: Works) -> Labelled:
    """Number the collections."""
    pairs = [(one, COLLECTIONS.index(name)) for name, part in works.items() for one in part]
    return Labelled([picture for picture, _ in pairs], [label for _, label in pairs])


@dataclass(frozen=True)
class Bench:
    """What all trainings share.

    Attributes:
        scans: Folder of the collections.
        state: Folder of states and numbers, if any.
        steps: Steps of a detector.
        crops: Damaged crops that are attacked.
        base: Weights that a detector starts from, if any; it learned from all works but the fifth
            that `held_out.read_split` keeps, so that is what is attacked then, whatever the seed.
        is_quick: Whether a few works and steps will do.
    """

    scans: Path
    state: Path | None
    steps: int
    crops: int
    base: Path | None
    is_quick: bool

    def measure(self, subject: Subject) -> Found:
        """Train and attack, or return what was found before."""
        found = self.kept(subject)
        if found is None:
            by = self._classifier if subject.part == "classifier" else self._detector
            found = by(subject)
            if self.state is not None:
                (self.state / f"{subject.name}.json").write_text(json.dumps(asdict(found)))
        say(f"{subject.name}: {found}")
        return found

    def kept(self, subject: Subject) -> Found | None:
        """Return what was found before."""
        path = None if self.state is None else self.state / f"{subject.name}.json"
        return Found(**json.loads(path.read_text())) if path is not None and path.exists() else None

    def _sides(self, short_side_px: int, seed: int) -> tuple[Works, Works]:
        most = QUICK_WORKS if self.is_quick else WORKS
        return read_sides(self.scans, short_side_px, most, seed)

    def _network(self, sides: tuple[Labelled, Labelled], codes: int, seed: int) -> bytes:
        steps = self._steps(codes)
        return train_archive_network(*sides, COLLECTIONS, seed, steps, codes=codes).content

    def _steps(self, codes: int) -> int:
        return QUICK_STEPS if self.is_quick else HARDENED_STEPS if codes else STEPS

    def _classifier(self, subject: Subject) -> Found:
        learn, test = (labelled(side) for side in self._sides(LOADED_PX, subject.seed))
        codes, started = BOUNDS[subject.bound], time.process_time()
        content = self._network((learn, test), codes, subject.seed)
        spent = time.process_time() - started
        judge = loaded(content)
        values = attack_classifier(judge, test.pictures, test.labels)
        values[UNBOUNDED] = told(judge, judge, test, FAR)
        if codes:
            plain = loaded(self._network((learn, test), 0, subject.seed))
            values[TRANSFERRED] = told(judge, plain, test, STRONGEST)
        return Found(values, self._steps(codes), spent, len(test.pictures))

    def _detector(self, subject: Subject) -> Found:
        preset = replace(PRESETS["tiny"].detection, hardened_codes=BOUNDS[subject.bound])
        if self.is_quick:
            preset = replace(preset, short_side_px=160, overlays=16)
        if self.base is None:
            sides, base = self._sides(preset.short_side_px, subject.seed), None
            learn, test = ([one for part in side.values() for one in part] for side in sides)
        else:
            most = QUICK_WORKS if self.is_quick else WORKS
            splits = read_splits(self.scans, preset.short_side_px, most=most, names=COLLECTIONS)
            learn = [one for split in splits.values() for one in split.train]
            test = [one for split in splits.values() for one in split.test]
            base = unpack_weights(self.base.read_bytes())[0]
        trainee = detection.build(learn, test, preset, self.steps, subject.seed, base)
        load, save = kept_in(self.state, subject.name)
        started = time.process_time()
        train(
            trainee,
            self.steps,
            subject.seed,
            load_state=load,
            save_state=save,
            validate_at=(),
            observe=lambda progress: report(subject.name, progress),
            checkpoint_every_s=10.0,
        )
        spent = time.process_time() - started
        detector = trainee.networks["detector_ema"]
        assert isinstance(detector, Detector)
        crops = blind_crops(test, CROP_PX, self.crops, subject.seed, preset.classes)
        values = attack_detector(detector, crops)
        whole = blind_crops(test, preset.sheet_px, CLEAN_CROPS, subject.seed, preset.classes)
        values["clean_altered"] = detection.measures(detector, whole)["clean_altered"]
        start = "nothing" if self.base is None else "a trained detector"
        return Found(values, self.steps, spent, len(test), start)


def loaded(content: bytes) -> Extractor:
    """Load a trained network to where it is attacked."""
    extractor = archive_extractor(content)
    extractor.network.to(training_device())
    return extractor


def told(judge: Extractor, against: Extractor, test: Labelled, codes: int) -> float:
    """Return the share that a network tells of works that were changed against a network."""
    wanted = torch.tensor(test.labels, device=training_device())
    seen = torch.cat([judge.prepare(arrays_to_batch([one])) for one in test.pictures])
    images = (seen * 255).round().to(wanted.device) / 255

    def wrong(by: Extractor, moved: Tensor) -> Tensor:
        assert isinstance(by.network, ArchiveNetwork)
        return margin(by.network.classify(moved), wanted)

    generator = torch.Generator().manual_seed(codes)
    moved = pgd(partial(wrong, against), images, codes, generator=generator)
    with torch.no_grad():
        return float((wrong(judge, moved) <= 0).double().mean())


def lines_of(part: str, found: dict[str, list[Found]]) -> list[Line]:
    """Lay the means over the splits beside those of the plain network."""
    lines = []
    for bound, some in found.items():
        peers = found.get("plain") or some
        sample = f"{len(some)} splits of {some[0].held_out} works, {some[0].steps} steps"
        sample += f" from {some[0].start}"
        for way in some[0].values:
            mine = [one.values[way] for one in some]
            is_own = way == TRANSFERRED  # of the same network, and less than it tells of these
            peer = ("itself", STRONGEST_WAY) if is_own else ("plain", way)
            theirs = [one.values[peer[1]] for one in (some if is_own else peers)]
            unit = "share of undamaged works marked" if way == "clean_altered" else PARTS[part]
            words = f"{unit}, {min(mine):.3f} to {max(mine):.3f} in {sample}"
            value, other = float(np.mean(mine)), float(np.mean(theirs))
            named = f"{peer[0]}, {peer[1]}", other
            target, holds = _wanted(part, bound, way, (value, other))
            name = f"robustness/{part}/{bound}/{way}"
            lines.append(line(name, value, words, *named, target=target, holds=holds))
        spent, plain = (float(np.mean([one.cpu_s for one in side])) for side in (some, peers))
        words = "s of processor time, training"
        lines.append(
            line(
                f"robustness/{part}/{bound}/training",
                *(spent, words, "plain", plain),
            )
        )
    return lines


def _wanted(
    part: str, bound: str, way: str, values: tuple[float, float]
) -> tuple[str | None, bool | None]:
    """Return what is asked of a number beside its peer's."""
    value, peer = values
    if way == UNBOUNDED:
        return "under 0.05, or the attack is no measure", value < 0.05
    if way == TRANSFERRED:
        return "at least the peer, or the attack is no measure", value >= peer
    if (part, bound, way) == ("classifier", "hardened_8", STRONGEST_WAY):
        return f"peer + {RAISED}", value >= peer + RAISED
    return None, None


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few works, a few steps, one split")
    parser.add_argument("--steps", type=int, help="of a detector; the preset's by default")
    parser.add_argument("--crops", type=int, default=CROPS, help="damaged crops to attack")
    parser.add_argument("--base", type=Path, help="weights of a detector to start from")
    parser.add_argument("--only", choices=PARTS, help="one network")
    parser.add_argument("--bound", choices=BOUNDS, help="one of its trainings")
    parser.add_argument("--seed", type=int, choices=SEEDS, help="one split")
    parser.add_argument("--state", type=Path, help="folder for states and numbers")
    parser.add_argument("--finished", action="store_true", help="lay out what is there already")
    return parser.parse_args()


def subjects(chosen: argparse.Namespace) -> Iterator[Subject]:
    """Give the trainings that are asked for; of the detector only the stronger bound."""
    for part in PARTS if chosen.only is None else (chosen.only,):
        for bound in BOUNDS if chosen.bound is None else (chosen.bound,):
            for seed in SEEDS if chosen.seed is None else (chosen.seed,):
                if (part, bound) != ("detector", "hardened_4") and (seed == 0 or not chosen.quick):
                    yield Subject(part, bound, seed)


def main() -> None:
    """Measure and print."""
    chosen = options()
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if folder is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    if chosen.state is not None:
        chosen.state.mkdir(parents=True, exist_ok=True)
    usual = QUICK_STEPS if chosen.quick else PRESETS["tiny"].detection.base_steps
    crops = QUICK_CROPS if chosen.quick else chosen.crops
    steps = chosen.steps or usual
    scans = Path(folder) / "scans"
    bench = Bench(scans, chosen.state, steps, crops, chosen.base, chosen.quick)
    everything: dict[str, dict[str, list[Found]]] = {}
    for subject in subjects(chosen):
        found = bench.kept(subject) if chosen.finished else bench.measure(subject)
        if found is not None:
            everything.setdefault(subject.part, {}).setdefault(subject.bound, []).append(found)
    for part, found in everything.items():
        for result in lines_of(part, found):
            sys.stdout.write(json.dumps(result) + "\n")
    say(f"{time.process_time():.0f} s of processor time")


if __name__ == "__main__":
    main()
