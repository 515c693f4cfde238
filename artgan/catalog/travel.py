"""Earlier states of a table: which version was current when, and whether it can still be read."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import deltalake
from deltalake.exceptions import DeltaError

from artgan.catalog.schema import Table
from artgan.errors import InvalidInputError, MissingAssetError
from artgan.storage import Store


def parse_moment(text: str) -> datetime:
    """Return the moment that a text in ISO 8601 names; a date means its end. UTC unless it says so.

    Raises:
        InvalidInputError: If it is no date and no moment.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInputError(
            f"as_of must be a date or a moment, got {text!r}. Write 2026-11-01 or 2026-11-01T12:00."
        ) from error
    if len(text) <= len("2026-11-01"):
        moment += timedelta(days=1) - timedelta(microseconds=1)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def open_version(
    store: Store, table: Table, version: int, opener: Callable[[], deltalake.DeltaTable | None]
) -> deltalake.DeltaTable:
    """Open a table as it was, having made sure that all its files are still there.

    Args:
        store: The archive root.
        table: The table.
        version: Version that is opened.
        opener: Opens it; returns None for a table that is not there.

    Raises:
        MissingAssetError: If the version is not kept any more, or was never made.
    """
    try:
        opened = opener()
    except DeltaError as error:
        raise _gone(table, version) from error
    if opened is None:
        raise _gone(table, version)
    there = {entry.key.rsplit("/", 1)[1] for entry in store.entries(f"catalog/{table.name}")}
    if not {uri.rsplit("/", 1)[1] for uri in opened.file_uris()} <= there:
        raise _gone(table, version)
    return opened


def version_at(opened: deltalake.DeltaTable, table: Table, moment: datetime) -> int:
    """Return the version that was current at a moment; -1 if the table was not there yet.

    Raises:
        MissingAssetError: If the log does not reach back that far.
    """
    commits = {commit["version"]: commit.get("timestamp", 0) for commit in opened.history()}
    before = [number for number, made in commits.items() if made <= moment.timestamp() * 1000]
    if before:
        return max(before)
    oldest = min(commits)
    if oldest == 0:
        return -1
    since = datetime.fromtimestamp(commits[oldest] / 1000, UTC)
    raise MissingAssetError(
        f"{table.name} must be kept as it was at {moment:%Y-%m-%d %H:%M} UTC, got a log that "
        f"begins at {since:%Y-%m-%d %H:%M} with version {oldest}. Ask for a later moment."
    )


def _gone(table: Table, version: int) -> MissingAssetError:
    return MissingAssetError(
        f"{table.name} must be kept at version {version}, got no such version: it was never made, "
        "or `artgan maintain` removed its files. Ask for a later one."
    )
