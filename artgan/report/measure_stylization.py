"""Stylization measured on held-out works: nearer to the style, and how much content it cost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from artgan.catalog.models import in_use
from artgan.catalog.table import Catalog
from artgan.catalog.works import Work, load_pictures, works
from artgan.config import ReportSettings
from artgan.keys import set_digest
from artgan.metrics.feature_store import FeatureStore, picture_sha256
from artgan.metrics.features import load_extractor, load_vgg_extractor, normalise
from artgan.metrics.kernel import kid_x1000
from artgan.metrics.perceptual import content_structure_distance, gram_distance
from artgan.metrics.style import content_distance, style_distance
from artgan.models.translator import load_translator
from artgan.report.measured import (
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


@dataclass(frozen=True)
class _Sides:
    """Pictures of the style, and the contents that are stylized."""

    style: list[np.ndarray]
    contents: list[np.ndarray]

    @property
    def content_keys(self) -> list[str]:
        """What results are kept under beside their own pixels."""
        return [picture_sha256(picture) for picture in self.contents]


def measure_stylization(
    catalog: Catalog, collection: str, settings: ReportSettings, stamp: Row
) -> int:
    """Measure every stylizer of a collection; return how many rows are new.

    Contents are test works of the other collections, the style is this collection's test works.
    "Unchanged" is the content itself: what a stylizer must beat. Gram distance and CFSD are
    defined in VGG-19's maps, and measured where it is there, whatever network the others use.
    """
    style = works(catalog, collection, "test")
    contents = [row for row in works(catalog, None, "test") if row["collection"] != collection]
    contents = contents[:_CONTENTS]
    if len(style) < _MIN_STYLE or len(contents) < _MIN_STYLE:
        return 0
    model = in_use(catalog, "style", collection)
    extractor = load_extractor(settings.weights, vgg_size_px=_SIDE_PX)
    vgg = load_vgg_extractor(settings.weights, _SIDE_PX)
    one = measurement(
        "stylization",
        collection,
        None if model is None else model["model_id"],
        [*style, *contents],
        {"side_px": _SIDE_PX, "vgg": None if vgg is None else vgg.weights_sha256},
        extractor,
    )
    if is_measured(catalog, one):
        return 0
    stylizers = _stylizers(catalog, collection, None if model is None else model["weights_path"])
    sample = Sample(style, "test", len(contents))
    sides = _Sides(_load(catalog, style), _load(catalog, contents))
    rows = []
    for name, stylizer in stylizers.items():
        results = [stylizer(picture) for picture in sides.contents]
        found = _numbers(FeatureStore(catalog.store, extractor), sides, results)
        rows += [one.row(name, metric, number, sample) for metric, number in found.items()]
        if vgg is not None:
            found = _vgg_numbers(FeatureStore(catalog.store, vgg), sides, results)
            rows += [one.row(name, metric, number, sample, vgg) for metric, number in found.items()]
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


def _numbers(kept: FeatureStore, sides: _Sides, results: list[np.ndarray]) -> dict[str, Number]:
    """Measure results in the report's network."""

    def moved(numbers: list[int]) -> np.ndarray:
        sources = [sides.contents[n] for n in numbers]
        return content_distance(kept.extractor, sources, [results[n] for n in numbers])

    near = style_distance(kept.style_statistics(results), kept.style_statistics(sides.style))
    change = kept.distances("content-distance", results, sides.content_keys, moved)
    return {
        "kid_x1000": _kid(kept, sides.style, results),
        "style_distance": _mean(near),
        "content_distance": _mean(change),
    }


def _vgg_numbers(kept: FeatureStore, sides: _Sides, results: list[np.ndarray]) -> dict[str, Number]:
    """Measure results in the maps of VGG-19."""

    def apart(numbers: list[int]) -> np.ndarray:
        return gram_distance(kept.extractor, [results[n] for n in numbers], sides.style)

    def lost(numbers: list[int]) -> np.ndarray:
        sources = [sides.contents[n] for n in numbers]
        return content_structure_distance(kept.extractor, [results[n] for n in numbers], sources)

    style_key = set_digest(map(picture_sha256, sides.style))
    patterns = kept.distances("gram-distance", results, [style_key] * len(results), apart)
    structure = kept.distances("cfsd", results, sides.content_keys, lost)
    return {"gram_distance": _mean(patterns), "cfsd": _mean(structure)}


def _mean(values: np.ndarray) -> Number:
    return mean_over_works(values, range(len(values)))


def _kid(kept: FeatureStore, style: list[np.ndarray], results: list[np.ndarray]) -> Number:
    real, found = kept.features(style), kept.features(results)
    if not kept.extractor.is_fid:
        real, found = normalise(real, found)
    kid = kid_x1000(real, found)
    return Number(kid.value, kid.ci_low, kid.ci_high, "jackknife")
