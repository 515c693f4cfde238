"""Work cut into chunks, each remembered when it is done.

A chunk task writes its files first and its manifest last. If the run is killed, the next one
finds the manifests and makes only the chunks that have none. They are removed when the rows they
hold are in the catalog.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from artgan.keys import key
from artgan.storage import Store

_FOLDER = "_work"

Manifest = list[dict[str, Any]]
Item = TypeVar("Item")


def cut(items: Sequence[Item], size: int) -> list[list[Item]]:
    """Cut a sequence into chunks of a size; at most 1,000 of them, then larger ones."""
    size = max(size, -(-len(items) // 1000))
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


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
    path = f"{_FOLDER}/{stage}/{key(identity)}.json"
    if store.exists(path):
        return json.loads(store.read(path))
    manifest = make()
    store.write(path, json.dumps(manifest, default=str).encode())
    return manifest


def forget(store: Store, stage: str) -> None:
    """Remove the manifests of a stage whose rows are in the catalog."""
    for entry in store.entries(f"{_FOLDER}/{stage}"):
        store.delete(entry.key)
