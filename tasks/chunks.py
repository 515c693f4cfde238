"""Work cut into chunks, each remembered when it is done.

A chunk task writes its files first and its manifest last. If the run is killed, the next one
finds the manifests and makes only the chunks that have none. They are removed when the rows they
hold are in the catalog.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from prefect import get_run_logger

from artgan.keys import key
from artgan.storage import Store

_FOLDER = "_work"
_MOST_CHUNKS = 500

Manifest = list[dict[str, Any]]
Item = TypeVar("Item")


def cut(
    planned: Mapping[str, Sequence[Item]], least: int
) -> Iterator[tuple[str, list[list[Item]]]]:
    """Cut the work of a flow run into chunks, collection by collection.

    A server takes about a thousand task runs of one flow run well. So chunks grow with the work,
    to 500 in all, and one more for each collection.

    Args:
        planned: Items by collection.
        least: Size of a chunk when there is little work.

    Yields:
        Each collection that has items, with its chunks.
    """
    total = sum(len(items) for items in planned.values())
    size = max(least, -(-total // _MOST_CHUNKS))
    for collection, items in planned.items():
        chunks = [list(items[start : start + size]) for start in range(0, len(items), size)]
        if chunks:
            yield collection, chunks


def remembered(
    store: Store, stage: str, identity: object, make: Callable[[], Manifest]
) -> Manifest:
    """Return a chunk's manifest, made now or by a run that was killed.

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
