"""The task that most flows begin with."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.table import open_catalog
from artgan.catalog.works import chosen_collections
from artgan.config import ArchiveSettings


@task(cache_policy=NO_CACHE)
def catalogued_collections(settings: ArchiveSettings) -> list[str]:
    """Return the collections to work on."""
    return chosen_collections(open_catalog(settings.root), settings.collections)
