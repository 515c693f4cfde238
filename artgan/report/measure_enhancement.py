"""Tone, denoiser and upscaler measured on held-out works, beside methods that need no training."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from artgan.catalog.models import in_use_or_base
from artgan.catalog.table import Catalog
from artgan.catalog.works import Work, load_pictures, works
from artgan.config import ReportSettings
from artgan.degrade.capture import KERNELS, capture, low_resolution, reduce
from artgan.enhance.chain import Chain
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.metrics.paired import delta_e00, psnr, ssim
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
from artgan.presets import Enhancer
from artgan.report.measured import (
    Measurement,
    Row,
    Sample,
    is_measured,
    mean_over_works,
    measurement,
    record,
    title_of,
)
from artgan.report.strips import SHOWN, strip_item, write_strips
from artgan.training.finish import MOST_DB, Pair, Spoil, changed_for_sure, finishing_pairs
from artgan.training.tone import AgedWork, aged_works, restore_tone

SEED = 21_000
CROP_PX = 128
"""Side of the crops; a quarter of it is still a multiple of what windows of scans are."""
NOISE_CODES = 10.0
_PART = 3  # of the crops, for each further fault

Picture = np.ndarray
Method = Callable[[Picture], Picture]
Example = AgedWork | Pair


@dataclass(frozen=True)
class Trial:
    """Spoiled pictures with their truth, and the methods that are to mend them.

    Attributes:
        examples: What was spoiled, and what it was.
        methods: From a spoiled picture to a mended one, by subject of the metrics table.
        stratum: Which part of the sample it is; None for the one that the product is judged by.
    """

    examples: Sequence[Example]
    methods: Mapping[str, Method]
    stratum: str | None = None


def measure_enhancement(
    catalog: Catalog, kind: Enhancer, collection: str, settings: ReportSettings, stamp: Row
) -> int:
    """Measure the model in use of one kind on a collection's test works.

    Every method gets the same spoiled pictures, fixed by a seed; means are over works. "Do
    nothing" is the spoiled picture itself.

    Args:
        catalog: The archive.
        kind: What the model corrects.
        collection: The collection.
        settings: Of the report.
        stamp: Run and moment, as in every row.

    Returns:
        How many rows are new; 0 without a model or test works.
    """
    model = in_use_or_base(catalog, kind, collection)
    held_out = works(catalog, collection, "test")
    if model is None or not held_out:
        return 0
    one = measurement(
        *(kind, collection, model["model_id"], held_out),
        {"crops": settings.crops, "crop_px": CROP_PX, "seed": SEED},
    )
    if is_measured(catalog, one):
        return 0
    short_side_px = json.loads(model["settings_json"])["preset"]["short_side_px"]
    paths = [work["access_path"] for work in held_out]
    pictures = load_pictures(catalog.store, paths, max(short_side_px, CROP_PX))
    trials = _TRIALS[kind](catalog.store.read(model["weights_path"]), pictures, settings.crops)
    rows: list[Row] = []
    for trial in trials:
        made = {name: _made(method, trial.examples) for name, method in trial.methods.items()}
        rows += _rows(one, held_out, trial, made)
        if trial.stratum is None:
            _write_figure(catalog, one, held_out, trial, made)
    if kind == "tone":
        rows += _clean_rows(one, held_out, pictures, trials[0].methods)
    return record(catalog, one, rows, stamp)


def _made(method: Method, examples: Sequence[Example]) -> list[Picture]:
    return [method(_spoiled(example)) for example in examples]


def _spoiled(example: Example) -> Picture:
    return example.aged if isinstance(example, AgedWork) else example.spoiled


def _tone_trials(weights: bytes, pictures: Sequence[Picture], count: int) -> list[Trial]:
    methods: dict[str, Method] = {
        "tone": partial(restore_tone, load_tone(weights)),
        "do_nothing": np.copy,
        "grey_world": grey_world,
        "auto_levels": auto_levels,
    }
    return [Trial(aged_works(pictures, count, SEED), methods)]


def _denoise_trials(weights: bytes, pictures: Sequence[Picture], count: int) -> list[Trial]:
    network = load_denoiser(weights)
    methods: dict[str, Method] = {
        "denoise": partial(_run, Chain(denoiser=network, denoise_strength=1.0)),
        "denoise_half": partial(_run, Chain(denoiser=network, denoise_strength=0.5)),
        "do_nothing": np.copy,
        "median": median,
    }
    methods |= {f"nlm_{h:g}": partial(non_local_means, strength=h) for h in NLM_STRENGTHS}
    faults: dict[str | None, Spoil] = {
        None: changed_for_sure(capture),
        f"fault: noise of {NOISE_CODES:g} codes": _noisy,
        "fault: none": lambda crop, _: crop.copy(),
    }
    return _trials(pictures, count, {fault: (spoil, methods) for fault, spoil in faults.items()})


def _upscale_trials(weights: bytes, pictures: Sequence[Picture], count: int) -> list[Trial]:
    network = load_upscaler(weights)

    def methods(factor: int) -> dict[str, Method]:
        return {
            "upscale": partial(_run, Chain(upscaler=network, factor=factor)),
            "bicubic": partial(enlarged, factor=factor, method="bicubic"),
            "lanczos": partial(enlarged, factor=factor, method="lanczos"),
        }

    faults: dict[str | None, tuple[Spoil, dict[str, Method]]] = {
        None: (_reduced(2), methods(2)),
        "fault: noisy and compressed too": (lambda c, rng: low_resolution(c, 2, rng), methods(2)),
        "fault: a quarter of the size": (_reduced(4), methods(4)),
    }
    return _trials(pictures, count, faults)


def _trials(
    pictures: Sequence[Picture],
    count: int,
    faults: Mapping[str | None, tuple[Spoil, Mapping[str, Method]]],
) -> list[Trial]:
    trials = []
    for number, (fault, (spoil, methods)) in enumerate(faults.items()):
        part = count if fault is None else max(8, count // _PART)
        pairs = finishing_pairs(pictures, CROP_PX, part, SEED + number, spoil)
        trials.append(Trial(pairs, methods, fault))
    return trials


_TRIALS: dict[Enhancer, Callable[[bytes, Sequence[Picture], int], list[Trial]]] = {
    "tone": _tone_trials,
    "denoise": _denoise_trials,
    "upscale": _upscale_trials,
}


def _run(chain: Chain, picture: Picture) -> Picture:
    """Enhance a crop as a window of a scan is enhanced."""
    return batch_to_arrays(chain(arrays_to_batch([picture])))[0]


def _noisy(crop: Picture, rng: np.random.Generator) -> Picture:
    return np.rint((crop + rng.normal(0.0, NOISE_CODES, crop.shape)).clip(0, 255)).astype(np.uint8)


def _reduced(factor: int) -> Spoil:
    return lambda crop, rng: reduce(crop, factor, KERNELS[int(rng.integers(len(KERNELS)))])


def _rows(
    one: Measurement,
    held_out: Sequence[Work],
    trial: Trial,
    made: Mapping[str, Sequence[Picture]],
) -> list[Row]:
    origins = [example.picture for example in trial.examples]
    reference = [held_out[number] for number in sorted(set(origins))]
    sample = Sample(reference, "test", len(origins))
    rows = []
    for subject, results in made.items():
        pairs = [(a, b.truth) for a, b in zip(results, trial.examples, strict=True)]
        found = {"psnr_db": [_decibels(*pair) for pair in pairs]}
        if one.product == "tone":
            found = {"delta_e00": [delta_e00(*pair) for pair in pairs]} | found
        else:
            found |= {"ssim": [ssim(*pair) for pair in pairs]}
        for metric, values in found.items():
            number = mean_over_works(values, origins)
            rows.append(one.row(subject, metric, number, sample, stratum=trial.stratum))
    return rows


def _decibels(result: Picture, truth: Picture) -> float:
    return min(psnr(result, truth), MOST_DB)


def _clean_rows(
    one: Measurement,
    held_out: Sequence[Work],
    pictures: Sequence[Picture],
    methods: Mapping[str, Method],
) -> list[Row]:
    """Measure how far works move that are as they should be."""
    sample = Sample(held_out, "test", len(pictures))
    rows = []
    for subject, method in methods.items():
        moved = [delta_e00(method(picture), picture) for picture in pictures]
        number = mean_over_works(moved, range(len(moved)))
        rows.append(one.row(subject, "clean_delta_e00", number, sample))
    return rows


_LABELS = {
    "tone": "tone model",
    "grey_world": "grey-world",
    "auto_levels": "auto-levels",
    "denoise": "noise and blur model",
    "median": "median",
    "nlm_6": "non-local means",
    "upscale": "enlargement model",
    "bicubic": "bicubic",
}
_TITLES = {
    "tone": ("Held-out works, aged and corrected", "aged"),
    "denoise": ("Held-out works, spoiled and mended", "noisy, blurred, compressed"),
    "upscale": ("Held-out works, halved and enlarged", "halved"),
}


def _write_figure(
    catalog: Catalog,
    one: Measurement,
    held_out: Sequence[Work],
    trial: Trial,
    made: Mapping[str, Sequence[Picture]],
) -> None:
    """Show the first picture of the first works, beside what every method made of it."""
    title, spoiled = _TITLES[one.product]
    items = []
    for number, example in enumerate(trial.examples[: min(SHOWN, len(held_out))]):
        shown = {"truth": example.truth, spoiled: _spoiled(example)}
        shown |= {label: made[name][number] for name, label in _LABELS.items() if name in made}
        left = made[one.product][number]
        words = f"PSNR of the model {_decibels(left, example.truth):.1f} dB"
        if one.product == "tone":
            before = delta_e00(example.aged, example.truth)  # pyright: ignore
            words = f"colour error {before:.1f}, {delta_e00(left, example.truth):.1f} corrected"
        work = title_of(held_out[example.picture])
        items.append(strip_item(catalog.store, one, f"held-out-{number:02d}", work, words, shown))
    note = "Test works, spoiled with a fixed seed, the first of each work; not selected."
    write_strips(catalog.store, one, items, "held-out", title, note)
