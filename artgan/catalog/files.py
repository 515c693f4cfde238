"""The files behind a Delta table: how they are written, when joined, when removed."""

import time
from typing import Any

import deltalake
import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import fs

WRITING = deltalake.WriterProperties(compression="ZSTD", max_row_group_size=16_384)
"""How every file is written: a filter skips the groups of rows that have nothing for it."""
SMALL_FILE_BYTES = 10_000_000
"""A tenth of what the engine makes of them."""
_MANY_FILES = 32
_TOO_MANY_FILES = 256
_WORTH_JOINING = 0.25


def dataset(opened: deltalake.DeltaTable) -> ds.Dataset:
    """Return a table as a lazily read Arrow dataset.

    Files of this machine are opened by Arrow itself. Delta's are Python objects, which Arrow's
    threads let go of a moment after a table was read: an interpreter that ends in that moment
    aborts, and a command that did all its work ends with 134.
    """
    if not opened.table_uri.startswith("file:"):
        return opened.to_pyarrow_dataset()
    files, folder = fs.FileSystem.from_uri(opened.table_uri)
    return opened.to_pyarrow_dataset(filesystem=fs.SubTreeFileSystem(folder, files))


def sizes(opened: deltalake.DeltaTable) -> list[int]:
    """Return the sizes of a table's files, in bytes."""
    return pa.table(opened.get_add_actions())["size_bytes"].to_pylist()


def have_piled_up(sizes: list[int]) -> bool:
    """Whether a writer should join a table's files: they are many and, together, not few bytes.

    Joining writes the whole table again. It waits until a quarter of the table lies outside its
    largest file, so that each row is written again a few times in its life, not with every commit.
    """
    beside = sum(sizes) - max(sizes, default=0)
    many = len(sizes) > _MANY_FILES and beside >= _WORTH_JOINING * sum(sizes)
    return many or len(sizes) > _TOO_MANY_FILES


def vacuum(opened: deltalake.DeltaTable, keep_days: int, *, dry_run: bool) -> list[str]:
    """Remove files that no version of the last days needs, and return their names.

    Args:
        opened: The table.
        keep_days: Versions that were current within this many days stay readable; at least 7.
        dry_run: Only return the names.
    """
    # A checkpoint forgets after a week which files the versions before it needed, so the
    # versions to keep are named.
    keep = _replaced_versions(opened, keep_days)
    found = opened.vacuum(24 * keep_days, dry_run=True, full=True, keep_versions=keep)
    if found and not dry_run:
        opened.vacuum(24 * keep_days, dry_run=False, full=True, keep_versions=keep)
    return sorted(found)


def _replaced_versions(opened: deltalake.DeltaTable, keep_days: int) -> list[int]:
    """Return versions that together need every file removed from the table in the last days."""
    since_ms = (time.time() - keep_days * 86400) * 1000
    commits = opened.history()
    oldest = min(commit["version"] for commit in commits)
    return [
        commit["version"] - 1
        for commit in commits
        if commit["version"] > oldest
        and commit.get("timestamp", since_ms) >= since_ms
        and not _only_adds(commit)
    ]


def _only_adds(commit: dict[str, Any]) -> bool:
    if commit.get("operation") == "WRITE":
        return commit.get("operationParameters", {}).get("mode") == "Append"
    return commit.get("operation") in {"CREATE TABLE", "VACUUM START", "VACUUM END"}
