"""The nightly flow: everything that is new, from the inbox to the published tables."""

from prefect import flow

from artgan.config import NightlySettings
from flows.ingest import ingest
from flows.report import report
from flows.restore import restore
from flows.simulate import simulate
from flows.stylize import stylize
from flows.train import train
from tasks.publish import publish_tables
from tasks.report import check_extractor, write_pages
from tasks.run import recorded_run


@flow(name="nightly")
def nightly(settings: NightlySettings) -> dict[str, int]:
    """Do everything that is new: ingest, train, restore, simulate, stylize, report, publish."""
    with recorded_run("nightly", settings, afterwards=[write_pages, publish_tables]) as run:
        check_extractor(settings.report())
        run.count(ingest(settings.ingest()))
        run.count(train(settings.train()))
        run.count(restore(settings.restore()))
        run.count(simulate(settings.simulate()))
        run.count(stylize(settings.stylize()))
        run.count(report(settings.report()))
    return dict(run.counts)
