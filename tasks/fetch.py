"""Tasks that bring scans from IIIF manifests, before the rest of the ingest."""

from typing import Any

import pyarrow.compute as pc
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.schema import QUARANTINE, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.config import IngestSettings
from artgan.ingest.decoder_process import Limits
from artgan.ingest.discover import chosen_folders, collections_in
from artgan.ingest.metadata import read_metadata
from artgan.ingest.originals import FOLDER, LIST_NAME, Brought, fetch_listed, listed_addresses
from artgan.ingest.web import Web
from artgan.keys import key
from artgan.storage import open_store
from tasks.metadata import describe_anew
from tasks.progress import ProgressBar


@task(cache_policy=NO_CACHE, task_run_name="fetch-iiif")
def fetch_originals(settings: IngestSettings, run_id: str) -> dict[str, int]:
    """Fetch what the lists of manifests in the inbox name and is not there yet."""
    inbox = open_store(settings.inbox, name="inbox", must_exist=True)
    counts: dict[str, int] = {}
    web = Web(settings.fetch_delay_s, settings.fetch_private)
    try:
        for collection in chosen_folders(inbox, settings.collections):
            if not inbox.exists(f"{collection}/{LIST_NAME}"):
                continue
            text = inbox.read(f"{collection}/{LIST_NAME}").decode("utf-8", errors="replace")
            brought = _fetch(web, settings, collection, listed_addresses(text))
            for name, amount in _record(settings, collection, brought, run_id).items():
                counts[name] = counts.get(name, 0) + amount
    finally:
        web.close()
    return counts


def _fetch(web: Web, settings: IngestSettings, collection: str, addresses: list[str]) -> Brought:
    store = open_catalog(settings.root).store
    bars: list[ProgressBar] = []

    def observe(done: int, total: int) -> None:
        if not bars:
            bars.append(ProgressBar(f"fetch {collection}", total, "pictures"))
        bars[0].move(done)

    limits = Limits(settings.decode_memory_mb, settings.decode_seconds)
    brought = fetch_listed(web, addresses, store, collection, observe, limits)
    log = get_run_logger()
    log.info(
        "%s: %d pictures fetched, %d there before, %d addresses failed",
        *(collection, brought.fetched, brought.there, len(brought.failures)),
    )
    for sentence in (*brought.notes, *(failure.message for failure in brought.failures)):
        log.warning("%s", sentence)
    return brought


def _record(
    settings: IngestSettings, collection: str, brought: Brought, run_id: str
) -> dict[str, int]:
    """List what failed, and describe catalogued scans anew where a manifest was corrected."""
    catalog = open_catalog(settings.root)
    counts = {
        "fetched": brought.fetched,
        "quarantined": _quarantine(catalog, collection, brought, run_id),
    }
    if brought.is_described_anew:
        counts["redescribed"] = _describe_fetched(catalog, collection)
    return counts


def _describe_fetched(catalog: Catalog, collection: str) -> int:
    """Bring scans that were fetched before in line with what their manifests say now."""
    place = open_store(catalog.store.uri(FOLDER), name="originals")
    here = pc.field("collection") == collection
    rows = catalog.rows(SCANS, ("scan_id", "source_uri"), here)
    fetched = [row["scan_id"] for row in rows if row["source_uri"].startswith(f"{place.root}/")]
    if not fetched:
        return 0
    which = pc.field("scan_id").isin(fetched)
    return describe_anew(catalog, which, read_metadata(place, collection))


def _quarantine(catalog: Catalog, collection: str, brought: Brought, run_id: str) -> int:
    """List the addresses that failed now, and no others; return how many are new."""
    path = f"{collection}/{LIST_NAME}"
    rows: list[dict[str, Any]] = [
        {
            "quarantine_id": key(path, failure.url, failure.reason),
            "collection": collection,
            "source_path": path,
            "source_uri": failure.url,
            "source_bytes": 0,
            "reason": failure.reason,
            "message": failure.message,
            "quarantined_at": now(),
            "run_id": run_id,
        }
        for failure in brought.failures
    ]
    where = (pc.field("collection") == collection) & (pc.field("source_path") == path)
    listed = {row["quarantine_id"] for row in catalog.rows(QUARANTINE, ("quarantine_id",), where)}
    catalog.remove(QUARANTINE, listed - {row["quarantine_id"] for row in rows})
    return catalog.append(QUARANTINE, rows)


@task(cache_policy=NO_CACHE)
def places(settings: IngestSettings) -> list[IngestSettings]:
    """Return the settings for each place that scans are read from: inbox, and what was fetched."""
    store = open_catalog(settings.root).store
    if not store.listing(FOLDER)[1]:
        return [settings]
    fetched = open_store(store.uri(FOLDER), name="originals")
    present = collections_in(fetched)
    wanted = [name for name in present if not settings.collections or name in settings.collections]
    if not wanted:
        return [settings]
    # What this program wrote is whole, however young it is.
    changes = {"inbox": fetched.root, "collections": wanted, "settle_s": 0.0}
    return [settings, settings.model_copy(update=changes)]
