"""Restoration measured on held-out works with synthetic damage, beside the classical methods."""

import json
from collections.abc import Sequence
from typing import Any

from artgan.catalog.models import Model, in_use_or_base
from artgan.catalog.table import Catalog
from artgan.catalog.works import Work, load_pictures, works
from artgan.config import ReportSettings
from artgan.degrade.evaluation import DamagedCrop, damage_picture, evaluation_crops
from artgan.models.classical import inpaint
from artgan.models.filler import Filler, load_filler
from artgan.report.figures import FigureItem, FigureSet
from artgan.report.measured import (
    Measurement,
    Row,
    Sample,
    is_measured,
    mean_over_works,
    measurement,
    record,
    title_of,
    write_figure,
    write_image,
)
from artgan.restore.fill import fill_scan
from artgan.restore.measure import compare_methods

SEED = 20_000
_SHOWN = 6
_SUBJECTS = {
    "model": "filler",
    "navier_stokes": "navier_stokes",
    "telea": "telea",
    "prefill": "prefill",
    "do_nothing": "do_nothing",
}


def measure_restoration(
    catalog: Catalog, collection: str, settings: ReportSettings, stamp: Row
) -> int:
    """Measure the filler in use on a collection's test works; return how many rows are new.

    Every method restores the same damaged crops, fixed by a seed; the hole PSNR of each is
    averaged over works. "Do nothing" is the damaged input.
    """
    model = in_use_or_base(catalog, "restoration", collection)
    held_out = works(catalog, collection, "test")
    if model is None or not held_out:
        return 0
    one = measurement(
        "restoration",
        collection,
        model["model_id"],
        held_out,
        {"crops": settings.crops, "seed": SEED},
    )
    if is_measured(catalog, one):
        return 0
    preset = json.loads(model["settings_json"])["preset"]
    crops = _crops(catalog, held_out, preset, settings.crops)
    filler = load_filler(catalog.store.read(model["weights_path"]))
    _write_strips(catalog, one, model, held_out, crops, filler)
    return record(catalog, one, _rows(one, held_out, crops, filler), stamp)


def _crops(
    catalog: Catalog, held_out: Sequence[Work], preset: dict[str, Any], count: int
) -> list[DamagedCrop]:
    paths = [work["access_path"] for work in held_out]
    pictures = load_pictures(catalog.store, paths, preset["short_side_px"])
    return evaluation_crops(pictures, preset["crop_px"], count, SEED)


def _rows(
    one: Measurement, held_out: Sequence[Work], crops: Sequence[DamagedCrop], filler: Filler
) -> list[Row]:
    compared = compare_methods(crops, filler)
    sample = Sample(held_out, "test", len(held_out))
    origins = [row.picture for row in compared]
    return [
        one.row(
            subject,
            "psnr_hole_db",
            mean_over_works([getattr(row, name) for row in compared], origins),
            sample,
        )
        for name, subject in _SUBJECTS.items()
    ]


def _write_strips(
    catalog: Catalog,
    one: Measurement,
    model: Model,
    held_out: Sequence[Work],
    crops: Sequence[DamagedCrop],
    filler: Filler,
) -> None:
    items = []
    for number, crop in enumerate(_spread(crops)):
        pictures = {
            "truth": crop.truth,
            "damaged": damage_picture(crop.truth, crop.mask, SEED + number),
            "Telea": inpaint(crop.truth, crop.mask, "telea"),
            "Navier-Stokes": inpaint(crop.truth, crop.mask, "navier_stokes"),
            "filler": fill_scan(crop.truth, crop.mask, filler).pixels,
        }
        title = title_of(held_out[crop.picture])
        folder = f"reports/figures/{one.collection}/restoration/{model['model_id']}"
        images = tuple(
            write_image(
                catalog.store,
                f"{folder}/{number:02d}-{label.lower()}.png",
                picture,
                label,
                f"{title}, crop: {label}",
            )
            for label, picture in pictures.items()
        )
        items.append(FigureItem(title, f"{crop.mask.mean():.0%} of the crop damaged", images))
    note = "Test works, damage drawn with a fixed seed, the first crop of each work; not selected."
    figure = FigureSet(
        "restoration",
        one.collection,
        model["model_id"],
        "Held-out works with synthetic damage",
        note,
        "strips",
        tuple(items),
    )
    write_figure(catalog.store, figure, "held-out")


def _spread(crops: Sequence[DamagedCrop]) -> list[DamagedCrop]:
    """Return the first crop of each of the first works."""
    first: dict[int, DamagedCrop] = {}
    for crop in crops:
        first.setdefault(crop.picture, crop)
    return list(first.values())[:_SHOWN]
