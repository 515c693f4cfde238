"""The ingest flow: an inbox of scans becomes catalog rows and access copies."""

from prefect import flow

from artgan.config import IngestSettings
from flows.runner import task_runner
from tasks.chunks import cut, unsearched
from tasks.forms import offer_collections
from tasks.ingest import (
    CHUNK,
    commit_scans,
    find_collections,
    find_new_files,
    ingest_masks,
    inspect_chunk,
)
from tasks.metadata import NO_COLLECTION, join_metadata
from tasks.progress import gather
from tasks.run import recorded_run


@flow(name="ingest", task_runner=task_runner())
def ingest(settings: IngestSettings) -> dict[str, int]:
    """Bring new scans from an inbox into the catalog."""
    with recorded_run("ingest", settings) as run:
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
            run.count(
                ingest_masks(settings, collection, unsearched(planned[collection].todo), run.run_id)
            )
        for collection in (*planned, NO_COLLECTION):
            run.count(join_metadata(settings, collection, run.run_id))
        offer_collections(settings)
    return dict(run.counts)
