"""Trainings of `fast` and `adain`, measured on held-out works; a part of `painting`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from held_out import SEED, Split, changed, kept_in, line, say, steps_within, tell
from stylization import CONTENT_DISTANCE_CEILING, QUICK, others

from artgan.imaging.write import png_bytes
from artgan.metrics.features import Extractor
from artgan.presets import PRESETS
from artgan.training.loop import Trainee, train
from artgan.training.painting import build_adain, build_fast
from artgan.training.sides import Sides

MOST_OF_COLOR = 0.9
Line = dict[str, object]


@dataclass(frozen=True)
class Lesson:
    """How the trainings go.

    Attributes:
        steps: Of each; or, where there are seconds, as many as fit into them.
        seconds: 0 for none.
        changes: Fields of the presets that are not those of tiny.
        seed: Of weights and draws.
        pictures: Folder of sheets, if any.
    """

    steps: int
    seconds: float
    changes: dict[str, str]
    seed: int
    pictures: Path | None


def trainings(splits: dict[str, Split], extractor: Extractor, lesson: Lesson) -> list[Line]:
    """Train a painter of one style and one of any, and compare them with colour transfer."""
    style, content = splits[QUICK], others(splits, QUICK)
    sides = Sides(style.train, style.test, content.train, content.test)
    works = [work for split in splits.values() for work in split.train]
    held = [work for split in splits.values() for work in split.test[:4]]
    mixed = [held[n] for n in np.random.default_rng(SEED).permutation(len(held))]
    tiny = PRESETS["tiny"]
    fast, adain = changed(tiny.fast, lesson.changes), changed(tiny.adain, lesson.changes)
    seed = lesson.seed

    def of_one(steps: int) -> Trainee:
        return build_fast(sides, fast, steps, seed, None, extractor)

    def of_any(steps: int) -> Trainee:
        return build_adain(works, mixed, adain, steps, seed, None, extractor)

    found = taught("fast", of_one, fast.batch, lesson)
    return found + taught("adain", of_any, adain.batch, lesson)


def taught(name: str, build: Callable[[int], Trainee], batch: int, lesson: Lesson) -> list[Line]:
    """Train one painter, draw what it makes, and measure it on held-out works."""
    steps = steps_within(build, lesson.seconds) if lesson.seconds else lesson.steps
    trainee = build(steps)
    load, save = kept_in(None, name)
    end = train(
        trainee,
        steps,
        lesson.seed,
        load_state=load,
        save_state=save,
        validate_at=(steps,),
        observe=lambda progress: tell(name, progress),
    )[-1]
    say(f"{name}: {end}")
    if lesson.pictures is not None:
        path = lesson.pictures / f"{name}-{lesson.seed}.png"
        path.write_bytes(png_bytes(trainee.grid()))
    ours, peer = end["gram_distance"], end["color_gram_distance"]
    lost = end["content_distance"]
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    facts = {"steps": steps, "batch": batch, "seed": lesson.seed, "changes": lesson.changes}
    return [
        one | facts | {"device": device}
        for one in (
            line(
                *(f"painting/gram_distance/{name}", ours, "", "color", peer),
                f"at most {MOST_OF_COLOR:g} of it",
                holds=ours <= MOST_OF_COLOR * peer,
            ),
            line(
                *(f"painting/content_distance/{name}", lost, "1 - luma correlation"),
                *("unrelated pictures", 1.0, f"at most {CONTENT_DISTANCE_CEILING}"),
                holds=lost <= CONTENT_DISTANCE_CEILING,
            ),
        )
    ]
