"""The base that comes with artgan, taken over by an archive that has none."""

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.models import BASE, in_use
from artgan.catalog.schema import MODELS, SCANS
from artgan.catalog.table import open_catalog
from artgan.clock import now
from artgan.config import ArchiveSettings
from artgan.keys import VERSION
from artgan.training.starter import install


@task(cache_policy=NO_CACHE, task_run_name="adopt-starter")
def adopt_starter(settings: ArchiveSettings, run_id: str) -> None:
    """Give an archive without a filler the one that comes with artgan."""
    catalog = open_catalog(settings.root)
    if in_use(catalog, "restoration", BASE) is not None:
        return
    model = install(catalog.store)
    row = {name: value for name, value in model.items() if name in MODELS.schema.names}
    stamp = {
        "catalog_version": catalog.version(SCANS),
        "code_version": VERSION,
        "created_at": now(),
        "run_id": run_id,
    }
    catalog.append(MODELS, [row | stamp])
    get_run_logger().info("no filler yet: %s", model["reason"])
