"""The frame of every flow run: identity, log, counts, record, summary."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from prefect import get_run_logger
from prefect.context import TagsContext
from prefect.runtime import flow_run as own_run

from artgan.catalog.runs import Run, close_run, finish_run, start_run
from artgan.catalog.table import open_catalog
from artgan.config import FlowSettings
from artgan.errors import ArtganError
from tasks.summary import shown

# A run that another run started in another process carries this tag and the other's run_id.
PARENT_TAG = "parent:"

_CURRENT: ContextVar[Run | None] = ContextVar("run", default=None)


@contextmanager
def recorded_run(
    flow: str,
    settings: FlowSettings,
    afterwards: Sequence[Callable[[Any, str], object]] = (),
) -> Iterator[Run]:
    """Give a flow run its identity, and write its row when it ends, well or badly.

    Args:
        flow: Name of the flow.
        settings: Settings of the run.
        afterwards: Called with settings and run_id when the row is there; for pages and
            snapshots that show it.
    """
    catalog = open_catalog(settings.root)
    run = start_run(catalog, flow, settings, _parent_run_id())
    catalog.store.sweep()
    log = get_run_logger()
    log.info("%s starts on %s", run.run_id, settings.root)
    # A task with tags asks the server for the place of each and gives it back: calls that SQLite
    # often refuses at first, which costs two seconds. Tags are for runs of flows.
    with shown(catalog, run), TagsContext(current_tags=set()):
        token = _CURRENT.set(run)
        try:
            yield run
        except ArtganError as error:
            finish_run(catalog, run, "failed", str(error))
            close_run(catalog, run)
            raise
        finally:
            _CURRENT.reset(token)
        alarm = " ".join(run.alarms)
        message = alarm or outcome(run.counts)
        finish_run(catalog, run, "failed" if alarm else "completed", message)
        if run.parent_run_id is None:
            for step in afterwards:
                step(settings, run.run_id)
        close_run(catalog, run)
        if alarm:
            raise ArtganError(alarm)
        log.info("%s: %s", run.run_id, message)


@contextmanager
def alarming(run: Run) -> Iterator[None]:
    """Let a run go on after a step that failed; it fails at its end, when all else is done."""
    try:
        yield
    except ArtganError as error:
        get_run_logger().error("%s", error)
        run.alarms.append(str(error))


def _parent_run_id() -> str | None:
    """Return the run that started this one, in this process or in another."""
    current = _CURRENT.get()
    if current is not None:
        return current.run_id
    tags = [tag for tag in own_run.tags if tag.startswith(PARENT_TAG)]
    return tags[0].removeprefix(PARENT_TAG) if tags else None


def outcome(counts: Counter[str]) -> str:
    """Say in a sentence what a run made."""
    named = ("done", "skipped", "failed", "quarantined")
    parts = [f"{counts[name]:,} {name}" for name in named if counts[name]]
    return (", ".join(parts) or "nothing to do") + "."


def check_failures(run: Run, max_failed_fraction: float) -> None:
    """Fail a run in which too large a fraction of the items failed.

    Raises:
        ArtganError: If so.
    """
    tried = run.counts["done"] + run.counts["failed"]
    if tried and run.counts["failed"] > max_failed_fraction * tried:
        raise ArtganError(
            f"failed fraction must be at most {max_failed_fraction}, got "
            f"{run.counts['failed']} of {tried} items. See the messages in the outputs table."
        )
