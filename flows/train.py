"""The train flow: models for the base and for each collection whose data changed."""

from prefect import flow

from artgan.config import TrainSettings
from flows.runner import task_runner
from tasks.collections import catalogued_collections
from tasks.compare import compare_models, plan_comparison
from tasks.run import recorded_run
from tasks.starter import adopt_starter
from tasks.train import BASE, plan_model, train_model


@flow(name="train", task_runner=task_runner())
def train(settings: TrainSettings) -> dict[str, int]:
    """Train models where the data has changed: an archive-wide base, then each collection."""
    with recorded_run("train", settings) as run:
        if "restoration" in settings.kinds:
            adopt_starter(settings, run.run_id)
        collections = catalogued_collections(settings)
        for kind in settings.kinds:
            for collection in [BASE, *collections]:
                job = plan_model(settings, kind, collection)
                if job is None:
                    run.count({"skipped": 1})
                    continue
                train_model(settings, job, run.run_id)
                run.count({"done": 1, "models": 1})
        if settings.compare and "simulation" in settings.kinds:
            for collection in collections:
                pair = plan_comparison(settings, collection)
                if pair is not None:
                    train_model(settings, pair[1], run.run_id)
                    run.count({"done": 1, "models": 1})
                    compare_models(settings, *pair, run.run_id)
    return dict(run.counts)
