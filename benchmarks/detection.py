"""Measure the damage detector beside top-hat filters, and blind restoration beside doing nothing.

    ARTGAN_TEST_DATA=... python benchmarks/detection.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/detection.py --state states/

Holds out a fifth of each collection as ``restoration.py`` does, trains one base on all other works
and measures on the held-out ones: F1 of the pixels that drawn damage covers, the share of whole
undamaged works that would be marked, and what filling the marked pixels gains when nobody says
where the damage is. The filler of that is trained for a minute, or is its smooth start alone with
``--quick``. Also how long damage takes to draw. ``--save FILE`` keeps the detector's weights, and
``--detector FILE`` measures such a file instead of training one.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from held_out import SEED, Split, read_splits, say, trained
from restoration import line

from artgan.degrade.blind import BlindCrop, blind_crops
from artgan.degrade.work import draw_overlay
from artgan.errors import MissingAssetError
from artgan.models.checkpoint import pack_weights
from artgan.models.detector import Detector, load_detector
from artgan.models.filler import Filler
from artgan.presets import DETECTED, OPAQUE, PRESETS, DetectionPreset
from artgan.restore.detect import DetectOptions, detect_scan
from artgan.restore.fill import fill_scan
from artgan.training import detection, restoration

CROPS = 40
CROP_SEED = 20_240_229
FILLER_STEPS = 600
QUICK_STEPS, QUICK_CROPS, QUICK_WORKS = 30, 4, 3


@dataclass(frozen=True)
class Found:
    """What was measured in one collection.

    Attributes:
        f1: Of the detector's masks, all opaque classes wanted.
        classical_f1: Of top-hat filters.
        clean: Fraction of whole undamaged works that is marked by default.
        damaged_db: PSNR of damaged crops.
        restored_db: PSNR of the same, filled where the detector marks them.
        known_db: PSNR of the same, filled where they are damaged.
        median_db: PSNR of the same after a median filter, the classical blind method.
    """

    f1: float
    classical_f1: float
    clean: float
    damaged_db: float
    restored_db: float
    known_db: float
    median_db: float


def psnr_db(picture: np.ndarray, truth: np.ndarray) -> float:
    """Compare whole crops."""
    error = max(float(np.mean((picture.astype(float) - truth) ** 2)), 1e-2)
    return float(10.0 * np.log10(255.0**2 / error))


def blind_db(crops: Sequence[BlindCrop], detector: Detector, filler: Filler) -> list[float]:
    """Return mean PSNR of crops: damaged, blindly restored, restored with the mask, median."""
    rows = []
    for crop in crops:
        found = detect_scan(crop.damaged, detector, DetectOptions(OPAQUE)).mask
        rows.append(
            [
                psnr_db(crop.damaged, crop.truth),
                psnr_db(_filled(crop.damaged, found, filler), crop.truth),
                psnr_db(_filled(crop.damaged, crop.overlay.union(), filler), crop.truth),
                psnr_db(cv2.medianBlur(crop.damaged, 3), crop.truth),
            ]
        )
    return np.mean(rows, axis=0).tolist()


def _filled(picture: np.ndarray, mask: np.ndarray, filler: Filler) -> np.ndarray:
    return picture if mask.all() else fill_scan(picture, mask, filler).pixels


def measure(
    works: Sequence[np.ndarray],
    preset: DetectionPreset,
    models: tuple[Detector, Filler],
    crops: int,
) -> Found:
    """Measure on the held-out works of one collection."""
    detector, filler = models
    default = DetectOptions(DETECTED)
    clean = [detect_scan(work, detector, default) for work in works]
    everything = blind_crops(works, preset.sheet_px, crops, CROP_SEED, preset.classes)
    measures = detection.measures(detector, everything)
    # veils are not filled, so blind restoration is judged on damage that is
    opaque = blind_crops(works, preset.sheet_px, crops, CROP_SEED + 1, OPAQUE)
    return Found(
        measures["union_f1"],
        detection.classical_f1(everything),
        float(np.mean([one.damaged_fraction for one in clean])),
        *blind_db(opaque, detector, filler),
    )


def train_filler(splits: dict[str, Split], steps: int) -> Filler:
    """Train a filler for a minute; its smooth start alone if there are no steps."""
    preset = replace(PRESETS["tiny"].restoration, gan_fraction=0.0)
    if steps == 0:
        return Filler(preset.widths, preset.blocks).eval()
    factor = preset.short_side_px / PRESETS["tiny"].detection.short_side_px
    works = [
        cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        for split in splits.values()
        for picture in split.train
    ]
    trainee = restoration.build(works, works[:1], preset, steps, SEED, None)
    weights = trained(trainee, steps, None, "filler")
    filler = Filler(preset.widths, preset.blocks)
    filler.load_state_dict(weights["generator_ema"])
    return filler.eval()


def train_detector(
    splits: dict[str, Split], preset: DetectionPreset, steps: int, chosen: argparse.Namespace
) -> Detector:
    """Train the base, or read it; return it as a user would get it: packed and loaded again."""
    if chosen.detector is not None:
        return load_detector(chosen.detector.read_bytes())
    everything = [picture for split in splits.values() for picture in split.train]
    trainee = detection.build(everything, everything[:1], preset, steps, SEED, None)
    trained(trainee, steps, chosen.state, "detector")
    networks = {name: trainee.networks[name] for name in trainee.publish}
    weights = pack_weights(networks, {"preset": asdict(preset)})
    if chosen.save is not None:
        chosen.save.write_bytes(weights)
    return load_detector(weights)


def damage_ms(size: int, count: int = 12) -> float:
    """Time how long damage of a crop takes to draw, in milliseconds."""
    rng = np.random.default_rng(SEED)
    started = time.perf_counter()
    for _ in range(count):
        draw_overlay(size, size, rng)
    return 1000.0 * (time.perf_counter() - started) / count


def results(rows: dict[str, Found], *, quick: bool) -> list[dict[str, object]]:
    """Compare with the targets; after a few steps nothing is asked of the detector."""
    lines = []
    for name, found in rows.items():
        none = {"target": None, "holds": None}
        values = found.f1, "F1", "top-hat filters", found.classical_f1
        lines.append(line(f"detection/f1/{name}", *values, **none))
        values = found.clean, "fraction", "do nothing", 0.0
        lines.append(line(f"detection/clean_altered/{name}", *values, **none))
        values = found.restored_db, "dB", "damaged", found.damaged_db
        lines.append(line(f"detection/blind_psnr/{name}", *values, **none))

    def mean(field: str) -> float:
        return float(np.mean([getattr(found, field) for found in rows.values()]))

    def verdict(target: str, *, holds: bool) -> dict[str, object]:
        return {"target": None if quick else target, "holds": None if quick else holds}

    f1, clean, gain = mean("f1"), mean("clean"), mean("restored_db") - mean("damaged_db")
    worst = max(found.clean for found in rows.values())
    values = f1, "F1", "top-hat filters", mean("classical_f1")
    lines.append(line("detection/f1/mean", *values, **verdict(">= 0.6", holds=f1 >= 0.6)))
    values = clean, "fraction", "worst collection", worst
    lines.append(
        line("detection/clean_altered/mean", *values, **verdict("< 0.01", holds=clean < 0.01))
    )
    values = mean("restored_db"), "dB", "damaged", mean("damaged_db")
    lines.append(
        line("detection/blind_psnr/mean", *values, **verdict("peer + 3 dB", holds=gain >= 3.0))
    )
    values = mean("restored_db"), "dB", "median filter", mean("median_db")
    better = mean("restored_db") > mean("median_db")
    lines.append(line("detection/blind_psnr/mean", *values, **verdict("> peer", holds=better)))
    values = mean("restored_db"), "dB", "damage known", mean("known_db")
    lines.append(line("detection/blind_psnr/mean", *values, target=None, holds=None))
    lines += [
        line(f"detection/damage/{size}", damage_ms(size), "ms", "", 0.0, target=None, holds=None)
        for size in (64, 256)
    ]
    return lines


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few steps, under a minute")
    parser.add_argument("--steps", type=int, help="steps of the base, the preset's by default")
    parser.add_argument("--state", type=Path, help="folder of states to go on from")
    parser.add_argument("--save", type=Path, help="file to keep the detector's weights in")
    parser.add_argument(
        "--filler-steps", type=int, default=FILLER_STEPS, help="0 fills with its smooth start"
    )
    parser.add_argument("--detector", type=Path, help="weights to measure instead of training")
    return parser.parse_args(arguments)


def main() -> None:
    """Measure and print."""
    chosen = options()
    root = os.environ.get("ARTGAN_TEST_DATA")
    if root is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    torch.set_num_threads(min(2, torch.get_num_threads()))
    if chosen.state is not None:
        chosen.state.mkdir(parents=True, exist_ok=True)
    preset = PRESETS["tiny"].detection
    steps = chosen.steps or (QUICK_STEPS if chosen.quick else preset.base_steps)
    most = QUICK_WORKS if chosen.quick else None
    started = time.monotonic()
    splits = read_splits(Path(root) / "scans", preset.short_side_px, most=most)
    say(f"scans read in {time.monotonic() - started:.0f} s")
    detector = train_detector(splits, preset, steps, chosen)
    say(f"detector trained after {time.monotonic() - started:.0f} s")
    models = detector, train_filler(splits, 0 if chosen.quick else chosen.filler_steps)
    crops = QUICK_CROPS if chosen.quick else CROPS
    rows = {}
    for name, split in splits.items():
        rows[name] = measure(split.test, preset, models, crops)
        say(f"{name}: {rows[name]}")
    for one in results(rows, quick=chosen.quick):
        sys.stdout.write(json.dumps(one) + "\n")
    say(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
