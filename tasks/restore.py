"""Tasks of the restore flow."""

import json
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.models import Model, in_use_or_base
from artgan.catalog.schema import MASKS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.works import CURRENT, find_scan
from artgan.clock import now
from artgan.config import RestoreSettings
from artgan.imaging.look import look_at
from artgan.ingest import decoders
from artgan.ingest.decoder_process import Limits
from artgan.ingest.masks import MASKED_SCAN
from artgan.keys import VERSION, digest, file_sha256, key
from artgan.models.detector import Detector, load_detector
from artgan.models.filler import load_filler
from artgan.restore import product
from artgan.restore.fill import Filling
from artgan.restore.product import Order, make_product
from artgan.storage import Store
from artgan.training.loop import training_device
from tasks.chunks import Manifest, Plan, remembered
from tasks.outputs import (
    Row,
    attempt,
    commit_outputs,
    content_of,
    plan_outputs,
    source_file,
    stage_of,
)

Models = tuple[Filling, Detector | None]
"""What fills, and what names that which was filled."""

CHUNK = 16
_SCAN_COLUMNS = ("source_uri", "content_sha256", "page", "title")
_DELIVERED = "delivered"
_DETECTED = "detected"


@task(cache_policy=NO_CACHE, task_run_name="take-mask")
def take_mask(settings: RestoreSettings, run_id: str) -> str:
    """Keep a corrected mask as a mask of its own; return its mask_id."""
    catalog = open_catalog(settings.root)
    assert settings.scan is not None
    assert settings.mask is not None
    scan = find_scan(catalog, settings.scan, MASKED_SCAN)
    with catalog.store.scratch() as scratch:
        kept = scratch / "kept.png"
        row = decoders.take_mask(Path(settings.mask), scan, kept, scratch, Limits())
        path = f"masks/{row['collection']}/{row['mask_id']}.png"
        catalog.store.put(path, kept)
    stamp = {"mask_path": path, "run_id": run_id, "ingested_at": now()}
    added = catalog.append(MASKS, [row | stamp])
    said = "taken as mask" if added else "was taken before as mask"
    get_run_logger().info("%s %s %s", settings.mask, said, row["mask_id"])
    return row["mask_id"]


@task(cache_policy=NO_CACHE, task_run_name="plan-restore-{collection}")
def plan_restorations(
    settings: RestoreSettings, collection: str, mask_id: str | None = None
) -> Plan[Row]:
    """Return the masks whose scan is not restored yet so by the model in use.

    Args:
        settings: Settings of the run.
        collection: The collection.
        mask_id: The one mask that is meant; None means those that the settings choose.
    """
    log = get_run_logger()
    catalog = open_catalog(settings.root)
    masks = _chosen_masks(catalog, settings, collection, mask_id)
    model = in_use_or_base(catalog, "restoration", collection)
    if not masks or model is None:
        log.info("%s: %s", collection, "no damage masks" if not masks else "no filler in use yet")
        return Plan([], [])
    detector = in_use_or_base(catalog, "detection", collection)
    jobs = [job | _named_by(detector) for job in _jobs(catalog, settings, collection, masks, model)]
    work = plan_outputs(catalog, "restored", collection, jobs)
    log.info("%s: %d damaged scans, %d to restore", collection, len(masks), len(work.todo))
    return work


def _chosen_masks(
    catalog: Catalog, settings: RestoreSettings, collection: str, mask_id: str | None
) -> list[Row]:
    """Return the masks to fill: what people drew, or the newest that a machine drew, or both.

    A detected mask that marks too much to be believed is filled only once a person corrected it.
    """
    where = pc.field("collection") == collection
    if settings.scan is not None:
        name = pc.field("scan_id")
        where &= (name >= settings.scan) & (name < settings.scan + "g")  # g follows f
    rows = catalog.rows(MASKS, where=where)
    if mask_id is not None:
        return [row for row in rows if row["mask_id"] == mask_id]
    by_people = [row for row in rows if row["origin"] != _DETECTED]
    by_machine = [
        row
        for row in _newest_detected(rows)
        if row["mask_path"] and row["status"] != "needs_review"
    ]
    return {"delivered": by_people, "detected": by_machine, "all": by_people + by_machine}[
        settings.masks
    ]


def _newest_detected(rows: list[Row]) -> list[Row]:
    """Return the newest detection of each scan; one that found nothing has no mask."""
    newest: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: (str(row["ingested_at"]), row["mask_id"])):
        if row["origin"] == _DETECTED and row.get("status") != "failed":
            newest[row["scan_id"]] = row
    return list(newest.values())


def _operators(settings: RestoreSettings) -> dict[str, Any]:
    """Return what shapes the pixels of a fill, beside scan, mask and model."""
    return {"strength": float(settings.strength), "perceptual": float(settings.perceptual)}


def _jobs(
    catalog: Catalog, settings: RestoreSettings, collection: str, masks: list[Row], model: Model
) -> list[Row]:
    """Describe what to restore.

    A mask belongs to the scan that it was drawn for: one of a scan that a re-scan superseded asks
    for nothing, until it is delivered again.
    """
    scans = {
        row["scan_id"]: row
        for row in catalog.rows(SCANS, where=(pc.field("collection") == collection) & CURRENT)
    }
    operators = _operators(settings)
    return [
        {
            "output_id": key(
                *(VERSION, "restored", mask["scan_id"], mask["mask_id"], model["model_id"]),
                operators,
            ),
            "mask_path": mask["mask_path"],
            "mask_id": mask["mask_id"],
            "mask_origin": mask["origin"] or _DELIVERED,
            "probability_path": mask.get("probability_path"),
            "scan_id": mask["scan_id"],
            **{name: scans[mask["scan_id"]][name] for name in _SCAN_COLUMNS},
            "model_id": model["model_id"],
            "model_collection": model["collection"],
            "weights_path": model["weights_path"],
            "weights_sha256": model["weights_sha256"],
        }
        for mask in sorted(masks, key=lambda mask: mask["mask_id"])
        if mask["scan_id"] in scans
    ]


def _named_by(detector: Model | None) -> Row:
    """Return what names the filled regions; it is not part of what shapes a file's key."""
    if detector is None:
        return {"detector_id": None, "detector_path": None}
    return {"detector_id": detector["model_id"], "detector_path": detector["weights_path"]}


@task(cache_policy=NO_CACHE, task_run_name="restore-{collection}")
def restore_chunk(settings: RestoreSettings, collection: str, jobs: list[Row]) -> Manifest:
    """Restore some scans; return one row for each."""
    store = open_catalog(settings.root).store
    operators = _operators(settings)

    def make() -> Manifest:
        filler = load_filler(store.read(jobs[0]["weights_path"]), operators["perceptual"])
        how = Filling(filler.to(training_device()), strength=operators["strength"])
        named_by = jobs[0]["detector_path"]
        detector = None
        if named_by is not None:
            detector = load_detector(store.read(named_by)).to(training_device())
        return [_restore_one(store, collection, job, (how, detector), operators) for job in jobs]

    identity = [job["output_id"] for job in jobs]
    return remembered(store, stage_of("restored", collection), identity, make)


def _restore_one(
    store: Store, collection: str, job: Row, models: Models, operators: dict[str, Any]
) -> Row:
    row = {
        "output_id": job["output_id"],
        "kind": "restored",
        "collection": collection,
        "scan_id": job["scan_id"],
        "mask_id": job["mask_id"],
        "model_id": job["model_id"],
        "method": "filler",
        "settings_json": json.dumps(operators),
        "digital_source_type": product.SOURCE_TYPE,
    }
    return attempt(row, lambda: _fill(store, collection, job, models, operators))


def _fill(
    store: Store, collection: str, job: Row, models: Models, operators: dict[str, Any]
) -> Row:
    """Write a restored scan's folder, whole or not at all."""
    place = f"outputs/restored/{collection}/{job['output_id']}"
    with (
        source_file(job) as scan,
        store.local(job["mask_path"]) as mask,
        store.scratch() as scratch,
        store.folder(place) as out,
    ):
        out.mkdir()
        names = ("output_id", "scan_id", "mask_id", "probability_path", "model_id", "detector_id")
        facts = {name: job[name] for name in (*names, "model_collection", "weights_sha256")}
        facts |= {"collection": collection, "source_sha256": content_of(job)}
        facts["settings_sha256"] = digest(operators)
        order = Order(*(scan, job["page"] or 1, mask, job["mask_origin"], job["title"]), facts)
        how, detector = models
        made = make_product(order, how, {"fill": operators}, out, scratch, detector)
        return _row_of(made, out, place)


def _row_of(made: product.Product, out: Path, place: str) -> Row:
    files = {
        "output_path": product.RESTORED,
        "input_mask_path": product.MASK,
        "effective_mask_path": product.EFFECTIVE_MASK,
        "patch_path": product.PATCH,
        "preview_path": product.PREVIEW,
        "report_path": product.REPORT,
    }
    return {
        **{column: f"{place}/{name}" for column, name in files.items()},
        "output_sha256": file_sha256(out / product.RESTORED),
        "phash": look_at(out / product.RESTORED).phash,
        "output_bytes": (out / product.RESTORED).stat().st_size,
        "patch_sha256": file_sha256(out / product.PATCH),
        "report_sha256": file_sha256(out / product.REPORT),
        "width_px": made.width_px,
        "height_px": made.height_px,
        "bit_depth": made.bit_depth,
        "changed_pixels": made.changed_pixels,
        "masked_pixels": made.masked_pixels,
        "changed_outside_mask": 0,  # or there would be no file: see `check_patch`
        "assessment": made.assessment.status,
    }


@task(cache_policy=NO_CACHE, task_run_name="commit-restored-{collection}")
def commit_restored(
    settings: RestoreSettings, collection: str, manifests: list[Manifest], run_id: str
) -> dict[str, int]:
    """Record a collection's restored scans in one commit."""
    catalog = open_catalog(settings.root)
    return commit_outputs(catalog, "restored", collection, manifests, run_id)
