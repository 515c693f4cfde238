"""Tasks of the detect flow."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import pyarrow.compute as pc
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.masks import DELIVERED, DETECTED, MASK_FILES
from artgan.catalog.models import Model, in_use_or_base
from artgan.catalog.schema import MASKS, SCANS, WITHDRAWALS
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.works import CURRENT, access_size
from artgan.clock import now
from artgan.config import DetectSettings
from artgan.errors import ArtganError, InvalidInputError
from artgan.imaging.read import read_rgb
from artgan.imaging.write import png_bytes, thumbnail_jpeg
from artgan.keys import VERSION, digest, key
from artgan.models.detector import Detector, load_detector
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet
from artgan.restore.detect import Detection, DetectOptions, detect_scan, working_short_px
from artgan.restore.marking import overview
from artgan.storage import Store
from artgan.training.loop import training_device
from tasks.chunks import Manifest, Plan, forget, plan, remembered
from tasks.outputs import content_of

CHUNK = 32
LEAST_OVERVIEW_PX, OVERVIEW_PX = 400, 1600
_SCAN_COLUMNS = (
    *("scan_id", "content_sha256", "title", "access_path", "width_px", "height_px"),
    *("access_width_px", "access_height_px"),
)

_MADE = DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA
_COMPOSITE = DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA

Row = dict[str, Any]


@task(cache_policy=NO_CACHE, task_run_name="plan-detect-{collection}")
def plan_detections(settings: DetectSettings, collection: str) -> Plan[Row]:
    """Return the scans that the detector in use has not looked at with these settings."""
    log = get_run_logger()
    catalog = open_catalog(settings.root)
    model = in_use_or_base(catalog, "detection", collection)
    if model is None:
        log.info("%s: no detector in use yet (artgan train --kinds detection)", collection)
        return Plan([], [])
    scans = _scans(catalog, settings, collection)
    looked_at = DETECTED & (pc.field("status") != "failed")
    there = set(catalog.read(MASKS, ["mask_id"], looked_at)["mask_id"].to_pylist())
    jobs = {job["mask_id"]: job for job in (_job(settings, scan, model) for scan in scans)}
    items = {name: job for name, job in jobs.items() if name not in there}
    work = plan(catalog.store, _stage(collection), items, "mask_id")
    log.info("%s: %d scans, %d to look at", collection, len(scans), len(work.todo))
    return work


def _scans(catalog: Catalog, settings: DetectSettings, collection: str) -> list[Row]:
    """Return the scans to look at: those named, or all that came without a mask."""
    here = pc.field("collection") == collection
    rows = catalog.rows(SCANS, _SCAN_COLUMNS, here & CURRENT & pc.field("access_path").is_valid())
    rows.sort(key=lambda row: row["scan_id"])
    if settings.scans:
        return [row for row in rows if row["scan_id"].startswith(tuple(settings.scans))]
    marked = set(catalog.read(MASKS, ["scan_id"], here & DELIVERED)["scan_id"].to_pylist())
    return [row for row in rows if row["scan_id"] not in marked]


def _stage(collection: str) -> str:
    return f"detected/{collection}"


def _options(settings: DetectSettings) -> DetectOptions:
    return DetectOptions(
        tuple(sorted(set(settings.classes))),
        settings.sure,
        settings.likely,
        settings.finer,
        settings.review_above,
        settings.broad,
    )


def _asked(settings: DetectSettings) -> Row:
    names = ("sure", "likely", "finer", "review_above")
    asked = {name: getattr(settings, name) for name in names}
    broad = {"broad": True} if settings.broad else {}  # masks from before there was this stay
    return asked | broad | {"classes": sorted(set(settings.classes))}


def _job(settings: DetectSettings, scan: Row, model: Model) -> Row:
    identity = (VERSION, "detected", scan["scan_id"], model["model_id"], _asked(settings))
    return scan | {
        "mask_id": key(*identity),
        "model_id": model["model_id"],
        "weights_path": model["weights_path"],
    }


@task(cache_policy=NO_CACHE, task_run_name="check-scans")
def check_scans(settings: DetectSettings) -> None:
    """Refuse scans that are not in the catalog.

    Raises:
        InvalidInputError: If a named scan is none, or several.
    """
    known = open_catalog(settings.root).read(SCANS, ["scan_id"], CURRENT)["scan_id"].to_pylist()
    for prefix in settings.scans:
        found = sum(name.startswith(prefix) for name in known)
        if found != 1:
            raise InvalidInputError(
                f"scans must each name one scan of the archive, got {prefix!r}, which fits "
                f"{found or 'none'}. See the table scans, column scan_id."
            )


@task(cache_policy=NO_CACHE, task_run_name="detect-{collection}")
def detect_chunk(settings: DetectSettings, collection: str, jobs: list[Row]) -> Manifest:
    """Look at some scans; return one row for each."""
    store = open_catalog(settings.root).store

    def make() -> Manifest:
        detector = load_detector(store.read(jobs[0]["weights_path"])).to(training_device())
        look = _Look(store, collection, detector, _options(settings))
        return [look.at(job) | {"settings_json": json.dumps(_asked(settings))} for job in jobs]

    identity = [job["mask_id"] for job in jobs]
    return remembered(store, _stage(collection), identity, make)


@dataclass(frozen=True)
class _Look:
    """Looks at one scan after the other and writes what it finds."""

    store: Store
    collection: str
    detector: Detector
    options: DetectOptions

    def at(self, job: Row) -> Row:
        """Look at a scan; a refusal becomes a failed row, and the others go on."""
        path = f"{self.folder(job)}.png"
        row = {
            "mask_id": job["mask_id"],
            "scan_id": job["scan_id"],
            "collection": self.collection,
            "source_path": path,
            "source_uri": self.store.uri(path),
            "source_bytes": 0,
            "origin": "detected",
            "model_id": job["model_id"],
            "ingested_at": str(now()),
        }
        try:
            return row | self._found(job)
        except ArtganError as error:
            return row | {"status": "failed", "message": str(error)}

    def folder(self, job: Row) -> str:
        """Return how the keys of a mask's files begin."""
        return f"masks/{self.collection}/{job['mask_id']}"

    def _found(self, job: Row) -> Row:
        finer = self.options.finer
        short_px = working_short_px(min(access_size(job)), self.detector.short_side_px, finer)
        content = self.store.read(job["access_path"])
        detection = detect_scan(
            *(read_rgb(content, short_px), self.detector, self.options),
            size=(job["height_px"], job["width_px"]),
        )
        return self._written(job, detection, content)

    def _written(self, job: Row, detection: Detection, content: bytes) -> Row:
        path = self.folder(job)
        mark = partial(_mark, job, self.options)
        drawn = mark(_MADE, "Damage mask proposed by a model; no picture of the work.")
        mask = png_bytes(detection.mask.astype(np.uint8) * 255, drawn)
        found = bool(detection.mask.any())
        if found:
            self.store.write(f"{path}.png", mask)
        self.store.write(f"{path}.probability.png", png_bytes(detection.probability, drawn))
        shown_px = max(LEAST_OVERVIEW_PX, min(*access_size(job), OVERVIEW_PX))
        shown = overview(read_rgb(content, shown_px), detection)
        seen = mark(
            _COMPOSITE, "Scan, reduced, with damage that a model marked; nothing is filled."
        )
        view = thumbnail_jpeg(shown, max(shown.shape), 85, seen)
        self.store.write(f"{path}.overview.jpg", view)
        status, message = _judged(detection, self.options)
        return {
            "source_bytes": len(mask),
            "content_sha256": hashlib.sha256(mask).hexdigest(),
            "damaged_fraction": detection.damaged_fraction,
            "mask_path": f"{path}.png" if found else None,
            "probability_path": f"{path}.probability.png",
            "overview_path": f"{path}.overview.jpg",
            "classes_json": json.dumps(detection.fractions()),
            "status": status,
            "message": message,
        }


def _mark(job: Row, options: DetectOptions, kind: DigitalSourceType, note: str) -> bytes:
    """Write down what a file of a detection is."""
    return xmp_packet(
        kind,
        Provenance(
            source_sha256=content_of(job),
            model_id=job["model_id"],
            settings_sha256=digest(asdict(options)),
            title=job["title"],
            note=note,
        ),
    )


def _judged(detection: Detection, options: DetectOptions) -> tuple[str, str | None]:
    """Return what becomes of a mask, and what a person should know of it."""
    if not detection.mask.any():
        return "nothing_found", None
    if detection.needs_review:
        return "needs_review", (
            f"mask must mark at most {options.review_above:.0%} of the scan, got "
            f"{detection.damaged_fraction:.1%}. Look at the overview; correct the mask, or look "
            "for fewer classes."
        )
    return "proposed", None


@task(cache_policy=NO_CACHE, task_run_name="commit-detected-{collection}")
def commit_detected(
    settings: DetectSettings, collection: str, manifests: Sequence[Manifest], run_id: str
) -> dict[str, int]:
    """Record a collection's proposed masks in one commit."""
    log = get_run_logger()
    catalog = open_catalog(settings.root)
    stamped = [
        row | {"run_id": run_id, "ingested_at": datetime.fromisoformat(row["ingested_at"])}
        for manifest in manifests
        for row in manifest
    ]
    rows = _without_withdrawn(catalog, stamped)
    for row in rows:
        if row["status"] == "failed":
            log.warning("%s: %s", row["scan_id"][:12], row["message"])
    known = set(catalog.read(MASKS, ["mask_id"], DETECTED)["mask_id"].to_pylist())
    catalog.append(MASKS, rows)
    again = [row for row in rows if row["mask_id"] in known]
    if again:
        catalog.replace(MASKS, again)
    forget(catalog.store, _stage(collection))
    counts = {
        status: sum(row["status"] == status for row in rows)
        for status in ("proposed", "needs_review", "nothing_found", "failed")
    }
    return counts | {"done": len(rows) - counts["failed"]}


def _without_withdrawn(catalog: Catalog, rows: list[Row]) -> list[Row]:
    """Leave out, and remove, what was found in scans that were withdrawn in the meantime."""
    gone = set(catalog.read(WITHDRAWALS, ["scan_id"])["scan_id"].to_pylist())
    for row in rows:
        if row["scan_id"] in gone:
            for name in MASK_FILES:
                if row.get(name):
                    catalog.store.delete(row[name])
    return [row for row in rows if row["scan_id"] not in gone]
