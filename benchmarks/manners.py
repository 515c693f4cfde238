"""Measure what is trained between collections without weights: cut, cyclegan and multi.

    ARTGAN_TEST_DATA=... python benchmarks/manners.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/manners.py --state states/ --kinds=cut,cyclegan
    ARTGAN_TEST_DATA=... python benchmarks/manners.py --kinds=cut --to=monet_256 --set=width=32

Works of several collections, a fifth of each held out; `cut` and `cyclegan` are trained to one of
them, `multi` to all. Held-out contents are measured against the collection's held-out works
in three ways, beside colour transfer and works as they are: KID and style distance in VGG-19, and
how much of the drawing is lost. For `multi` a linear discriminant, which learned the collections'
other works, says whether the one asked for is obeyed. Sizes are those of the preset tiny unless
``--set`` changes them; lines tell the steps, the works in a step and what was changed. With
``--seconds`` a training has as many steps as this machine makes in that time. Prints one JSON line
for each result; progress goes to standard error; sheets of pictures are drawn at each validation.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from held_out import (
    SEED,
    Split,
    changed,
    changes_of,
    kept_in,
    line,
    read_split,
    say,
    steps_within,
    tell,
)
from stylization import COLLECTIONS, CONTENT_DISTANCE_CEILING, others

from artgan.errors import MissingAssetError
from artgan.imaging.write import png_bytes
from artgan.metrics.features import Extractor, extract, load_vgg_extractor
from artgan.metrics.style import style_distance, style_statistics
from artgan.models.multi import MultiPainter
from artgan.models.translator import Translator
from artgan.presets import PRESETS, CycleganPreset, MultiPreset, StylePreset
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
AnyPreset = StylePreset | CycleganPreset | MultiPreset
Build = Callable[[int], Trainee]


@dataclass(frozen=True)
class Bench:
    """What all trainings share.

    Attributes:
        splits: Works of each collection.
        extractor: VGG-19, which measures.
        changes: Fields of presets that are not those of tiny, as text.
        steps: Steps of a training; 0 takes the preset's.
        seconds: Instead of steps: as many as fit into them; 0 for none.
        state: Folder of states to go on from.
        pictures: Folder of sheets.
        seed: Of weights and draws.
    """

    splits: dict[str, Split]
    extractor: Extractor
    changes: dict[str, str]
    steps: int
    seconds: float
    state: Path | None
    pictures: Path | None
    seed: int

    def features(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Measure pictures."""
        return extract(self.extractor, pictures)

    def preset(self, kind: str) -> AnyPreset:
        """Return the sizes of a kind."""
        tiny = PRESETS["tiny"]
        of = {"cut": tiny.style, "cyclegan": tiny.cyclegan, "multi": tiny.multi}
        return changed(of[kind], self.changes)

    def trained(self, name: str, preset: AnyPreset, build: Build) -> tuple[Trainee, list[Record]]:
        """Train to the end; return what was trained, and the measures on the way."""
        steps = self.steps or preset.collection_steps or preset.base_steps
        if self.seconds:
            steps = steps_within(build, self.seconds)
        trainee = build(steps)
        load, save = kept_in(self.state, name)
        started = time.process_time()
        history = train(
            self.drawn(name, trainee),
            steps,
            self.seed,
            load_state=load,
            save_state=save,
            validate_at=sorted({round(part * steps) for part in PARTS}),
            observe=lambda progress: tell(name, progress),
        )
        say(f"{name}: {time.process_time() - started:.0f} s of one core")
        for record in history:
            say(f"{name}: { {key: round(value, 4) for key, value in record.items()} }")
        return trainee, history

    def drawn(self, name: str, trainee: Trainee) -> Trainee:
        """Return a training that draws a sheet at each validation."""
        folder = self.pictures or self.state

        def validate() -> Record:
            if folder is not None:
                (folder / f"{name}.png").write_bytes(png_bytes(trainee.grid()))
            return trainee.validate()

        return replace(trainee, validate=validate)

    def made(self, lines: list[Line], preset: AnyPreset, steps: float) -> list[Line]:
        """Say in lines what training they are of."""
        facts = {"steps": int(steps), "batch": preset.batch, "seed": self.seed}
        device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
        return [one | facts | {"changes": self.changes, "device": device} for one in lines]


def nearer(name: str, history: Sequence[Record]) -> list[Line]:
    """Compare a training's end with colour alone, works as they are, and where it started.

    The start is colour transfer as well, but by a map fitted to the picture and all contents
    together, which may be far nearer than the usual one.
    """
    end = history[-1]
    value, lost = end["style_kid_x1000"], end["content_distance"]
    peers = {peer: end[f"{peer}_kid_x1000"] for peer in ("color", "unchanged")}
    return [
        *(
            line(
                *(f"manners/{name}/style_kid", value, _UNIT, peer, found, "below peer"),
                holds=value < found,
            )
            for peer, found in (peers | {"start": history[0]["style_kid_x1000"]}).items()
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


def to_one(kind: str, bench: Bench, to: str, of: Sequence[str]) -> list[Line]:
    """Train and measure a translator to a collection, of works of others."""
    build: Callable[..., Trainee] = style.build if kind == "cut" else cycle.build
    preset, splits = bench.preset(kind), bench.splits
    style_works, rest = splits[to], others({n: splits[n] for n in (to, *of)}, to)
    sides = Sides(style_works.train, style_works.test, rest.train, rest.test)
    name = f"{kind}/{to}"

    def start(steps: int) -> Trainee:
        return build(sides, preset, steps, bench.seed, None, bench.features)

    trainee, history = bench.trained(name.replace("/", "-to-"), preset, start)
    translator = trainee.networks["translator_ema"]
    assert isinstance(translator, Translator)
    held = Held.of(sides, preset.short_side_px, translator, bench.features)
    results = held.translated(translator), held.color
    lines = [*nearer(name, history), apart(name, bench.extractor, held.style, results)]
    lines += [] if kind == "cut" else closed(name, history)
    return bench.made(lines, preset, history[-1]["step"])


def labelled(splits: dict[str, Split], names: Sequence[str], part: str) -> Labelled:
    """Return the works of a part of all collections with the number of their collection."""
    works = [getattr(splits[name], part) for name in names]
    return Labelled(
        [work for own in works for work in own],
        [label for label, own in enumerate(works) for _ in own],
    )


def to_all(bench: Bench) -> list[Line]:
    """Train and measure one painter of all collections."""
    splits, names = bench.splits, tuple(sorted(bench.splits))
    preset = bench.preset("multi")
    assert isinstance(preset, MultiPreset)
    preset = replace(preset, classes=names)
    learned, held_out = (labelled(splits, names, part) for part in ("train", "test"))

    def start(steps: int) -> Trainee:
        return multi.build(learned, held_out, preset, steps, bench.seed, None, bench.features)

    trainee, history = bench.trained("multi", preset, start)
    painter, end = trainee.networks["multi_ema"], history[-1]
    assert isinstance(painter, MultiPainter)
    exam = Exam(learned, held_out, preset.short_side_px, bench.features)
    lines = [*nearer("multi", history), *closed("multi", history)]
    for label in exam.styles:
        contents = [content for content, _ in exam.contents(label)]
        made = [exam.painted(painter)(content, label) for content in contents]
        color = [exam.color(painter)(content, label) for content in contents]
        works = [center_square(work, preset.short_side_px) for work in splits[names[label]].test]
        lines.append(apart(f"multi/{names[label]}", bench.extractor, works, (made, color)))
    lines.append(
        line(
            *("manners/multi/obeyed", end["obeyed"], "share of results", "color"),
            *(end["color_obeyed"], f"above peer; works themselves {end['recognised']:.2f}"),
            holds=end["obeyed"] > end["color_obeyed"],
        )
    )
    return bench.made(lines, preset, end["step"])


def asked() -> argparse.Namespace:
    """Read the command line; lists are parted by commas, so that run.py passes them on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few steps of each")
    parser.add_argument("--kinds", default=",".join(KINDS), help="which of them")
    parser.add_argument("--collections", default=",".join(COLLECTIONS), help="all that are read")
    parser.add_argument("--to", default=TO, help="collection that cut and cyclegan learn")
    parser.add_argument("--of", default="", help="collections of their contents; all others")
    parser.add_argument("--set", default="", help="fields of the preset, as width=32,batch=16")
    parser.add_argument("--steps", type=int, default=0, help="steps of a training")
    parser.add_argument("--seconds", type=float, default=0.0, help="steps as many as fit in")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--state", type=Path, help="folder of states to go on from")
    parser.add_argument("--pictures", type=Path, help="folder of sheets; beside the states")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    chosen = asked()
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if folder is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    for place in (chosen.state, chosen.pictures):
        if place is not None:
            place.mkdir(parents=True, exist_ok=True)
    changes = changes_of(chosen.set)
    root = Path(folder)
    side_px = int(changes.get("short_side_px", PRESETS["tiny"].style.short_side_px))
    names = chosen.collections.split(",")
    if chosen.quick:  # monet_256 has 300 scans
        names = [name for name in names if name != "monet_256"]
    splits = {name: read_split(root / "scans" / name, side_px) for name in names}
    extractor = load_vgg_extractor(str(root / "weights"), side_px)
    assert extractor is not None, "the folder of weights holds VGG-19"
    if torch.cuda.is_available():
        extractor.network.to("cuda")
    steps = chosen.steps or QUICK_STEPS * chosen.quick
    places = chosen.state, chosen.pictures
    bench = Bench(splits, extractor, changes, steps, chosen.seconds, *places, chosen.seed)
    of = [name for name in names if name != chosen.to]
    of = [name for name in chosen.of.split(",") if name] or of
    for kind in chosen.kinds.split(","):
        lines = to_all(bench) if kind == "multi" else to_one(kind, bench, chosen.to, of)
        for result in lines:
            sys.stdout.write(json.dumps(result) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
