"""Tasks of the simulate flow."""

import json

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.models import in_use_or_base
from artgan.catalog.table import open_catalog
from artgan.config import SimulateSettings
from artgan.imaging.write import png_bytes
from artgan.keys import VERSION, key
from artgan.models.simulators import load_generator
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet
from artgan.simulate.works import simulate
from tasks.chunks import Manifest, Plan, remembered
from tasks.outputs import Row, attempt, commit_outputs, plan_outputs, stage_of, write_output

CHUNK = 256
_SOURCE_TYPE = DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA


@task(cache_policy=NO_CACHE, task_run_name="plan-simulate-{collection}")
def plan_simulations(settings: SimulateSettings, collection: str) -> Plan[Row]:
    """Return the seeds that the model in use has not made a work from yet."""
    catalog = open_catalog(settings.root)
    model = in_use_or_base(catalog, "simulation", collection)
    if model is None:
        get_run_logger().info("%s: no generator in use yet", collection)
        return Plan([], [])
    jobs = [
        {
            "output_id": key(VERSION, "simulated", collection, model["model_id"], seed),
            "seed": seed,
            "model_id": model["model_id"],
            "weights_path": model["weights_path"],
        }
        for seed in range(settings.seed, settings.seed + settings.works)
    ]
    work = plan_outputs(catalog, "simulated", collection, jobs)
    get_run_logger().info("%s: %d works to simulate", collection, len(work.todo))
    return work


@task(cache_policy=NO_CACHE, task_run_name="simulate-{collection}")
def simulate_chunk(settings: SimulateSettings, collection: str, jobs: list[Row]) -> Manifest:
    """Make some works; return one row for each."""
    store = open_catalog(settings.root).store

    def make() -> Manifest:
        generator = load_generator(store.read(jobs[0]["weights_path"]))

        def make_one(job: Row) -> Row:
            picture = simulate(generator, [job["seed"]])[0]
            note = Provenance(
                model_id=job["model_id"],
                title=f"Simulated work, seed {job['seed']}",
                note=f"Made by a model that learned from {collection}; not a work of any person.",
            )
            path = f"outputs/simulated/{collection}/{job['output_id']}.png"
            content = png_bytes(picture, xmp_packet(_SOURCE_TYPE, note))
            height, width = picture.shape[:2]
            size = {"width_px": width, "height_px": height, "bit_depth": 8}
            return write_output(store, path, content) | size

        return [attempt(_row(collection, job), lambda job=job: make_one(job)) for job in jobs]

    identity = [job["output_id"] for job in jobs]
    return remembered(store, stage_of("simulated", collection), identity, make)


def _row(collection: str, job: Row) -> Row:
    return {
        "output_id": job["output_id"],
        "kind": "simulated",
        "collection": collection,
        "model_id": job["model_id"],
        "method": "generator",
        "seed": job["seed"],
        "settings_json": json.dumps({"truncation": 1.0}),
        "digital_source_type": _SOURCE_TYPE,
    }


@task(cache_policy=NO_CACHE, task_run_name="commit-simulated-{collection}")
def commit_simulated(
    settings: SimulateSettings, collection: str, manifests: list[Manifest], run_id: str
) -> dict[str, int]:
    """Record a collection's simulated works in one commit."""
    catalog = open_catalog(settings.root)
    return commit_outputs(catalog, "simulated", collection, manifests, run_id)
