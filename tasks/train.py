"""Tasks of the train flow."""

import json
import logging
import time
from dataclasses import replace
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State

from artgan.catalog.models import BASE, STARTER, in_use, trained, withdrawn_works
from artgan.catalog.schema import MODELS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.works import access_size, collection_names, works
from artgan.clock import now
from artgan.config import TrainSettings
from artgan.errors import KilledError, MissingAssetError
from artgan.keys import VERSION
from artgan.presets import SIMULATION_SIZES, USUAL_LOSS, Kind, SimulationPreset
from artgan.stylize.losses import find_vgg
from artgan.training.launch import launch
from artgan.training.plan import (
    OF_TWO_SIDES,
    TAUGHT,
    Decision,
    TrainJob,
    Works,
    can_be_judged,
    decide,
    fitting,
    made_alike,
    most_works,
    sizes_of,
    steps_of,
)
from tasks.progress import ProgressBar

Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]

FEW_WORKS = 50
_LOG_EVERY_S = 10.0
_MODEL_COLUMNS = set(MODELS.schema.names)
_WORK_COLUMNS = ("scan_id", "access_path", "collection")


@task(cache_policy=NO_CACHE, task_run_name="plan-{kind}-{collection}")
def plan_model(settings: TrainSettings, kind: Kind, collection: str) -> TrainJob | None:
    """Return the job that a collection or the base needs now, or None."""
    log = get_run_logger()
    catalog = open_catalog(settings.root)
    job = make_job(catalog, settings, kind, collection)
    count = len(works(catalog, None if collection == BASE else collection))
    if job.steps == 0:
        return None
    if count < settings.min_works or not can_be_judged(job):
        log.info("%s %s: too few to train (%d works)", collection, kind, count)
        return None
    if kind == "simulation" and count < FEW_WORKS:
        log.warning(
            "%s simulation: %d works are few, under %d; works may repeat those learned from. "
            "The copy ratio decides on promotion; look at the nearest works in the report.",
            *(collection, count, FEW_WORKS),
        )
    decision = decide_on(catalog, settings, job)
    log.info("%s %s: %s", collection, kind, decision.reason)
    if decision.train and kind in TAUGHT and not _has_teacher(settings, kind):
        return None
    return job if decision.train else None


def _has_teacher(settings: TrainSettings, kind: Kind) -> bool:
    """Whether VGG-19 is there; if not, the log says so and the other kinds train."""
    try:
        find_vgg(settings.weights, f"training {kind}")
    except MissingAssetError as error:
        get_run_logger().warning("%s", error)
        return False
    return True


def decide_on(catalog: Catalog, settings: TrainSettings, job: TrainJob) -> Decision:
    """Decide whether a job is worth doing: its works changed, or nothing like it was made yet."""
    rows = trained(catalog, job.kind, job.collection, job.preset)
    last = next((row for row in reversed(rows) if made_alike(row, job)), None)
    if settings.force:
        return Decision(train=True, reason="asked for")
    is_base = job.collection == BASE
    return decide(
        None if last is None else _training_scans(catalog, last),
        job.train.scan_ids,
        settings.base_changed_fraction if is_base else settings.changed_fraction,
        None if is_base else settings.changed_works,
        withdrawn_works(catalog, last),
    )


def _training_scans(catalog: Catalog, model: dict[str, Any]) -> list[str]:
    folder = model["weights_path"].rsplit("/", 1)[0]
    return json.loads(catalog.store.read(f"{folder}/model.json"))["training_scans"]


def make_job(catalog: Catalog, settings: TrainSettings, kind: Kind, collection: str) -> TrainJob:
    """Describe the training of a collection or the base from the catalog as it is."""
    own = None if collection == BASE else collection
    simulation = _simulation(catalog, settings) if kind == "simulation" else None
    sizes = sizes_of(kind, settings.preset, simulation)
    least_px = sizes.size_px if isinstance(sizes, SimulationPreset) else 0
    content: dict[str, Works] = {}
    if kind in OF_TWO_SIDES:
        content = {
            f"content_{split}": _works(catalog, None, split, other_than=collection)
            for split in ("train", "val")
        }
    archive_wide = _clean(catalog, in_use(catalog, kind, BASE))
    if own is None and archive_wide and archive_wide["preset"] != STARTER:
        archive_wide = None  # a base of the archive's own starts from nothing or from the starter
    is_private = kind == "simulation" and settings.privacy_noise > 0
    base = None if is_private else fitting(archive_wide, kind, settings.preset, simulation)
    # What a training starts from is measured at its start; what it cannot start from is not.
    used = _clean(catalog, in_use(catalog, kind, collection))
    incumbent = used or (None if base else archive_wide)
    return TrainJob(
        kind=kind,
        collection=collection,
        preset=settings.preset,
        steps=steps_of(kind, settings.preset, collection, simulation),
        seed=settings.seed,
        train=_works(catalog, own, "train", least_px=least_px).first(
            most_works(kind, settings.preset)
        ),
        val=_works(catalog, own, "val", least_px=least_px),
        base_model=_folder(base),
        incumbent=_folder(incumbent),
        weights=settings.weights,
        simulation=simulation,
        hardened_codes=settings.hardened_codes if kind == "detection" else 0,
        **content,
    )


def _clean(catalog: Catalog, model: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a model unless it learned from works that were withdrawn.

    Such a model is neither started from nor defended: whatever is trained without them and has no
    flaw takes its place.
    """
    return None if withdrawn_works(catalog, model) else model


def _simulation(catalog: Catalog, settings: TrainSettings) -> SimulationPreset | None:
    """Return what was chosen for simulation in place of the preset's sizes, or None."""
    chosen = {
        "network": settings.network,
        "loss": settings.loss
        or ("non-saturating" if settings.privacy_noise else USUAL_LOSS[settings.network]),
        "privacy_noise": settings.privacy_noise,
        "continuous": settings.codes,
        "modes": settings.modes,
        "frozen": settings.frozen,
        "classes": tuple(collection_names(catalog)) if settings.by_collection else (),
    }
    of_preset = sizes_of("simulation", settings.preset)
    assert isinstance(of_preset, SimulationPreset)
    sized = SIMULATION_SIZES[settings.size] if settings.size else of_preset
    made = replace(sized, **chosen)
    return None if made == of_preset else made


def _works(
    catalog: Catalog,
    own: str | None,
    split: str,
    other_than: str | None = None,
    least_px: int = 0,
) -> Works:
    """Return works of a split; what is smaller than a model's works cannot teach it."""
    rows = [
        row
        for row in works(catalog, own, split)
        if row["collection"] != other_than and min(access_size(row)) >= least_px
    ]
    columns = (tuple(row[name] for row in rows) for name in _WORK_COLUMNS)
    return Works(*columns)


def _folder(model: dict[str, Any] | None) -> str | None:
    return None if model is None else model["weights_path"].rsplit("/", 1)[0]


class _Follower:
    """Moves a progress bar as a training reports, and logs when there is something new."""

    def __init__(self, job: TrainJob, log: Logger) -> None:
        self._title, self._steps, self._log = f"{job.collection} {job.kind}", job.steps, log
        self._said_s, self._measures = -_LOG_EVERY_S, ""
        self._bar = ProgressBar(self._title, job.steps, "steps")

    def __call__(self, report: dict[str, Any]) -> None:
        """Show one report of the training."""
        state, _, measures = report["words"].partition(";")
        self._bar.move(report["step"], state.partition(", ")[2])
        if measures != self._measures or time.monotonic() - self._said_s > _LOG_EVERY_S:
            self._log.info("%s: %s", self._title, report["words"])
            self._said_s, self._measures = time.monotonic(), measures

    def end(self, reason: str) -> None:
        """Fill the bar: the model is there."""
        self._bar.stop(self._steps, reason)


def _was_killed(_task: object, _run: object, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), KilledError)


@task(
    cache_policy=NO_CACHE,
    task_run_name="train-{job.kind}-{job.collection}",
    retries=3,
    retry_delay_seconds=2,
    retry_condition_fn=_was_killed,
)
def train_model(settings: TrainSettings, job: TrainJob, run_id: str) -> str:
    """Train one model in child processes and record it; return its id.

    A training that was killed goes on from its last state, three times at most.
    """
    log = get_run_logger()
    catalog = open_catalog(settings.root)
    finished = f"{job.folder}/model.json"
    if not catalog.store.exists(finished):
        follower = _Follower(job, log)
        launch(settings.root, job, follower, log.log)
        follower.end(json.loads(catalog.store.read(finished))["reason"])
    model = json.loads(catalog.store.read(finished))
    row = {name: value for name, value in model.items() if name in _MODEL_COLUMNS}
    catalog.append(
        MODELS,
        [
            row
            | {
                "catalog_version": catalog.version(SCANS),
                "code_version": VERSION,
                "created_at": now(),
                "run_id": run_id,
            }
        ],
    )
    log.info("%s %s: %s", job.collection, job.kind, model["reason"])
    return job.model_id
