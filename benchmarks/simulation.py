"""Measure the simulation GAN on held-out works: does training help, and does it copy?

    ARTGAN_TEST_DATA=... python benchmarks/simulation.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/simulation.py --preset tiny --state states/
    ARTGAN_TEST_DATA=... python benchmarks/simulation.py --networks --state states/

Reads ``$ARTGAN_TEST_DATA/scans/<collection>/``, holds out a fifth of each collection by the hash
of the file name, trains one base on all other works and fine-tunes it for each collection. KID is
measured in VGG-19 conv3_4 features of 256 works against the held-out ones. Prints one JSON line
for each result; progress goes to standard error. With ``--state`` a killed measurement goes on.
With ``--networks`` each network is trained on the first collection from nothing, with its losses.
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
from held_out import kept_in, report, say
from torch import Tensor

from artgan.errors import ArtganError, MissingAssetError
from artgan.imaging.read import read_rgb
from artgan.imaging.write import png_bytes
from artgan.metrics.features import extract, load_extractor
from artgan.presets import PRESETS, LossName, NetworkName, SimulationPreset
from artgan.training.loop import Trainee, train
from artgan.training.simulation import build

COLLECTIONS = ("monet_256", "ukiyo_e", "van_gogh", "old_masters")
HELD_OUT_FRACTION = 0.2
SEED = 0
QUICK_STEPS = 300
COPY_RATIO_FLOOR = 0.9
DIVERSITY_FLOOR = 0.6
STEPS_PER_S = 20.0
NETWORK_STEPS = 1200
NETWORKS: tuple[tuple[NetworkName, LossName], ...] = (
    ("skip", "relativistic"),
    ("style", "non-saturating"),
    ("dcgan", "non-saturating"),
    ("dcgan", "wgan-gp"),
    ("skip", "hinge"),
)

Weights = dict[str, dict[str, Tensor]]
Features = Callable[[Sequence[np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class Split:
    """Works of one collection."""

    train: list[np.ndarray]
    test: list[np.ndarray]


def load_split(folder: Path, short_side_px: int) -> Split:
    """Read a collection's scans, a fifth of them held out by the hash of their names."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    ranked = sorted(files, key=lambda path: hashlib.sha256(path.name.encode()).hexdigest())
    held_out = set(ranked[: max(1, round(len(files) * HELD_OUT_FRACTION))])
    works: dict[bool, list[np.ndarray]] = {False: [], True: []}
    for path in files:
        try:
            picture = read_rgb(path.read_bytes(), short_side_px)
        except ArtganError as error:
            say(f"left out {path.name}: {error}")
            continue
        works[path in held_out].append(picture)
    return Split(works[False], works[True])


def vgg_features(root: Path, side_px: int) -> Features:
    """Return the measuring network: VGG-19 conv3_4 on squares of a side."""
    extractor = load_extractor(str(root / "weights"), vgg_size_px=side_px)
    return lambda pictures: extract(extractor, pictures)


def run(
    trainee: Trainee, steps: int, name: str, state: Path | None, parts: Sequence[float]
) -> list[dict[str, float]]:
    """Train to the end, measure after each part of the steps, and keep a state if asked to."""
    load, save = kept_in(state, name)
    return train(
        trainee,
        steps,
        SEED,
        load_state=load,
        save_state=save,
        validate_at=sorted({round(part * steps) for part in parts}),
        observe=lambda progress: report(name, progress),
        checkpoint_every_s=10.0,
    )


def weights_of(trainee: Trainee) -> Weights:
    """Return what a fine-tuning starts from."""
    names = (*trainee.publish, *trainee.warm)
    return {name: trainee.networks[name].state_dict() for name in names}


def speed(trainee: Trainee, steps: int = 40) -> float:
    """Return optimisation steps per second, measuring left out; changes the networks."""
    for number in range(8):
        trainee.step(number)
    started = time.monotonic()
    for number in range(steps):
        trainee.step(number)
    return steps / (time.monotonic() - started)


def line(  # noqa: PLR0913 -- the fields of a result
    name: str, value: float, unit: str, peer: str, peer_value: float, target: str, *, holds: bool
) -> dict[str, object]:
    """Make one result line; the ratio is value over peer."""
    return {
        "name": name,
        "value": round(value, 4),
        "unit": unit,
        "peer": peer,
        "peer_value": round(peer_value, 4),
        "ratio": round(value / peer_value, 4) if peer_value else None,
        "target": target,
        "holds": bool(holds),
    }


def results(collection: str, early: dict[str, float], end: dict[str, float]) -> list[dict]:
    """Compare the end of a training with its first tenth, and look for copies and collapse."""
    fields = [
        ("copy_ratio", "held-out works", COPY_RATIO_FLOOR),
        ("diversity_ratio", "held-out works", DIVERSITY_FLOOR),
    ]
    return [
        line(
            f"simulation/kid/{collection}",
            end["kid_x1000"],
            "KID x1000, VGG-19 conv3_4",
            "a tenth of the training",
            early["kid_x1000"],
            "95 % interval wholly below the peer's",
            holds=end["kid_high"] < early["kid_low"],
        ),
        *(
            line(
                f"simulation/{key}/{collection}",
                end[key],
                "ratio",
                peer,
                1.0,
                f"at least {floor}",
                holds=end[key] >= floor,
            )
            for key, peer, floor in fields
        ),
    ]


def quick(splits: dict[str, Split], preset: SimulationPreset, features: Features) -> list[dict]:
    """Train the first collection from nothing for a few seconds; test that it comes nearer."""
    name = COLLECTIONS[0]
    trainee = build(*both(splits[name]), preset, QUICK_STEPS, SEED, None, features)
    history = run(trainee, QUICK_STEPS, name, None, (0.1, 1.0))
    return [*results(name, *history), speed_line(speed(trainee))]


def full(
    splits: dict[str, Split], preset: SimulationPreset, features: Features, state: Path | None
) -> list[dict]:
    """Train the base, then each collection; the first tenth is that of the whole training."""
    everything = Split(
        [work for split in splits.values() for work in split.train],
        [work for split in splits.values() for work in split.test],
    )
    base = build(*both(everything), preset, preset.base_steps, SEED, None, features)
    run(base, preset.base_steps, "base", state, ())
    lines = []
    for name in COLLECTIONS:
        split = splits[name]
        tuned = build(
            *both(split), preset, preset.collection_steps, SEED, weights_of(base), features
        )
        history = run(tuned, preset.collection_steps, name, state, (0.0, 0.1, 1.0))
        say(f"{name}: {history}")
        if state is not None:
            (state / f"{name}.png").write_bytes(png_bytes(tuned.grid()))
        lines += results(name, history[1], history[-1])
    return [*lines, speed_line(speed(base))]


def networks(
    split: Split, preset: SimulationPreset, features: Features, state: Path | None
) -> list[dict]:
    """Train each network from nothing on one collection; KID before, on the way and after."""
    lines = []
    for network, loss in NETWORKS:
        name = f"{network}-{loss}"
        chosen = replace(preset, network=network, loss=loss)
        trainee = build(*both(split), chosen, NETWORK_STEPS, SEED, None, features)
        history = run(trainee, NETWORK_STEPS, name, state, (0.0, 0.5, 1.0))
        say(f"{name}: {history}")
        if state is not None:
            (state / f"{name}.png").write_bytes(png_bytes(trainee.grid()))
        before, end = history[0]["kid_x1000"], history[-1]["kid_x1000"]
        lines.append(
            line(
                f"simulation/network/{name}",
                end,
                f"KID x1000, VGG-19 conv3_4, after {NETWORK_STEPS} steps",
                "the same network untrained",
                before,
                "a tenth of the peer",
                holds=end <= before / 10,
            )
        )
    return lines


def both(split: Split) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return training and held-out works."""
    return split.train, split.test


def speed_line(steps_per_s: float) -> dict[str, object]:
    """Compare the speed with what was measured on two idle threads."""
    return line(
        "simulation/speed",
        steps_per_s,
        "steps/s",
        "two idle threads",
        STEPS_PER_S,
        "at least 0.8 of the peer",
        holds=steps_per_s >= 0.8 * STEPS_PER_S,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one collection, under a minute")
    parser.add_argument("--networks", action="store_true", help="each network, one collection")
    parser.add_argument("--preset", choices=["demo", "tiny"], default="tiny")
    parser.add_argument("--state", type=Path, help="folder of states to go on from")
    chosen = parser.parse_args()
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if folder is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(min(2, torch.get_num_threads()))
    if chosen.state is not None:
        chosen.state.mkdir(parents=True, exist_ok=True)
    preset = PRESETS[chosen.preset].simulation
    root, started = Path(folder), time.monotonic()
    names = COLLECTIONS[:1] if chosen.quick or chosen.networks else COLLECTIONS
    splits = {name: load_split(root / "scans" / name, preset.size_px) for name in names}
    features = vgg_features(root, preset.size_px)
    if chosen.networks:
        lines = networks(splits[names[0]], preset, features, chosen.state)
    elif chosen.quick:
        lines = quick(splits, preset, features)
    else:
        lines = full(splits, preset, features, chosen.state)
    for result in lines:
        sys.stdout.write(json.dumps(result) + "\n")
    say(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
