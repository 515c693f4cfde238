"""Measure the damage detector beside top-hat filters, and blind restoration beside doing nothing.

    ARTGAN_TEST_DATA=... python benchmarks/detection.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/detection.py --state states/

Holds out a fifth of each collection as ``restoration.py`` does, trains one base on all other works,
fine-tunes it for each collection as the train flow does, and measures on the held-out works: F1 of
the pixels that drawn damage covers, the share of whole undamaged works that would be marked (and of
the quarter of each that has most texture: leaves, waves), how much of losses and fillings an eighth
to a third of a work wide is found by looking from afar, and what filling the marked pixels gains
when nobody says where the damage is. The filler of that starts from the starter and trains for a
minute; with ``--quick`` it is its smooth start alone. Also how long damage takes to draw. ``--save
FILE`` keeps the base's weights, and ``--base FILE`` starts from such a file instead of training
one. ``--seconds N`` times some steps first and then plans as many as fit into that time, the
preset's at most.
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
from held_out import SEED, Split, line, read_splits, say, steps_within, trained

from artgan.degrade.blind import BlindCrop, blind_crops, large_crops
from artgan.degrade.work import draw_overlay
from artgan.errors import MissingAssetError
from artgan.metrics.masks import recall
from artgan.models.checkpoint import pack_weights, unpack_weights
from artgan.models.detector import Detector, load_detector
from artgan.models.filler import Filler
from artgan.presets import DETECTED, OPAQUE, PRESETS, DetectionPreset
from artgan.restore.detect import DetectOptions, detect_scan
from artgan.restore.fill import fill_scan
from artgan.training import detection, restoration
from artgan.training.loop import Trainee, training_device
from artgan.training.shipped import starter_bytes

CROPS = 40
LARGE_CROPS = 12
BROAD = DetectOptions(DETECTED, broad=True)
CROP_SEED = 20_240_229
FILLER_STEPS = 600
QUICK_STEPS, QUICK_CROPS, QUICK_WORKS = 10, 4, 3


@dataclass(frozen=True)
class Found:
    """What was measured in one collection.

    Attributes:
        f1: Of the detector's masks, all opaque classes wanted.
        base_f1: Of those of the base, before it was fine-tuned.
        classical_f1: Of top-hat filters.
        clean: Fraction of whole undamaged works that is marked by default.
        busiest: The same of the quarter of each with most texture.
        broad_clean: Fraction of whole undamaged works marked when broad damage is looked for.
        large_recall: Fraction of broad damage on whole works that is marked then.
        near_recall: The same by default.
        damaged_db: PSNR of damaged crops.
        restored_db: PSNR of the same, filled where the detector marks them.
        known_db: PSNR of the same, filled where they are damaged.
        median_db: PSNR of the same after a median filter, the classical blind method.
    """

    f1: float
    base_f1: float
    classical_f1: float
    clean: float
    busiest: float
    broad_clean: float
    large_recall: float
    near_recall: float
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
    models: tuple[Detector, Detector, Filler],
    crops: int,
) -> Found:
    """Measure base, fine-tuned detector and filler on the held-out works of one collection."""
    base, detector, filler = models
    default = DetectOptions(DETECTED)
    clean = [detect_scan(work, detector, default) for work in works]
    everything = blind_crops(works, preset.sheet_px, crops, CROP_SEED, preset.classes)
    measures = detection.measures(detector, everything)
    squares = large_crops(works, crops * LARGE_CROPS // CROPS, CROP_SEED)
    truth = [one.overlay.union() for one in squares]
    # veils are not filled, so blind restoration is judged on damage that is
    opaque = blind_crops(works, preset.sheet_px, crops, CROP_SEED + 1, OPAQUE)
    return Found(
        measures["union_f1"],
        detection.measures(base, everything)["union_f1"],
        detection.classical_f1(everything),
        float(np.mean([one.damaged_fraction for one in clean])),
        float(np.mean([one.mask[busiest(w)].mean() for one, w in zip(clean, works, strict=True)])),
        float(np.mean([detect_scan(work, detector, BROAD).damaged_fraction for work in works])),
        recall([detect_scan(one.damaged, detector, BROAD).mask for one in squares], truth),
        recall([detect_scan(one.damaged, detector).mask for one in squares], truth),
        *blind_db(opaque, detector, filler),
    )


def busiest(picture: np.ndarray) -> tuple[slice, slice]:
    """Return the quarter of a picture that has most texture."""
    height, width = (side // 2 for side in picture.shape[:2])
    places = [(top, left) for top in (0, height // 2, height) for left in (0, width // 2, width)]
    parts = [(slice(top, top + height), slice(left, left + width)) for top, left in places]

    def texture(part: tuple[slice, slice]) -> float:
        grey = cv2.cvtColor(picture[part], cv2.COLOR_RGB2GRAY)
        return float(np.abs(cv2.Laplacian(grey, cv2.CV_16S)).mean())

    return max(parts, key=texture)


def train_filler(splits: dict[str, Split], steps: int, state: Path | None) -> Filler:
    """Train a filler for a minute from the starter; without steps, return its smooth start."""
    preset = replace(PRESETS["tiny"].restoration, gan_fraction=0.0)
    if steps == 0:
        return Filler(preset.widths, preset.blocks).eval()
    factor = preset.short_side_px / min(splits[next(iter(splits))].train[0].shape[:2])
    works = [
        cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        for split in splits.values()
        for picture in split.train
    ]
    starter = unpack_weights(starter_bytes())[0]
    trainee = restoration.build(works, works[:1], preset, steps, SEED, starter, gentle=False)
    weights = trained(trainee, steps, state, "filler")
    filler = Filler(preset.widths, preset.blocks)
    filler.load_state_dict(weights["generator_ema"])
    return filler.eval()


def train_base(
    splits: dict[str, Split], preset: DetectionPreset, steps: int, chosen: argparse.Namespace
) -> bytes:
    """Train the base, or read it; return it as it is published."""
    if chosen.base is not None:
        return chosen.base.read_bytes()
    everything = [picture for split in splits.values() for picture in split.train]

    def build(steps: int) -> Trainee:
        return detection.build(everything, everything[:1], preset, steps, SEED, None)

    if chosen.seconds is not None:
        steps = steps_within(build, chosen.seconds, steps)
    trainee = build(steps)
    weights = _published(trainee, preset, steps, chosen.state, "detector")
    if chosen.save is not None:
        chosen.save.write_bytes(weights)
    return weights


def fine_tune(
    split: Split, preset: DetectionPreset, steps: int, base: bytes, state: tuple[Path | None, str]
) -> Detector:
    """Fine-tune the base for a collection."""
    weights = unpack_weights(base)[0]
    trainee = detection.build(split.train, split.train[:1], preset, steps, SEED, weights)
    return load_detector(_published(trainee, preset, steps, *state)).to(training_device())


def _published(
    trainee: Trainee, preset: DetectionPreset, steps: int, state: Path | None, name: str
) -> bytes:
    """Train to the end; return the weights as a user would get them."""
    trained(trainee, steps, state, name)
    networks = {name: trainee.networks[name] for name in trainee.publish}
    return pack_weights(networks, {"preset": asdict(preset)})


def damage_ms(size: int, count: int = 12) -> float:
    """Time how long damage of a crop takes to draw, in milliseconds."""
    rng = np.random.default_rng(SEED)
    started = time.perf_counter()
    for _ in range(count):
        draw_overlay(size, size, rng)
    return 1000.0 * (time.perf_counter() - started) / count


def by_collection(rows: dict[str, Found], group: str) -> list[dict[str, object]]:
    """Make the lines of each collection."""
    lines = []
    for name, found in rows.items():
        for measure, unit, peer, value, peer_value in (
            ("f1", "F1", "top-hat filters", found.f1, found.classical_f1),
            ("clean_altered", "fraction", "do nothing", found.clean, 0.0),
            ("busiest_altered", "fraction", "the whole works", found.busiest, found.clean),
            ("broad_clean_altered", "fraction", "from near alone", found.broad_clean, found.clean),
            ("large_recall", "recall", "from near alone", found.large_recall, found.near_recall),
            ("blind_psnr", "dB", "damaged", found.restored_db, found.damaged_db),
        ):
            title = f"{group}/{measure}/{name}"
            lines.append(line(title, value, unit, peer, peer_value, target=None, holds=None))
    return lines


def results(rows: dict[str, Found], group: str, *, quick: bool) -> list[dict[str, object]]:
    """Compare means with the targets; after a few steps nothing is asked of the detector."""
    lines = []

    def mean(field: str) -> float:
        return float(np.mean([getattr(found, field) for found in rows.values()]))

    def add(measure: str, value: float, unit: str, peer: tuple[str, float]) -> None:
        target = None if quick else asked.get((measure, peer[0]))
        words, holds = (None, None) if target is None else target
        title = f"{group}/{measure}/mean"
        lines.append(line(title, value, unit, *peer, target=words, holds=holds))

    f1, clean = mean("f1"), mean("clean")
    restored, damaged, filtered = mean("restored_db"), mean("damaged_db"), mean("median_db")
    worst = max(found.clean for found in rows.values())
    asked = {
        ("f1", "top-hat filters"): (">= 0.6", f1 >= 0.6),
        ("clean_altered", "worst collection"): ("< 0.01", clean < 0.01),
        ("blind_psnr", "damaged"): ("peer + 3 dB", restored - damaged >= 3.0),
        ("blind_psnr", "median filter"): ("> peer", restored > filtered),
    }
    add("f1", f1, "F1", ("the base alone", mean("base_f1")))
    add("f1", f1, "F1", ("top-hat filters", mean("classical_f1")))
    add("clean_altered", clean, "fraction", ("worst collection", worst))
    add("busiest_altered", mean("busiest"), "fraction", ("the whole works", clean))
    broad_clean = mean("broad_clean")
    add("broad_clean_altered", broad_clean, "fraction", ("from near alone", clean))
    add("large_recall", mean("large_recall"), "recall", ("from near alone", mean("near_recall")))
    add("blind_psnr", restored, "dB", ("damaged", damaged))
    add("blind_psnr", restored, "dB", ("median filter", filtered))
    add("blind_psnr", restored, "dB", ("damage known", mean("known_db")))
    return lines + [
        line(f"detection/damage/{size}", damage_ms(size), "ms", "", 0.0, target=None, holds=None)
        for size in (64, 256)
    ]


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few steps, under a minute")
    parser.add_argument("--steps", type=int, help="steps of the base, the preset's by default")
    parser.add_argument("--state", type=Path, help="folder of states to go on from")
    parser.add_argument("--save", type=Path, help="file to keep the base's weights in")
    parser.add_argument(
        "--filler-steps", type=int, default=FILLER_STEPS, help="0 fills with its smooth start"
    )
    parser.add_argument("--base", type=Path, help="weights of a base, instead of training one")
    parser.add_argument(
        "--collection-steps", type=int, help="steps of each fine-tuning; 0 measures the base"
    )
    parser.add_argument("--seconds", type=float, help="time for the base's training, at most")
    parser.add_argument("--preset", choices=["tiny", "small"], default="tiny", help="sizes")
    return parser.parse_args(arguments)


def show(lines: Sequence[dict[str, object]]) -> None:
    """Print results at once: a long measurement may be cut off."""
    for one in lines:
        sys.stdout.write(json.dumps(one) + "\n")
    sys.stdout.flush()


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
    preset = PRESETS[chosen.preset].detection
    steps = chosen.steps or (QUICK_STEPS if chosen.quick else preset.base_steps)
    most = QUICK_WORKS if chosen.quick else None
    started = time.monotonic()
    splits = read_splits(Path(root) / "scans", preset.short_side_px, most=most)
    say(f"scans read in {time.monotonic() - started:.0f} s")
    base = train_base(splits, preset, steps, chosen)
    say(f"base trained after {time.monotonic() - started:.0f} s")
    filler = train_filler(splits, 0 if chosen.quick else chosen.filler_steps, chosen.state)
    own_steps = QUICK_STEPS if chosen.quick else chosen.collection_steps
    own_steps = preset.collection_steps if own_steps is None else own_steps
    crops = QUICK_CROPS if chosen.quick else CROPS
    group = "detection" if chosen.preset == "tiny" else f"detection/{chosen.preset}"
    rows = {}
    for name, split in splits.items():
        start = load_detector(base).to(training_device())
        state = (chosen.state, f"detector-{name}")
        tuned = fine_tune(split, preset, own_steps, base, state) if own_steps else start
        models = start, tuned, filler
        rows[name] = measure(split.test, preset, models, crops)
        say(f"{name}: {rows[name]}")
        show(by_collection({name: rows[name]}, group))
    show(results(rows, group, quick=chosen.quick))
    say(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
