"""Tasks of the simulate flow."""

import json
from dataclasses import replace
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.models import Model, in_use_or_base
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.works import find_scan, load_pictures
from artgan.config import SimulateSettings
from artgan.imaging.tensors import batch_to_arrays
from artgan.keys import VERSION, digest, key
from artgan.models.simulators import load_simulator
from artgan.signing import signed_bytes
from artgan.simulate.products import Maker, Product
from artgan.storage import Store
from artgan.training.squares import scale_work, square
from tasks.chunks import Manifest, Plan, remembered
from tasks.outputs import Row, attempt, commit_outputs, plan_outputs, stage_of, write_output

CHUNK = 256
WORK, FILM, AXES, PROJECTION = "generator", "interpolation", "axes", "projection"
_SCAN = ("scan_id", "collection", "access_path")


@task(cache_policy=NO_CACHE, task_run_name="plan-simulate-{collection}")
def plan_simulations(settings: SimulateSettings, collection: str) -> Plan[Row]:
    """Return what the model in use has not made yet: works by seed, and what else is asked for."""
    catalog = open_catalog(settings.root)
    model = in_use_or_base(catalog, "simulation", collection)
    if model is None:
        get_run_logger().info("%s: no generator in use yet", collection)
        return Plan([], [])
    jobs = [
        _job(collection, model, WORK, seed, {"truncation": settings.truncation})
        for seed in range(settings.seed, settings.seed + settings.works)
    ]
    jobs += _extras(catalog, settings, collection, model)
    work = plan_outputs(catalog, "simulated", collection, jobs)
    get_run_logger().info("%s: %d files to make", collection, len(work.todo))
    return work


def _extras(
    catalog: Catalog, settings: SimulateSettings, collection: str, model: Model
) -> list[Row]:
    jobs = []
    if settings.film_s:
        asked = {"truncation": settings.truncation, "seconds": settings.film_s}
        jobs.append(_job(collection, model, FILM, settings.seed, asked))
    if settings.axes:
        jobs.append(_job(collection, model, AXES, settings.seed, {}))
    for prefix in settings.project:
        scan = find_scan(catalog, prefix, _SCAN)
        if scan["collection"] == collection:
            jobs.append(_job(collection, model, PROJECTION, None, {}, scan))
    return jobs


def _job(
    collection: str,
    model: Model,
    method: str,
    seed: int | None,
    asked: dict[str, float],
    scan: Row | None = None,
) -> Row:
    identity: list[Any] = [VERSION, "simulated", collection, model["model_id"]]
    identity.append(seed if scan is None else scan["scan_id"])
    if (method, asked) != (WORK, {"truncation": 1.0}):  # keys of plain works are older than these
        identity += [method, asked]
    return {
        "output_id": key(*identity),
        "method": method,
        "seed": seed,
        "asked": asked,
        "scan_id": None if scan is None else scan["scan_id"],
        "access_path": None if scan is None else scan["access_path"],
        "model_id": model["model_id"],
        "weights_path": model["weights_path"],
    }


@task(cache_policy=NO_CACHE, task_run_name="simulate-{collection}")
def simulate_chunk(settings: SimulateSettings, collection: str, jobs: list[Row]) -> Manifest:
    """Make some files; return one row for each."""
    store = open_catalog(settings.root).store

    def make() -> Manifest:
        simulator = load_simulator(store.read(jobs[0]["weights_path"]))
        maker = Maker(simulator, jobs[0]["model_id"], collection)

        def make_one(job: Row) -> Row:
            asked = replace(maker, settings_sha256=digest(job["asked"]))
            product = _product(store, asked, job)
            made = product.content, product.suffix, product.source_type
            content = signed_bytes(*made, "Simulated work")
            path = f"outputs/simulated/{collection}/{job['output_id']}"
            facts = {
                "width_px": product.width_px,
                "height_px": product.height_px,
                "bit_depth": 8,
                "digital_source_type": product.source_type,
            }
            if product.report:
                report = write_output(store, f"{path}.json", json.dumps(product.report).encode())
                facts |= {
                    "report_path": report["output_path"],
                    "report_sha256": report["output_sha256"],
                }
            return write_output(store, path + product.suffix, content) | facts

        return [attempt(_row(collection, job), lambda job=job: make_one(job)) for job in jobs]

    identity = [job["output_id"] for job in jobs]
    return remembered(store, stage_of("simulated", collection), identity, make)


def _product(store: Store, maker: Maker, job: Row) -> Product:
    match job["method"]:
        case "interpolation":
            return maker.film(job["seed"], job["asked"]["truncation"], job["asked"]["seconds"])
        case "axes":
            return maker.axes(job["seed"])
        case "projection":
            size_px = maker.simulator.preset.size_px
            (picture,) = load_pictures(store, [job["access_path"]], size_px)
            work = square(scale_work(picture, size_px), 0.5)
            return maker.projection(batch_to_arrays(work[None])[0], job["scan_id"])
        case _:
            return maker.work(job["seed"], job["asked"]["truncation"])


def _row(collection: str, job: Row) -> Row:
    return {
        "output_id": job["output_id"],
        "kind": "simulated",
        "collection": collection,
        "scan_id": job["scan_id"],
        "model_id": job["model_id"],
        "method": job["method"],
        "seed": job["seed"],
        "settings_json": json.dumps(job["asked"]),
    }


@task(cache_policy=NO_CACHE, task_run_name="commit-simulated-{collection}")
def commit_simulated(
    settings: SimulateSettings, collection: str, manifests: list[Manifest], run_id: str
) -> dict[str, int]:
    """Record a collection's simulated works in one commit."""
    catalog = open_catalog(settings.root)
    return commit_outputs(catalog, "simulated", collection, manifests, run_id)
