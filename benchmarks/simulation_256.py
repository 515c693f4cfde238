"""Train one collection with the preset paper-256 on an accelerator, and draw the curve of its KID.

    ARTGAN_TEST_DATA=... python benchmarks/simulation_256.py --seconds=300 --pictures=pictures/

A fifth of ``monet_256`` is held out. The number of steps is what a short trial says will fit into
the seconds; the rates fall towards that number. KID is measured in VGG-19 conv3_4 features of 128
works, at 128 pixels, against the held-out ones. Each measurement prints one JSON line at once, and
with ``--pictures`` keeps the grid of works of the same seeds; a training whose time is over before
its last step ends with the measurement that comes next, which says so by its step.
``results/simulation_256.webp`` is the grid of the last training, at half its size.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from held_out import read_splits, report, say

from artgan.errors import MissingAssetError
from artgan.imaging.write import png_bytes
from artgan.metrics.features import extract, load_extractor
from artgan.presets import SIMULATION_SIZES, SimulationPreset
from artgan.training.loop import Progress, Trainee, train, training_device
from artgan.training.simulation import build

COLLECTION = "monet_256"
PRESET = SIMULATION_SIZES["paper-256"]
TRIAL_STEPS = 60
MEASUREMENTS = 10
USED = 0.9
"""Part of the time that steps may take by the trial; measurements take the rest."""


class TimeIsOverError(Exception):
    """Raised after a measurement that came too late."""


def measured(
    trainee: Trainee, show: Callable[[dict[str, float]], None], ends: float
) -> Callable[[], dict[str, float]]:
    """Return a validation that shows what it found, and ends a training whose time is over."""

    def validate() -> dict[str, float]:
        found = trainee.validate()
        show(found)
        if time.monotonic() > ends:
            raise TimeIsOverError
        return found

    return validate


def go(
    trainee: Trainee,
    steps: int,
    validate_at: list[int],
    observe: Callable[[Progress], None] = lambda _: None,
) -> None:
    """Train from the start to the end; states stay in memory."""
    kept: list[bytes] = []

    def save(data: bytes) -> None:
        kept[:] = [data]

    train(
        trainee,
        steps,
        0,
        load_state=lambda: kept[0] if kept else None,
        save_state=save,
        validate_at=validate_at,
        observe=observe,
        checkpoint_every_s=120.0,
    )


def rate(fresh: Callable[[int], Trainee]) -> float:
    """Return steps a second by a short trial, of which the first third warms up."""
    times = []
    trial = fresh(TRIAL_STEPS)

    def step(number: int) -> dict[str, float]:
        times.append(time.monotonic())
        return trial.step(number)

    go(replace(trial, step=step), TRIAL_STEPS, [])
    warm = times[TRIAL_STEPS // 3 :]
    return (len(warm) - 1) / (warm[-1] - warm[0])


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="networks and steps of a test")
    parser.add_argument("--seconds", type=float, default=300.0, help="of the training")
    parser.add_argument("--pictures", type=Path, help="folder of grids")
    chosen = parser.parse_args()
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if folder is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    if not (torch.cuda.is_available() or chosen.quick):
        say("paper-256 is for an accelerator, and here is none.")
        return
    preset = PRESET
    if chosen.quick:
        preset = replace(PRESET, size_px=32, base_channels=8, max_channels=32, batch=4)
    ends = time.monotonic() + chosen.seconds
    splits = read_splits(Path(folder) / "scans", preset.size_px, names=[COLLECTION])
    split = splits[COLLECTION]
    extractor = load_extractor(f"{folder}/weights", device=training_device().type)

    def fresh(steps: int) -> Trainee:
        features = lambda pictures: extract(extractor, pictures)  # noqa: E731
        return build(split.train, split.test, preset, steps, 0, None, features)

    steps_a_second = rate(fresh)
    steps = 20 if chosen.quick else round(steps_a_second * USED * (ends - time.monotonic()))
    say(f"{steps_a_second:.2f} steps/s, so {steps} steps")
    draw_curve(fresh(steps), preset, steps, ends, chosen.pictures)


def draw_curve(
    trainee: Trainee, preset: SimulationPreset, steps: int, ends: float, pictures: Path | None
) -> None:
    """Train and print one line for each measurement."""
    done, untrained = [0], [0.0]

    def step(number: int) -> dict[str, float]:
        done[0] = number + 1
        return trainee.step(number)

    def show(found: dict[str, float]) -> None:
        if not done[0]:
            untrained[0] = found["kid_x1000"]
        line = curve_line(preset, done[0], steps, found, untrained[0])
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            (pictures / f"{COLLECTION}-256.png").write_bytes(png_bytes(trainee.grid()))

    parts = np.linspace(0, 1, MEASUREMENTS + 1)
    measuring = replace(trainee, step=step, validate=measured(trainee, show, ends))
    try:
        go(measuring, steps, [round(part * steps) for part in parts], follow)
    except TimeIsOverError:
        say("the time is over")


def follow(progress: Progress) -> None:
    """Say how the training is doing."""
    report(COLLECTION, progress)


def curve_line(
    preset: SimulationPreset, done: int, steps: int, found: dict[str, float], untrained: float
) -> dict[str, object]:
    """Make the line of one measurement."""
    return {
        "name": f"simulation_256/kid/{COLLECTION}/{done * preset.batch}-works",
        "value": round(found["kid_x1000"], 2),
        "unit": f"KID x1000, VGG-19 conv3_4 at 128 px, step {done} of {steps}",
        "peer": "the untrained model",
        "peer_value": round(untrained, 2),
        "ratio": round(found["kid_x1000"] / untrained, 5) if untrained else None,
        "target": "reported",
        "holds": None,
        "interval": [round(found["kid_low"], 2), round(found["kid_high"], 2)],
        "copy_ratio": round(found["copy_ratio"], 4),
        "diversity_ratio": round(found["diversity_ratio"], 4),
    }


if __name__ == "__main__":
    main()
