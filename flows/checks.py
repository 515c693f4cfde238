"""What is checked before a flow starts, so that wrong settings cost a sentence and no time."""

from artgan.catalog.table import Catalog
from artgan.catalog.works import chosen_collections
from artgan.config import (
    ArchiveSettings,
    IngestSettings,
    NightlySettings,
    PublishSettings,
    Settings,
)
from artgan.ingest.discover import chosen_folders
from artgan.storage import check_conditional_put, open_store


def check_places(settings: Settings) -> None:
    """Refuse a root, an inbox or collections that are not there.

    Raises:
        InvalidInputError: In one sentence, with what to do.
    """
    if not isinstance(settings, ArchiveSettings | PublishSettings):
        return
    brings_scans = isinstance(settings, IngestSettings | NightlySettings)
    store = open_store(settings.root, must_exist=not brings_scans)
    check_conditional_put(store)
    if isinstance(settings, IngestSettings | NightlySettings):
        inbox = open_store(settings.inbox, name="inbox", must_exist=True)
        chosen_folders(inbox, settings.collections)
    elif isinstance(settings, ArchiveSettings):
        chosen_collections(Catalog(store), settings.collections)
