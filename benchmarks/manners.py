"""Measure what is trained between collections without weights: cut, cyclegan and multi.

    ARTGAN_TEST_DATA=... python benchmarks/manners.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/manners.py --state states/ --kinds cut cyclegan

Works of four collections, a fifth of each held out; `cut` and `cyclegan` are trained to one of
them, `multi` to all. Held-out contents are measured against the collection's held-out works
in three ways, beside colour transfer and works as they are: KID and style distance in VGG-19, and
how much of the drawing is lost. For `multi` a linear discriminant, which learned the collections'
other works, says whether the one asked for is obeyed. Steps are counted, and seconds of this
process. Prints one JSON line for each result; progress goes to standard error; pictures lie beside
the states.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from held_out import SEED, Split, kept_in, read_split, report, say
from simulation import Features, line
from stylization import COLLECTIONS, CONTENT_DISTANCE_CEILING, others

from artgan.errors import MissingAssetError
from artgan.imaging.write import png_bytes
from artgan.metrics.features import Extractor, extract, load_vgg_extractor
from artgan.metrics.style import style_distance, style_statistics
from artgan.models.multi import MultiPainter
from artgan.models.translator import Translator
from artgan.presets import PRESETS
from artgan.training import cycle, multi, style
from artgan.training.archive_network import Labelled
from artgan.training.loop import Trainee, train
from artgan.training.multi_exam import Exam
from artgan.training.sides import Sides, center_square
from artgan.training.translations import Held

KINDS = ("cut", "cyclegan", "multi")
TO = "ukiyo_e"
PARTS = (0.0, 0.1, 0.5, 1.0)
QUICK_STEPS = 20
_UNIT = "KID x1000, VGG-19 conv3_4"
Line = dict[str, object]
Record = dict[str, float]


def trained(trainee: Trainee, steps: int, name: str, state: Path | None) -> list[Record]:
    """Train to the end and return the measures on the way; say what it cost."""
    load, save = kept_in(state, name)
    started = time.process_time()
    history = train(
        trainee,
        steps,
        SEED,
        load_state=load,
        save_state=save,
        validate_at=sorted({round(part * steps) for part in PARTS}),
        observe=lambda progress: report(name, progress),
    )
    say(f"{name}: {time.process_time() - started:.0f} s of one core")
    for record in history:
        say(f"{name}: { {key: round(value, 4) for key, value in record.items()} }")
    if state is not None:
        (state / f"{name}.png").write_bytes(png_bytes(trainee.grid()))
    return history


def nearer(name: str, end: Record) -> list[Line]:
    """Compare a training's end with colour alone, and with works as they are."""
    value, lost = end["style_kid_x1000"], end["content_distance"]
    return [
        *(
            line(
                *(f"manners/{name}/style_kid", value, _UNIT, peer),
                *(end[f"{peer}_kid_x1000"], "below peer"),
                holds=value < end[f"{peer}_kid_x1000"],
            )
            for peer in ("color", "unchanged")
        ),
        line(
            *(f"manners/{name}/content_distance", lost, "1 - luma correlation"),
            *("unrelated pictures", 1.0, f"at most {CONTENT_DISTANCE_CEILING}"),
            holds=lost <= CONTENT_DISTANCE_CEILING,
        ),
    ]


def closed(name: str, history: Sequence[Record]) -> list[Line]:
    """Say how far the cycle loss fell from its highest, and how much of a change is undone."""
    peak = max(record["cycle_l1"] for record in history)
    end = history[-1]["cycle_l1"]
    return [
        line(
            *(f"manners/{name}/cycle_l1", end, "of the range", "highest on the way", peak),
            "below peer",
            holds=end < peak,
        ),
        line(
            *(f"manners/{name}/cycle_left", end, "of the range", "changed by it"),
            *(history[-1]["changed_l1"], "below peer"),
            holds=end < history[-1]["changed_l1"],
        ),
    ]


def apart(
    name: str, extractor: Extractor, style: Sequence[np.ndarray], pairs: Sequence[Sequence]
) -> Line:
    """Compare style distances: ours and colour alone."""
    works = style_statistics(extractor, style)
    ours, color = (
        float(style_distance(style_statistics(extractor, results), works).mean())
        for results in pairs
    )
    return line(
        *(f"manners/{name}/style_distance", ours, "spread of the style", "color", color),
        "below peer",
        holds=ours < color,
    )


def to_one(
    kind: str, splits: dict[str, Split], extractor: Extractor, steps: int | None, state: Path | None
) -> list[Line]:
    """Train and measure a translator to the collection TO."""
    build: Callable[..., Trainee] = style.build if kind == "cut" else cycle.build
    preset = PRESETS["tiny"].style if kind == "cut" else PRESETS["tiny"].cyclegan
    to, rest = splits[TO], others(splits, TO)
    sides = Sides(to.train, to.test, rest.train, rest.test)
    steps = steps or preset.collection_steps
    trainee = build(sides, preset, steps, SEED, None, _features(extractor))
    history = trained(trainee, steps, kind, state)
    translator = trainee.networks["translator_ema"]
    assert isinstance(translator, Translator)
    held = Held.of(sides, preset.short_side_px, translator, _features(extractor))
    results = held.translated(translator), held.color
    lines = [*nearer(kind, history[-1]), apart(kind, extractor, held.style, results)]
    return lines if kind == "cut" else lines + closed(kind, history)


def labelled(splits: dict[str, Split], names: Sequence[str], part: str) -> Labelled:
    """Return the works of a part of all collections with the number of their collection."""
    works = [getattr(splits[name], part) for name in names]
    return Labelled(
        [work for own in works for work in own],
        [label for label, own in enumerate(works) for _ in own],
    )


def to_all(
    splits: dict[str, Split], extractor: Extractor, steps: int | None, state: Path | None
) -> list[Line]:
    """Train and measure one painter of all collections."""
    names = tuple(sorted(splits))
    preset = replace(PRESETS["tiny"].multi, classes=names)
    learned, held_out = (labelled(splits, names, part) for part in ("train", "test"))
    steps = steps or preset.base_steps
    features = _features(extractor)
    trainee = multi.build(learned, held_out, preset, steps, SEED, None, features)
    history = trained(trainee, steps, "multi", state)
    painter, end = trainee.networks["multi_ema"], history[-1]
    assert isinstance(painter, MultiPainter)
    exam = Exam(learned, held_out, preset.short_side_px, features)
    lines = [*nearer("multi", end), *closed("multi", history)]
    for label, name in enumerate(names):
        contents = [content for content, _ in exam.contents(label)]
        made = [exam.painted(painter)(content, label) for content in contents]
        color = [exam.color(painter)(content, label) for content in contents]
        works = [center_square(work, preset.short_side_px) for work in splits[name].test]
        lines.append(apart(f"multi/{name}", extractor, works, (made, color)))
    lines.append(
        line(
            *("manners/multi/obeyed", end["obeyed"], "share of results", "color"),
            *(end["color_obeyed"], f"above peer; works themselves {end['recognised']:.2f}"),
            holds=end["obeyed"] > end["color_obeyed"],
        )
    )
    return lines


def _features(extractor: Extractor) -> Features:
    return lambda pictures: extract(extractor, pictures)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few steps of each")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--steps", type=int, help="steps of a training; those of tiny by default")
    parser.add_argument("--state", type=Path, help="folder of states to go on from")
    chosen = parser.parse_args()
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if folder is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    if chosen.state is not None:
        chosen.state.mkdir(parents=True, exist_ok=True)
    root, side_px = Path(folder), PRESETS["tiny"].style.short_side_px
    names = [n for n in COLLECTIONS if not (chosen.quick and n == "monet_256")]  # 300 scans
    splits = {name: read_split(root / "scans" / name, side_px) for name in names}
    extractor = load_vgg_extractor(str(root / "weights"), side_px)
    assert extractor is not None, "the folder of weights holds VGG-19"
    steps = QUICK_STEPS if chosen.quick else chosen.steps
    for kind in chosen.kinds:
        if kind == "multi":
            lines = to_all(splits, extractor, steps, chosen.state)
        else:
            lines = to_one(kind, splits, extractor, steps, chosen.state)
        for result in lines:
            sys.stdout.write(json.dumps(result) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
