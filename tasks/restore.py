"""Tasks of the restore flow."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.models import Model, in_use_or_base
from artgan.catalog.schema import MASKS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.works import CURRENT
from artgan.config import RestoreSettings
from artgan.imaging.decode import scan_array
from artgan.imaging.read import read_mask
from artgan.imaging.write import png_bytes, tiff_bytes
from artgan.keys import VERSION, key
from artgan.models.filler import Filler, load_filler
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet
from artgan.restore.fill import fill_scan
from artgan.storage import Store
from tasks.chunks import Manifest, Plan, remembered
from tasks.outputs import (
    Row,
    attempt,
    commit_outputs,
    content_of,
    plan_outputs,
    source_file,
    stage_of,
    write_output,
)

CHUNK = 16
_SCAN_COLUMNS = ("source_uri", "content_sha256", "page", "title")
_MAX_PIXELS = 20_000_000_000
_SOURCE_TYPE = DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA


@task(cache_policy=NO_CACHE, task_run_name="plan-restore-{collection}")
def plan_restorations(settings: RestoreSettings, collection: str) -> Plan[Row]:
    """Return the masks whose scan is not restored yet by the model in use."""
    log = get_run_logger()
    catalog = open_catalog(settings.root)
    masks = catalog.rows(MASKS, where=pc.field("collection") == collection)
    model = in_use_or_base(catalog, "restoration", collection)
    if not masks or model is None:
        log.info("%s: %s", collection, "no damage masks" if not masks else "no filler in use yet")
        return Plan([], [])
    jobs = _jobs(catalog, collection, masks, model)
    work = plan_outputs(catalog, "restored", collection, jobs)
    log.info("%s: %d damaged scans, %d to restore", collection, len(masks), len(work.todo))
    return work


def _jobs(catalog: Catalog, collection: str, masks: list[Row], model: Model) -> list[Row]:
    """Describe what to restore.

    A mask belongs to the scan that it was delivered for: one of a scan that a re-scan superseded
    asks for nothing, until it is delivered again.
    """
    scans = {
        row["scan_id"]: row
        for row in catalog.rows(SCANS, where=(pc.field("collection") == collection) & CURRENT)
    }
    return [
        {
            "output_id": key(
                VERSION, "restored", mask["scan_id"], mask["mask_id"], model["model_id"]
            ),
            "mask_path": mask["mask_path"],
            "mask_id": mask["mask_id"],
            "scan_id": mask["scan_id"],
            **{name: scans[mask["scan_id"]][name] for name in _SCAN_COLUMNS},
            "model_id": model["model_id"],
            "weights_path": model["weights_path"],
        }
        for mask in sorted(masks, key=lambda mask: mask["mask_id"])
        if mask["scan_id"] in scans
    ]


@task(cache_policy=NO_CACHE, task_run_name="restore-{collection}")
def restore_chunk(settings: RestoreSettings, collection: str, jobs: list[Row]) -> Manifest:
    """Restore some scans; return one row for each."""
    store = open_catalog(settings.root).store

    def make() -> Manifest:
        filler = load_filler(store.read(jobs[0]["weights_path"]))
        return [_restore_one(store, collection, job, filler) for job in jobs]

    identity = [job["output_id"] for job in jobs]
    return remembered(store, stage_of("restored", collection), identity, make)


def _restore_one(store: Store, collection: str, job: Row, filler: Filler) -> Row:
    row = {
        "output_id": job["output_id"],
        "kind": "restored",
        "collection": collection,
        "scan_id": job["scan_id"],
        "mask_id": job["mask_id"],
        "model_id": job["model_id"],
        "method": "filler",
        "settings_json": json.dumps({"strength": 1.0}),
        "digital_source_type": _SOURCE_TYPE,
    }

    def make() -> Row:
        with source_file(job) as path:
            return _fill(store, collection, job, path, filler)

    return attempt(row, make)


def _fill(store: Store, collection: str, job: Row, path: Path, filler: Filler) -> Row:
    scan, encoding = scan_array(path, _MAX_PIXELS, job["page"] or 1)
    filled = fill_scan(scan, read_mask(store.read(job["mask_path"])), filler)
    note = Provenance(
        source_sha256=content_of(job),
        model_id=job["model_id"],
        title=job["title"],
        note="Digital restoration (image only; the object was not treated).",
    )
    folder = f"outputs/restored/{collection}/{job['output_id']}"
    effective = filled.mask_effective
    store.write(f"{folder}.mask.png", png_bytes(effective.astype(np.uint8)[..., None] * 255))
    outside = int(np.count_nonzero((filled.pixels != scan).any(axis=2) & ~effective))
    facts: dict[str, Any] = {
        "width_px": scan.shape[1],
        "height_px": scan.shape[0],
        "bit_depth": scan.dtype.itemsize * 8,
        "changed_pixels": filled.changed_pixels,
        "masked_pixels": int(effective.sum()),
        "changed_outside_mask": outside,
    }
    content = tiff_bytes(filled.pixels, encoding, xmp_packet(_SOURCE_TYPE, note))
    return write_output(store, f"{folder}.tif", content) | facts


@task(cache_policy=NO_CACHE, task_run_name="commit-restored-{collection}")
def commit_restored(
    settings: RestoreSettings, collection: str, manifests: list[Manifest], run_id: str
) -> dict[str, int]:
    """Record a collection's restored scans in one commit."""
    catalog = open_catalog(settings.root)
    return commit_outputs(catalog, "restored", collection, manifests, run_id)
