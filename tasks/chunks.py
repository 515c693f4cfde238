"""Work cut into chunks, each remembered when it is done.

A chunk task writes its files first and its manifest last. If the run is killed, the next one
finds the manifests, item by item, and cuts only the rest into chunks: what arrived in between moves
nothing. Manifests are removed when the rows they hold are in the catalog.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from prefect import get_run_logger

from artgan.keys import key
from artgan.storage import Store

_FOLDER = "_work"
_MOST_CHUNKS = 500
_READERS = 8

Manifest = list[dict[str, Any]]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Plan(Generic[Item]):
    """The work of one collection.

    Attributes:
        todo: What is still to be made.
        made: Entries of what a killed run had made and not committed.
    """

    todo: list[Item]
    made: Manifest


def plan(store: Store, stage: str, items: Mapping[str, Item], name: str) -> Plan[Item]:
    """Part items into those to be made and those that a killed run had made.

    Args:
        store: The archive root.
        stage: Stage and collection, as a path.
        items: Items by identity: a hash of all that defines what is made of each.
        name: Where a manifest's entries hold that identity.
    """
    paths = [entry.key for entry in store.entries(f"{_FOLDER}/{stage}")]
    made: dict[str, Manifest] = {}
    with ThreadPoolExecutor(_READERS) as pool:
        for manifest in pool.map(lambda path: json.loads(store.read(path)), paths):
            found: dict[str, Manifest] = {}
            for entry in manifest:
                if entry.get(name) in items:
                    found.setdefault(entry[name], []).append(entry)
            made |= found
    todo = [item for identity, item in items.items() if identity not in made]
    return Plan(todo, [entry for entries in made.values() for entry in entries])


def cut(planned: Mapping[str, Plan[Item]], least: int) -> Iterator[tuple[str, list[list[Item]]]]:
    """Cut the work of a flow run into chunks, collection by collection.

    A server takes about a thousand task runs of one flow run well. So chunks grow with the work,
    to 500 in all, and one more for each collection.

    Args:
        planned: The work, by collection.
        least: Size of a chunk when there is little work.

    Yields:
        Each collection that has something to commit, with its chunks; none where a killed run had
        made everything.
    """
    total = sum(len(work.todo) for work in planned.values())
    size = max(least, -(-total // _MOST_CHUNKS))
    for collection, work in planned.items():
        starts = range(0, len(work.todo), size)
        if work.todo or work.made:
            yield collection, [work.todo[start : start + size] for start in starts]


def remembered(
    store: Store, stage: str, identity: object, make: Callable[[], Manifest]
) -> Manifest:
    """Return a chunk's manifest, made now or, where a task is tried again, by the try before.

    Args:
        store: The archive root.
        stage: Stage and collection, as a path.
        identity: All that defines the chunk; any value that JSON can hold.
        make: Makes the chunk's files and returns rows that JSON can hold.
    """
    log = get_run_logger()
    chunk = key(identity)
    path = f"{_FOLDER}/{stage}/{chunk}.json"
    if store.exists(path):
        log.info("%s: chunk %s was made before", stage, chunk)
        return json.loads(store.read(path))
    started = time.monotonic()
    manifest = make()
    store.write(path, json.dumps(manifest, default=str).encode())
    log.info(
        "%s: chunk %s made, %d items in %.1f s",
        *(stage, chunk, len(manifest), time.monotonic() - started),
    )
    return manifest


def forget(store: Store, stage: str) -> None:
    """Remove the manifests of a stage whose rows are in the catalog."""
    for entry in store.entries(f"{_FOLDER}/{stage}"):
        store.delete(entry.key)
