"""The report flow: measure the models in use, write the pages."""

from prefect import flow

from artgan.config import ReportSettings
from artgan.presets import ENHANCERS
from flows.runner import task_runner
from tasks.collections import catalogued_collections
from tasks.report import (
    check_extractor,
    measure_detection,
    measure_enhancement,
    measure_privacy,
    measure_restoration,
    measure_robustness,
    measure_simulation,
    measure_stylization,
    refresh_archive_network,
    write_pages,
)
from tasks.run import recorded_run


@flow(name="report", task_runner=task_runner())
def report(settings: ReportSettings) -> dict[str, int]:
    """Measure the models in use and write the report pages."""
    with recorded_run("report", settings, afterwards=[write_pages]) as run:
        check_extractor(settings)
        refresh_archive_network(settings)
        for collection in catalogued_collections(settings):
            run.count(measure_restoration(settings, collection, run.run_id))
            run.count(measure_simulation(settings, collection, run.run_id))
            run.count(measure_stylization(settings, collection, run.run_id))
            run.count(measure_detection(settings, collection, run.run_id))
            run.count(measure_privacy(settings, collection, run.run_id))
            run.count(measure_robustness(settings, collection, run.run_id))
            for kind in ENHANCERS:
                run.count(measure_enhancement(settings, kind, collection, run.run_id))
    return dict(run.counts)
