"""Where the files of the IIIF export lie, and how scans are taken out of it again.

::

    iiif/collection.json                      every manifest
    iiif/<collection>/manifest.json           a collection; manifest-2.json... where it is large
    iiif/<collection>/<scan_id>/info.json     a scan's image service, with all its pictures
"""

import json
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from artgan.iiif.manifest import manifest_name
from artgan.storage import Store

ROOT = "iiif"
TOP = f"{ROOT}/collection.json"

Json = dict[str, Any]


def collection_key(collection: str) -> str:
    """Return the folder of a collection under the archive root."""
    return f"{ROOT}/{collection}"


def service_key(collection: str, scan_id: str) -> str:
    """Return the folder of a scan: all that shows it, and nothing else."""
    return f"{ROOT}/{collection}/{scan_id}"


def write_json(store: Store, key: str, content: Json) -> bool:
    """Write a document if it is not there as it is; return whether it was written."""
    text = json.dumps(content, ensure_ascii=False, indent=1).encode()
    if store.exists(key) and store.read(key) == text:
        return False
    with tempfile.TemporaryDirectory(prefix="artgan-") as folder:
        path = Path(folder) / "document.json"
        path.write_bytes(text)
        store.put(key, path)
    return True


def write_manifests(store: Store, collection: str, manifests: list[Json]) -> int:
    """Write a collection's manifests and remove those it no longer has; return how many changed."""
    folder = collection_key(collection)
    names = [manifest_name(number) for number in range(1, len(manifests) + 1)]
    written = [
        write_json(store, f"{folder}/{name}", manifest)
        for name, manifest in zip(names, manifests, strict=True)
    ]
    number = len(names) + 1
    while store.exists(f"{folder}/{manifest_name(number)}"):
        store.delete(f"{folder}/{manifest_name(number)}")
        number += 1
    return sum(written)


def take_down(store: Store, collection: str, scan_ids: Collection[str]) -> int:
    """Remove scans from what is shown: first from the manifests, then their files.

    A manifest that loses its last scan goes, and so does its line in the collection above. The
    next export numbers the manifests of a large collection anew.

    Args:
        store: The archive root.
        collection: Collection of the scans.
        scan_ids: Scans to take down; others than those shown are passed over.

    Returns:
        How many files were removed.
    """
    number = 1
    while store.exists(key := f"{collection_key(collection)}/{manifest_name(number)}"):
        _strike(store, key, scan_ids)
        number += 1
    return sum(store.delete_below(service_key(collection, scan_id)) for scan_id in scan_ids)


def _strike(store: Store, key: str, scan_ids: Collection[str]) -> None:
    manifest: Json = json.loads(store.read(key))
    kept = [canvas for canvas in manifest["items"] if _scan_of(canvas) not in scan_ids]
    if len(kept) == len(manifest["items"]):
        return
    if kept:
        write_json(store, key, manifest | {"items": kept, "thumbnail": kept[0]["thumbnail"]})
        return
    if store.exists(TOP):
        top: Json = json.loads(store.read(TOP))
        left = [item for item in top["items"] if item["id"] != manifest["id"]]
        write_json(store, TOP, top | {"items": left})
    store.delete(key)


def _scan_of(canvas: Json) -> str:
    return canvas["id"].split("/")[-2]
