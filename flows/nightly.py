"""The nightly flow: everything that is new, from the inbox to the published tables."""

from prefect import flow

from artgan.config import NightlySettings
from flows.detect import detect
from flows.enhance import enhance
from flows.fixity import fixity
from flows.ingest import ingest
from flows.report import report
from flows.restore import restore
from flows.runner import task_runner
from flows.simulate import simulate
from flows.stages import run_stage
from flows.stylize import stylize
from flows.train import train
from tasks.publish import publish_tables
from tasks.report import check_extractor, write_pages
from tasks.run import alarming, recorded_run


@flow(name="nightly", task_runner=task_runner())
def nightly(settings: NightlySettings) -> dict[str, int]:
    """Do all that is new: ingest, train, restore, simulate, stylize, fixity, report, publish."""
    with recorded_run("nightly", settings, afterwards=[write_pages, publish_tables]) as run:
        check_extractor(settings.report())
        run_stage(ingest, settings.ingest(), run)
        run_stage(train, settings.train(), run)
        if settings.propose_masks:
            run_stage(detect, settings.detect(), run)
        run_stage(restore, settings.restore(), run)
        if settings.enhancements:
            run_stage(enhance, settings.enhance(), run)
        run_stage(simulate, settings.simulate(), run)
        run_stage(stylize, settings.stylize(), run)
        with alarming(run):
            run_stage(fixity, settings.fixity(), run)
        run_stage(report, settings.report(), run)
    return dict(run.counts)
