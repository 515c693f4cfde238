"""Tasks of the maintain flow."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.settings import get_current_settings

from artgan.catalog.maintain import Item, carry_out, find, tally
from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.config import MaintainSettings
from artgan.report.words import count, file_size
from artgan.storage import open_store

ROWS_SHOWN = 1000
_RESULT_MARKS = (b'{"metadata":{"storage_key":', b'{"storage_key":')

Row = dict[str, str]


@task(cache_policy=NO_CACHE, task_run_name="find-what-to-tidy")
def find_items(settings: MaintainSettings) -> list[Item]:
    """Find what maintenance would do; nothing is changed.

    Raises:
        InvalidInputError: If the root is not there.
    """
    catalog = Catalog(open_store(settings.root, must_exist=True))
    folder = get_current_settings().results.local_storage_path
    before = now() - timedelta(days=settings.keep_results_days)
    return [*find(catalog, settings), *find_results(folder, before)]


def find_results(folder: Path, before: datetime) -> list[Item]:
    """Find results that Prefect keeps in a folder of this machine; other files are left alone.

    Args:
        folder: Prefect's local result storage.
        before: Only results written before this moment.
    """
    items = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        facts = path.stat()
        modified_at = datetime.fromtimestamp(facts.st_mtime, UTC)
        if modified_at < before and _is_result(path):
            reason = f"result of a task, {(now() - modified_at).days} days old"
            items.append(Item("prefect_results", str(path), (str(path),), facts.st_size, reason))
    return items


def _is_result(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(max(map(len, _RESULT_MARKS))).startswith(_RESULT_MARKS)


@task(cache_policy=NO_CACHE, task_run_name="tidy")
def tidy(settings: MaintainSettings, items: list[Item]) -> dict[str, int]:
    """Do what was found; return its counts."""
    carry_out(open_catalog(settings.root), settings, items)
    for item in items:
        if item.kind == "prefect_results":
            Path(item.name).unlink(missing_ok=True)
    return tally(items)


@task(cache_policy=NO_CACHE, task_run_name="list-items")
def show_items(settings: MaintainSettings, items: list[Item]) -> dict[str, int]:
    """List what was found on the run's page; return its counts."""
    counts = tally(items)
    freed = file_size(counts.get("bytes_freed", 0))
    begin, end = ("Would tidy", "to be freed") if settings.dry_run else ("Tidied", "freed")
    sentence = f"{begin} {count(len(items), 'thing')}; {freed} {end}."
    get_run_logger().info("%s", sentence)
    if items:
        create_table_artifact(key="maintain-items", table=rows_of(items), description=sentence)
    return counts


def rows_of(items: Iterable[Item]) -> list[Row]:
    """Return lines for people, the largest first; a last one says how many more there are."""
    ordered = sorted(items, key=lambda item: (-item.size, item.name))
    rows = [
        {
            "what": item.kind.replace("_", " "),
            "where": item.name,
            "size": file_size(item.size),
            "why": item.reason,
        }
        for item in ordered[:ROWS_SHOWN]
    ]
    if len(ordered) > ROWS_SHOWN:
        rest = ordered[ROWS_SHOWN:]
        size = file_size(sum(item.size for item in rest))
        where = f"and {len(rest):,} more, none of them larger"
        rows.append({"what": "", "where": where, "size": size, "why": ""})
    return rows
