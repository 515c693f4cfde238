"""The task of the publish flow."""

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.publish import FOLDER, publish
from artgan.catalog.schema import TABLES
from artgan.catalog.table import open_catalog
from artgan.catalog.verify import verify
from artgan.config import FlowSettings
from artgan.storage import store_at


@task(cache_policy=NO_CACHE, task_run_name="publish-tables")
def publish_tables(settings: FlowSettings, _run_id: str) -> dict[str, int]:
    """Bring the published snapshots up to date; return the rows of those written anew.

    What was written is read again and checked; whatever breaks a rule is said in the log.
    """
    log = get_run_logger()
    catalog = open_catalog(settings.root)
    for table in TABLES:
        catalog.compact(table)
    written = publish(catalog)
    log.info("published %s", ", ".join(f"{n} ({c})" for n, c in written.items()))
    verdicts = verify(store_at(catalog.store.uri(FOLDER))) if written else []
    for problem in [problem for verdict in verdicts for problem in verdict.problems]:
        log.warning("%s", problem)
    return written
