"""The ingest flow: an inbox of scans becomes catalog rows and access copies."""

from prefect import flow

from artgan.catalog.runs import Run
from artgan.config import IngestSettings
from flows.runner import task_runner, unsearched
from tasks.chunks import cut
from tasks.fetch import fetch_originals, places
from tasks.forms import offer_collections
from tasks.ingest import (
    CHUNK,
    commit_scans,
    find_collections,
    find_new_files,
    ingest_masks,
    inspect_chunk,
    record_events,
)
from tasks.metadata import NO_COLLECTION, join_metadata
from tasks.progress import gather
from tasks.run import recorded_run


@flow(name="ingest", task_runner=task_runner())
def ingest(settings: IngestSettings) -> dict[str, int]:
    """Bring new scans from an inbox into the catalog."""
    with recorded_run("ingest", settings) as run:
        run.count(fetch_originals(settings, run.run_id))
        for place in places(settings):
            _ingest_from(place, run)
        for collection in (*find_collections(settings), NO_COLLECTION):
            run.count(join_metadata(settings, collection, run.run_id))
        record_events(settings)
        offer_collections(settings)
    return dict(run.counts)


def _ingest_from(settings: IngestSettings, run: Run) -> None:
    """Bring new scans from one place, inbox or what was fetched, into the catalog."""
    planned = {
        collection: find_new_files(settings, collection)
        for collection in find_collections(settings)
    }
    for collection, chunks in cut(planned, CHUNK):
        judged = [
            inspect_chunk.submit(settings, collection, number, unsearched(chunk))
            for number, chunk in enumerate(chunks, start=1)
        ]
        manifests = [planned[collection].made, *gather(judged, f"ingest {collection}")]
        run.count(commit_scans(settings, collection, unsearched(manifests), run.run_id))
        masks = unsearched(planned[collection].todo)
        run.count(ingest_masks(settings, collection, masks, run.run_id))
