"""Stylization measured on held-out works: nearer to the style, and how much content it cost."""

from collections.abc import Callable, Sequence

import numpy as np

from artgan.catalog.models import in_use
from artgan.catalog.table import Catalog
from artgan.catalog.works import Work, load_pictures, works
from artgan.config import ReportSettings
from artgan.metrics.features import Extractor, extract, load_extractor, normalise
from artgan.metrics.kernel import kid_x1000
from artgan.metrics.style import content_distance, style_distance, style_statistics
from artgan.models.translator import load_translator
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
from artgan.stylize.color import measure_colors, pool_colors, transfer_colors
from artgan.stylize.translate import translate

_SIDE_PX = 128
_CONTENTS = 32
_MIN_STYLE = 3

Stylizer = Callable[[np.ndarray], np.ndarray]


def measure_stylization(
    catalog: Catalog, collection: str, settings: ReportSettings, stamp: Row
) -> int:
    """Measure every stylizer of a collection; return how many rows are new.

    Contents are test works of the other collections, the style is this collection's test works.
    "Unchanged" is the content itself: what a stylizer must beat.
    """
    style = works(catalog, collection, "test")
    contents = [row for row in works(catalog, None, "test") if row["collection"] != collection]
    contents = contents[:_CONTENTS]
    if len(style) < _MIN_STYLE or len(contents) < _MIN_STYLE:
        return 0
    model = in_use(catalog, "style", collection)
    extractor = load_extractor(settings.weights, vgg_size_px=_SIDE_PX)
    one = measurement(
        "stylization",
        collection,
        None if model is None else model["model_id"],
        [*style, *contents],
        {"side_px": _SIDE_PX},
        extractor,
    )
    if is_measured(catalog, one):
        return 0
    stylizers = _stylizers(catalog, collection, None if model is None else model["weights_path"])
    rows = _rows(one, style, _load(catalog, style), _load(catalog, contents), stylizers)
    return record(catalog, one, rows, stamp)


def _load(catalog: Catalog, rows: Sequence[Work]) -> list[np.ndarray]:
    return load_pictures(catalog.store, [row["access_path"] for row in rows], _SIDE_PX)


def _stylizers(catalog: Catalog, collection: str, weights_path: str | None) -> dict[str, Stylizer]:
    palette = works(catalog, collection, "train") or works(catalog, collection)
    colors = pool_colors([measure_colors(picture) for picture in _load(catalog, palette)])
    stylizers: dict[str, Stylizer] = {
        "unchanged": lambda picture: picture,
        "color": lambda picture: transfer_colors(picture, colors),
    }
    if weights_path is not None:
        translator = load_translator(catalog.store.read(weights_path))
        stylizers["cut"] = lambda picture: translate(picture, translator)
    return stylizers


def _rows(
    one: Measurement,
    style: Sequence[Work],
    references: list[np.ndarray],
    contents: list[np.ndarray],
    stylizers: dict[str, Stylizer],
) -> list[Row]:
    extractor = one.extractor
    assert extractor is not None
    real = extract(extractor, references)
    statistics = style_statistics(extractor, references)
    sample = Sample(style, "test", len(contents))
    rows = []
    for name, stylizer in stylizers.items():
        results = [stylizer(picture) for picture in contents]
        rows.append(one.row(name, "kid_x1000", _kid(extractor, real, results), sample))
        origins = range(len(results))
        near = style_distance(style_statistics(extractor, results), statistics)
        rows.append(one.row(name, "style_distance", mean_over_works(near, origins), sample))
        moved = content_distance(extractor, contents, results)
        rows.append(one.row(name, "content_distance", mean_over_works(moved, origins), sample))
    return rows


def _kid(extractor: Extractor, real: np.ndarray, results: list[np.ndarray]) -> Number:
    found = extract(extractor, results)
    if not extractor.is_fid:
        real, found = normalise(real, found)
    kid = kid_x1000(real, found)
    return Number(kid.value, kid.ci_low, kid.ci_high, "jackknife")
