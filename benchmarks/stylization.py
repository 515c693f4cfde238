"""Measure the collection stylizers on held-out works: colour alone, and the trained translator.

    ARTGAN_TEST_DATA=... python benchmarks/stylization.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/stylization.py --preset tiny --state states/

Reads ``$ARTGAN_TEST_DATA/scans/<collection>/``, holds out a fifth of each by the hash of the file
name and trains one translator to each collection from the works of the others. Style KID is
measured in VGG-19 conv3_4 features, held-out contents against the collection's held-out works.
Prints one JSON line for each result; progress goes to standard error.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from held_out import SEED, Split, kept_in, line, read_split, report, say
from simulation import Features

from artgan.errors import MissingAssetError
from artgan.imaging.write import png_bytes
from artgan.metrics.features import extract, load_extractor
from artgan.models.translator import Translator
from artgan.presets import PRESETS, StylePreset
from artgan.stylize.color import measure_colors, transfer_colors
from artgan.stylize.stylizer import stylize_picture
from artgan.stylize.translate import TranslateStylizer
from artgan.training.loop import Trainee, train
from artgan.training.sides import Sides
from artgan.training.style import build

COLLECTIONS = ("monet_256", "ukiyo_e", "van_gogh", "old_masters")
QUICK = "ukiyo_e"
QUICK_STEPS = 60
CONTENT_DISTANCE_CEILING = 0.3
STEPS_PER_S = 8.0
_UNIT = "KID x1000, VGG-19 conv3_4"


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


def speed(trainee: Trainee, steps: int = 40) -> float:
    """Return optimisation steps per second, measuring left out; changes the networks."""
    for number in range(8):
        trainee.step(number)
    started = time.monotonic()
    for number in range(steps):
        trainee.step(number)
    return steps / (time.monotonic() - started)


def others(splits: dict[str, Split], name: str) -> Split:
    """Return the works of all collections but one, held-out ones in turn from each."""
    rest = [split for other, split in splits.items() if other != name]
    longest = max(len(split.test) for split in rest)
    test = [split.test[i] for i in range(longest) for split in rest if i < len(split.test)]
    return Split([work for split in rest for work in split.train], test)


def trainee_of(
    splits: dict[str, Split], name: str, preset: StylePreset, steps: int, features: Features
) -> Trainee:
    """Build the training of one collection's translator."""
    style, content = splits[name], others(splits, name)
    sides = Sides(style.train, style.test, content.train, content.test)
    return build(sides, preset, steps, SEED, None, features)


def results(collection: str, end: dict[str, float]) -> list[dict[str, object]]:
    """Compare the translator with colour alone and with doing nothing."""
    style = end["style_kid_x1000"]
    fields = [("color", end["color_kid_x1000"]), ("unchanged", end["unchanged_kid_x1000"])]
    return [
        *(
            line(
                f"stylization/style_kid/{collection}/{peer}",
                style,
                _UNIT,
                peer,
                value,
                "below peer",
                holds=style < value,
            )
            for peer, value in fields
        ),
        line(
            f"stylization/content_distance/{collection}",
            end["content_distance"],
            "1 - luma correlation",
            "unrelated pictures",
            1.0,
            f"at most {CONTENT_DISTANCE_CEILING}",
            holds=end["content_distance"] <= CONTENT_DISTANCE_CEILING,
        ),
    ]


def throughput(name: str, picture: np.ndarray, peer_mp_per_s: float) -> list[dict[str, object]]:
    """Measure megapixels per second of colour transfer and of an untrained translator."""
    colors = measure_colors(picture)
    translator = Translator(PRESETS["tiny"].style.width, PRESETS["tiny"].style.blocks).eval()
    megapixels = picture.shape[0] * picture.shape[1] / 1e6
    timed = {
        "color": lambda: transfer_colors(picture, colors),
        "translate": lambda: stylize_picture(TranslateStylizer(translator), picture),
    }
    lines = []
    for method, work in timed.items():
        started = time.monotonic()
        work()
        value = megapixels / (time.monotonic() - started)
        target = peer_mp_per_s if method == "translate" else 1.0
        lines.append(
            line(
                f"stylization/throughput/{method}/{name}",
                value,
                "MP/s",
                "Johnson net, two busy cores",
                peer_mp_per_s,
                f"at least {target:g} MP/s",
                holds=value >= target,
            )
        )
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one collection, under a minute")
    parser.add_argument("--preset", choices=["demo", "tiny"], default="tiny")
    parser.add_argument("--state", type=Path, help="folder of states to go on from")
    chosen = parser.parse_args()
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if folder is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    torch.set_num_threads(min(2, torch.get_num_threads()))
    if chosen.state is not None:
        chosen.state.mkdir(parents=True, exist_ok=True)
    preset = PRESETS[chosen.preset].style
    root, started = Path(folder), time.monotonic()
    splits = {name: read_split(root / "scans" / name, preset.short_side_px) for name in COLLECTIONS}
    features = vgg_features(root, preset.short_side_px)
    steps = QUICK_STEPS if chosen.quick else preset.collection_steps
    lines: list[dict[str, object]] = []
    for name in (QUICK,) if chosen.quick else COLLECTIONS:
        trainee = trainee_of(splits, name, preset, steps, features)
        history = run(trainee, steps, f"style-{name}", chosen.state, (0.0, 1.0))
        say(f"{name}: {history}")
        lines += results(name, history[-1])
        if chosen.state is not None:
            (chosen.state / f"style-{name}.png").write_bytes(png_bytes(trainee.grid()))
        steps_per_s = speed(trainee, 15)
    lines += throughput("1024", np.tile(splits[QUICK].test[0][:128, :128], (8, 8, 1)), 0.05)
    target = f"at least {STEPS_PER_S:g} steps/s"
    lines.append(
        line(
            "stylization/speed",
            steps_per_s,
            "steps/s",
            "two idle threads",
            STEPS_PER_S,
            target,
            holds=steps_per_s >= STEPS_PER_S,
        )
    )
    for result in lines:
        sys.stdout.write(json.dumps(result) + "\n")
    say(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
