"""Stylization measured on held-out works: nearer to the style, and how much content it cost."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from artgan.catalog.models import BASE, Model, in_use
from artgan.catalog.table import Catalog
from artgan.catalog.works import Work, load_pictures, works
from artgan.config import ReportSettings
from artgan.keys import set_digest
from artgan.metrics.feature_store import FeatureStore, picture_sha256
from artgan.metrics.features import Extractor, load_extractor, load_vgg_extractor, normalise
from artgan.metrics.frechet import frechet_distance
from artgan.metrics.kernel import kid_x1000
from artgan.metrics.perceptual import content_structure_distance, gram_distance
from artgan.metrics.style import content_distance, style_distance
from artgan.models.multi import load_multi
from artgan.models.painter import load_painter
from artgan.models.translator import load_translator
from artgan.presets import OF_THE_ARCHIVE, STYLIZERS
from artgan.report.measured import (
    Number,
    Row,
    Sample,
    is_measured,
    mean_over_works,
    measurement,
    record,
)
from artgan.stylize.color import ColorStylizer, measure_colors, pool_colors
from artgan.stylize.paint import paint_collections, paint_like, paint_own
from artgan.stylize.stylizer import Stylizer, stylize_picture
from artgan.stylize.translate import TranslateStylizer
from artgan.weights import ALEXNET, ART_INCEPTION, find_weights

_SIDE_PX = 128
_CONTENTS = 32
_MIN_STYLE = 3
_EXAMPLES = 8


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
    defined in VGG-19's maps, and measured where it is there, whatever network the others use; so
    are the two parts of ArtFID, each in a network of its own.
    """
    style = works(catalog, collection, "test")
    contents = [row for row in works(catalog, None, "test") if row["collection"] != collection]
    contents = contents[:_CONTENTS]
    if len(style) < _MIN_STYLE or len(contents) < _MIN_STYLE:
        return 0
    models = _models(catalog, collection)
    extractor = load_extractor(settings.weights, vgg_size_px=_SIDE_PX)
    vgg = load_vgg_extractor(settings.weights, _SIDE_PX)
    art = _art_networks(settings.weights)
    one = measurement(
        "stylization",
        collection,
        models["cut"]["model_id"] if "cut" in models else None,
        [*style, *contents],
        {"side_px": _SIDE_PX, "vgg": None if vgg is None else vgg.weights_sha256}
        | {network.name: network.weights_sha256 for network in art}
        | {name: model["model_id"] for name, model in models.items() if name != "cut"},
        extractor,
    )
    if is_measured(catalog, one):
        return 0
    stylizers = _stylizers(catalog, collection, models)
    sample = Sample(style, "test", len(contents))
    sides = _Sides(_load(catalog, style), _load(catalog, contents))
    rows = []
    for name, stylizer in stylizers.items():
        results = sides.contents
        if stylizer is not None:
            results = [stylize_picture(stylizer, picture) for picture in sides.contents]
        found = _numbers(FeatureStore(catalog.store, extractor), sides, results)
        made = [one.row(name, metric, number, sample) for metric, number in found.items()]
        if vgg is not None:
            found = _vgg_numbers(FeatureStore(catalog.store, vgg), sides, results)
            made += [one.row(name, metric, number, sample, vgg) for metric, number in found.items()]
        for network in art:
            metric, number = _art_number(FeatureStore(catalog.store, network), sides, results)
            made.append(one.row(name, metric, number, sample, network))
        # the other methods' rows stand beside those of the collection's translator
        other = {"model_id": models[name]["model_id"]} if name in models else {}
        rows += [row | other for row in made]
    return record(catalog, one, rows, stamp)


def _load(catalog: Catalog, rows: Sequence[Work]) -> list[np.ndarray]:
    return load_pictures(catalog.store, [row["access_path"] for row in rows], _SIDE_PX)


def _models(catalog: Catalog, collection: str) -> dict[str, Model]:
    """Return the models in use, by method."""
    found = {
        method: in_use(catalog, kind, BASE if kind in OF_THE_ARCHIVE else collection)
        for method, kind in STYLIZERS.items()
    }
    return {
        method: model
        for method, model in found.items()
        if model is not None and (method != "multi" or _knows(model, collection))
    }


def _knows(multi: Model, collection: str) -> bool:
    return collection in json.loads(multi["settings_json"])["preset"]["classes"]


def _stylizers(
    catalog: Catalog, collection: str, models: dict[str, Model]
) -> dict[str, Stylizer | None]:
    """Return what is measured; None leaves works as they are."""
    palette = works(catalog, collection, "train") or works(catalog, collection)
    pictures = _load(catalog, palette)
    colors = pool_colors([measure_colors(picture) for picture in pictures])
    stylizers: dict[str, Stylizer | None] = {"unchanged": None, "color": ColorStylizer(colors)}
    for method, model in models.items():
        data = catalog.store.read(model["weights_path"])
        if method in {"cut", "cyclegan"}:
            stylizers[method] = TranslateStylizer(load_translator(data))
        elif method == "multi":
            stylizers[method] = paint_collections(load_multi(data), [collection])
        elif method == "fast":
            stylizers[method] = paint_own(load_painter(data))
        else:
            stylizers[method] = paint_like(load_painter(data), pictures[:_EXAMPLES])
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


def _art_networks(location: str | None) -> list[Extractor]:
    """Load those of the two networks of ArtFID that are there."""
    if not any(find_weights(spec, location) for spec in (ALEXNET, ART_INCEPTION)):
        return []
    # with them comes torchvision, which takes two seconds
    from artgan.metrics.artfid import load_art_inception, load_lpips  # noqa: PLC0415

    found = load_lpips(location, _SIDE_PX), load_art_inception(location, _SIDE_PX)
    return [network for network in found if network is not None]


def _art_number(kept: FeatureStore, sides: _Sides, results: list[np.ndarray]) -> tuple[str, Number]:
    """Measure one of the two parts of ArtFID, that of the network at hand."""
    if kept.extractor.name == ART_INCEPTION.name:
        real, found = kept.features(sides.style), kept.features(results)
        return "art_fd", Number(frechet_distance(real, found))
    from artgan.metrics.artfid import lpips  # noqa: PLC0415 -- as above

    def changed(numbers: list[int]) -> np.ndarray:
        sources = [sides.contents[n] for n in numbers]
        return lpips(kept.extractor, [results[n] for n in numbers], sources)

    return "lpips", _mean(kept.distances("lpips", results, sides.content_keys, changed))


def _mean(values: np.ndarray) -> Number:
    return mean_over_works(values, range(len(values)))


def _kid(kept: FeatureStore, style: list[np.ndarray], results: list[np.ndarray]) -> Number:
    real, found = kept.features(style), kept.features(results)
    if not kept.extractor.is_fid:
        real, found = normalise(real, found)
    kid = kid_x1000(real, found)
    return Number(kid.value, kid.ci_low, kid.ci_high, "jackknife")
