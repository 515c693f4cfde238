"""Tasks of the ingest flow."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.events import record_ingestions
from artgan.catalog.schema import MASKS, QUARANTINE, SCANS, Table
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.works import CURRENT
from artgan.clock import now
from artgan.config import IngestSettings
from artgan.imaging.write import AccessForm
from artgan.ingest.decoder_process import Limits
from artgan.ingest.decoders import judge_mask, judge_scan
from artgan.ingest.discover import FoundFile, chosen_folders, discover
from artgan.ingest.inspect import Refused
from artgan.ingest.known import read_known
from artgan.ingest.masks import page_of_mask
from artgan.ingest.merge import Inspected, merge, refusal
from artgan.ingest.metadata import read_metadata
from artgan.ingest.settle import has_moved, moving_files, still_files
from artgan.keys import VERSION, key
from artgan.storage import Store, open_store
from tasks.chunks import Manifest, Plan, forget, plan, remembered

CHUNK = 64
_WAITING = "mask_without_scan"


@task(cache_policy=NO_CACHE)
def find_collections(settings: IngestSettings) -> list[str]:
    """Return the collections of the inbox that the run is to ingest."""
    inbox = open_store(settings.inbox, name="inbox", must_exist=True)
    return chosen_folders(inbox, settings.collections)


@task(cache_policy=NO_CACHE, task_run_name="find-{collection}")
def find_new_files(settings: IngestSettings, collection: str) -> Plan[FoundFile]:
    """Return the collection's files that are new or changed since they were last judged."""
    inbox = open_store(settings.inbox, name="inbox", must_exist=True)
    catalog = open_catalog(settings.root)
    known = judged_files(catalog, collection)
    files = [file for file in discover(inbox, collection) if file.role != "metadata"]
    new = [file for file in files if (file.path, file.version) not in known]
    get_run_logger().info("%s: %d files, %d new", collection, len(files), len(new))
    items = {_identity(settings, file): file for file in new}
    return plan(catalog.store, f"ingest/{collection}", items, "identity")


def _identity(settings: IngestSettings, file: FoundFile) -> str:
    """Hash of all that decides how a file is judged."""
    return key(VERSION, settings.max_megapixels, asdict(_access_form(settings)), asdict(file))


def _access_form(settings: IngestSettings) -> AccessForm:
    return AccessForm(settings.access_format, settings.access_long_side_px)


def _limits(settings: IngestSettings) -> Limits:
    return Limits(settings.decode_memory_mb, settings.decode_seconds)


def judged_files(catalog: Catalog, collection: str) -> set[tuple[str, str]]:
    """Return path and change mark of each file that needs no second look."""
    where = pc.field("collection") == collection
    columns = ("source_path", "source_version", "is_current")
    scans = catalog.read(SCANS, columns, where)
    current, old = _pairs(scans.filter(CURRENT)), _pairs(scans.filter(~CURRENT))
    refused = _marks(catalog, QUARANTINE, where & (pc.field("reason") != _WAITING))
    # A file may go back to what it was: its old mark counts only where no re-scan took its place.
    taken = {path for path, _ in current} if old else set()
    old = {mark for mark in old if mark[0] not in taken}
    return current | old | refused | _marks(catalog, MASKS, where)


def _marks(catalog: Catalog, table: Table, where: pc.Expression) -> set[tuple[str, str]]:
    return _pairs(catalog.read(table, ("source_path", "source_version"), where))


def _pairs(rows: pa.Table) -> set[tuple[str, str]]:
    paths, marks = (rows[name].to_pylist() for name in ("source_path", "source_version"))
    return set(zip(paths, marks, strict=True))


@task(cache_policy=NO_CACHE, task_run_name="inspect-{collection}-{number}", retries=2)
def inspect_chunk(
    settings: IngestSettings, collection: str, number: int, files: list[FoundFile]
) -> Manifest:
    """Judge the scans among some files: write access copies, return a row or a reason for each."""
    inbox = open_store(settings.inbox, name="inbox", must_exist=True)
    store = open_catalog(settings.root).store

    def make() -> Manifest:
        scans = [file for file in files if file.role == "scan"]
        manifest: Manifest = []
        for file in still_files(inbox, scans, settings.settle_s):
            entries = list(_inspected(settings, inbox, store, file))
            if not has_moved(inbox, file):
                manifest += entries
        return _without_moving(inbox, scans, manifest, settings.settle_s)

    chunk = [_identity(settings, file) for file in files]
    manifest = remembered(store, f"ingest/{collection}", chunk, make)
    refused = sum("refused" in entry for entry in manifest)
    waiting = sum("waiting" in entry for entry in manifest)
    get_run_logger().info(
        "%s: chunk %d, %d pages read, %d refused, %d files still being copied",
        *(collection, number, len(manifest) - waiting, refused, waiting),
    )
    return manifest


def _inspected(
    settings: IngestSettings, inbox: Store, store: Store, file: FoundFile
) -> Iterator[dict[str, Any]]:
    """Judge a file, write its access copies, and return an entry for each page."""
    same = {"identity": _identity(settings, file), "file": asdict(file)}
    with inbox.local(file.path) as path:
        most_pixels = round(settings.max_megapixels * 1e6)
        form, limits = _access_form(settings), _limits(settings)
        for judged in judge_scan(path, file, most_pixels, form, limits):
            if isinstance(judged, Refused):
                yield same | {"refused": asdict(judged)}
                continue
            if has_moved(inbox, file):
                return
            access = f"access/{file.collection}/{judged.row['scan_id']}{judged.access_extension}"
            store.write(access, judged.access)
            digest = hashlib.sha256(judged.access).hexdigest()
            yield same | {"row": judged.row | {"access_path": access, "access_sha256": digest}}


def _without_moving(
    inbox: Store, scans: list[FoundFile], manifest: Manifest, settle_s: float
) -> Manifest:
    """Take out refusals of files that are still being copied; name all that wait."""
    refused = [FoundFile(**entry["file"]) for entry in manifest if "refused" in entry]
    moving = set(moving_files(inbox, refused, settle_s))
    kept = [entry for entry in manifest if FoundFile(**entry["file"]) not in moving]
    judged = {entry["file"]["path"] for entry in kept}
    return kept + [
        {"file": asdict(file), "waiting": True} for file in scans if file.path not in judged
    ]


@task(cache_policy=NO_CACHE, task_run_name="commit-{collection}")
def commit_scans(
    settings: IngestSettings, collection: str, manifests: list[Manifest], run_id: str
) -> dict[str, int]:
    """Turn the chunks' manifests into catalog rows: one commit for each table."""
    catalog = open_catalog(settings.root)
    inbox = open_store(settings.inbox, name="inbox", must_exist=True)
    inspected = [
        Inspected(FoundFile(**entry["file"]), entry.get("row"), entry.get("refused"))
        for manifest in manifests
        for entry in manifest
        if "waiting" not in entry
    ]
    merged = merge(inspected, read_known(catalog), read_metadata(inbox, collection))
    stamp = {"run_id": run_id}
    scans = [_placed(row, inbox.root) | stamp | {"ingested_at": now()} for row in merged.scans]
    refused = [
        _placed(row, inbox.root) | stamp | {"quarantined_at": now()} for row in merged.refused
    ]
    added = _commit(catalog, scans, merged.changed)
    counts = {"done": added, "scans": added, "quarantined": _quarantine(catalog, refused)}
    waiting = sum(map(len, manifests)) - len(inspected)
    if waiting:
        counts["waiting"] = waiting
    for path in merged.unwanted:
        catalog.store.delete(path)
    forget(catalog.store, f"ingest/{collection}")
    return counts


def _placed(row: Mapping[str, Any], inbox_root: str) -> dict[str, Any]:
    return dict(row) | {"source_uri": f"{inbox_root}/{row['source_path']}"}


def _commit(catalog: Catalog, scans: list[dict[str, Any]], changed: dict[str, Any]) -> int:
    """Add new scans and change old ones in one commit, so that an object has one current scan."""
    if not changed:
        return catalog.append(SCANS, scans)
    rows = catalog.rows(SCANS, where=pc.field("scan_id").isin(list(changed)))
    catalog.replace(SCANS, [*(row | changed[row["scan_id"]] for row in rows), *scans])
    return len(scans)


def _quarantine(catalog: Catalog, rows: Sequence[Mapping[str, Any]]) -> int:
    """List refused files; one that was listed before, and was copied again, gets its new mark."""
    if not rows:
        return 0
    marks = {row["quarantine_id"]: row["source_version"] for row in rows}
    listed = pc.field("quarantine_id").isin(list(marks))
    moved = [
        row | {"source_version": marks[row["quarantine_id"]]}
        for row in catalog.rows(QUARANTINE, where=listed)
        if row["source_version"] != marks[row["quarantine_id"]]
    ]
    catalog.replace(QUARANTINE, moved)
    return catalog.append(QUARANTINE, rows)


@task(cache_policy=NO_CACHE, task_run_name="masks-{collection}")
def ingest_masks(
    settings: IngestSettings, collection: str, files: list[FoundFile], run_id: str
) -> dict[str, int]:
    """Catalogue the damage masks delivered beside the scans."""
    catalog = open_catalog(settings.root)
    inbox = open_store(settings.inbox, name="inbox", must_exist=True)
    columns = ("scan_id", "source_path", "page", "width_px", "height_px")
    scans = {
        (row["source_path"], row["page"] or 1): row
        for row in catalog.rows(SCANS, columns, (pc.field("collection") == collection) & CURRENT)
    }
    rows, refused = [], []
    masks = [file for file in files if file.role == "mask"]
    for file in still_files(inbox, masks, settings.settle_s):
        scan = scans.get(page_of_mask(file.path))
        with inbox.local(file.path) as path:
            judged = judge_mask(path, file, scan, _limits(settings))
        if has_moved(inbox, file):
            continue
        if not isinstance(judged, Refused):
            path = f"masks/{collection}/{judged.row['mask_id']}.png"
            catalog.store.write(path, judged.access)
            row = {"mask_path": path, "run_id": run_id, "ingested_at": now()}
            rows.append(_placed(judged.row, inbox.root) | row)
        else:
            row = refusal(file, asdict(judged)) | {"run_id": run_id, "quarantined_at": now()}
            refused.append(_placed(row, inbox.root))
    return {
        "masks": catalog.append(MASKS, rows),
        "quarantined": _quarantine(catalog, refused),
    }


@task(cache_policy=NO_CACHE)
def record_events(settings: IngestSettings) -> int:
    """Write the events of the scans that came in; return how many."""
    return record_ingestions(open_catalog(settings.root))
