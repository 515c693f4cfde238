"""The detect flow: propose damage masks for scans that came without one."""

from prefect import flow

from artgan.config import DetectSettings
from flows.runner import task_runner, unsearched
from tasks.chunks import cut
from tasks.collections import catalogued_collections
from tasks.detect import CHUNK, check_scans, commit_detected, detect_chunk, plan_detections
from tasks.progress import gather
from tasks.run import check_failures, recorded_run


@flow(name="detect", task_runner=task_runner())
def detect(settings: DetectSettings) -> dict[str, int]:
    """Propose damage masks for scans, for a person to look at; nothing is filled by it."""
    with recorded_run("detect", settings) as run:
        check_scans(settings)
        planned = {
            collection: plan_detections(settings, collection)
            for collection in catalogued_collections(settings)
        }
        for collection, chunks in cut(planned, CHUNK):
            made = [
                detect_chunk.submit(settings, collection, unsearched(chunk)) for chunk in chunks
            ]
            manifests = [planned[collection].made, *gather(made, f"detect {collection}")]
            run.count(commit_detected(settings, collection, unsearched(manifests), run.run_id))
        check_failures(run, settings.max_failed_fraction)
    return dict(run.counts)
