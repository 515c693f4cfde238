"""The enhance flow: tone, noise or size of whole scans, in files of their own."""

from prefect import flow

from artgan.config import EnhanceSettings
from flows.runner import task_runner, unsearched
from tasks.chunks import cut
from tasks.collections import catalogued_collections
from tasks.enhance import CHUNK, commit_enhanced, enhance_chunk, plan_enhancements
from tasks.progress import gather
from tasks.run import check_failures, recorded_run


@flow(name="enhance", task_runner=task_runner())
def enhance(settings: EnhanceSettings) -> dict[str, int]:
    """Correct tone, noise or size of whole scans, in files of their own."""
    with recorded_run("enhance", settings) as run:
        planned = {
            collection: plan_enhancements(settings, collection)
            for collection in catalogued_collections(settings)
        }
        for collection, chunks in cut(planned, CHUNK):
            made = [
                enhance_chunk.submit(settings, collection, unsearched(chunk)) for chunk in chunks
            ]
            manifests = [planned[collection].made, *gather(made, f"enhance {collection}")]
            run.count(commit_enhanced(settings, collection, unsearched(manifests), run.run_id))
        check_failures(run, settings.max_failed_fraction)
    return dict(run.counts)
