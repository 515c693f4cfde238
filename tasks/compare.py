"""Tasks that compare a collection's fine-tuning with a training from nothing."""

import json
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.models import CARD, WEIGHTS
from artgan.catalog.schema import OUTPUTS
from artgan.catalog.table import open_catalog
from artgan.clock import now
from artgan.config import TrainSettings
from artgan.imaging.write import png_bytes
from artgan.keys import VERSION, key
from artgan.models.simulators import load_simulator
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet
from artgan.simulate.comparison import compared, comparison_words, side_by_side
from artgan.training.plan import TrainJob
from tasks.outputs import write_output
from tasks.train import make_job

_MADE = DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA


@task(cache_policy=NO_CACHE, task_run_name="plan-comparison-{collection}")
def plan_comparison(settings: TrainSettings, collection: str) -> tuple[TrainJob, TrainJob] | None:
    """Return a collection's fine-tuning and the same training from nothing, or None."""
    catalog = open_catalog(settings.root)
    tuned = make_job(catalog, settings, "simulation", collection)
    if tuned.base_model is None or not catalog.store.exists(f"{tuned.folder}/{CARD}"):
        words = "no fine-tuned simulation of the works as they are; nothing to compare"
        get_run_logger().info("%s: %s", collection, words)
        return None
    # What is in use is measured beside it in any case; the base, where nothing else is.
    incumbent = tuned.incumbent or tuned.base_model
    return tuned, replace(tuned, base_model=None, incumbent=incumbent)


@task(cache_policy=NO_CACHE, task_run_name="compare-{tuned.collection}")
def compare_models(
    settings: TrainSettings, tuned: TrainJob, scratch: TrainJob, run_id: str
) -> dict[str, Any]:
    """Write base, scratch and fine-tuned works on one sheet, and the numbers beside it."""
    catalog = open_catalog(settings.root)
    store, collection = catalog.store, tuned.collection
    cards = [json.loads(store.read(f"{job.folder}/{CARD}")) for job in (tuned, scratch)]
    numbers = compared(*(json.loads(card["history_json"]) for card in cards))
    get_run_logger().info("%s simulation: %s", collection, comparison_words(numbers))
    folders = [str(tuned.base_model), scratch.folder, tuned.folder]
    models = [PurePosixPath(folder).name for folder in folders]
    simulators = [load_simulator(store.read(f"{folder}/{WEIGHTS}")) for folder in folders]
    sheet = side_by_side(simulators, collection, settings.seed)
    note = Provenance(
        model_id=tuned.model_id,
        title=f"Base, from nothing, fine-tuned: {comparison_words(numbers)}",
        note=f"Made by models that learned from {collection}; not works of any person.",
    )
    output_id = key(VERSION, "comparison", collection, models, settings.seed)
    path = f"outputs/simulated/{collection}/{output_id}"
    report = write_output(store, f"{path}.json", json.dumps(numbers | {"models": models}).encode())
    row = write_output(store, f"{path}.png", png_bytes(sheet, xmp_packet(_MADE, note)))
    catalog.append(
        OUTPUTS,
        [
            row
            | {
                "output_id": output_id,
                "kind": "simulated",
                "collection": collection,
                "model_id": tuned.model_id,
                "method": "comparison",
                "seed": settings.seed,
                "settings_json": json.dumps({"models": models}),
                "status": "ok",
                "width_px": sheet.shape[1],
                "height_px": sheet.shape[0],
                "bit_depth": 8,
                "report_path": report["output_path"],
                "report_sha256": report["output_sha256"],
                "digital_source_type": _MADE,
                "created_at": now(),
                "run_id": run_id,
            }
        ],
    )
    return numbers
