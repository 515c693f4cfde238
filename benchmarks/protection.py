"""Measure what protection of published pictures does to whoever imitates their style.

    ARTGAN_TEST_DATA=... python benchmarks/protection.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/protection.py --steps 60

Works of one collection are published as they are, changed by random noise and changed by
`artgan.stylize.protection.protect` within 4 and 8 of 255. Each is learned from untouched, after
JPEG 75 and after halving (and enlarging again, as an imitator would): `fast` trains on them, and
`adain`, trained on other collections, takes its manner from them. Both paint held-out works of
other collections; the distance of what they paint to clean, held-out works of the collection (Gram
matrices of VGG-19) is how far the imitation is off. The peer of each line is the same treatment of
pictures that nobody protected: only what lies above it is owed to the protection. Painters and
protection see the same network at the same size, which favours protection. Prints one JSON line
for each result.
"""

import argparse
import io
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from held_out import say
from PIL import Image
from simulation import SEED, Split, line, load_split, run
from stylization import others

from artgan.errors import MissingAssetError
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.metrics.features import Extractor, load_vgg_extractor
from artgan.metrics.paired import psnr
from artgan.metrics.perceptual import gram_distance
from artgan.metrics.robustness import random_signs
from artgan.metrics.vgg import Vgg19Conv34
from artgan.models.painter import NAME, Painter
from artgan.presets import PRESETS, FastPreset
from artgan.stylize.paint import paint_like
from artgan.stylize.protection import changed, protect
from artgan.stylize.stylizer import stylize_picture
from artgan.training.painting import build_adain, build_fast

STYLE = "van_gogh"
COLLECTIONS = ("ukiyo_e", "van_gogh", "old_masters")
STRONGEST = 8
TRAINED_ON = ("unprotected", "protected_8")
Line = dict[str, object]
Pictures = list[np.ndarray]
Found = dict[tuple[str, str, str], float]
"""Numbers by measure, version and treatment."""


def as_it_is(picture: np.ndarray) -> np.ndarray:
    """Leave a picture untouched."""
    return picture


def jpeg_75(picture: np.ndarray) -> np.ndarray:
    """Save as JPEG of quality 75 and load it again."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=75)
    return np.asarray(Image.open(stream))


def halved(picture: np.ndarray) -> np.ndarray:
    """Halve a picture, and enlarge it again."""
    image = Image.fromarray(picture)
    small = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    return np.asarray(small.resize(image.size, Image.Resampling.BICUBIC))


TREATMENTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "untouched": as_it_is,
    "jpeg_75": jpeg_75,
    "halved": halved,
}


def noisy(pictures: Pictures) -> Pictures:
    """Change every value by chance, as far as the strongest protection may."""
    generator = torch.Generator().manual_seed(SEED)
    changed_ones = [random_signs(arrays_to_batch([p]), STRONGEST, generator) for p in pictures]
    return [batch_to_arrays(one)[0] for one in changed_ones]


def seen_change(network: Vgg19Conv34, before: Pictures, after: Pictures) -> float:
    """Return how much features and Gram matrices change, averaged over pictures."""
    found = []
    with torch.inference_mode():
        for pair in zip(before, after, strict=True):
            then, now = (network.maps(arrays_to_batch([one])) for one in pair)
            found.append(float(changed(now, then)))
    return float(np.mean(found))


@dataclass(frozen=True)
class Imitators:
    """Who imitates, and on what it is measured.

    Attributes:
        painter: `adain`, trained on other collections.
        sizes: Of `fast`.
        steps: Of each training.
        content: Works to paint over: to learn with, and held out.
        held_out: Clean works of the style that nobody learned from.
        extractor: VGG-19.
    """

    painter: Painter
    sizes: FastPreset
    steps: int
    content: Split
    held_out: Pictures
    extractor: Extractor

    def fast(self, name: str, learned: Pictures) -> float:
        """Train `fast` on pictures; return how far it is from clean works of the collection."""
        sides = learned, self.held_out, self.content.train, self.content.test
        trainee = build_fast(*sides, self.sizes, self.steps, SEED, None, self.extractor)
        return run(trainee, self.steps, f"fast {name}", None, (1.0,))[-1]["gram_distance"]

    def adain(self, learned: Pictures) -> float:
        """Paint in the manner of each picture; return how far that is from clean works."""
        made = [
            stylize_picture(paint_like(self.painter, [style]), content)
            for style, content in zip(learned, self.content.test, strict=False)
        ]
        return float(gram_distance(self.extractor, made, self.held_out).mean())


def versions_of(clean: Pictures, network: Vgg19Conv34) -> dict[str, Pictures]:
    """Return what may be published of works: as they are, noisy, and protected."""
    started = time.process_time()
    versions = {"unprotected": clean, "noise_8": noisy(clean)}
    for codes in (4, STRONGEST):
        versions[f"protected_{codes}"] = [protect(one, network, codes) for one in clean]
    say(f"protecting took {time.process_time() - started:.0f} s of processor time")
    return versions


def measured(versions: dict[str, Pictures], by: Imitators) -> Found:
    """Measure each version after each treatment."""
    network = by.extractor.network
    assert isinstance(network, Vgg19Conv34)
    found: Found = {}
    clean = versions["unprotected"]
    for version, published in versions.items():
        for treatment, treat in TREATMENTS.items():
            learned, key = [treat(one) for one in published], (version, treatment)
            decibels = [min(psnr(*pair), 99.0) for pair in zip(learned, clean, strict=True)]
            found["psnr", *key] = float(np.mean(decibels))
            found["seen", *key] = seen_change(network, clean, learned)
            found["adain", *key] = by.adain(learned)
            # a training each: the treatments matter where protection is strongest
            if treatment == "untouched" or version in TRAINED_ON:
                found["fast", *key] = by.fast(" ".join(key), learned)
            say(f"{key}: adain {found['adain', *key]:.3f}, fast {found.get(('fast', *key))}")
    return found


def lines_of(found: Found) -> list[Line]:
    """Lay each number beside the same treatment of pictures that nobody protected."""
    imitation = "Gram distance, higher is a worse imitation"
    units = {
        "psnr": "dB",
        "seen": "relative change in VGG-19",
        "adain": imitation,
        "fast": imitation,
    }
    return [
        line(
            *(f"protection/{measure}/{version}/{treatment}", value, units[measure]),
            *("unprotected, same treatment", found[measure, "unprotected", treatment]),
            "none: printed as it is",
            holds=True,
        )
        for (measure, version, treatment), value in found.items()
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few works, short trainings")
    parser.add_argument("--steps", type=int, default=60, help="steps of each training")
    parser.add_argument("--works", type=int, default=6, help="works of the style")
    chosen = parser.parse_args()
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if folder is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    steps, count = (6, 4) if chosen.quick else (chosen.steps, chosen.works)
    less = {"crop_px": 64, "batch": 2}  # nine trainings on two cores
    fast, adain = replace(PRESETS["tiny"].fast, **less), replace(PRESETS["tiny"].adain, **less)
    root = Path(folder)
    splits = {n: load_split(root / "scans" / n, fast.short_side_px) for n in COLLECTIONS}
    extractor = load_vgg_extractor(str(root / "weights"), fast.short_side_px)
    assert extractor is not None, "the folder of weights holds VGG-19"
    assert isinstance(extractor.network, Vgg19Conv34)
    rest = others(splits, STYLE)
    trainee = build_adain(rest.train, rest.test, adain, steps, SEED, None, extractor)
    run(trainee, steps, "adain", None, (1.0,))
    painter = trainee.networks[NAME].eval().requires_grad_(requires_grad=False)
    assert isinstance(painter, Painter)
    content = Split(rest.train, rest.test[:count])
    by = Imitators(painter, fast, steps, content, splits[STYLE].test, extractor)
    versions = versions_of(splits[STYLE].train[:count], extractor.network)
    for result in lines_of(measured(versions, by)):
        sys.stdout.write(json.dumps(result) + "\n")
    say(f"{time.process_time():.0f} s of processor time in all")


if __name__ == "__main__":
    main()
