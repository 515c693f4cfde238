"""The child process of a training: ``python -m artgan.training.child ROOT JOB``.

One process, or one of several that torchrun started, of which the first does all the writing.
Reads a job, trains, decides on promotion and leaves the model's files in the archive:
``weights.safetensors`` (what use needs), ``samples.png`` and, last of all, ``model.json``; and
in a folder apart ``training.safetensors`` (what a fine-tuning needs besides). A state kept
every few seconds lets a killed training go on exactly where it was.
"""

import hashlib
import json
import logging
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from artgan.catalog.models import WEIGHTS
from artgan.imaging.write import png_bytes
from artgan.keys import set_digest
from artgan.models.checkpoint import pack_weights, unpack_weights
from artgan.presets import architecture
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet
from artgan.storage import Store, open_store
from artgan.training import world
from artgan.training.loop import Progress, Trainee, train
from artgan.training.plan import TrainJob, job_from_json
from artgan.training.preparation import WARM, Preparation, read_if_there
from artgan.training.promote import Promotion, promote

STATE = "state.safetensors"
VALIDATIONS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
_THREADS = 2
_SHORT_STEPS = 50


def run(root: str, job: TrainJob, say: Callable[[dict[str, Any]], None]) -> None:
    """Train one model and leave its files under the job's folder.

    Args:
        root: Archive root.
        job: What to train.
        say: Called with each report of progress, a dictionary that JSON can hold.
    """
    store = open_store(root)
    started = time.monotonic()
    preset = job.sizes
    prepared = Preparation(store, job, replace(preset, batch=world.share_of(preset.batch)))
    trainee = prepared.trainee(job.base_model, job.steps)
    history = train(
        trainee,
        job.steps,
        job.seed,
        load_state=lambda: read_if_there(store, f"{job.confidential}/{STATE}"),
        save_state=lambda state: store.write(f"{job.confidential}/{STATE}", state),
        validate_at=validation_steps(job.steps),
        observe=_observer(say),
    )
    if world.rank() > 0:
        return
    decision = promote(job.kind, history[-1], _incumbent(prepared, job, history))
    _publish(store, job, trainee, history, decision, time.monotonic() - started)
    store.delete(f"{job.confidential}/{STATE}")


def validation_steps(steps: int) -> list[int]:
    """Return the numbers of done steps after which a training measures itself."""
    parts = VALIDATIONS if steps >= _SHORT_STEPS else (0.0, 1.0)
    return sorted({round(part * steps) for part in parts})


def _incumbent(
    prepared: Preparation, job: TrainJob, history: list[dict[str, float]]
) -> dict[str, float] | None:
    """Measure what the new model would replace, on the same held-out works."""
    if job.incumbent is not None:
        return _as_large(prepared, job.incumbent).trainee(job.incumbent, job.steps).validate()
    return history[0] if job.base_model is not None else None


def _as_large(prepared: Preparation, model: str) -> Preparation:
    """Return the preparation for networks of a model's size; another preset may have made it."""
    _, settings = unpack_weights(prepared.store.read(f"{model}/{WEIGHTS}"))
    sizes = architecture(prepared.job.kind, settings["preset"])
    if architecture(prepared.job.kind, asdict(prepared.preset)) == sizes:
        return prepared
    return Preparation(prepared.store, prepared.job, replace(prepared.preset, **sizes))


def _mark(job: TrainJob) -> bytes:
    """Write down what a model's samples are."""
    kind = DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA
    if job.kind == "simulation":
        kind = DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA
    note = f"Samples of a {job.kind} model of {job.collection}, made while it was trained."
    return xmp_packet(kind, Provenance(model_id=job.model_id, note=note))


def _publish(
    store: Store,
    job: TrainJob,
    trainee: Trainee,
    history: list[dict[str, float]],
    decision: Promotion,
    seconds: float,
) -> None:
    settings = {"kind": job.kind, "preset": asdict(job.sizes), "seed": job.seed, "steps": job.steps}
    chosen = {name: trainee.networks[name] for name in trainee.publish}
    weights = pack_weights(chosen, settings)
    store.write(f"{job.folder}/{WEIGHTS}", weights)
    if trainee.warm:
        warm = {name: trainee.networks[name] for name in trainee.warm}
        store.write(f"{job.confidential}/{WARM}", pack_weights(warm, settings))
    store.write(f"{job.folder}/samples.png", png_bytes(trainee.grid(), _mark(job)))
    model = {
        "model_id": job.model_id,
        "kind": job.kind,
        "collection": job.collection,
        "base_model_id": job.base_model and job.base_model.rsplit("/", 1)[1],
        "preset": job.preset,
        "settings_json": json.dumps(settings, sort_keys=True),
        "training_sha256": set_digest(job.train.scan_ids),
        "training_scans": sorted(job.train.scan_ids),
        "n_train": len(job.train),
        "n_val": len(job.val),
        "steps": job.steps,
        "seconds": seconds,
        "metric": decision.metric,
        "value": decision.value,
        "incumbent_value": decision.incumbent_value,
        "promoted": decision.promoted,
        "reason": decision.reason,
        "history_json": json.dumps(history),
        "weights_path": f"{job.folder}/{WEIGHTS}",
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "device": world.devices(),
    }
    store.write(f"{job.folder}/model.json", json.dumps(model, indent=1).encode())


def _observer(say: Callable[[dict[str, Any]], None]) -> Callable[[Progress], None]:
    parent = os.getppid()

    def observe(progress: Progress) -> None:
        if os.getppid() != parent:
            sys.exit("The process that started this training is gone.")
        say({"step": progress.step, "steps": progress.steps, "words": describe(progress)})

    return observe


def describe(progress: Progress) -> str:
    """Say in a line how a training is doing."""
    measures = ", ".join(f"{name} {value:.3g}" for name, value in progress.measures.items())
    words = f"step {progress.step} of {progress.steps}"
    if 0 < progress.step < progress.steps and math.isfinite(progress.left_s):
        words += f", {progress.steps_per_s:.1f} steps/s, {progress.left_s:.0f} s left"
    return words + (measures and f"; {measures}")


def set_up_logging() -> None:
    """Print ``LEVEL name: message`` on standard error; of the others' words only errors."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    logging.captureWarnings(capture=True)
    first = world.rank() == 0
    logging.getLogger("artgan").setLevel(logging.INFO if first else logging.ERROR)


def main() -> None:
    """Run the job whose file is named on the command line."""
    root, path = sys.argv[1:3]

    def say(report: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(report) + "\n")
        sys.stdout.flush()

    with world.joined():
        set_up_logging()
        # A machine that does other work as well may have been given a number by its operator.
        if world.size() > 1 or "OMP_NUM_THREADS" not in os.environ:
            torch.set_num_threads(max(1, min(_THREADS, (os.cpu_count() or 1) // world.size())))
        run(root, job_from_json(Path(path).read_text()), say)


if __name__ == "__main__":
    main()
