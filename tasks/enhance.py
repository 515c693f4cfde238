"""Tasks of the enhance flow."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.models import Model, in_use_or_base
from artgan.catalog.schema import OUTPUTS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.works import CURRENT, works
from artgan.config import EnhanceSettings
from artgan.enhance.file import Enhancement, Networks, enhance_file
from artgan.errors import CorruptAssetError
from artgan.keys import VERSION, digest, file_sha256, key
from artgan.models.finisher import load_denoiser, load_upscaler
from artgan.models.tone import load_tone
from artgan.presets import Kind
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet
from artgan.report.thumbs import keep_thumbnail
from artgan.signing import sign_file
from artgan.storage import Store
from artgan.training.loop import training_device
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
)

CHUNK = 4
_SCAN_COLUMNS = ("scan_id", "source_uri", "content_sha256", "page", "title")
_OPERATORS: tuple[Kind, ...] = ("denoise", "tone", "upscale")  # in the order of working
_NOTE = "Digital enhancement ({}); image only, the object was not treated."


@task(cache_policy=NO_CACHE, task_run_name="plan-enhance-{collection}")
def plan_enhancements(settings: EnhanceSettings, collection: str) -> Plan[Row]:
    """Return the scans, or restored files, that are not yet enhanced in this way."""
    log = get_run_logger()
    catalog = open_catalog(settings.root)
    models: dict[Kind, Model | None] = {
        kind: in_use_or_base(catalog, kind, collection)
        for kind in _OPERATORS
        if getattr(settings, kind)
    }
    missing = [kind for kind, model in models.items() if model is None]
    if missing:
        words = " and ".join(missing)
        log.info("%s: no model in use yet for %s; see `artgan train --kinds`", collection, words)
        return Plan([], [])
    shape = operators(settings, models)
    jobs = [
        source | shape | {"output_id": _identity(source, shape)}
        for source in _sources(catalog, settings, collection)
    ]
    work = plan_outputs(catalog, "enhanced", collection, jobs)
    log.info("%s: %d files, %d to enhance", collection, len(jobs), len(work.todo))
    return work


def operators(settings: EnhanceSettings, models: Mapping[Kind, Model | None]) -> Row:
    """Describe what is done: all that shapes pixels, and where the weights lie."""
    shape: dict[str, Any] = {}
    weights: dict[str, str] = {}
    for kind, model in models.items():
        assert model is not None, "collections without a model are left out"
        shape[kind] = {
            "strength": getattr(settings, f"{kind}_strength"),
            "model_id": model["model_id"],
            "weights_sha256": model["weights_sha256"],
        }
        weights[kind] = model["weights_path"]
    if settings.upscale:
        shape["upscale"]["factor"] = settings.factor
    return {"operators": shape, "weights": weights}


def _identity(source: Row, shape: Row) -> str:
    return key(
        *(VERSION, "enhanced", source["scan_id"], source["source_sha256"]),
        *(source["source_output_id"], shape["operators"]),
    )


def _sources(catalog: Catalog, settings: EnhanceSettings, collection: str) -> list[Row]:
    """Describe the files to enhance: the scans, or the newest restored file of each."""
    where = (pc.field("collection") == collection) & CURRENT
    scans = catalog.rows(SCANS, _SCAN_COLUMNS, where)
    if settings.scans:
        scans = [row for row in scans if row["scan_id"].startswith(tuple(settings.scans))]
    else:
        standing = {row["scan_id"] for row in works(catalog, collection)}
        scans = [row for row in scans if row["scan_id"] in standing]
    scans.sort(key=lambda row: row["scan_id"])
    if settings.source == "scan":
        return [
            row | {"source_sha256": content_of(row), "source_output_id": None, "path": None}
            for row in scans
        ]
    restored = _restored(catalog, collection)
    return [
        row
        | {
            "source_sha256": restored[row["scan_id"]]["output_sha256"],
            "source_output_id": restored[row["scan_id"]]["output_id"],
            "path": restored[row["scan_id"]]["output_path"],
        }
        for row in scans
        if row["scan_id"] in restored
    ]


def _restored(catalog: Catalog, collection: str) -> dict[str, Row]:
    """Return the newest restored file of each scan."""
    where = (
        (pc.field("kind") == "restored")
        & (pc.field("collection") == collection)
        & (pc.field("status") == "ok")
    )
    columns = ("output_id", "scan_id", "output_path", "output_sha256", "created_at")
    rows = catalog.rows(OUTPUTS, columns, where)
    return {row["scan_id"]: row for row in sorted(rows, key=lambda row: row["created_at"])}


@task(cache_policy=NO_CACHE, task_run_name="enhance-{collection}")
def enhance_chunk(settings: EnhanceSettings, collection: str, jobs: list[Row]) -> Manifest:
    """Enhance some files; return one row for each."""
    store = open_catalog(settings.root).store

    def make() -> Manifest:
        networks = load_networks(store, jobs[0]["weights"])
        return [_enhance_one(store, collection, job, networks) for job in jobs]

    identity = [job["output_id"] for job in jobs]
    return remembered(store, stage_of("enhanced", collection), identity, make)


def load_networks(store: Store, weights: Mapping[str, str]) -> Networks:
    """Load the networks whose weights lie under these keys, by kind."""
    data = {kind: store.read(path) for kind, path in weights.items()}
    device = training_device()
    return Networks(
        denoiser=load_denoiser(data["denoise"]).to(device) if "denoise" in data else None,
        tone=load_tone(data["tone"]) if "tone" in data else None,
        upscaler=load_upscaler(data["upscale"]).to(device) if "upscale" in data else None,
    )


def _enhance_one(store: Store, collection: str, job: Row, networks: Networks) -> Row:
    done = job["operators"]
    row = {
        "output_id": job["output_id"],
        "kind": "enhanced",
        "collection": collection,
        "scan_id": job["scan_id"],
        "source_output_id": job["source_output_id"],
        "model_id": list(done.values())[-1]["model_id"],
        "method": method_of(done),
        "settings_json": json.dumps(_settings(job)),
        "digital_source_type": source_type(job),
    }

    def make() -> Row:
        with _source(store, job) as path, store.scratch() as folder:
            return _enhance(store, collection, job, networks, (path, folder))

    return attempt(row, make)


def method_of(done: Mapping[str, Any]) -> str:
    """Name the operators in a word: ``denoise+tone+x2``."""
    return "+".join(f"x{one['factor']}" if "factor" in one else kind for kind, one in done.items())


def _settings(job: Row, **found: object) -> dict[str, Any]:
    source = "scan" if job["source_output_id"] is None else "restored"
    return {"source": source, "source_output_id": job["source_output_id"], **job["operators"]} | {
        name: job["operators"][name] | {"numbers": value} for name, value in found.items()
    }


def source_type(job: Row) -> DigitalSourceType:
    """Say in IPTC's words how the picture came about.

    Tone alone is a correction by an algorithm: a model chooses the numbers, but each pixel comes
    from its own pixel by a formula that can be undone, and nothing is generated. Networks that
    write pixels make a composite, and what was made from one stays one.
    """
    if set(job["operators"]) == {"tone"} and job["source_output_id"] is None:
        return DigitalSourceType.ALGORITHMICALLY_ENHANCED
    return DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA


@contextmanager
def _source(store: Store, job: Row) -> Iterator[Path]:
    """Give the file to enhance, as it was when it was catalogued."""
    if job["path"] is None:
        with source_file(job) as path:
            yield path
        return
    with store.local(job["path"]) as path:
        if file_sha256(path) != job["source_sha256"]:
            raise CorruptAssetError(
                f"restored file must be as it was made, got other bytes at {job['path']!r}. "
                "Restore the scan again."
            )
        yield path


def _enhance(
    store: Store, collection: str, job: Row, networks: Networks, places: tuple[Path, Path]
) -> Row:
    path, folder = places
    done = job["operators"]
    note = Provenance(
        source_sha256=content_of(job),
        model_id=list(done.values())[-1]["model_id"],
        settings_sha256=digest(done),
        title=job["title"],
        note=_NOTE.format(method_of(done)),
    )
    page = 1 if job["path"] else job["page"] or 1
    made = enhance_file(
        path, page, networks, done, folder=folder, xmp=xmp_packet(source_type(job), note)
    )
    out = f"outputs/enhanced/{collection}/{job['output_id']}"
    report = json.dumps(_report(collection, job, made), indent=1).encode()
    store.write(f"{out}/report.json", report)
    sign_file(made.path, source_type(job), job["title"] or "Enhanced scan", path)
    facts = put_output(store, f"{out}/enhanced.tif", made.path)
    keep_thumbnail(store, facts["output_sha256"], made.path)
    numbers = {} if made.tone is None else {"tone": made.tone.to_json()}
    return facts | {
        "settings_json": json.dumps(_settings(job, **numbers)),
        "width_px": made.width_px,
        "height_px": made.height_px,
        "bit_depth": made.bit_depth,
        "changed_pixels": made.changed_pixels,
        "assessment": made.assessment,
        "report_path": f"{out}/report.json",
        "report_sha256": hashlib.sha256(report).hexdigest(),
    }


def _report(collection: str, job: Row, made: Enhancement) -> dict[str, Any]:
    """Write down what was done, by what, and how it can be undone."""
    numbers = {} if made.tone is None else {"tone": made.tone.to_json()}
    return {
        "output_id": job["output_id"],
        "scan_id": job["scan_id"],
        "collection": collection,
        "title": job["title"],
        "source_sha256": job["source_sha256"],
        "operators": _settings(job, **numbers),
        "digital_source_type": source_type(job),
        **made.facts(),
        "code_version": VERSION,
        "note": _NOTE.format(method_of(job["operators"])),
    }


@task(cache_policy=NO_CACHE, task_run_name="commit-enhanced-{collection}")
def commit_enhanced(
    settings: EnhanceSettings, collection: str, manifests: list[Manifest], run_id: str
) -> dict[str, int]:
    """Record a collection's enhanced files in one commit."""
    catalog = open_catalog(settings.root)
    return commit_outputs(catalog, "enhanced", collection, manifests, run_id)
