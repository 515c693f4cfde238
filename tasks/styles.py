"""What defines a style for each stylizer, and the stylizer itself."""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np

from artgan.catalog.models import BASE, Model, in_use
from artgan.catalog.table import Catalog
from artgan.catalog.works import Work, find_work, load_pictures, scans_where, works
from artgan.config import StyleMethod, StylizeSettings
from artgan.errors import MissingAssetError
from artgan.imaging.canvas import ArrayCanvas
from artgan.keys import file_sha256, key, set_digest
from artgan.metrics.vgg import Vgg19Conv34
from artgan.models.multi import load_multi
from artgan.models.painter import load_painter
from artgan.models.translator import load_translator
from artgan.presets import OF_THE_ARCHIVE, STYLIZERS
from artgan.storage import Store
from artgan.stylize.color import ColorStatistics, ColorStylizer, measure_colors, pool_colors
from artgan.stylize.losses import find_vgg, style_network
from artgan.stylize.optim import Checkpoint, Fit, OptimStylizer
from artgan.stylize.paint import paint_collections, paint_like, paint_own
from artgan.stylize.stylizer import Finish, Stylizer
from artgan.stylize.translate import TranslateStylizer
from artgan.training.loop import training_device
from tasks.outputs import Row

MOST_EXAMPLES = 8
"""Works that stand for a collection where a stylizer, or a score, looks at pictures themselves."""
_STATISTICS_SIDE_PX = 64
_EXAMPLE_SIDE_PX = 256
_STYLES_KEPT = 256
_measuring = Lock()
_FITS = "_work/fits"


def style_works(catalog: Catalog, settings: StylizeSettings, collection: str) -> list[Work]:
    """Return the works that define a style of a collection; none where the style is another's."""
    if settings.style_scans:
        named = [find_work(catalog, prefix) for prefix in settings.style_scans]
        return named if named[0]["collection"] == collection else []
    if settings.style:
        fitting = scans_where(catalog, settings.style)
        return [row for row in works(catalog, collection) if row["scan_id"] in fitting]
    return works(catalog, collection, "train") or works(catalog, collection)


def style_of(
    catalog: Catalog,
    settings: StylizeSettings,
    collection: str,
    method: StyleMethod,
    chosen: Sequence[Work],
) -> Row:
    """Describe a style for a method: the works or the model that it is taken from.

    Args:
        catalog: The archive.
        settings: Settings of the run.
        collection: Collection whose style it is.
        method: The stylizer.
        chosen: Works that define the style.

    Raises:
        MissingAssetError: The method has no model or weights; in one sentence.
    """
    names = [row["scan_id"] for row in chosen]
    paths = [row["access_path"] for row in chosen]
    works_key = set_digest(names)
    if settings.style_shares and settings.style_scans:
        works_key = key(names, settings.style_shares)
    examples = paths if settings.style_scans else paths[:MOST_EXAMPLES]
    shares = settings.style_shares if settings.style_scans else []
    shared = {"examples": examples, "shares": list(shares)}
    if settings.blend_with and method != "multi":
        raise MissingAssetError(
            f"style of {method} must be one collection, got a blend with "
            f"{', '.join(settings.blend_with)}. Use multi to blend collections."
        )
    match method:
        case "color":
            return shared | {"style": works_key, "paths": paths, "model_id": None}
        case "optim":
            find_vgg(settings.weights, "optim")
            return shared | {"style": key("optim", works_key), "model_id": None}
        case "adain":
            model = _model(catalog, "adain", collection)
            return shared | _of(model) | {"style": key(model["model_id"], works_key)}
    if settings.style_scans or settings.style:
        raise MissingAssetError(
            f"style of {method} must be a whole collection, got chosen works. "
            "Use color, adain or optim for them."
        )
    if method == "multi":
        model = _model(catalog, "multi", collection)
        return shared | _of(model) | _blend(model, settings, collection)
    model = _model(catalog, method, collection)
    return shared | _of(model) | {"style": model["model_id"]}


def _model(catalog: Catalog, method: StyleMethod, collection: str) -> Model:
    kind = STYLIZERS[method]
    model = in_use(catalog, kind, BASE if kind in OF_THE_ARCHIVE else collection)
    if model is None:
        raise MissingAssetError(
            f"model for {method} must be in use, got none. Train one with `artgan train --kinds "
            f"{kind}`."
        )
    return model


def _of(model: Model) -> Row:
    return {"model_id": model["model_id"], "weights_path": model["weights_path"]}


def _blend(model: Model, settings: StylizeSettings, collection: str) -> Row:
    """Return the collections whose manners are mixed, all of which the model must know."""
    blend = [collection, *settings.blend_with]
    known = json.loads(model["settings_json"])["preset"]["classes"]
    strange = [name for name in blend if name not in known]
    if strange:
        raise MissingAssetError(
            f"style for multi must be one of {', '.join(known)}, got {', '.join(strange)}. Train "
            "it again with `artgan train --kinds multi` when collections are new."
        )
    shares = settings.style_shares or [1.0] * len(blend)
    style = key(model["model_id"], blend, shares)
    return {"style": style, "blend": blend, "blend_shares": list(shares)}


def shape_of(settings: StylizeSettings, method: StyleMethod) -> Row:
    """Return what shapes the pixels, beside the style; what is not asked for is left out."""
    shape: Row = {"method": method}
    if settings.regions is not None:
        shape["regions_sha256"] = file_sha256(Path(settings.regions))
    if settings.resolution == "full":
        shape["resolution"] = "full"
    else:
        shape["long_side_px"] = settings.long_side_px
    if settings.strength != 1:
        shape["strength"] = settings.strength
    if settings.keep_colours:
        shape["keep_colours"] = True
    if settings.blend_with:
        shape |= {"blend_with": settings.blend_with, "style_shares": settings.style_shares}
    if method == "optim":
        shape |= {"steps": settings.steps, "style_scale": settings.style_scale}
        if settings.start == "noise":
            shape |= {"start": "noise", "seed": settings.seed}
    return shape


def finish_of(shape: Row, regions: np.ndarray | None = None) -> Finish:
    """Return what is done with a result; adain has its strength in the features.

    Args:
        shape: What `shape_of` returned.
        regions: (H, W) uint8 of the picture's size: where it takes the style.
    """
    strength = 1.0 if shape["method"] == "adain" else shape.get("strength", 1.0)
    canvas = None if regions is None else ArrayCanvas(regions[..., None])
    return Finish(strength, keep_colours=shape.get("keep_colours", False), regions=canvas)


def style_colors(
    store: Store, paths: tuple[str, ...], shares: tuple[float, ...]
) -> ColorStatistics:
    """Measure the colours of a set of works, once for all chunks of a run.

    Access copies are named by their content, so what was measured stays true.
    """
    with _measuring:  # chunks start side by side, and each would find nothing measured yet
        return _measured(store, paths, shares)


@lru_cache(maxsize=_STYLES_KEPT)
def _measured(store: Store, paths: tuple[str, ...], shares: tuple[float, ...]) -> ColorStatistics:
    pictures = load_pictures(store, paths, _STATISTICS_SIDE_PX)
    return pool_colors([measure_colors(picture) for picture in pictures], list(shares) or None)


class Studio:
    """Makes stylizers, on the accelerator if there is one, and keeps those that jobs share.

    Args:
        store: The archive root.
        weights: Where VGG-19 lies, for optim.
    """

    def __init__(self, store: Store, weights: str | None) -> None:
        self._store, self._weights = store, weights
        self._ready: dict[tuple[str, str, float], Stylizer] = {}
        self._network: Vgg19Conv34 | None = None
        self._device = training_device()

    def stylizer(self, job: Row) -> Stylizer:
        """Return the stylizer of a job."""
        method: StyleMethod = job["shape"]["method"]
        if method == "optim":  # each picture has a checkpoint of its own
            return self._optim(job)
        name = (method, job["style"], job["shape"].get("strength", 1.0))
        if name not in self._ready:
            self._ready[name] = self._make(method, job)
        return self._ready[name]

    def _make(self, method: StyleMethod, job: Row) -> Stylizer:
        if method == "color":
            return ColorStylizer(
                style_colors(self._store, tuple(job["paths"]), tuple(job["shares"]))
            )
        data = self._store.read(job["weights_path"])
        if method in {"cut", "cyclegan"}:
            return TranslateStylizer(load_translator(data).to(self._device))
        if method == "multi":
            multi = load_multi(data).to(self._device)
            return paint_collections(multi, job["blend"], job["blend_shares"])
        painter = load_painter(data).to(self._device)
        if method == "fast":
            return paint_own(painter)
        styles = load_pictures(self._store, job["examples"], _EXAMPLE_SIDE_PX)
        return paint_like(painter, styles, job["shares"] or None, job["shape"].get("strength", 1.0))

    def _optim(self, job: Row) -> Stylizer:
        if self._network is None:
            self._network = style_network(self._weights, "optim").to(self._device)
        shape, path = job["shape"], fit_path(job)
        fit = Fit(
            steps=shape["steps"],
            style_scale=shape["style_scale"],
            start=shape.get("start", "content"),
            seed=shape.get("seed", 0),
        )
        side = max(_EXAMPLE_SIDE_PX, shape.get("long_side_px", 0))
        kept = Checkpoint(
            load=lambda: self._store.read(path) if self._store.exists(path) else None,
            save=lambda state: self._store.write(path, state),
        )
        return OptimStylizer(
            self._network,
            load_pictures(self._store, job["examples"], side),
            fit,
            shares=job["shares"] or None,
            checkpoint=kept,
        )


def fit_path(job: Row) -> str:
    """Return the key under which a fit that is not finished is kept."""
    return f"{_FITS}/{job['output_id']}.safetensors"
