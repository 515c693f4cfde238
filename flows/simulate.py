"""The simulate flow: new works in the manner of each collection."""

from prefect import flow

from artgan.config import SimulateSettings
from flows.runner import task_runner, unsearched
from tasks.chunks import cut
from tasks.collections import catalogued_collections
from tasks.progress import gather
from tasks.run import recorded_run
from tasks.simulate import CHUNK, commit_simulated, plan_simulations, simulate_chunk


@flow(name="simulate", task_runner=task_runner())
def simulate(settings: SimulateSettings) -> dict[str, int]:
    """Make new works in the manner of each collection."""
    with recorded_run("simulate", settings) as run:
        planned = {
            collection: plan_simulations(settings, collection)
            for collection in catalogued_collections(settings)
        }
        for collection, chunks in cut(planned, CHUNK):
            made = [
                simulate_chunk.submit(settings, collection, unsearched(chunk)) for chunk in chunks
            ]
            manifests = [planned[collection].made, *gather(made, f"simulate {collection}")]
            run.count(commit_simulated(settings, collection, unsearched(manifests), run.run_id))
    return dict(run.counts)
