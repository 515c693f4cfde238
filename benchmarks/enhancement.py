"""Measure tone, denoiser and upscaler beside methods without training, on held-out works.

    ARTGAN_TEST_DATA=... python benchmarks/enhancement.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/enhancement.py --state states/ --pictures sheets/

Reads ``$ARTGAN_TEST_DATA/scans/<collection>/``, holds out a fifth of each collection by the hash
of the file name, as the benchmark of restoration does, and trains one base for each operator on
all other works (tone is fine-tuned for each collection). Works are measured at a short side of
128 px, crops of 96 px. Each method gets the same pictures. Prints one JSON line for each result;
progress goes to standard error. With ``--state`` a killed measurement goes on where it was.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import held_out
import numpy as np
import torch
from held_out import SEED, Split, read_splits, say, trained

from artgan.degrade.capture import KERNELS, capture, low_resolution, reduce
from artgan.enhance.chain import Chain
from artgan.errors import MissingAssetError
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.imaging.write import png_bytes
from artgan.metrics.paired import delta_e00
from artgan.models.checkpoint import pack_weights
from artgan.models.classical_finish import (
    NLM_STRENGTHS,
    auto_levels,
    enlarged,
    grey_world,
    median,
    non_local_means,
)
from artgan.models.finisher import load_denoiser, load_upscaler
from artgan.models.tone import load_tone
from artgan.presets import PRESETS, DenoisePreset, TonePreset, UpscalePreset
from artgan.simulate.works import grid
from artgan.training import finish, tone
from artgan.training.finish import Pair, changed_for_sure, mean_db
from artgan.training.loop import Trainee

SHORT_SIDE_PX, MEASURED_PX, CROP_PX = 256, 128, 96
TEST_SEED = 20_240_229
TONE_GAIN, MOST_CLEAN_DELTA_E00 = 0.4, 1.5
NLM = tuple(f"nlm_{strength:g}" for strength in NLM_STRENGTHS)
DENOISE_MARGINS_DB = {("faults", peer): 0.0 for peer in ("unchanged", "median", *NLM)}
DENOISE_MARGINS_DB |= {("noise_10", peer): 0.0 for peer in NLM}
UPSCALE_MARGINS_DB = {("x2", "bicubic"): 0.2, ("x2_faults", "bicubic"): 0.0, ("x4", "bicubic"): 0.0}

Picture = np.ndarray
Method = Callable[[Picture], Picture]
Values = dict[str, float]


@dataclass(frozen=True)
class Plan:
    """How long to train, and how much to measure.

    Attributes:
        tone: Sizes and steps of the tone network.
        denoise: Of the denoiser.
        upscale: Of the upscaler.
        works: Aged works of each collection.
        crops: Spoiled crops of each collection.
    """

    tone: TonePreset
    denoise: DenoisePreset
    upscale: UpscalePreset
    works: int
    crops: int


@dataclass(frozen=True)
class Kept:
    """Where states and pictures are kept, if anywhere."""

    state: Path | None
    pictures: Path | None

    def show(self, name: str, rows: Sequence[Sequence[Picture]]) -> None:
        """Keep a sheet: one row for each method, one column for each picture."""
        if self.pictures is not None:
            sheet = grid([one for row in rows for one in row], len(rows[0]))
            (self.pictures / f"{name}.png").write_bytes(png_bytes(sheet))


def halved(pictures: Sequence[Picture]) -> list[Picture]:
    """Bring training works to the size that the tone network learns from."""
    return [cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for p in pictures]


def published(trainee: Trainee, preset: object) -> bytes:
    """Return a network as a user would get it: packed."""
    networks = {name: trainee.networks[name] for name in trainee.publish}
    return pack_weights(networks, {"preset": asdict(preset)})  # pyright: ignore


def measure_tone(splits: Mapping[str, Split], plan: Plan, kept: Kept) -> dict[str, Values]:
    """Train the tone networks; return CIEDE2000 by collection and method."""
    preset = plan.tone
    works = {name: halved(split.train) for name, split in splits.items()}
    everything = [picture for some in works.values() for picture in some]
    base = tone.build(everything, everything[:1], preset, preset.base_steps, SEED, None)
    weights = trained(base, preset.base_steps, kept.state, "tone")
    found = {}
    for name, split in splits.items():
        steps = preset.collection_steps
        tuned = tone.build(works[name], works[name][:1], preset, steps, SEED, weights)
        if steps:
            trained(tuned, steps, kept.state, f"tone-{name}")
        ours = partial(tone.restore_tone, load_tone(published(tuned, preset)))
        found[name] = tone_values(split.test, ours, plan.works, kept, name)
        say(f"{name}: {found[name]}")
    return found


def tone_values(
    pictures: Sequence[Picture], ours: Method, count: int, kept: Kept, name: str
) -> Values:
    """Measure every method on aged works of one collection, and ours on clean ones."""
    methods: dict[str, Method] = {
        "unchanged": np.copy,
        "grey_world": grey_world,
        "auto_levels": auto_levels,
        "ours": ours,
    }
    works = tone.aged_works(pictures, count, TEST_SEED)
    made = {key: [method(work.aged) for work in works] for key, method in methods.items()}
    truths = [work.truth for work in works]
    values = {key: mean_delta_e00(some, truths) for key, some in made.items()}
    shown = [[_square(one) for one in some[:8]] for some in (*made.values(), truths)]
    clean = [ours(picture) for picture in pictures]
    shown.append([_square(one) for one in (clean * 8)[:8]])
    kept.show(f"tone-{name}", shown)
    return values | {"clean": mean_delta_e00(clean, pictures)}


def mean_delta_e00(made: Sequence[Picture], truths: Sequence[Picture]) -> float:
    """Average CIEDE2000 over pictures."""
    return float(np.mean([delta_e00(one, truth) for one, truth in zip(made, truths, strict=True)]))


def _square(picture: Picture) -> Picture:
    top, left = ((side - MEASURED_PX) // 2 for side in picture.shape[:2])
    return picture[top : top + MEASURED_PX, left : left + MEASURED_PX]


def held_out_pairs(
    pictures: Sequence[Picture], count: int, spoil: finish.Spoil, crop_px: int = CROP_PX
) -> list[Pair]:
    """Cut crops of held-out works as they are, spread evenly, and spoil them."""
    rng = np.random.default_rng(TEST_SEED)
    order = rng.permutation(len(pictures))
    pairs = []
    for number in range(count):
        chosen = int(order[number % len(order)])
        picture = pictures[chosen]
        top, left = (int(rng.integers(side - crop_px + 1)) for side in picture.shape[:2])
        crop = np.ascontiguousarray(picture[top : top + crop_px, left : left + crop_px])
        pairs.append(Pair(crop, spoil(crop, rng), chosen))
    return pairs


def base_of(
    build: Callable[..., Trainee],
    splits: Mapping[str, Split],
    preset: object,
    name: str,
    kept: Kept,
) -> bytes:
    """Train a finisher's base on all training works; return it packed."""
    everything = [picture for split in splits.values() for picture in split.train]
    steps = preset.base_steps  # pyright: ignore
    base = build(everything, everything[:1], preset, steps, SEED, None)
    trained(base, steps, kept.state, name)
    return published(base, preset)


def run_chain(chain: Chain, picture: Picture) -> Picture:
    """Enhance a picture whose sides are multiples of 32 as a tile of a scan is enhanced."""
    return batch_to_arrays(chain(arrays_to_batch([picture])))[0]


def noisy(crop: Picture, rng: np.random.Generator) -> Picture:
    """Add Gaussian noise of 10 codes to every channel."""
    return np.rint((crop + rng.normal(0.0, 10.0, crop.shape)).clip(0, 255)).astype(np.uint8)


def measure_denoise(splits: Mapping[str, Split], plan: Plan, kept: Kept) -> dict[str, Values]:
    """Train a denoiser; return PSNR by fault and method, averaged over the collections."""
    packed = base_of(finish.build_denoise, splits, plan.denoise, "denoise", kept)
    network = load_denoiser(packed)
    methods: dict[str, Method] = {
        "unchanged": np.copy,
        "median": median,
        **{
            name: partial(non_local_means, strength=strength)
            for name, strength in zip(NLM, NLM_STRENGTHS, strict=True)
        },
        "ours_half": partial(run_chain, Chain(denoiser=network, denoise_strength=0.5)),
        "ours": partial(run_chain, Chain(denoiser=network, denoise_strength=1.0)),
    }
    faults = {"faults": changed_for_sure(capture), "noise_10": noisy, "clean": _untouched}
    return {
        fault: measured(splits, plan, methods, spoil, kept, f"denoise-{fault}")
        for fault, spoil in faults.items()
    }


def _untouched(crop: Picture, _: np.random.Generator) -> Picture:
    return crop.copy()


def measure_upscale(splits: Mapping[str, Split], plan: Plan, kept: Kept) -> dict[str, Values]:
    """Train an upscaler; return PSNR by fault and method, averaged over the collections."""
    packed = base_of(finish.build_upscale, splits, plan.upscale, "upscale", kept)
    network = load_upscaler(packed)

    def clean(factor: int) -> finish.Spoil:
        return lambda crop, rng: reduce(crop, factor, KERNELS[int(rng.integers(len(KERNELS)))])

    faults = {
        "x2": (2, clean(2)),
        "x2_faults": (2, partial(_small_and_bad, factor=2)),
        "x4": (4, clean(4)),
    }
    found = {}
    for fault, (factor, spoil) in faults.items():
        methods: dict[str, Method] = {
            "bicubic": partial(enlarged, factor=factor, method="bicubic"),
            "lanczos": partial(enlarged, factor=factor, method="lanczos"),
            "ours": partial(run_padded, Chain(upscaler=network, factor=factor)),
        }
        found[fault] = measured(splits, plan, methods, spoil, kept, f"upscale-{fault}")
    return found


def _small_and_bad(crop: Picture, rng: np.random.Generator, factor: int) -> Picture:
    return low_resolution(crop, factor, rng)


def run_padded(chain: Chain, picture: Picture) -> Picture:
    """Enhance a picture of any size: its edges are repeated to multiples of 32, as in a scan."""
    height, width = picture.shape[:2]
    edges = ((0, -height % 32), (0, -width % 32), (0, 0))
    made = run_chain(chain, np.pad(picture, edges, mode="edge"))
    return made[: chain.factor * height, : chain.factor * width]


def measured(
    splits: Mapping[str, Split],
    plan: Plan,
    methods: Mapping[str, Method],
    spoil: finish.Spoil,
    kept: Kept,
    name: str,
) -> Values:
    """Average the PSNR of each method over the collections, each counting alike."""
    found: dict[str, list[float]] = {key: [] for key in methods}
    sheets: list[list[Picture]] = [[] for _ in range(len(methods) + 1)]
    for split in splits.values():
        pairs = held_out_pairs(split.test, plan.crops, spoil)
        for row, (key, method) in enumerate(methods.items()):
            made = [method(pair.spoiled) for pair in pairs]
            found[key].append(mean_db(made, pairs))
            sheets[row] += made[:2]
        sheets[-1] += [pair.truth for pair in pairs[:2]]
    kept.show(name, sheets)
    values = {key: float(np.mean(some)) for key, some in found.items()}
    say(f"{name}: { {key: round(value, 2) for key, value in values.items()} }")
    return values


@dataclass(frozen=True)
class Asked:
    """What is asked of a value, and whether it holds; None where it is only shown."""

    target: str = "shown"
    holds: bool | None = None


def line(
    name: str, unit: str, value: float, peer: tuple[str, float], asked: Asked
) -> dict[str, object]:
    """Make one line: a value, the peer it is compared with, and what is asked."""
    named = f"enhancement/{name}", value, unit, *peer, asked.target
    return held_out.line(*named, holds=asked.holds)


def tone_lines(found: Mapping[str, Values], gain: float) -> list[dict[str, object]]:
    """Compare the colour error left with that of doing nothing, and with simple methods."""
    names = next(iter(found.values()))
    mean = {key: float(np.mean([row[key] for row in found.values()])) for key in names}
    shown = partial(line, unit="CIEDE2000")
    lines = []
    for name, row in found.items():
        before = ("unchanged", row["unchanged"])
        lines.append(shown(f"tone/aged/{name}", value=row["ours"], peer=before, asked=Asked()))
        limit = ("limit", MOST_CLEAN_DELTA_E00)
        lines.append(shown(f"tone/clean/{name}", value=row["clean"], peer=limit, asked=Asked()))
    asked = {
        "unchanged": Asked(
            f"peer - {100 * gain:.0f} %", bool(mean["ours"] <= (1 - gain) * mean["unchanged"])
        ),
        "grey_world": Asked("below peer", bool(mean["ours"] < mean["grey_world"])),
        "auto_levels": Asked("below peer", bool(mean["ours"] < mean["auto_levels"])),
    }
    for peer, one in asked.items():
        pair = (peer, mean[peer])
        lines.append(shown("tone/aged/mean", value=mean["ours"], peer=pair, asked=one))
    limit = ("limit", MOST_CLEAN_DELTA_E00)
    kept = Asked("below peer", bool(mean["clean"] < MOST_CLEAN_DELTA_E00))
    return [*lines, shown("tone/clean/mean", value=mean["clean"], peer=limit, asked=kept)]


def db_lines(
    operator: str, found: Mapping[str, Values], margins: Mapping[tuple[str, str], float]
) -> list[dict[str, object]]:
    """Compare our PSNR with every other method's; some margins are asked for."""
    lines = []
    for fault, row in found.items():
        for peer, value in row.items():
            if peer == "ours":
                continue
            margin = margins.get((fault, peer))
            asked = Asked()
            if margin is not None:
                asked = Asked(f"peer + {margin:g} dB", bool(row["ours"] >= value + margin))
            name = f"{operator}/{fault}"
            lines.append(line(name, "dB", row["ours"], (peer, value), asked))
    return lines


def plan_of(*, quick: bool) -> Plan:
    """Choose steps and sizes."""
    preset = PRESETS["tiny"]
    if not quick:
        return Plan(preset.tone, preset.denoise, preset.upscale, works=48, crops=16)
    return Plan(
        replace(preset.tone, base_steps=220, collection_steps=0),
        replace(preset.denoise, base_steps=40),
        replace(preset.upscale, base_steps=60),
        works=8,
        crops=2,
    )


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few steps, under a minute")
    parser.add_argument("--state", type=Path, help="folder of states to go on from")
    parser.add_argument("--pictures", type=Path, help="folder for sheets to look at")
    operators = ["tone", "denoise", "upscale"]
    parser.add_argument("--only", choices=operators, nargs="+", default=operators)
    return parser.parse_args(arguments)


def main() -> None:
    """Measure and print."""
    chosen = options()
    root = os.environ.get("ARTGAN_TEST_DATA")
    if root is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    torch.set_num_threads(min(2, int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))))
    for folder in (chosen.state, chosen.pictures):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    splits = read_splits(Path(root) / "scans", SHORT_SIDE_PX, MEASURED_PX)
    plan, kept = plan_of(quick=chosen.quick), Kept(chosen.state, chosen.pictures)
    started = time.monotonic()
    lines: list[dict[str, object]] = []
    if "tone" in chosen.only:
        gain = 0.2 if chosen.quick else TONE_GAIN
        lines += tone_lines(measure_tone(splits, plan, kept), gain)
    if "denoise" in chosen.only:
        found = measure_denoise(splits, plan, kept)
        lines += db_lines("denoise", found, {} if chosen.quick else DENOISE_MARGINS_DB)
    if "upscale" in chosen.only:
        found = measure_upscale(splits, plan, kept)
        lines += db_lines("upscale", found, {} if chosen.quick else UPSCALE_MARGINS_DB)
    for one in lines:
        sys.stdout.write(json.dumps(one) + "\n")
    say(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
