"""The publish flow: plain Parquet snapshots for readers that only glob files."""

from prefect import flow

from artgan.config import PublishSettings
from flows.runner import task_runner
from tasks.publish import publish_tables
from tasks.run import recorded_run


@flow(name="publish", task_runner=task_runner())
def publish(settings: PublishSettings) -> dict[str, int]:
    """Write plain Parquet snapshots of the catalog."""
    with recorded_run("publish", settings, afterwards=[publish_tables]) as run:
        pass
    return dict(run.counts)
