"""Measure the trained filler beside Telea and Navier-Stokes on held-out works.

    ARTGAN_TEST_DATA=... python benchmarks/restoration.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/restoration.py --state states/

Reads ``$ARTGAN_TEST_DATA/scans/<collection>/``, holds out a fifth of each collection by the hash
of the file name, trains one base on all other works, from the starter as the train flow does, and
fine-tunes it for each collection. Every method fills the same held-out crops of each collection.
Prints one JSON line for each result; progress goes to standard error. With ``--state`` a killed
measurement goes on where it was.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from held_out import SEED, Split, read_splits, say, trained

from artgan.degrade.evaluation import DamagedCrop, evaluation_crops, hole_psnr_db
from artgan.errors import MissingAssetError
from artgan.metrics.paired import texture_ratio
from artgan.models.checkpoint import pack_weights, unpack_weights
from artgan.models.filler import Filler, load_filler
from artgan.presets import PRESETS, RestorationPreset
from artgan.restore.measure import restorations
from artgan.training.loop import Trainee
from artgan.training.restoration import build
from artgan.training.starter import starter_bytes

CROPS = 72
CROP_SEED = 20_240_229
QUICK_STEPS, QUICK_CROPS = 200, 24

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
    return {"model": load_filler(weights), "perceptual": load_filler(weights, perceptual=1.0)}


def mean_by_method(
    crops: Sequence[DamagedCrop], fillers: Mapping[str, Filler]
) -> dict[str, dict[str, float]]:
    """Restore crops with every method: mean hole PSNR in dB and texture ratio, by method."""
    made = [restorations(crop, fillers, number) for number, crop in enumerate(crops)]
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


def measure(
    splits: dict[str, Split], preset: RestorationPreset, plan: Plan, state: Path | None
) -> Means:
    """Train the base and each collection's filler; return means by collection and method."""
    everything = [picture for split in splits.values() for picture in split.train]
    started = time.monotonic()
    starter, _ = unpack_weights(starter_bytes())
    start = build(everything, everything[:1], preset, plan.base_steps, SEED, starter, gentle=False)
    base = trained(start, plan.base_steps, state, "base")
    say(f"base: {plan.base_steps} steps in {time.monotonic() - started:.0f} s")
    rows = {}
    for name, split in splits.items():
        # measured nowhere but below, so the validation set plays no part
        tuned = build(split.train, split.train[:1], preset, plan.collection_steps, SEED, base)
        if plan.collection_steps:
            trained(tuned, plan.collection_steps, state, name)
        crops = evaluation_crops(split.test, preset.crop_px, plan.crops, CROP_SEED)
        fillers = published(tuned if plan.collection_steps else start, preset)
        rows[name] = mean_by_method(crops, fillers)
        say(f"{name}: {rows[name]}")
    return rows


def line(
    name: str, value: float, unit: str, peer: str, peer_value: float, **verdict: object
) -> dict[str, object]:
    """Make one result; ``verdict`` holds the target in words and whether it holds."""
    numbers = {"value": round(value, 3), "peer_value": round(peer_value, 3)}
    ratio = round(value / peer_value, 4) if peer_value else None
    return {"name": name, "unit": unit, "peer": peer, "ratio": ratio, **numbers, **verdict}


def gains(rows: Means) -> dict[str, tuple[str, float]]:
    """Return the better classical method of each collection, and the filler's gain over it."""
    found = {}
    for name, means in rows.items():
        peer = max(("telea", "navier_stokes"), key=lambda method: means[method]["db"])
        found[name] = peer, means["model"]["db"] - means[peer]["db"]
    return found


def results(rows: Means, plan: Plan) -> list[dict[str, object]]:
    """Compare with the better classical method in each collection and on average."""
    lines = []
    margin = plan.collection_margin_db
    for name, (peer, gain) in gains(rows).items():
        means, target = rows[name], None if margin is None else f"peer + {margin:g} dB"
        holds = None if margin is None else gain >= margin
        title = f"restoration/hole_psnr/{name}"
        values = means["model"]["db"], "dB", peer, means[peer]["db"]
        lines.append(line(title, *values, target=target, holds=holds))
        loss = means["model"]["db"] - means["perceptual"]["db"]
        kept = {"target": "less than 1 dB under the peer", "holds": loss < 1.0}
        values = means["perceptual"]["db"], "dB", "fidelity network", means["model"]["db"]
        lines.append(line(f"restoration/perceptual/{name}", *values, **kept))
        found, before = means["perceptual"]["texture"], means["model"]["texture"]
        nearer = {"target": "nearer to 1", "holds": abs(1 - found) < abs(1 - before)}
        lines.append(
            line(f"restoration/texture/{name}", found, "", "fidelity network", before, **nearer)
        )
    mean = float(np.mean([gain for _, gain in gains(rows).values()]))
    target = {"target": f">= {plan.mean_margin_db:g} dB", "holds": mean >= plan.mean_margin_db}
    lines.append(
        line("restoration/mean gain", mean, "dB", "better classical method", 0.0, **target)
    )
    return lines


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few steps, under a minute")
    parser.add_argument(
        "--preset", choices=["demo", "tiny"], default="tiny", help="how long to train"
    )
    parser.add_argument("--state", type=Path, help="folder of states to go on from")
    return parser.parse_args(arguments)


def plan_of(chosen: argparse.Namespace, preset: RestorationPreset) -> Plan:
    """Choose steps and targets; the shorter the training, the less is asked of it."""
    if chosen.quick:
        return Plan(QUICK_STEPS, 0, QUICK_CROPS, None, -1.0)
    steps = preset.base_steps, preset.collection_steps
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
    splits = read_splits(Path(root) / "scans", preset.short_side_px)
    started = time.monotonic()
    plan = plan_of(chosen, preset)
    for line in results(measure(splits, preset, plan, chosen.state), plan):
        sys.stdout.write(json.dumps(line) + "\n")
    say(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
