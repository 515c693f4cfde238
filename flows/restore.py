"""The restore flow: fill the damage of scans that have a mask."""

from prefect import flow

from artgan.config import RestoreSettings
from flows.runner import task_runner, unsearched
from tasks.chunks import cut
from tasks.collections import catalogued_collections
from tasks.progress import gather
from tasks.restore import CHUNK, commit_restored, plan_restorations, restore_chunk, take_mask
from tasks.run import check_failures, recorded_run
from tasks.starter import adopt_starter


@flow(name="restore", task_runner=task_runner())
def restore(settings: RestoreSettings) -> dict[str, int]:
    """Fill the damage of every scan that has a damage mask."""
    with recorded_run("restore", settings) as run:
        adopt_starter(settings, run.run_id)
        taken = None
        if settings.mask is not None:
            taken = take_mask(settings, run.run_id)
            run.count({"masks": 1})
        planned = {
            collection: plan_restorations(settings, collection, taken)
            for collection in catalogued_collections(settings)
        }
        for collection, chunks in cut(planned, CHUNK):
            made = [
                restore_chunk.submit(settings, collection, unsearched(chunk)) for chunk in chunks
            ]
            manifests = [planned[collection].made, *gather(made, f"restore {collection}")]
            run.count(commit_restored(settings, collection, unsearched(manifests), run.run_id))
        check_failures(run, settings.max_failed_fraction)
    return dict(run.counts)
