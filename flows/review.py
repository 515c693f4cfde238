"""The review flow: what a conservator thinks of files that were made, on record."""

from prefect import flow

from artgan.config import ReviewSettings
from tasks.publish import publish_tables
from tasks.report import write_pages
from tasks.review import record_review
from tasks.run import recorded_run


@flow(name="review")
def review(settings: ReviewSettings) -> dict[str, int]:
    """Record a judgement of files; their pages say it, and earlier judgements stay."""
    with recorded_run("review", settings, afterwards=[write_pages, publish_tables]) as run:
        run.count(record_review(settings, run.run_id))
    return dict(run.counts)
