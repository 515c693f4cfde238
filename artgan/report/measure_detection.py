"""The damage detector measured on held-out works, beside filters; and what blind filling gains."""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from artgan.catalog.models import in_use_or_base
from artgan.catalog.table import Catalog
from artgan.catalog.works import Work, load_pictures, works
from artgan.config import ReportSettings
from artgan.degrade.blind import BlindCrop, blind_crops, large_crops
from artgan.metrics.masks import f1, precision, recall
from artgan.metrics.paired import psnr
from artgan.models.classical import small_details
from artgan.models.classical_finish import median
from artgan.models.detector import Detector, load_detector
from artgan.models.filler import Filler, load_filler
from artgan.presets import DETECTED, OPAQUE
from artgan.report.measured import (
    Measurement,
    Number,
    Row,
    Sample,
    is_measured,
    mean_over_works,
    measurement,
    record,
    title_of,
)
from artgan.report.strips import SHOWN, strip_item, write_strips
from artgan.restore.detect import DetectOptions, detect_scan
from artgan.restore.fill import fill_scan
from artgan.restore.marking import marked
from artgan.training.detection import CLASSICAL_CONTRAST, CLASSICAL_WIDTH_PX

SEED = 22_000
MOST_DB = 60.0
BROAD = "damage: broad_losses,_looked_for_from_afar"

Masks = Mapping[str, Sequence[np.ndarray]]


def measure_detection(
    catalog: Catalog, collection: str, settings: ReportSettings, stamp: Row
) -> int:
    """Measure the detector in use on a collection's test works; return how many rows are new.

    Damage of every class is drawn over crops with a fixed seed. Marked pixels are compared with
    all that opaque damage covers; undamaged works are looked at whole, with the usual classes, and
    so are works with one loss or filling of an eighth to a third of their short side. If a filler
    is in use as well, crops are filled where the detector marks them, told by nobody.
    """
    model = in_use_or_base(catalog, "detection", collection)
    filler = in_use_or_base(catalog, "restoration", collection)
    held_out = works(catalog, collection, "test")
    if model is None or not held_out:
        return 0
    by = None if filler is None else filler["model_id"]
    one = measurement(
        *("detection", collection, model["model_id"], held_out),
        {"crops": settings.crops, "broad": len(held_out), "seed": SEED, "filler": by},
    )
    if is_measured(catalog, one):
        return 0
    preset = json.loads(model["settings_json"])["preset"]
    paths = [work["access_path"] for work in held_out]
    pictures = load_pictures(catalog.store, paths, preset["short_side_px"])
    detector = load_detector(catalog.store.read(model["weights_path"]))
    cut = (pictures, preset["sheet_px"], settings.crops)
    crops = blind_crops(*cut, SEED, preset["classes"])
    found = {
        "detector": [_found(crop.damaged, detector) for crop in crops],
        "top_hat": [_details(crop.damaged) for crop in crops],
    }
    rows = _rows(one, held_out, crops, found) + _clean_rows(one, held_out, pictures, detector)
    rows += _broad_rows(one, held_out, pictures, detector)
    if filler is not None:
        # veils are not filled, so blind filling is judged on damage that is
        opaque = blind_crops(*cut, SEED + 1, OPAQUE)
        network = load_filler(catalog.store.read(filler["weights_path"]))
        rows += _blind_rows(catalog, one, held_out, opaque, (detector, network))
    return record(catalog, one, rows, stamp)


def _found(picture: np.ndarray, detector: Detector, *, broad: bool = False) -> np.ndarray:
    return detect_scan(picture, detector, DetectOptions(OPAQUE, broad=broad)).mask


def _details(picture: np.ndarray) -> np.ndarray:
    return small_details(picture, CLASSICAL_WIDTH_PX, CLASSICAL_CONTRAST)


def _rows(
    one: Measurement, held_out: Sequence[Work], crops: Sequence[BlindCrop], found: Masks
) -> list[Row]:
    sample = _sample(held_out, crops)
    truth = [crop.overlay.union() for crop in crops]
    rows = []
    for subject, masks in found.items():
        for metric, measure in (
            ("union_f1", f1),
            ("damage_precision", precision),
            ("damage_recall", recall),
        ):
            rows.append(one.row(subject, metric, Number(measure(masks, truth)), sample))
        for kind in OPAQUE:
            covered = [crop.overlay.mask(kind) for crop in crops]
            part = [n for n, mask in enumerate(covered) if mask.any()]
            if part:
                value = recall([masks[n] for n in part], [covered[n] for n in part])
                where = _sample(held_out, [crops[n] for n in part])
                name = f"damage: {kind}"
                rows.append(one.row(subject, "damage_recall", Number(value), where, stratum=name))
    return rows


def _sample(held_out: Sequence[Work], crops: Sequence[BlindCrop]) -> Sample:
    numbers = sorted({crop.picture for crop in crops})
    return Sample([held_out[number] for number in numbers], "test", len(crops))


def _clean_rows(
    one: Measurement,
    held_out: Sequence[Work],
    pictures: Sequence[np.ndarray],
    detector: Detector,
) -> list[Row]:
    """Measure which part of whole undamaged works is marked with the usual classes."""
    usual = DetectOptions(DETECTED)
    shares = {
        "detector": [detect_scan(one, detector, usual).damaged_fraction for one in pictures],
        "top_hat": [float(_details(one).mean()) for one in pictures],
    }
    sample = Sample(held_out, "test", len(pictures))
    return [
        one.row(subject, "clean_altered", mean_over_works(values, range(len(values))), sample)
        for subject, values in shares.items()
    ]


def _broad_rows(
    one: Measurement,
    held_out: Sequence[Work],
    pictures: Sequence[np.ndarray],
    detector: Detector,
) -> list[Row]:
    """Measure how much is found of damage that hides a whole part of a work."""
    squares = large_crops(pictures, len(pictures), SEED)
    truth = [square.overlay.union() for square in squares]
    found = {
        "detector": [_found(square.damaged, detector, broad=True) for square in squares],
        "top_hat": [_details(square.damaged) for square in squares],
    }
    sample = _sample(held_out, squares)
    return [
        one.row(subject, "damage_recall", Number(recall(masks, truth)), sample, stratum=BROAD)
        for subject, masks in found.items()
    ]


def _blind_rows(
    catalog: Catalog,
    one: Measurement,
    held_out: Sequence[Work],
    crops: Sequence[BlindCrop],
    models: tuple[Detector, Filler],
) -> list[Row]:
    """Fill crops where the detector marks them, and compare with the median and with the truth."""
    detector, filler = models
    found = [_found(crop.damaged, detector) for crop in crops]
    made = {
        "blind": [
            _filled(crop.damaged, mask, filler) for crop, mask in zip(crops, found, strict=True)
        ],
        "do_nothing": [crop.damaged for crop in crops],
        "median": [median(crop.damaged) for crop in crops],
        "known": [_filled(crop.damaged, crop.overlay.union(), filler) for crop in crops],
    }
    origins, sample = [crop.picture for crop in crops], _sample(held_out, crops)
    rows = []
    for subject, results in made.items():
        pairs = zip(results, crops, strict=True)
        values = [min(psnr(result, crop.truth), MOST_DB) for result, crop in pairs]
        rows.append(one.row(subject, "psnr_db", mean_over_works(values, origins), sample))
    items = []
    for number, crop in enumerate(crops[: min(SHOWN, len(held_out))]):
        truth = crop.overlay.union()
        shown = {
            "truth": crop.truth,
            "damaged": crop.damaged,
            "damage": marked(crop.damaged, truth),
            "marked by the detector": marked(crop.damaged, found[number]),
            "filled where marked": made["blind"][number],
        }
        words = f"F1 {f1([found[number]], [truth]):.2f}, {truth.mean():.0%} of the crop damaged"
        work = title_of(held_out[crop.picture])
        items.append(strip_item(catalog.store, one, f"held-out-{number:02d}", work, words, shown))
    title = "Held-out works with synthetic damage that nobody marked"
    note = "Test works, damage drawn with a fixed seed, the first crop of each; not selected."
    write_strips(catalog.store, one, items, "held-out", title, note)
    return rows


def _filled(picture: np.ndarray, mask: np.ndarray, filler: Filler) -> np.ndarray:
    # a crop that is nothing but damage has nothing to be filled from
    return picture if mask.all() else fill_scan(picture, mask, filler).pixels
