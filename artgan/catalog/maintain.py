"""Housekeeping of an archive: what nobody needs any more is found first, then removed.

Finding changes nothing, so a dry run and a real one name the same things. No row of any table is
touched: rows tell what happened, files are what takes room. A model that was never promoted loses
its weights, not its row and not its ``model.json``, which then says what was removed and why.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from artgan.catalog.models import CONFIDENTIAL
from artgan.catalog.schema import MODELS, OUTPUTS, TABLES
from artgan.catalog.table import Catalog
from artgan.clock import now
from artgan.config import MaintainSettings
from artgan.storage import TEMPORARY, Entry

FEWEST_SMALL_FILES = 8
"""Small files of a table from which joining them is worth it."""
MOST_COMMITS = 50
"""Commits that a reader may have to replay before a table's log gets a checkpoint."""
FEATURES = "features"
"""Folder of what feature networks made of pictures; all of it can be computed again."""
KEEP_FEATURES_DAYS = 90
"""Days that kept features stay without being used; used ones are written again before."""

Kind = Literal[
    "tables_to_compact",
    "logs_to_checkpoint",
    "table_files",
    "models",
    "unfinished_trainings",
    "features",
    "leftovers",
    "prefect_results",
]

_REMOVED_BY_KEY = {"models", "unfinished_trainings", "features", "leftovers"}
_CARD = "model.json"

Row = dict[str, Any]


@dataclass(frozen=True)
class Item:
    """One thing to tidy up.

    Attributes:
        kind: What it is; counts are kept under this name.
        name: Table, folder or file, as a person would look for it.
        keys: Objects to remove, by key below the archive root; files on this machine for
            Prefect's results; none where nothing is removed.
        size: Bytes of those objects, or of the small files to be joined.
        reason: Why, in a few words.
        table: Table of the catalog that it belongs to, if any.
    """

    kind: Kind
    name: str
    keys: tuple[str, ...]
    size: int
    reason: str
    table: str = ""


def find(catalog: Catalog, settings: MaintainSettings, at: datetime | None = None) -> list[Item]:
    """Find what maintenance would do to an archive; nothing is changed.

    Args:
        catalog: The archive.
        settings: How long things are kept.
        at: The moment that ages are counted from; now if not given.
    """
    at = at or now()
    return [
        *_find_in_tables(catalog, settings.keep_versions_days),
        *_find_in_models(catalog, settings, at),
        *_find_features(catalog, at),
        *_find_leftovers(catalog, at - timedelta(days=settings.keep_results_days), at),
    ]


def carry_out(catalog: Catalog, settings: MaintainSettings, items: Sequence[Item]) -> None:
    """Do what `find` found, in an order in which an interruption does no harm.

    Prefect's results are left to the caller: they do not lie in the archive.
    """
    wanted = {(item.kind, item.table) for item in items}
    for table in TABLES:
        if ("table_files", table.name) in wanted:
            catalog.vacuum(table, settings.keep_versions_days, dry_run=False)
        if ("tables_to_compact", table.name) in wanted:
            catalog.compact(table, FEWEST_SMALL_FILES - 1)
        if ("logs_to_checkpoint", table.name) in wanted:
            catalog.checkpoint(table)
    for item in items:
        if item.kind == "models":
            _note(catalog, item)
        if item.kind in _REMOVED_BY_KEY:
            for key in item.keys:
                catalog.store.delete(key)


def tally(items: Iterable[Item]) -> dict[str, int]:
    """Count items and bytes by kind, and the bytes that all removals free."""
    counts: Counter[str] = Counter()
    for item in items:
        counts[item.kind] += 1
        if item.keys:
            counts[f"{item.kind}_bytes"] += item.size
            counts["bytes_freed"] += item.size
    return dict(counts)


def _find_in_tables(catalog: Catalog, keep_days: int) -> list[Item]:
    items = []
    for table in TABLES:
        folder = f"catalog/{table.name}"
        unneeded = set(catalog.vacuum(table, keep_days, dry_run=True))
        for entry in catalog.store.entries(folder) if unneeded else []:
            if entry.key.removeprefix(f"{folder}/") in unneeded:
                reason = f"no version of the last {keep_days} days needs it"
                items.append(_file("table_files", entry, reason, table.name))
        small = catalog.small_files(table)
        if len(small) >= FEWEST_SMALL_FILES:
            reason = f"{len(small)} small files, to be joined; they go {keep_days} days later"
            items.append(Item("tables_to_compact", folder, (), sum(small), reason, table.name))
        commits = catalog.commits_to_replay(table)
        if commits > MOST_COMMITS:
            reason = f"{commits} commits to replay"
            items.append(Item("logs_to_checkpoint", folder, (), 0, reason, table.name))
    return items


def _file(kind: Kind, entry: Entry, reason: str, table: str = "") -> Item:
    return Item(kind, entry.key, (entry.key,), entry.size, reason, table)


def _find_in_models(catalog: Catalog, settings: MaintainSettings, at: datetime) -> list[Item]:
    folders: dict[str, list[Entry]] = {}
    for entry in catalog.store.entries("models"):
        folders.setdefault(entry.key.rsplit("/", 1)[0], []).append(entry)
    for entry in catalog.store.entries(CONFIDENTIAL):
        place = entry.key.rsplit("/", 1)[0].removeprefix(CONFIDENTIAL)
        folders.setdefault(f"models{place}", []).append(entry)
    unused = unused_models(catalog, at - timedelta(days=settings.keep_unpromoted_days))
    by_folder = {row["weights_path"].rsplit("/", 1)[0]: row for row in unused}
    before = at - timedelta(days=settings.keep_results_days)
    items = []
    for folder, entries in folders.items():
        row = by_folder.get(folder)
        finished = any(entry.key == f"{folder}/{_CARD}" for entry in entries)
        if finished and row is not None:
            reason = f"never promoted, trained {_days(row['created_at'], at)} days ago"
            gone = [entry for entry in entries if entry.key != f"{folder}/{_CARD}"]
            items += [_folder("models", folder, gone, reason)] if gone else []
        elif not finished and all(entry.modified_at < before for entry in entries):
            newest = max(entry.modified_at for entry in entries)
            reason = f"training stopped {_days(newest, at)} days ago and never went on"
            items.append(_folder("unfinished_trainings", folder, entries, reason))
    return items


def _folder(kind: Kind, folder: str, entries: Sequence[Entry], reason: str) -> Item:
    size = sum(entry.size for entry in entries)
    return Item(kind, folder, tuple(entry.key for entry in entries), size, reason)


def unused_models(catalog: Catalog, before: datetime) -> list[Row]:
    """Return models that nothing refers to: never promoted, no base, nothing made with them.

    Args:
        catalog: The archive.
        before: Only models trained before this moment.
    """
    rows = {row["model_id"]: row for row in catalog.rows(MODELS)}
    unused = {
        name
        for name, row in rows.items()
        if row["promoted"] is False and row["created_at"] and row["created_at"] < before
    }
    used = pc.field("model_id").isin(pa.array(sorted(unused), pa.string()))
    unused -= set(catalog.read(OUTPUTS, ["model_id"], used)["model_id"].to_pylist())
    # A base is needed by a model that stays, whose own base is then needed as well.
    while bases := unused & {rows[name]["base_model_id"] for name in rows.keys() - unused}:
        unused -= bases
    return [rows[name] for name in sorted(unused)]


def _find_leftovers(catalog: Catalog, before: datetime, at: datetime) -> list[Item]:
    reasons = {"_work": "left by a run that was never finished", TEMPORARY: "half written"}
    return [
        _file("leftovers", entry, f"{reason}, {_days(entry.modified_at, at)} days old")
        for folder, reason in reasons.items()
        for entry in catalog.store.entries(folder)
        if entry.modified_at < before
    ]


def _find_features(catalog: Catalog, at: datetime) -> list[Item]:
    before = at - timedelta(days=KEEP_FEATURES_DAYS)
    return [
        _file("features", entry, f"not used for {_days(entry.modified_at, at)} days")
        for entry in catalog.store.entries(FEATURES)
        if entry.modified_at < before
    ]


def _days(since: datetime, at: datetime) -> int:
    return (at - since).days


def _note(catalog: Catalog, item: Item) -> None:
    """Say in a model's own file that its weights are gone, before they are."""
    path = f"{item.name}/{_CARD}"
    card = json.loads(catalog.store.read(path))
    gone = sorted(key.rsplit("/", 1)[1] for key in item.keys)
    card["removed"] = {"files": gone, "at": now().isoformat(), "reason": item.reason}
    catalog.store.write(path, json.dumps(card, indent=1).encode())
