"""Measure the simulation GANs on held-out works: do they learn, copy, obey and start well?

    ARTGAN_TEST_DATA=... python benchmarks/simulation.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/simulation.py --state states/
    ARTGAN_TEST_DATA=... python benchmarks/simulation.py --only=scratch --seeds=3 --state=states/
    ARTGAN_TEST_DATA=... python benchmarks/simulation.py --only=networks --network=style --steps=600

Reads ``$ARTGAN_TEST_DATA/scans/<collection>/`` at the size of the preset cpu-32 and holds out a
fifth of each collection. KID is measured in VGG-19 conv3_4 features of 128 works against the
held-out ones. Four parts: ``scratch`` trains three collections from nothing; ``tuning`` trains an
archive-wide base that is asked by collection, and fine-tunes two collections from it in half the
steps; ``classes`` asks that base for each collection, and a linear discriminant that learned from
real works says what it sees; ``networks`` trains the other networks, with codes, on the first
collection, looks for a property that each code moves (see `codes`), and takes as its figure how
far the works of another painter are from that collection.

Prints one JSON line for each result; progress goes to standard error. Seconds are those of the
processor, of all processes that worked on a training. With ``--state`` a killed measurement goes
on, and parts share their trainings. Trains on the accelerator if there is one.
``results/simulation_histories.jsonl`` holds the measurements of trainings that were ended before
their last step, and so have no lines.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import held_out
import numpy as np
import torch
from codes import moves
from held_out import Split, Weights, kept_in, read_splits, report, say
from torch import Tensor

from artgan.errors import MissingAssetError
from artgan.imaging.tensors import batch_to_arrays
from artgan.imaging.write import png_bytes
from artgan.metrics.discriminant import Discriminant
from artgan.metrics.features import extract, load_extractor, normalise
from artgan.metrics.kernel import kid_x1000
from artgan.models.simulators import sample
from artgan.presets import SIMULATION_SIZES, LossName, NetworkName, SimulationPreset
from artgan.simulate.comparison import compared
from artgan.training.loop import Trainee, train, training_device
from artgan.training.simulation import build
from artgan.training.squares import scale_work, square

COLLECTIONS = ("monet_256", "old_masters", "ukiyo_e", "van_gogh")
SCRATCH = COLLECTIONS[:3]
TUNED = COLLECTIONS[1:3]
PRESET = SIMULATION_SIZES["cpu-32"]
STEPS = PRESET.base_steps
QUICK_STEPS = 150
PARTS_OF_STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
FOLD = 15.0
OTHER_PAINTER = "van_gogh"
CPU_S = 480.0
COPY_RATIO_FLOOR = 0.93
DIVERSITY_FLOOR = 0.9
OBEYED = 0.8
MOVED = 0.5
ASKED = 64
NETWORKS: tuple[tuple[NetworkName, LossName], ...] = (
    ("style", "non-saturating"),
    ("dcgan", "non-saturating"),
    ("dcgan", "wgan-gp"),
    ("skip", "hinge"),
)

Features = Callable[[Sequence[np.ndarray]], np.ndarray]
Line = dict[str, object]
Record = dict[str, float]


@dataclass(frozen=True)
class Bench:
    """What all parts share.

    Attributes:
        splits: Works of each collection.
        features: The measuring network: VGG-19 conv3_4 on squares of 32 pixels.
        state: Folder of states and grids, if any.
        chosen: Collections that are trained.
        seeds: Those of the trainings from nothing of each of them.
        steps: Of a training from nothing; of a fine-tuning and of other networks half as many.
        base_steps: Of the base, which an archive trains once for all collections.
        networks: Networks to train besides the usual one, with their losses.
        preset: Of trainings from nothing; cpu-32 unless another gamma is tried.
    """

    splits: dict[str, Split]
    features: Features
    state: Path | None
    chosen: Sequence[str]
    seeds: Sequence[int]
    steps: int
    base_steps: int
    networks: Sequence[tuple[NetworkName, LossName]]
    preset: SimulationPreset

    def trained(
        self, name: str, trainee: Trainee, steps: int, seed: int, parts: Sequence[float]
    ) -> list[Record]:
        """Train to the end, measure after each part of the steps, and keep state and grid."""
        load, keep = kept_in(self.state, name)
        clock = Clock(None if self.state is None else self.state / f"{name}.seconds")

        def validate() -> Record:
            return trainee.validate() | {"cpu_s": clock.seconds()}

        def save(data: bytes) -> None:
            clock.keep()
            keep(data)

        history = train(
            replace(trainee, validate=validate),
            steps,
            seed,
            load_state=load,
            save_state=save,
            validate_at=sorted({round(part * steps) for part in parts}),
            observe=lambda progress: report(name, progress),
            checkpoint_every_s=10.0,
        )
        say(f"{name}: {json.dumps(history)}")
        if self.state is not None:
            (self.state / f"{name}.png").write_bytes(png_bytes(trainee.grid()))
        return history

    def from_nothing(self, name: str, seed: int) -> list[Record]:
        """Train a collection from nothing with the preset."""
        split = self.splits[name]
        trainee = build(split.train, split.test, self.preset, self.steps, seed, None, self.features)
        return self.trained(f"{name}-seed{seed}", trainee, self.steps, seed, PARTS_OF_STEPS)

    def base(self) -> Trainee:
        """Train the archive-wide base, which is asked by collection."""
        works = [(name, work) for name, split in self.splits.items() for work in split.train]
        test = [work for split in self.splits.values() for work in split.test]
        trainee = build(
            *([work for _, work in works], test, by_collection(), self.base_steps, 0, None),
            self.features,
            collections=[name for name, _ in works],
        )
        self.trained("base", trainee, self.base_steps, 0, (0.0, 1.0))
        return trainee


class Clock:
    """Processor seconds of a training, those of earlier processes included.

    Args:
        path: File that keeps them, or None.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        earlier = 0.0 if path is None or not path.exists() else float(path.read_text())
        self._started = time.process_time() - earlier

    def seconds(self) -> float:
        """Return the seconds until now."""
        return time.process_time() - self._started

    def keep(self) -> None:
        """Remember them for a process that goes on."""
        if self._path is not None:
            self._path.write_text(str(self.seconds()))


def by_collection() -> SimulationPreset:
    """Return the preset whose works are asked for by collection."""
    return replace(PRESET, classes=COLLECTIONS)


def line(  # noqa: PLR0913 -- the fields of a result
    name: str,
    value: float,
    unit: str,
    peer: str,
    peer_value: float,
    target: str,
    *,
    holds: bool | None,
) -> Line:
    """Make one result of this benchmark."""
    return held_out.line(f"simulation/{name}", value, unit, peer, peer_value, target, holds=holds)


def sound(name: str, end: Record) -> list[Line]:
    """Look for copies and collapse at the end of a training."""
    floors = {"copy_ratio": COPY_RATIO_FLOOR, "diversity_ratio": DIVERSITY_FLOOR}
    return [
        line(
            f"{key}/{name}",
            *(end[key], "ratio", "held-out works", 1.0, f"at least {floor}"),
            holds=end[key] >= floor,
        )
        for key, floor in floors.items()
    ]


def scratch(bench: Bench) -> list[Line]:
    """Train collections from nothing: how far does the distance to held-out works fall?"""
    lines = []
    for name in bench.chosen:
        for seed in bench.seeds:
            history = bench.from_nothing(name, seed)
            start, end = history[0], history[-1]
            label = f"{name}/seed{seed}"
            fold = start["kid_x1000"] / end["kid_x1000"]
            lines += [
                line(
                    f"kid/{label}",
                    *(end["kid_x1000"], f"KID x1000, VGG-19 conv3_4, after {bench.steps} steps"),
                    *("the untrained model", start["kid_x1000"], f"falls {FOLD:g}-fold"),
                    holds=fold >= FOLD or end["kid_x1000"] <= 0,
                ),
                *sound(label, end),
                line(
                    f"seconds/{label}",
                    *(end["cpu_s"], "CPU s", "4 minutes on 2 cores", CPU_S, "at most the peer"),
                    holds=end["cpu_s"] <= CPU_S,
                ),
            ]
    return lines


def tuning(bench: Bench) -> list[Line]:
    """Fine-tune collections from the base in half the steps of a training from nothing."""
    base = bench.base()
    names = (*base.publish, *base.warm)
    weights: Weights = {name: base.networks[name].state_dict() for name in names}
    lines = []
    for name in TUNED:
        if name not in bench.chosen:
            continue
        split, steps = bench.splits[name], bench.steps // 2
        trainee = build(
            *(split.train, split.test, by_collection(), steps, 0, weights, bench.features),
            collections=[name] * len(split.train),
        )
        history = bench.trained(f"{name}-tuned", trainee, steps, 0, PARTS_OF_STEPS)
        found = compared(history, bench.from_nothing(name, 0))
        say(f"{name}: {json.dumps(found)}")
        reached = found["fine_tuned_reaches_it_at"]
        lines += [
            line(
                f"tuning/{name}",
                *(found["fine_tuned"], "KID x1000, best", "the best from nothing"),
                *(found["scratch"], "as good in at most half the steps"),
                holds=reached is not None and reached <= found["scratch_best_step"] / 2,
            ),
            *sound(f"{name}/tuned", history[-1]),
        ]
    return lines


def classes(bench: Bench) -> list[Line]:
    """Ask the base for each collection, and let a discriminant of real works say what came."""
    generator = bench.base().networks["generator_ema"]
    labels = {name: number for number, name in enumerate(COLLECTIONS)}
    learned = [bench.features(squares(bench.splits[name].train)) for name in labels]
    own = np.repeat(list(labels.values()), [len(one) for one in learned])
    classify = Discriminant(np.concatenate(learned), own)
    real, asked = [], []
    for name, label in labels.items():
        held_out = bench.features(squares(bench.splits[name].test))
        made = sample(generator, range(ASKED), label=label)  # type: ignore[arg-type]
        said = classify(bench.features(batch_to_arrays(made)))
        real.append(float((classify(held_out) == label).mean()))
        asked.append(float((said == label).mean()))
        say(f"{name}: real {real[-1]:.2f}, asked for {asked[-1]:.2f}")
    return [
        line(
            "classes",
            *(float(np.mean(asked)), "works taken for the collection asked for"),
            *("held-out works of it", float(np.mean(real)), f"at least {OBEYED}"),
            holds=float(np.mean(asked)) >= OBEYED,
        )
    ]


def squares(works: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Cut works as the measures do."""
    return batch_to_arrays(cut(works))


def cut(works: Sequence[np.ndarray]) -> Tensor:
    """Cut the middle squares of works, (N, 3, S, S)."""
    return torch.cat([square(scale_work(work, PRESET.size_px), 0.5)[None] for work in works])


def networks(bench: Bench) -> list[Line]:
    """Train each network from nothing on one collection, with two codes."""
    name, lines = COLLECTIONS[0], []
    split, steps = bench.splits[name], bench.steps // 2
    other = another_painter(bench, split)
    for network, loss in bench.networks:
        chosen = replace(PRESET, network=network, loss=loss, continuous=2)
        trainee = build(split.train, split.test, chosen, steps, 0, None, bench.features)
        label = f"{network}-{loss}"
        history = bench.trained(label, trainee, steps, 0, (0.0, 0.5, 1.0))
        end = history[-1]["kid_x1000"]
        weaker = min(
            moves(trainee.networks["generator_ema"], cut(split.test)),  # type: ignore[arg-type]
            key=lambda one: one.spreads,
        )
        lines += [
            line(
                f"network/{label}",
                *(end, f"KID x1000 on {name}, after {steps} steps"),
                *(f"works of {OTHER_PAINTER}", other, "below the peer"),
                holds=end < other,
            ),
            line(
                f"codes/{label}",
                *(weaker.spreads, f"spreads of works in {weaker.what}, moved by the weaker code"),
                *("correlation with the code", weaker.correlation, f"both at least {MOVED}"),
                holds=min(weaker.spreads, weaker.correlation) >= MOVED,
            ),
        ]
    return lines


def another_painter(bench: Bench, split: Split) -> float:
    """Return the KID x 1000 of another painter's works: what has learned a manner is nearer."""
    held_out, other = (
        bench.features(squares(works)) for works in (split.test, bench.splits[OTHER_PAINTER].train)
    )
    return kid_x1000(*normalise(held_out, other)).value


def quick(bench: Bench) -> list[Line]:
    """Train the first collection from nothing for a moment: too short to come nearer."""
    name = COLLECTIONS[0]
    split = bench.splits[name]
    trainee = build(split.train, split.test, PRESET, QUICK_STEPS, 0, None, bench.features)
    start, end = bench.trained(f"{name}-quick", trainee, QUICK_STEPS, 0, (0.0, 1.0))
    return [
        line(
            f"kid/{name}/quick",
            *(end["kid_x1000"], f"KID x1000, VGG-19 conv3_4, after {QUICK_STEPS} steps"),
            *("the untrained model", start["kid_x1000"]),
            "reported",
            holds=None,
        )
    ]


PARTS = {"scratch": scratch, "tuning": tuning, "classes": classes, "networks": networks}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one collection, under a minute")
    parser.add_argument("--only", choices=PARTS, help="one part")
    parser.add_argument("--collection", choices=SCRATCH, help="the only one that is trained")
    parser.add_argument("--seeds", type=int, default=1, help="trainings from nothing of each")
    parser.add_argument("--seed", type=int, help="the only seed of those")
    parser.add_argument("--network", choices=sorted({name for name, _ in NETWORKS}))
    parser.add_argument("--loss", choices=sorted({loss for _, loss in NETWORKS}))
    parser.add_argument("--steps", type=int, default=STEPS, help="of a training from nothing")
    parser.add_argument("--base-steps", type=int, default=0, help="of the base; as many")
    parser.add_argument("--gamma", type=float, default=PRESET.gamma, help="another, to try")
    parser.add_argument("--state", type=Path, help="folder of states to go on from")
    chosen = parser.parse_args()
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if folder is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(min(2, torch.get_num_threads()))
    if chosen.state is not None:
        chosen.state.mkdir(parents=True, exist_ok=True)
    extractor = load_extractor(
        f"{folder}/weights", vgg_size_px=PRESET.size_px, device=training_device().type
    )
    names = (COLLECTIONS[0], OTHER_PAINTER) if chosen.quick or chosen.only == "networks" else None
    bench = Bench(
        read_splits(Path(folder) / "scans", PRESET.size_px, names=names or COLLECTIONS),
        lambda pictures: extract(extractor, pictures),
        chosen.state,
        [chosen.collection] if chosen.collection else SCRATCH,
        range(chosen.seeds) if chosen.seed is None else [chosen.seed],
        chosen.steps,
        chosen.base_steps or chosen.steps,
        [
            (network, loss)
            for network, loss in NETWORKS
            if chosen.network in {None, network} and chosen.loss in {None, loss}
        ],
        replace(PRESET, gamma=chosen.gamma),
    )
    parts = [quick] if chosen.quick else [PARTS[chosen.only]] if chosen.only else PARTS.values()
    for part in parts:
        for result in part(bench):
            sys.stdout.write(json.dumps(result) + "\n")
            sys.stdout.flush()
    say(f"{time.process_time():.0f} CPU s")


if __name__ == "__main__":
    main()
