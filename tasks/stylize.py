"""Tasks of the stylize flow."""

import json
from collections.abc import Callable, Collection

import numpy as np
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.models import in_use
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.works import Work, access_size, chosen_collections, load_pictures, works
from artgan.config import StyleMethod, StylizeSettings
from artgan.imaging.read import read_rgb
from artgan.imaging.write import png_bytes
from artgan.keys import VERSION, key, set_digest
from artgan.models.translator import load_translator
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet
from artgan.storage import Store
from artgan.stylize.color import ColorStatistics, measure_colors, pool_colors, transfer_colors
from artgan.stylize.translate import translate
from tasks.chunks import Manifest, Plan, remembered
from tasks.outputs import (
    Row,
    attempt,
    commit_outputs,
    content_of,
    plan_outputs,
    stage_of,
    write_output,
)

CHUNK = 16
_STATISTICS_SIDE_PX = 64

Stylizer = Callable[[np.ndarray], np.ndarray]

_SOURCE_TYPES: dict[StyleMethod, DigitalSourceType] = {
    "color": DigitalSourceType.ALGORITHMICALLY_ENHANCED,
    "cut": DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA,
}


@task(cache_policy=NO_CACHE, task_run_name="plan-stylize-{collection}")
def plan_stylizations(settings: StylizeSettings, collection: str) -> Plan[Row]:
    """Return the works still to be rendered in the collection's style."""
    catalog = open_catalog(settings.root)
    sources = set(chosen_collections(catalog, settings.contents_from))
    if not settings.contents_from:
        sources.discard(collection)
    contents = choose_contents(catalog, sources, settings.contents)
    style_works = works(catalog, collection, "train") or works(catalog, collection)
    jobs = []
    for method in settings.methods:
        style = _style(catalog, collection, method, style_works)
        if style is None:
            get_run_logger().info("%s: no translator in use", collection)
            continue
        shape = {"method": method, "long_side_px": settings.long_side_px}
        jobs += [_job(collection, content, style, shape) for content in contents]
    return plan_outputs(catalog, "stylized", collection, jobs)


def choose_contents(catalog: Catalog, sources: Collection[str], count: int) -> list[Work]:
    """Return works of some collections, held-out ones first, spread over the collections."""
    others = [row for row in works(catalog) if row["collection"] in sources]
    order = {"test": 0, "val": 1, "train": 2}
    by_collection: dict[str, list[Work]] = {}
    for row in sorted(others, key=lambda row: (order[row["split"]], row["scan_id"])):
        by_collection.setdefault(row["collection"], []).append(row)
    ranked = [
        (rank, name, row)
        for name, rows in sorted(by_collection.items())
        for rank, row in enumerate(rows)
    ]
    return [row for _, _, row in sorted(ranked, key=lambda item: item[:2])[:count]]


def _style(
    catalog: Catalog, collection: str, method: StyleMethod, style_works: list[Work]
) -> Row | None:
    """Return what defines the style: a model, or the works whose colours are taken."""
    if method == "color":
        return {
            "style": set_digest(row["scan_id"] for row in style_works),
            "paths": [row["access_path"] for row in style_works],
        }
    model = in_use(catalog, "style", collection)
    if model is None:
        return None
    return {"style": model["model_id"], "weights_path": model["weights_path"]}


def _job(collection: str, content: Work, style: Row, shape: Row) -> Row:
    identity = key(VERSION, "stylized", collection, content["scan_id"], style["style"], shape)
    return style | {
        "output_id": identity,
        "scan_id": content["scan_id"],
        "content_sha256": content["content_sha256"],
        "access_path": content["access_path"],
        "title": content["title"],
        "size_px": access_size(content),
        "shape": shape,
    }


@task(cache_policy=NO_CACHE, task_run_name="stylize-{collection}")
def stylize_chunk(settings: StylizeSettings, collection: str, jobs: list[Row]) -> Manifest:
    """Render some works in one style; return one row for each."""
    store = open_catalog(settings.root).store

    def make() -> Manifest:
        stylizers = {job["style"]: job for job in jobs}
        ready = {style: _stylizer(store, job) for style, job in stylizers.items()}
        return [_stylize_one(store, collection, job, ready[job["style"]]) for job in jobs]

    identity = [job["output_id"] for job in jobs]
    return remembered(store, stage_of("stylized", collection), identity, make)


def _stylizer(store: Store, job: Row) -> Stylizer:
    if job["shape"]["method"] == "cut":
        translator = load_translator(store.read(job["weights_path"]))
        return lambda picture: translate(picture, translator)
    style = style_colors(store, job["paths"])
    return lambda picture: transfer_colors(picture, style)


def style_colors(store: Store, access_paths: list[str]) -> ColorStatistics:
    """Measure the colours of a set of works."""
    pictures = load_pictures(store, access_paths, _STATISTICS_SIDE_PX)
    return pool_colors([measure_colors(picture) for picture in pictures])


def _stylize_one(store: Store, collection: str, job: Row, stylizer: Stylizer) -> Row:
    method: StyleMethod = job["shape"]["method"]
    source_type = _SOURCE_TYPES[method]
    row = {
        "output_id": job["output_id"],
        "kind": "stylized",
        "collection": collection,
        "scan_id": job["scan_id"],
        "model_id": job["style"] if method == "cut" else None,
        "method": method,
        "settings_json": json.dumps(job["shape"]),
        "digital_source_type": source_type,
    }

    def make() -> Row:
        picture = _content(store, job)
        styled = stylizer(picture)
        note = Provenance(
            source_sha256=content_of(job),
            model_id=row["model_id"],
            title=job["title"],
            note=f"Rendered in the manner of {collection} by {method}; not a work of that maker.",
        )
        path = f"outputs/stylized/{collection}/{job['output_id']}.png"
        height, width = styled.shape[:2]
        return write_output(store, path, png_bytes(styled, xmp_packet(source_type, note))) | {
            "width_px": width,
            "height_px": height,
            "bit_depth": 8,
            "changed_pixels": int(np.count_nonzero((styled != picture).any(axis=2))),
        }

    return attempt(row, make)


def _content(store: Store, job: Row) -> np.ndarray:
    width, height = job["size_px"]
    scale = min(1.0, job["shape"]["long_side_px"] / max(width, height))
    return read_rgb(store.read(job["access_path"]), max(1, round(scale * min(width, height))))


@task(cache_policy=NO_CACHE, task_run_name="commit-stylized-{collection}")
def commit_stylized(
    settings: StylizeSettings, collection: str, manifests: list[Manifest], run_id: str
) -> dict[str, int]:
    """Record the works rendered in a collection's style in one commit."""
    catalog = open_catalog(settings.root)
    return commit_outputs(catalog, "stylized", collection, manifests, run_id)
