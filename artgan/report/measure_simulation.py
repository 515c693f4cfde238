"""Simulation measured against the real works: distance, variety, and whether it copies."""

import json
from dataclasses import dataclass

import numpy as np

from artgan.catalog.models import in_use_or_base
from artgan.catalog.table import Catalog
from artgan.catalog.works import Work, load_pictures, works
from artgan.config import ReportSettings
from artgan.metrics.diversity import density_coverage, diversity_ratio
from artgan.metrics.features import Extractor, extract, load_extractor, normalise
from artgan.metrics.frechet import frechet_excess
from artgan.metrics.kernel import kid_x1000
from artgan.metrics.memorisation import NearestWorks, copied_share, copy_ratio, nearest_works
from artgan.models.generator import load_generator
from artgan.report.figures import FigureItem, FigureSet
from artgan.report.measured import (
    Measurement,
    Number,
    Row,
    Sample,
    centre_square,
    is_measured,
    measurement,
    record,
    title_of,
    write_figure,
    write_image,
)
from artgan.simulate.works import simulate

SEED = 30_000
_VGG_SIDE_PX = 64
_FD_FLOOR_N = 20
_COVERAGE_N = 50
_PAIRS = 10
_MIN_REAL = 3


@dataclass(frozen=True)
class _Sets:
    """Pictures and features of all that is compared."""

    works: dict[str, list[Work]]
    pictures: dict[str, list[np.ndarray]]
    features: dict[str, np.ndarray]
    nearest: NearestWorks


def measure_simulation(
    catalog: Catalog, collection: str, settings: ReportSettings, stamp: Row
) -> int:
    """Measure the generator in use for a collection; return how many rows are new.

    The headline is the kernel distance to the test works, which no part of training saw. The
    Fréchet distance needs more works than a test split has, so it is against all works.
    """
    model = in_use_or_base(catalog, "simulation", collection)
    by_split = {split: works(catalog, collection, split) for split in ("train", "test")}
    if model is None or min(len(rows) for rows in by_split.values()) < _MIN_REAL:
        return 0
    everything = works(catalog, collection)
    extractor = load_extractor(settings.weights, settings.require_fid, vgg_size_px=_VGG_SIDE_PX)
    one = measurement(
        "simulation",
        collection,
        model["model_id"],
        everything,
        {"samples": settings.samples, "seed": SEED},
        extractor,
    )
    if is_measured(catalog, one):
        return 0
    size_px = json.loads(model["settings_json"])["preset"]["size_px"]
    generator = load_generator(catalog.store.read(model["weights_path"]))
    generated = simulate(generator, range(SEED, SEED + settings.samples))
    sets = _sets(catalog, by_split | {"all": everything}, generated, size_px, extractor)
    _write_pairs(catalog, one, sets)
    return record(catalog, one, _rows(one, sets), stamp)


def _sets(
    catalog: Catalog,
    real: dict[str, list[Work]],
    generated: list[np.ndarray],
    size_px: int,
    extractor: Extractor,
) -> _Sets:
    squares = {
        split: [
            centre_square(picture)
            for picture in load_pictures(
                catalog.store, [work["access_path"] for work in rows], size_px
            )
        ]
        for split, rows in real.items()
    }
    mirrored = [np.ascontiguousarray(picture[:, ::-1]) for picture in squares["train"]]
    pictures = squares | {"generated": generated, "mirrored": mirrored}
    found = {name: extract(extractor, arrays) for name, arrays in pictures.items()}
    if not extractor.is_fid:
        names = list(found)
        scaled = normalise(found["all"], *(found[name] for name in names))[1:]
        found = dict(zip(names, scaled, strict=True))
    nearest = nearest_works(found["generated"], found["train"], found["mirrored"])
    return _Sets(real, pictures, found, nearest)


def _rows(one: Measurement, sets: _Sets) -> list[Row]:
    generated, found = sets.features["generated"], sets.features
    count = len(generated)
    test = Sample(sets.works["test"], "test", count)
    rows = [_kid(one, "generator", found["test"], generated, test)]
    real_train = Sample(sets.works["test"], "test", len(found["train"]))
    rows.append(_kid(one, "real_training_works", found["test"], found["train"], real_train))
    plain = {
        "copy_ratio": copy_ratio(generated, found["train"], found["test"]),
        "copied_share": copied_share(sets.nearest.ratio),
        "diversity_ratio": diversity_ratio(generated, found["all"]),
    }
    everything = Sample(sets.works["all"], "all", count)
    samples = {"copy_ratio": test, "copied_share": Sample(sets.works["train"], "train", count)}
    rows += [
        one.row("generator", name, Number(value), samples.get(name, everything))
        for name, value in plain.items()
    ]
    return rows + _frechet(one, sets) + _coverage(one, sets)


def _kid(
    one: Measurement, subject: str, real: np.ndarray, other: np.ndarray, sample: Sample
) -> Row:
    kid = kid_x1000(real, other)
    number = Number(kid.value, kid.ci_low, kid.ci_high, "jackknife")
    return one.row(subject, "kid_x1000", number, sample)


def _frechet(one: Measurement, sets: _Sets) -> list[Row]:
    everything = sets.works["all"]
    if len(everything) < _FD_FLOOR_N:
        return []
    found = frechet_excess(sets.features["all"], sets.features["generated"], SEED)
    sample = Sample(everything, "all", found.n_generated, found.n_matched)
    excess = Number(found.fd_excess, found.ci_low, found.ci_high, "jackknife_blocks")
    return [
        one.row("generator", "fd", Number(found.fd), sample),
        one.row("generator", "fd_floor", Number(found.fd_floor), sample),
        one.row("generator", "fd_excess", excess, sample),
    ]


def _coverage(one: Measurement, sets: _Sets) -> list[Row]:
    real = sets.features["all"]
    if len(real) < _COVERAGE_N:
        return []
    count = min(len(real), len(sets.features["generated"]))
    found = density_coverage(real[:count], sets.features["generated"][:count])
    sample = Sample(sets.works["all"], "all", count, count)
    return [
        one.row("generator", "density", Number(found.density), sample),
        one.row("generator", "coverage", Number(found.coverage), sample),
    ]


def _write_pairs(catalog: Catalog, one: Measurement, sets: _Sets) -> None:
    items = []
    for number in np.argsort(sets.nearest.ratio)[:_PAIRS].tolist():
        index, flipped = int(sets.nearest.index[number]), bool(sets.nearest.flipped[number])
        work = sets.works["train"][index]
        nearest = sets.pictures["mirrored" if flipped else "train"][index]
        folder = f"reports/figures/{one.collection}/simulation/{one.model_id}"
        images = (
            write_image(
                catalog.store,
                f"{folder}/pair-{number:04d}-generated.png",
                sets.pictures["generated"][number],
                "simulated",
                f"Simulated work, seed {SEED + number}",
            ),
            write_image(
                catalog.store,
                f"{folder}/pair-{number:04d}-nearest.png",
                nearest,
                "nearest work, mirrored" if flipped else "nearest work",
                f"Nearest training work: {title_of(work)}",
            ),
        )
        note = f"ratio {sets.nearest.ratio[number]:.2f}; seed {SEED + number}"
        items.append(FigureItem(title_of(work), note, images))
    figure = FigureSet(
        "simulation",
        one.collection,
        one.model_id or "",
        "The simulated works nearest to a training work",
        f"The {_PAIRS} lowest ratios of {len(sets.nearest.ratio)} samples; under 0.5 is a copy.",
        "pairs",
        tuple(items),
    )
    write_figure(catalog.store, figure, "nearest")
