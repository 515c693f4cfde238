"""Progress of a stage whose chunks run side by side, as a bar on the run's page."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import SettingsContext, get_settings_context
from prefect.futures import PrefectFuture

_LEAST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 10.0
_PAUSE_AFTER_ERROR_S = 60.0
_SHARE = 0.01  # of a run's time that a bar may take

Result = TypeVar("Result")


@contextmanager
def outcome_first(what: str) -> Iterator[None]:
    """Let what is only shown go wrong: a warning in the run's log, and the run goes on."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever a server answers, the work comes first
        words = f"{type(error).__name__}: {error}".splitlines()[0]
        get_run_logger().warning("%s cannot be shown in Prefect: %s", what, words)


class ProgressBar:
    """A bar that says ``3 of 12 chunks`` and never stops the work that it shows.

    It moves at most once a second; less often, down to once in ten, where a move takes more than
    a hundredth of that; after an error of the server once a minute. Its last move always comes.
    """

    def __init__(self, title: str, total: int, noun: str = "chunks") -> None:
        self._title, self._total, self._noun = title, total, noun
        self._artifact: UUID | None = None
        self._next_s = 0.0
        self._last = -1
        self._move(0)

    def move(self, done: int, more: str = "") -> None:
        """Say how many of the total are done, and more if there is more to say."""
        if done >= self._total or time.monotonic() >= self._next_s:
            self._move(done, more)

    def stop(self, done: int, more: str = "") -> None:
        """Leave the bar where the work ended, early or not."""
        if done != self._last or more:
            self._move(done, more)

    def _move(self, done: int, more: str = "") -> None:
        self._last, pause_s = done, _PAUSE_AFTER_ERROR_S
        started_s = time.monotonic()
        with outcome_first(f"progress of {self._title}"), _trying_once():
            self._show(done, more)
            took_s = time.monotonic() - started_s
            pause_s = min(max(_LEAST_PAUSE_S, took_s / _SHARE), _LONGEST_PAUSE_S)
        self._next_s = time.monotonic() + pause_s

    def _show(self, done: int, more: str) -> None:
        percent = 100.0 * min(1.0, done / self._total)
        words = f"{self._title}: {done:,} of {self._total:,} {self._noun}"
        words += more and f", {more}"
        if self._artifact is not None:
            update_progress_artifact(self._artifact, progress=percent, description=words)
            return
        made: Any = create_progress_artifact(percent, description=words)
        self._artifact = made


def _trying_once() -> SettingsContext:
    """Settings in which Prefect's client does not try again.

    Its own five tries would hold a stage for a minute when the server is gone. Copied, since
    Prefect's way to change a setting reads all of them anew, which takes longer than the request.
    """
    context = get_settings_context()
    client = context.settings.client.model_copy(update={"max_retries": 0})
    return context.model_copy(
        update={"settings": context.settings.model_copy(update={"client": client})}
    )


def gather(futures: Sequence[PrefectFuture[Result]], title: str) -> list[Result]:
    """Wait for chunks and return their results in order, moving a bar as they come in.

    Args:
        futures: What ``submit`` returned for each chunk.
        title: Words beside the bar: stage and collection.
    """
    if not futures:
        return []
    bar = ProgressBar(title, len(futures))
    results: list[Result] = []
    try:
        for future in futures:
            results.append(future.result())
            bar.move(len(results))
    finally:
        bar.stop(len(results))
    return results
