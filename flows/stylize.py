"""The stylize flow: works of other collections in the manner of each collection."""

from prefect import flow

from artgan.config import StylizeSettings
from flows.runner import task_runner, unsearched
from tasks.chunks import cut
from tasks.collections import catalogued_collections
from tasks.progress import gather
from tasks.run import check_failures, recorded_run
from tasks.stylize import chunk_size, commit_stylized, plan_stylizations, stylize_chunk


@flow(name="stylize", task_runner=task_runner())
def stylize(settings: StylizeSettings) -> dict[str, int]:
    """Render works of other collections in the manner of each collection."""
    with recorded_run("stylize", settings) as run:
        planned = {
            collection: plan_stylizations(settings, collection)
            for collection in catalogued_collections(settings)
        }
        for collection, chunks in cut(planned, chunk_size(settings)):
            made = [
                stylize_chunk.submit(settings, collection, unsearched(chunk)) for chunk in chunks
            ]
            manifests = [planned[collection].made, *gather(made, f"stylize {collection}")]
            run.count(commit_stylized(settings, collection, unsearched(manifests), run.run_id))
        check_failures(run, settings.max_failed_fraction)
    return dict(run.counts)
