"""Tasks of the stylize flow."""

import json
from collections.abc import Collection
from pathlib import Path

import cv2
import numpy as np
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.works import (
    Work,
    access_size,
    chosen_collections,
    find_work,
    scans_where,
    works,
)
from artgan.config import StyleMethod, StylizeSettings
from artgan.errors import MissingAssetError
from artgan.imaging.canvas import ArrayCanvas
from artgan.imaging.read import read_rgb
from artgan.imaging.write import png_bytes
from artgan.ingest.decoder_process import Limits
from artgan.ingest.decoders import take_regions
from artgan.keys import VERSION, digest, key
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet
from artgan.report.thumbs import keep_thumbnail
from artgan.signing import sign_file, signed_bytes
from artgan.storage import Store
from artgan.stylize.file import stylize_file
from artgan.stylize.stylizer import Stylizer, stylize_canvas
from tasks.chunks import Manifest, Plan, remembered
from tasks.outputs import (
    Row,
    attempt,
    commit_outputs,
    content_of,
    plan_outputs,
    put_output,
    source_file,
    stage_of,
    write_output,
)
from tasks.style_scores import Scorer
from tasks.styles import Studio, finish_of, fit_path, shape_of, style_of, style_works

CHUNK = 16
QUICK_CHUNK = 48
"""Works in a chunk where each takes a few hundredths of a second: a task costs Prefect a tenth."""

Means = tuple[Studio, Scorer, np.ndarray | None]
"""What a chunk's jobs share: stylizers, scores, and where they are applied."""


def chunk_size(settings: StylizeSettings) -> int:
    """Return how many works a task renders at least: those that take minutes go one by one."""
    if "optim" in settings.methods or settings.resolution == "full":
        return 1
    is_quick = set(settings.methods) == {"color"} and settings.weights is None
    return QUICK_CHUNK if is_quick else CHUNK


@task(cache_policy=NO_CACHE, task_run_name="plan-stylize-{collection}")
def plan_stylizations(settings: StylizeSettings, collection: str) -> Plan[Row]:
    """Return the works still to be rendered in the collection's style."""
    log = get_run_logger()
    catalog = open_catalog(settings.root)
    contents = _contents(catalog, settings, collection)
    chosen = style_works(catalog, settings, collection)
    jobs: list[Row] = []
    if not chosen:
        log.info("%s: no works of the style that was asked for", collection)
        return plan_outputs(catalog, "stylized", collection, jobs)
    for method in settings.methods:
        try:
            style = style_of(catalog, settings, collection, method, chosen)
        except MissingAssetError as error:
            # who asked for it by name wants to know; a night tries what there may be
            say = log.warning if "methods" in settings.model_fields_set else log.info
            say("%s: %s", collection, error)
            continue
        shape = shape_of(settings, method)
        jobs += [_job(collection, content, style, shape) for content in contents]
    work = plan_outputs(catalog, "stylized", collection, jobs)
    log.info("%s: %d renderings, %d to make", collection, len(jobs), len(work.todo))
    return work


def _contents(catalog: Catalog, settings: StylizeSettings, collection: str) -> list[Work]:
    """Return the works to render in a collection's style."""
    if settings.scan is not None:
        return [find_work(catalog, settings.scan)]
    sources = set(chosen_collections(catalog, settings.contents_from))
    if not settings.contents_from and settings.content is None:
        sources.discard(collection)
    fitting = None if settings.content is None else scans_where(catalog, settings.content)
    return choose_contents(catalog, sources, settings.contents, fitting)


def choose_contents(
    catalog: Catalog, sources: Collection[str], count: int, fitting: set[str] | None = None
) -> list[Work]:
    """Return works of some collections, held-out ones first, spread over the collections.

    Args:
        catalog: The archive.
        sources: Collections that they come from.
        count: How many at most.
        fitting: scan_ids of the only works that are meant; None means all.
    """
    others = [
        row
        for row in works(catalog)
        if row["collection"] in sources and (fitting is None or row["scan_id"] in fitting)
    ]
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


def _job(collection: str, content: Work, style: Row, shape: Row) -> Row:
    identity = key(VERSION, "stylized", collection, content["scan_id"], style["style"], shape)
    names = ("scan_id", "content_sha256", "access_path", "source_uri", "page", "title")
    return (
        style
        | {name: content[name] for name in names}
        | {"output_id": identity, "size_px": access_size(content), "shape": shape}
    )


@task(cache_policy=NO_CACHE, task_run_name="stylize-{collection}")
def stylize_chunk(settings: StylizeSettings, collection: str, jobs: list[Row]) -> Manifest:
    """Render some works in one style; return one row for each."""
    store = open_catalog(settings.root).store

    def make() -> Manifest:
        studio, scorer = Studio(store, settings.weights), Scorer(store, settings.weights)
        regions = None
        if settings.regions is not None:
            regions = take_regions(Path(settings.regions), Limits())
        return [_stylize_one(store, collection, job, (studio, scorer, regions)) for job in jobs]

    identity = [job["output_id"] for job in jobs]
    return remembered(store, stage_of("stylized", collection), identity, make)


def _stylize_one(store: Store, collection: str, job: Row, means: Means) -> Row:
    method: StyleMethod = job["shape"]["method"]
    row = {
        "output_id": job["output_id"],
        "kind": "stylized",
        "collection": collection,
        "scan_id": job["scan_id"],
        "model_id": job["model_id"],
        "method": method,
        "settings_json": json.dumps(job["shape"]),
        "digital_source_type": source_type(method),
    }

    def make() -> Row:
        stylizer = means[0].stylizer(job)
        packet = xmp_packet(source_type(method), _note(collection, job))
        place = f"outputs/stylized/{collection}/{job['output_id']}"
        if job["shape"].get("resolution") == "full":
            made = _full(store, job, stylizer, means, (place, packet))
        else:
            made = _access(store, job, stylizer, means, (place, packet))
        if method == "optim":
            store.delete(fit_path(job))
        return made

    return attempt(row, make)


def source_type(method: StyleMethod) -> DigitalSourceType:
    """Say in IPTC's words how a rendering came about: all but colour transfer asked a network."""
    if method == "color":
        return DigitalSourceType.ALGORITHMICALLY_ENHANCED
    return DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA


def _note(collection: str, job: Row) -> Provenance:
    method = job["shape"]["method"]
    manner = " and ".join(job.get("blend", [collection]))
    return Provenance(
        source_sha256=content_of(job),
        model_id=job["model_id"],
        settings_sha256=digest(job["shape"]),
        title=job["title"],
        note=f"Rendered in the manner of {manner} by {method}; not a work of that maker.",
    )


def _access(
    store: Store, job: Row, stylizer: Stylizer, means: Means, goal: tuple[str, bytes]
) -> Row:
    """Render an access copy into a PNG."""
    place, packet = goal
    _, scorer, regions = means
    picture = _content(store, job)
    if regions is not None:
        size = picture.shape[1], picture.shape[0]
        regions = cv2.resize(regions, size, interpolation=cv2.INTER_AREA)
    styled = np.empty_like(picture)
    finish = finish_of(job["shape"], regions)
    changed = stylize_canvas(stylizer, ArrayCanvas(picture), ArrayCanvas(styled), finish)
    height, width = styled.shape[:2]
    term, title = source_type(job["shape"]["method"]), job["title"] or "Rendered work"
    content = signed_bytes(png_bytes(styled, packet), ".png", term, title)
    return (
        write_output(store, f"{place}.png", content, styled)
        | {
            "width_px": width,
            "height_px": height,
            "bit_depth": 8,
            "changed_pixels": changed,
        }
        | scorer.scores(job, picture, styled)
    )


def _content(store: Store, job: Row) -> np.ndarray:
    width, height = job["size_px"]
    scale = min(1.0, job["shape"]["long_side_px"] / max(width, height))
    return read_rgb(store.read(job["access_path"]), max(1, round(scale * min(width, height))))


def _full(store: Store, job: Row, stylizer: Stylizer, means: Means, goal: tuple[str, bytes]) -> Row:
    """Render a scan at full size into a TIFF."""
    place, packet = goal
    _, scorer, regions = means
    with source_file(job) as scan, store.scratch() as folder:
        made = stylize_file(
            scan,
            job["page"] or 1,
            stylizer,
            folder=folder,
            finish=finish_of(job["shape"], regions),
            xmp=packet,
        )
        term = source_type(job["shape"]["method"])
        sign_file(made.path, term, job["title"] or "Rendered work", scan)
        facts = put_output(store, f"{place}.tif", made.path)
        keep_thumbnail(store, facts["output_sha256"], made.path)
        return (
            facts
            | {
                "width_px": made.width_px,
                "height_px": made.height_px,
                "bit_depth": made.bit_depth,
                "changed_pixels": made.changed_pixels,
            }
            | scorer.scores_of_files(job, made.path)
        )


@task(cache_policy=NO_CACHE, task_run_name="commit-stylized-{collection}")
def commit_stylized(
    settings: StylizeSettings, collection: str, manifests: list[Manifest], run_id: str
) -> dict[str, int]:
    """Record the works rendered in a collection's style in one commit."""
    catalog = open_catalog(settings.root)
    return commit_outputs(catalog, "stylized", collection, manifests, run_id)
