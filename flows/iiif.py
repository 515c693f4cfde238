"""The iiif flow: image tiles and manifests for any viewer."""

from prefect import flow

from artgan.config import IiifSettings
from flows.runner import task_runner, unsearched
from tasks.chunks import cut
from tasks.collections import catalogued_collections
from tasks.iiif import (
    CHUNK,
    commit_tiles,
    plan_tiles,
    take_down_withdrawn,
    tile_chunk,
    write_collections,
)
from tasks.progress import gather
from tasks.run import check_failures, recorded_run


@flow(name="iiif", task_runner=task_runner())
def iiif(settings: IiifSettings) -> dict[str, int]:
    """Write IIIF image tiles and manifests, for any viewer, as files for a plain web server."""
    with recorded_run("iiif", settings) as run:
        run.count(take_down_withdrawn(settings))
        collections = catalogued_collections(settings)
        planned = {collection: plan_tiles(settings, collection) for collection in collections}
        for collection, chunks in cut(planned, CHUNK):
            made = [tile_chunk.submit(settings, collection, unsearched(chunk)) for chunk in chunks]
            manifests = [planned[collection].made, *gather(made, f"iiif {collection}")]
            run.count(commit_tiles(settings, collection, unsearched(manifests), run.run_id))
        run.count(write_collections(settings, collections))
        check_failures(run, settings.max_failed_fraction)
    return dict(run.counts)
