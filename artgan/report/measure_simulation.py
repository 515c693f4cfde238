"""Simulation measured against the real works: distance, variety, and whether it copies."""

import json
from dataclasses import dataclass

import numpy as np

from artgan.catalog.models import in_use_or_base
from artgan.catalog.table import Catalog
from artgan.catalog.works import Work, load_pictures, works
from artgan.config import ReportSettings
from artgan.metrics.diversity import (
    density_coverage_in,
    diversity_ratio_in,
    precision_recall_in,
    vendi_score,
)
from artgan.metrics.feature_store import FeatureStore
from artgan.metrics.features import Extractor, load_extractor, normalise
from artgan.metrics.frechet import frechet_excess_in
from artgan.metrics.gram import Gram
from artgan.metrics.kernel import kid_x1000_in
from artgan.metrics.memorisation import (
    NearestWorks,
    copied_share,
    copy_ratio_in,
    nearer,
    nearest_works,
    nearest_works_in,
    pixel_features,
)
from artgan.metrics.table import is_shown
from artgan.models.simulators import load_simulator
from artgan.report.archive_network import find_archive_extractor
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
_FEWEST_FOR_EXCESS = 8
_PAIRS = 10
_MIN_REAL = 3


@dataclass(frozen=True)
class _Sets:
    """All that is compared.

    Attributes:
        works: Real works by split, and ``all``.
        pictures: Pictures of ``all``, ``generated``, and ``mirrored`` training works.
        gram: Features of these, and of the splits as parts of ``all``.
        nearest: For each generated picture the nearest training work, by network or pixels.
    """

    works: dict[str, list[Work]]
    pictures: dict[str, list[np.ndarray]]
    gram: Gram
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
    own = find_archive_extractor(catalog, settings.hardened_codes)
    one = measurement(
        "simulation",
        collection,
        model["model_id"],
        everything,
        {
            "samples": settings.samples,
            "seed": SEED,
            "archive_network": None if own is None else own.weights_sha256,
        },
        extractor,
    )
    if is_measured(catalog, one):
        return 0
    size_px = json.loads(model["settings_json"])["preset"]["size_px"]
    simulator = load_simulator(catalog.store.read(model["weights_path"]))
    seeds, label = range(SEED, SEED + settings.samples), simulator.label_of(collection)
    generated = simulate(simulator.generator, seeds, label=label)
    sets = _sets(catalog, by_split | {"all": everything}, generated, size_px, extractor)
    _write_pairs(catalog, one, sets)
    rows = _rows(one, sets)
    if own is not None:
        rows += _frechet(one, everything, _own_gram(catalog, own, sets), own)
    return record(catalog, one, rows, stamp)


def _sets(
    catalog: Catalog,
    real: dict[str, list[Work]],
    generated: list[np.ndarray],
    size_px: int,
    extractor: Extractor,
) -> _Sets:
    paths = [work["access_path"] for work in real["all"]]
    squares = [centre_square(one) for one in load_pictures(catalog.store, paths, size_px)]
    numbers = {work["scan_id"]: number for number, work in enumerate(real["all"])}
    parts = {
        split: np.array([numbers[work["scan_id"]] for work in real[split]])
        for split in ("train", "test")
    }
    mirrored = [np.ascontiguousarray(squares[n][:, ::-1]) for n in parts["train"]]
    pictures = {"all": squares, "generated": generated, "mirrored": mirrored}
    kept = FeatureStore(catalog.store, extractor)
    found = {name: kept.features(arrays) for name, arrays in pictures.items()}
    if not extractor.is_fid:
        scaled = normalise(found["all"], *found.values())[1:]
        found = dict(zip(found, scaled, strict=True))
    gram = Gram.of(**found)
    for split, rows in parts.items():
        gram = gram.with_part(split, "all", rows)
    return _Sets(real, pictures, gram, _nearest(gram, pictures, parts["train"]))


def _nearest(gram: Gram, pictures: dict[str, list[np.ndarray]], train: np.ndarray) -> NearestWorks:
    """Search the training works by the network and by pixels; a copy is near in one of them."""
    by_network = nearest_works_in(gram, "generated", "train", "mirrored")
    pixels = {name: pixel_features(arrays) for name, arrays in pictures.items()}
    by_pixels = nearest_works(pixels["generated"], pixels["all"][train], pixels["mirrored"])
    return nearer(by_network, by_pixels)


def _rows(one: Measurement, sets: _Sets) -> list[Row]:
    gram, works = sets.gram, sets.works
    count = gram.size("generated")
    test = Sample(works["test"], "test", count)
    train = Sample(works["train"], "train", count)
    real_train = Sample(works["test"], "test", gram.size("train"))
    copied = copied_share(sets.nearest.ratio)
    return [
        _kid(one, "generator", gram, "generated", test),
        _kid(one, "real_training_works", gram, "train", real_train),
        one.row(
            "generator",
            "copy_ratio",
            Number(copy_ratio_in(gram, "generated", "train", "test")),
            test,
        ),
        one.row("generator", "copied_share", Number(copied), train),
        one.row(
            "generator",
            "diversity_ratio",
            Number(diversity_ratio_in(gram, "generated", "all")),
            Sample(works["all"], "all", count),
        ),
        *_frechet(one, works["all"], gram),
        *_neighbourhoods(one, sets),
    ]


def _kid(one: Measurement, subject: str, gram: Gram, measured: str, sample: Sample) -> Row:
    kid = kid_x1000_in(gram, "test", measured)
    number = Number(kid.value, kid.ci_low, kid.ci_high, "jackknife")
    return one.row(subject, "kid_x1000", number, sample)


def _frechet(
    one: Measurement, everything: list[Work], gram: Gram, extractor: Extractor | None = None
) -> list[Row]:
    if len(everything) < _FEWEST_FOR_EXCESS:
        return []
    found = frechet_excess_in(gram, "all", "generated", SEED)
    sample = Sample(everything, "all", found.n_generated, found.n_matched)
    numbers = {
        "fd": Number(found.fd),
        "fd_floor": Number(found.fd_floor),
        "fd_excess": Number(found.fd_excess, found.ci_low, found.ci_high, "jackknife_blocks"),
    }
    return _shown(one, "generator", numbers, sample, extractor)


def _own_gram(catalog: Catalog, own: Extractor, sets: _Sets) -> Gram:
    """Compare in the archive's own network as well; the headline stays with the other."""
    kept = FeatureStore(catalog.store, own)
    real, generated = (kept.features(sets.pictures[name]) for name in ("all", "generated"))
    real, generated = normalise(real, generated)
    return Gram.of(all=real, generated=generated)


def _neighbourhoods(one: Measurement, sets: _Sets) -> list[Row]:
    """Measure what depends on the sizes of both sides at equal ones."""
    count = min(sets.gram.size("all"), sets.gram.size("generated"))
    sample = Sample(sets.works["all"], "all", count, count)
    if not is_shown("density", count):
        return []
    gram = sets.gram
    for name in ("all", "generated"):
        gram = gram.with_part(f"equal_{name}", name, np.arange(count))
    dense = density_coverage_in(gram, "equal_all", "equal_generated")
    precise = precision_recall_in(gram, "equal_all", "equal_generated")
    numbers = {
        "density": Number(dense.density),
        "coverage": Number(dense.coverage),
        "precision": Number(precise.precision),
        "recall": Number(precise.recall),
        "vendi_score": Number(vendi_score(gram.centred("equal_generated", "all"))),
    }
    real = {"vendi_score": Number(vendi_score(gram.centred("equal_all", "all")))}
    return [
        *_shown(one, "generator", numbers, sample),
        *_shown(one, "real_works", real, sample),
    ]


def _shown(
    one: Measurement,
    subject: str,
    numbers: dict[str, Number],
    sample: Sample,
    extractor: Extractor | None = None,
) -> list[Row]:
    """Return rows of the numbers that say anything at the matched size."""
    matched = sample.n_matched or 0
    return [
        one.row(subject, metric, number, sample, extractor)
        for metric, number in numbers.items()
        if is_shown(metric, matched)
    ]


def _write_pairs(catalog: Catalog, one: Measurement, sets: _Sets) -> None:
    items = []
    for number in np.argsort(sets.nearest.ratio)[:_PAIRS].tolist():
        index, flipped = int(sets.nearest.index[number]), bool(sets.nearest.flipped[number])
        work = sets.works["train"][index]
        nearest = sets.pictures["mirrored"][index]
        nearest = nearest if flipped else np.ascontiguousarray(nearest[:, ::-1])
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
