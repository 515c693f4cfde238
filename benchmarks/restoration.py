"""Measure the trained filler beside Telea and Navier-Stokes on held-out works.

    ARTGAN_TEST_DATA=... python benchmarks/restoration.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/restoration.py --state states/

Reads ``$ARTGAN_TEST_DATA/scans/<collection>/``, holds out a fifth of each collection by the hash
of the file name, trains one base on all other works, from the starter as the train flow does, and
fine-tunes it for each collection. Every method fills the same held-out crops of each collection.
Prints one JSON line for each result; progress goes to standard error. With ``--state`` a killed
measurement goes on where it was.

    ARTGAN_TEST_DATA=... python benchmarks/restoration.py --preset=base --collection=old_masters \
        --seconds=300 --strip=strip.png

trains a preset for an accelerator on one collection from nothing, since the starter has another
size, by as many steps as fit, and draws what every method makes of the first crops.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from held_out import SEED, Split, line, read_splits, say, steps_within, trained

from artgan.degrade.evaluation import DamagedCrop, evaluation_crops, hole_psnr_db
from artgan.errors import MissingAssetError
from artgan.metrics.paired import texture_ratio
from artgan.models.checkpoint import pack_weights, unpack_weights
from artgan.models.filler import Filler, load_filler
from artgan.presets import PRESETS, RestorationPreset, architecture
from artgan.restore.measure import restorations
from artgan.simulate.works import grid
from artgan.training.loop import Trainee, training_device
from artgan.training.restoration import build
from artgan.training.shipped import starter_bytes

CROPS = 72
CROP_SEED = 20_240_229
QUICK_STEPS, QUICK_CROPS = 200, 24
SHOWN = 6

Means = dict[str, dict[str, dict[str, float]]]
"""Mean of each measure, by collection and method."""


@dataclass(frozen=True)
class Plan:
    """How long to train and what to ask for.

    Attributes:
        base_steps: Steps of the base.
        collection_steps: Steps of each fine-tuning; 0 measures the base itself.
        crops: Held-out crops of each collection.
        collection_margin_db: What each collection must gain over the better classical method,
            None if nothing is asked of each.
        mean_margin_db: What collections must gain over it on average.
    """

    base_steps: int
    collection_steps: int
    crops: int
    collection_margin_db: float | None
    mean_margin_db: float


def published(trainee: Trainee, preset: RestorationPreset) -> dict[str, Filler]:
    """Return both fillers as a user would get them: packed and loaded again."""
    networks = {name: trainee.networks[name] for name in trainee.publish}
    weights = pack_weights(networks, {"preset": asdict(preset)})
    loaded = {"model": load_filler(weights), "perceptual": load_filler(weights, perceptual=1.0)}
    return {name: filler.to(training_device()) for name, filler in loaded.items()}


def mean_by_method(
    crops: Sequence[DamagedCrop], made: Sequence[Mapping[str, np.ndarray]]
) -> dict[str, dict[str, float]]:
    """Measure restored crops: mean hole PSNR in dB and texture ratio, by method."""
    truths, masks = [crop.truth for crop in crops], [crop.mask for crop in crops]
    found = {}
    for method in made[0]:
        pictures = [one[method] for one in made]
        values = [hole_psnr_db(a, crop) for a, crop in zip(pictures, crops, strict=True)]
        found[method] = {
            "db": float(np.mean(values)),
            "texture": texture_ratio(pictures, truths, masks),
        }
    return found


def strip(path: Path, crops: Sequence[DamagedCrop], made: Sequence[dict[str, np.ndarray]]) -> None:
    """Draw the first crops, a column each: damaged, by every method, truth; from the top."""
    order = ("do_nothing", "telea", "navier_stokes", "prefill", "model", "perceptual")
    rows = [[one[method] for one in made[:SHOWN]] for method in order]
    rows.append([crop.truth for crop in crops[:SHOWN]])
    drawn = grid([picture for row in rows for picture in row], min(SHOWN, len(made)))
    cv2.imwrite(str(path), cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))


def measure(
    splits: dict[str, Split], preset: RestorationPreset, plan: Plan, chosen: argparse.Namespace
) -> tuple[Means, list[dict[str, object]]]:
    """Train the base and each collection's filler.

    Returns:
        Means by collection and method, and a line on the base's training.
    """
    everything = [picture for split in splits.values() for picture in split.train]
    starter, settings = unpack_weights(starter_bytes())
    fits = architecture("restoration", settings["preset"])
    first = starter if fits == architecture("restoration", asdict(preset)) else None

    def build_base(steps: int) -> Trainee:
        return build(everything, everything[:1], preset, steps, SEED, first, gentle=False)

    steps, state = plan.base_steps, chosen.state
    if chosen.seconds is not None:
        steps = steps_within(build_base, chosen.seconds, steps)
    start = build_base(steps)
    started = time.monotonic()
    base = trained(start, steps, state, "base")
    seconds = time.monotonic() - started
    say(f"base: {steps} steps in {seconds:.0f} s")
    rate = steps * preset.batch / seconds
    name = f"restoration/{chosen.preset}/training"
    training = line(name, steps, "steps", "images/s", rate, target=None, holds=None)
    rows = {}
    for name, split in splits.items():
        # measured nowhere but below, so the validation set plays no part
        tuned = build(split.train, split.train[:1], preset, plan.collection_steps, SEED, base)
        if plan.collection_steps:
            trained(tuned, plan.collection_steps, state, name)
        crops = evaluation_crops(split.test, preset.crop_px, plan.crops, CROP_SEED)
        fillers = published(tuned if plan.collection_steps else start, preset)
        made = [restorations(crop, fillers, number) for number, crop in enumerate(crops)]
        rows[name] = mean_by_method(crops, made)
        if chosen.strip is not None:
            strip(chosen.strip.with_stem(f"{chosen.strip.stem}-{name}"), crops, made)
        say(f"{name}: {rows[name]}")
    return rows, [training]


def gains(rows: Means) -> dict[str, tuple[str, float]]:
    """Return the better classical method of each collection, and the filler's gain over it."""
    found = {}
    for name, means in rows.items():
        peer = max(("telea", "navier_stokes"), key=lambda method: means[method]["db"])
        found[name] = peer, means["model"]["db"] - means[peer]["db"]
    return found


def results(rows: Means, plan: Plan, group: str) -> list[dict[str, object]]:
    """Compare with the better classical method in each collection and on average."""
    lines = []
    margin = plan.collection_margin_db
    for name, (peer, gain) in gains(rows).items():
        means, target = rows[name], None if margin is None else f"peer + {margin:g} dB"
        holds = None if margin is None else gain >= margin
        title = f"{group}/hole_psnr/{name}"
        values = means["model"]["db"], "dB", peer, means[peer]["db"]
        lines.append(line(title, *values, target=target, holds=holds))
        loss = means["model"]["db"] - means["perceptual"]["db"]
        kept = {"target": "less than 1 dB under the peer", "holds": loss < 1.0}
        values = means["perceptual"]["db"], "dB", "fidelity network", means["model"]["db"]
        lines.append(line(f"{group}/perceptual/{name}", *values, **kept))
        found, before = means["perceptual"]["texture"], means["model"]["texture"]
        nearer = {"target": "nearer to 1", "holds": abs(1 - found) < abs(1 - before)}
        lines.append(
            line(f"{group}/texture/{name}", found, "", "fidelity network", before, **nearer)
        )
    mean = float(np.mean([gain for _, gain in gains(rows).values()]))
    target = {"target": f">= {plan.mean_margin_db:g} dB", "holds": mean >= plan.mean_margin_db}
    lines.append(line(f"{group}/mean gain", mean, "dB", "better classical method", 0.0, **target))
    return lines


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few steps, under a minute")
    presets = ["demo", "tiny", "small", "base"]
    parser.add_argument("--preset", choices=presets, default="tiny", help="sizes and steps")
    parser.add_argument("--collection", help="train and measure on this one alone")
    parser.add_argument("--seconds", type=float, help="time for the base's training, at most")
    parser.add_argument("--strip", type=Path, help="PNG to draw the first crops to")
    parser.add_argument("--state", type=Path, help="folder of states to go on from")
    return parser.parse_args(arguments)


def plan_of(chosen: argparse.Namespace, preset: RestorationPreset) -> Plan:
    """Choose steps and targets; the shorter the training, the less is asked of it."""
    if chosen.quick:
        return Plan(QUICK_STEPS, 0, QUICK_CROPS, None, -1.0)
    own_steps = 0 if chosen.collection else preset.collection_steps
    steps = preset.base_steps, own_steps
    if chosen.preset == "demo":
        return Plan(*steps, CROPS, None, 0.0)
    return Plan(*steps, CROPS, 0.8, 1.2)


def main() -> None:
    """Measure and print."""
    chosen = options()
    root = os.environ.get("ARTGAN_TEST_DATA")
    if root is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(min(2, torch.get_num_threads()))
    if chosen.state is not None:
        chosen.state.mkdir(parents=True, exist_ok=True)
    preset = PRESETS[chosen.preset].restoration
    names = None if chosen.collection is None else [chosen.collection]
    splits = read_splits(Path(root) / "scans", preset.short_side_px, names=names)
    started = time.monotonic()
    plan = plan_of(chosen, preset)
    rows, training = measure(splits, preset, plan, chosen)
    usual = chosen.preset in {"demo", "tiny"}
    group = "restoration" if usual else f"restoration/{chosen.preset}"
    for one in results(rows, plan, group) + training:
        sys.stdout.write(json.dumps(one) + "\n")
    say(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
