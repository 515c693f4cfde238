"""The task of the publish flow."""

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.publish import publish
from artgan.catalog.schema import TABLES
from artgan.catalog.table import open_catalog
from artgan.config import ArchiveSettings, PublishSettings


@task(cache_policy=NO_CACHE, task_run_name="publish-tables")
def publish_tables(settings: ArchiveSettings | PublishSettings, _run_id: str) -> dict[str, int]:
    """Bring the published snapshots up to date; return the rows of those written anew."""
    catalog = open_catalog(settings.root)
    for table in TABLES:
        catalog.compact(table)
    written = publish(catalog)
    get_run_logger().info("published %s", ", ".join(f"{n} ({c})" for n, c in written.items()))
    return written
