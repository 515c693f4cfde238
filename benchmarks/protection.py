"""Measure what protection of published pictures does to whoever imitates their style.

    ARTGAN_TEST_DATA=... python benchmarks/protection.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/protection.py --state=DIR --seed=1
    ARTGAN_TEST_DATA=... python benchmarks/protection.py --state=DIR --finished

Works of one collection are published as they are, changed by random noise and changed by
`artgan.stylize.protection.protect` within 4 and 8 of 255. Each is learned from untouched, after
JPEG 75, after halving (and enlarging again, as an imitator would), and after what is published
against such protection: noise, then halving. `fast` trains on them, and `adain`, trained on other
collections, takes its manner from them. Both paint held-out works of other collections; the
distance of what they paint to clean, held-out works of the collection (Gram matrices of VGG-19) is
how far the imitation is off. Three seeds choose works and weights. The peer of each line is the
same treatment of pictures that nobody protected: only what lies above it, and above the spread of
the seeds, is owed to the protection. Painters and protection see the same network at the same
size, which favours protection.

Prints one JSON line for each mean over the seeds. With ``--state`` a killed measurement goes on,
and seeds may run side by side; ``--finished`` then lays out what is there.
"""

import argparse
import copy
import hashlib
import io
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from held_out import kept_in, line, read_split, report, say
from PIL import Image

from artgan.errors import MissingAssetError
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.metrics.features import Extractor, load_vgg_extractor
from artgan.metrics.paired import psnr
from artgan.metrics.perceptual import gram_distance
from artgan.metrics.robustness import random_signs
from artgan.metrics.vgg import Vgg19Conv34
from artgan.models.painter import NAME, Painter
from artgan.presets import PRESETS
from artgan.stylize.paint import paint_like
from artgan.stylize.protection import changed, protect
from artgan.stylize.stylizer import stylize_picture
from artgan.training.loop import Trainee, train, training_device
from artgan.training.painting import build_adain, build_fast
from artgan.training.sides import Sides

STYLE = "van_gogh"
COLLECTIONS = ("ukiyo_e", "van_gogh", "old_masters")
SEEDS = (0, 1, 2)
STRONGEST = 8
PURIFYING_CODES = 13.0
TRAINED_ON = ("unprotected", "protected_8")
"""Versions that `fast` learns from after every treatment; from the others untouched."""
IMITATION = "Gram distance, higher is a worse imitation"
UNITS = {"psnr": "dB", "seen": "relative change in VGG-19", "adain": IMITATION, "fast": IMITATION}
Pictures = list[np.ndarray]
Found = dict[str, float]
"""Numbers by ``measure/version/treatment``."""


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


def purified(picture: np.ndarray) -> np.ndarray:
    """Drown what was done in noise, and halve it away.

    References:
        Hoenig et al. 2025, https://arxiv.org/abs/2406.12027, Gaussian noise of 0.05; they enlarge
        with a diffusion model afterwards, which is not there
    """
    noise = np.random.default_rng(0).normal(0, PURIFYING_CODES, picture.shape)
    return halved(np.clip(picture + noise, 0, 255).round().astype(np.uint8))


TREATMENTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "untouched": as_it_is,
    "jpeg_75": jpeg_75,
    "halved": halved,
    "purified": purified,
}


def noisy(pictures: Pictures, seed: int) -> Pictures:
    """Change every value by chance, as far as the strongest protection may."""
    generator = torch.Generator().manual_seed(seed)
    changed_ones = [random_signs(arrays_to_batch([p]), STRONGEST, generator) for p in pictures]
    return [batch_to_arrays(one)[0] for one in changed_ones]


def seen_change(network: Vgg19Conv34, before: Pictures, after: Pictures) -> float:
    """Return how much features and Gram matrices change, averaged over pictures."""
    found, device = [], network.mean.device
    with torch.inference_mode():
        for pair in zip(before, after, strict=True):
            then, now = (network.maps(arrays_to_batch([one]).to(device)) for one in pair)
            found.append(float(changed(now, then)))
    return float(np.mean(found))


@dataclass(frozen=True)
class Imitators:
    """Who imitates with one seed, and on what it is measured.

    Attributes:
        seed: Of weights and order.
        steps: Of each training.
        learned: Works of the style that are published.
        held_out: Clean works of the style that nobody learned from.
        content: Works to paint over: to learn with, and held out.
        extractor: VGG-19.
        state: Folder of states, if any.
    """

    seed: int
    steps: int
    learned: Pictures
    held_out: Pictures
    content: tuple[Pictures, Pictures]
    extractor: Extractor
    state: Path | None

    def trained(self, trainee: Trainee, name: str) -> Trainee:
        """Train to the end, going on from a state."""
        label = f"{name}-seed{self.seed}"
        load, save = kept_in(self.state, label)
        train(
            trainee,
            self.steps,
            self.seed,
            load_state=load,
            save_state=save,
            validate_at=(),
            observe=lambda progress: report(label, progress),
            checkpoint_every_s=10.0,
        )
        return trainee

    def any_style(self) -> Painter:
        """Train `adain` on other collections."""
        sides, sizes = self.content, PRESETS["tiny"].adain
        trainee = build_adain(*sides, sizes, self.steps, self.seed, None, self.extractor)
        painter = copy.deepcopy(self.trained(trainee, "adain").networks[NAME]).cpu().eval()
        assert isinstance(painter, Painter)
        return painter

    def fast(self, name: str, published: Pictures) -> float:
        """Train `fast` on pictures; return how far it is from clean works of the collection."""
        sides = Sides(published, self.held_out, *self.content)
        sizes = PRESETS["tiny"].fast
        trainee = build_fast(sides, sizes, self.steps, self.seed, None, self.extractor)
        return self.trained(trainee, f"fast-{name}").validate()["gram_distance"]

    def adain(self, painter: Painter, published: Pictures) -> float:
        """Paint in the manner of each picture; return how far that is from clean works."""
        made = [
            stylize_picture(paint_like(painter, [style]), content)
            for style, content in zip(published, self.content[1], strict=False)
        ]
        return float(gram_distance(self.extractor, made, self.held_out).mean())


def versions_of(clean: Pictures, network: Vgg19Conv34, seed: int) -> dict[str, Pictures]:
    """Return what may be published of works: as they are, noisy, and protected."""
    started = time.process_time()
    versions = {"unprotected": clean}
    for codes in (STRONGEST, 4):
        versions[f"protected_{codes}"] = [protect(one, network, codes, seed) for one in clean]
    say(f"protecting took {time.process_time() - started:.0f} s of processor time")
    return versions | {"noise_8": noisy(clean, seed)}


def measure(by: Imitators) -> Found:
    """Measure each version after each treatment; what was measured before is not again."""
    network = by.extractor.network
    assert isinstance(network, Vgg19Conv34)
    path = None if by.state is None else by.state / f"seed{by.seed}.json"
    found: Found = json.loads(path.read_text()) if path is not None and path.exists() else {}

    def note(key: str, how: Callable[[], float]) -> None:
        if key not in found:
            found[key] = how()
            say(f"seed {by.seed}: {key} {found[key]:.4f}")
            if path is not None:
                path.write_text(json.dumps(found))

    versions = versions_of(by.learned, network, by.seed)
    treated = {
        (version, treatment): [treat(one) for one in published]
        for version, published in versions.items()
        for treatment, treat in TREATMENTS.items()
    }
    for (version, treatment), made in treated.items():
        # a training each: the treatments matter where protection is strongest
        if treatment == "untouched" or version in TRAINED_ON:
            name = f"{version}-{treatment}"
            note(f"fast/{version}/{treatment}", lambda n=name, m=made: by.fast(n, m))
    painter = by.any_style()
    for (version, treatment), made in treated.items():
        decibels = [min(psnr(*pair), 99.0) for pair in zip(made, by.learned, strict=True)]
        where = f"{version}/{treatment}"
        note(f"psnr/{where}", lambda d=decibels: float(np.mean(d)))
        note(f"seen/{where}", lambda m=made: seen_change(network, by.learned, m))
        note(f"adain/{where}", lambda m=made: by.adain(painter, m))
    return found


def lines_of(found: Sequence[Found], steps: int) -> list[dict[str, object]]:
    """Lay each mean over the seeds beside the same treatment of pictures that nobody protected."""
    lines = []
    for key in found[0]:
        every = [one[key] for one in found if key in one]
        measure_name, _, treatment = key.split("/")
        plain = f"{measure_name}/unprotected/{treatment}"
        peers = [one[plain] for one in found if plain in one]
        words = f"{UNITS[measure_name]}, {min(every):.3f} to {max(every):.3f} of {len(every)} seeds"
        lines.append(
            line(
                f"protection/{key}",
                *(float(np.mean(every)), f"{words}, {steps} steps"),
                *("unprotected, same treatment", float(np.mean(peers or every))),
            )
        )
    return lines


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few works, short trainings, one seed")
    parser.add_argument("--steps", type=int, default=PRESETS["tiny"].fast.collection_steps)
    parser.add_argument("--works", type=int, default=8, help="works of the style")
    parser.add_argument("--seed", type=int, choices=SEEDS, help="one seed")
    parser.add_argument("--state", type=Path, help="folder for states and numbers")
    parser.add_argument("--finished", action="store_true", help="lay out what is there already")
    return parser.parse_args()


def imitators(chosen: argparse.Namespace, seed: int, root: Path) -> Imitators:
    """Read works for one seed."""
    most = 6 if chosen.quick else None
    splits = {
        name: read_split(root / "scans" / name, PRESETS["tiny"].fast.short_side_px, most=most)
        for name in COLLECTIONS
    }
    style = splits[STYLE]
    rest = [split for name, split in splits.items() if name != STYLE]
    pairs = zip(*(split.test for split in rest), strict=False)
    content = (
        [work for split in rest for work in split.train],
        [one for pair in pairs for one in pair],
    )

    def shuffled(works: Pictures) -> Pictures:
        return sorted(works, key=lambda one: hashlib.sha256(b"%d" % seed + one.tobytes()).digest())

    extractor = load_vgg_extractor(str(root / "weights"), PRESETS["tiny"].fast.short_side_px)
    assert extractor is not None, "the folder of weights holds VGG-19"
    extractor.network.to(training_device())
    count, steps = (3, 4) if chosen.quick else (chosen.works, chosen.steps)
    works = shuffled([*style.train, *style.test])
    content = content[0], content[1][: max(count, 3)]
    return Imitators(
        seed, steps, works[:count], works[count : 2 * count], content, extractor, chosen.state
    )


def main() -> None:
    """Measure and print."""
    chosen = options()
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if folder is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    if chosen.state is not None:
        chosen.state.mkdir(parents=True, exist_ok=True)
    seeds = SEEDS[:1] if chosen.quick else SEEDS if chosen.seed is None else (chosen.seed,)
    if chosen.finished:
        files = [chosen.state / f"seed{seed}.json" for seed in seeds]
        found = [json.loads(path.read_text()) for path in files if path.exists()]
    else:
        found = [measure(imitators(chosen, seed, Path(folder))) for seed in seeds]
    for result in lines_of(found, chosen.steps) if found else ():
        sys.stdout.write(json.dumps(result) + "\n")
    say(f"{time.process_time():.0f} s of processor time in all")


if __name__ == "__main__":
    main()
