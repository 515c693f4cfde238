"""Restoration measured on held-out works with synthetic damage, beside the classical methods."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any

import numpy as np

from artgan.catalog.models import in_use_or_base
from artgan.catalog.table import Catalog
from artgan.catalog.works import Work, load_pictures, works
from artgan.config import ReportSettings
from artgan.degrade.evaluation import DamagedCrop, evaluation_crops, hole_psnr_db
from artgan.degrade.masks import ALL_DAMAGE
from artgan.errors import MissingAssetError
from artgan.metrics.feature_store import FeatureStore, picture_sha256
from artgan.metrics.features import load_vgg_extractor
from artgan.metrics.paired import (
    MS_SSIM_LEAST_PX,
    boundary_ratio,
    delta_e00,
    max_abs_change_outside,
    ms_ssim,
    ssim,
    texture_ratio,
)
from artgan.metrics.perceptual import feature_distance
from artgan.models.filler import Filler, load_filler
from artgan.report.measured import (
    Measurement,
    Number,
    Row,
    Sample,
    is_measured,
    mean_over_works,
    measurement,
    record,
)
from artgan.report.restoration_strips import Restored, write_restoration_strips
from artgan.restore.measure import restorations

SEED = 20_000
AREA_BOUNDS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.36)
"""Bounds of the ranges of damaged area; no crop has more than 35 %."""
_SUBJECTS = {
    "model": "filler",
    "perceptual": "perceptual",
    "navier_stokes": "navier_stokes",
    "telea": "telea",
    "prefill": "prefill",
    "do_nothing": "do_nothing",
}


_POOLED = {"texture_ratio": texture_ratio, "boundary_ratio": boundary_ratio}


def measure_restoration(
    catalog: Catalog, collection: str, settings: ReportSettings, stamp: Row
) -> int:
    """Measure the filler in use on a collection's test works; return how many rows are new.

    Every method restores the same damaged crops, fixed by a seed; each measure is averaged over
    works. "Do nothing" is the damaged input.
    """
    model = in_use_or_base(catalog, "restoration", collection)
    held_out = works(catalog, collection, "test")
    if model is None or not held_out:
        return 0
    preset = json.loads(model["settings_json"])["preset"]
    vgg = load_vgg_extractor(settings.weights, preset["crop_px"])
    network = None if vgg is None else vgg.weights_sha256
    one = measurement(
        "restoration",
        collection,
        model["model_id"],
        held_out,
        {"crops": settings.crops, "seed": SEED, "vgg": network},
    )
    if is_measured(catalog, one):
        return 0
    pictures = _pictures(catalog, held_out, preset)
    crops = evaluation_crops(pictures, preset["crop_px"], settings.crops, SEED)
    fillers = _fillers(catalog.store.read(model["weights_path"]))
    made = [restorations(crop, fillers, number) for number, crop in enumerate(crops)]
    restored = [Restored(*pair) for pair in zip(crops, made, strict=True)]
    write_restoration_strips(catalog.store, one, held_out, restored)
    kept = None if vgg is None else FeatureStore(catalog.store, vgg)
    rows = _rows(one, held_out, crops, made, kept)
    rows += _rows_of_strata(one, held_out, *strata(pictures, preset, settings.crops), fillers)
    return record(catalog, one, rows, stamp)


def _pictures(
    catalog: Catalog, held_out: Sequence[Work], preset: dict[str, Any]
) -> list[np.ndarray]:
    paths = [work["access_path"] for work in held_out]
    return load_pictures(catalog.store, paths, preset["short_side_px"])


def strata(
    pictures: Sequence[np.ndarray], preset: dict[str, Any], count: int
) -> tuple[list[DamagedCrop], dict[str, list[int]]]:
    """Cut crops for each class of damage by itself, and sort all of them by damaged area.

    Args:
        pictures: Held-out works, (H, W, 3) uint8.
        preset: The model's, with ``crop_px``.
        count: Crops of the whole measurement; a class gets a sixth of them.

    Returns:
        The crops, and the places of those of each stratum, by its name; a range of areas without
        crops is left out.
    """
    crops: list[DamagedCrop] = []
    places: dict[str, list[int]] = {}
    for number, kind in enumerate(ALL_DAMAGE):
        part = evaluation_crops(
            pictures, preset["crop_px"], max(8, count // 6), SEED + 1 + number, [kind]
        )
        places[f"damage: {kind}"] = list(range(len(crops), len(crops) + len(part)))
        crops += part
    for low, high in pairwise(AREA_BOUNDS):
        found = [n for n, crop in enumerate(crops) if low <= crop.mask.mean() < high]
        if found:
            places[f"area: {low:.0%} to {high:.0%}"] = found
    return crops, places


def _rows_of_strata(
    one: Measurement,
    held_out: Sequence[Work],
    crops: Sequence[DamagedCrop],
    places: dict[str, list[int]],
    fillers: dict[str, Filler],
) -> list[Row]:
    made = [restorations(crop, fillers, number) for number, crop in enumerate(crops)]
    rows = []
    for stratum, found in places.items():
        part = [crops[n] for n in found]
        origins = [crop.picture for crop in part]
        sample = Sample([held_out[number] for number in sorted(set(origins))], "test", len(part))
        for method in made[0]:
            values = _paired([made[n][method] for n in found], part)
            for metric, number in values.items():
                mean = mean_over_works(number, origins)
                rows.append(one.row(_SUBJECTS[method], metric, mean, sample, stratum=stratum))
    return rows


def _fillers(weights: bytes) -> dict[str, Filler]:
    """Return a model's fillers; models from before there were two have one."""
    fillers = {"model": load_filler(weights)}
    with suppress(MissingAssetError):
        fillers["perceptual"] = load_filler(weights, perceptual=1.0)
    return fillers


def _rows(
    one: Measurement,
    held_out: Sequence[Work],
    crops: Sequence[DamagedCrop],
    made: Sequence[Mapping[str, np.ndarray]],
    kept: FeatureStore | None,
) -> list[Row]:
    sample = Sample(held_out, "test", len(held_out))
    origins = [crop.picture for crop in crops]
    truths, masks = [crop.truth for crop in crops], [crop.mask for crop in crops]
    rows = []
    for method in made[0]:
        subject = _SUBJECTS[method]
        results = [pictures[method] for pictures in made]
        for metric, values in _paired(results, crops).items():
            rows.append(one.row(subject, metric, mean_over_works(values, origins), sample))
        for metric, measure in _POOLED.items():
            number = Number(measure(results, truths, masks))
            rows.append(one.row(subject, metric, number, sample))
        changes = [
            max_abs_change_outside(result, crop.truth, crop.mask)
            for result, crop in zip(results, crops, strict=True)
        ]
        rows.append(one.row(subject, "max_change_outside", Number(max(changes)), sample))
        if kept is not None:
            number = mean_over_works(_feature_distances(kept, results, crops), origins)
            metric = "feature_distance_vgg19_conv3_4"
            rows.append(one.row(subject, metric, number, sample, kept.extractor))
    return rows


def _paired(results: Sequence[np.ndarray], crops: Sequence[DamagedCrop]) -> dict[str, list[float]]:
    """Measure restored crops against the truth; the names are those of the metrics table."""
    measures: dict[str, Callable[[np.ndarray, DamagedCrop], float]] = {
        "psnr_hole_db": hole_psnr_db,
        "ssim_hole": lambda result, crop: ssim(result, crop.truth, crop.mask),
        "delta_e00_hole": lambda result, crop: delta_e00(result, crop.truth, crop.mask),
    }
    if min(crops[0].mask.shape) >= MS_SSIM_LEAST_PX:
        measures["ms_ssim"] = lambda result, crop: ms_ssim(result, crop.truth)
    return {
        name: [measure(result, crop) for result, crop in zip(results, crops, strict=True)]
        for name, measure in measures.items()
    }


def _feature_distances(
    kept: FeatureStore, results: Sequence[np.ndarray], crops: Sequence[DamagedCrop]
) -> np.ndarray:
    def compute(numbers: list[int]) -> np.ndarray:
        truths = [crops[n].truth for n in numbers]
        return feature_distance(kept.extractor, [results[n] for n in numbers], truths)

    partners = [picture_sha256(crop.truth) for crop in crops]
    return kept.distances("feature-distance", results, partners, compute)
