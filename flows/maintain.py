"""The maintain flow: small table files, old table versions, models nobody uses, leftovers."""

from prefect import flow

from artgan.config import MaintainSettings
from tasks.maintain import find_items, show_items, tidy
from tasks.run import recorded_run


@flow(name="maintain")
def maintain(settings: MaintainSettings) -> dict[str, int]:
    """Tidy the archive's store; a dry run changes nothing, so it leaves no record either."""
    items = find_items(settings)
    if settings.dry_run:
        return show_items(settings, items)
    with recorded_run("maintain", settings) as run:
        counts = tidy(settings, items)
        show_items(settings, items)
        run.count(counts | {"done": len(items)})
    return counts
