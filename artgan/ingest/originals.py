"""Scans that institutions publish by IIIF: fetched once, kept below the root, ingested like files.

A collection's folder in the inbox may hold ``iiif.txt``: one address of a manifest, or of a
collection of manifests, on each line. Since an inbox is only read, pictures go below the archive
root, as the server gave them, to ``originals/<collection>/iiif/<host>/``; what the manifests say of
them goes to ``originals/<collection>/metadata.jsonl``. That place is an inbox of its own for the
rest of the ingest.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from urllib.parse import urlsplit

from artgan.ingest.addresses import SourceUnavailable, host_of
from artgan.ingest.decoder_process import Limits
from artgan.ingest.decoders import picture_size
from artgan.ingest.presentation import Picture, kind_of, members_of, pictures_of
from artgan.ingest.services import Offer, offers_of
from artgan.ingest.web import Fetched, Web
from artgan.keys import key
from artgan.storage import Store

LIST_NAME = "iiif.txt"
FOLDER = "originals"

_INDEX = "metadata.jsonl"
_MARK = ".json"  # what is no picture to the rest of the ingest
_DEEPEST = 4
_MOST_MANIFESTS = 10_000
_MOST_BYTES = 8_000_000_000
_INDEX_EVERY = 50
_ENDINGS = {
    "image/jpeg": ".jpg",
    "image/tiff": ".tif",
    "image/png": ".png",
    "image/jp2": ".jp2",
    "image/webp": ".webp",
}
_NO_PICTURES = ("text/", "application/json", "application/ld+json", "application/xml")

FailureReason = Literal["source_unavailable", "not_a_manifest", "no_pictures"]
Row = dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """An address that could not be used.

    Attributes:
        url: The address.
        reason: Reason code.
        message: Why, in a sentence, with what to do.
    """

    url: str
    reason: FailureReason
    message: str


@dataclass
class Brought:
    """What came of a collection's list.

    Attributes:
        fetched: Pictures downloaded now.
        there: Pictures that were there already.
        failures: Addresses that could not be used.
        notes: Sentences on pictures that the server gives only in part.
        is_described_anew: Whether what is said of the pictures changed.
    """

    fetched: int = 0
    there: int = 0
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_described_anew: bool = False


def listed_addresses(text: str) -> list[str]:
    """Return the addresses of a list, each once; ``#`` begins a comment, at the start of a word."""
    lines = (line.split(" #")[0].strip() for line in text.lstrip("\ufeff").splitlines())
    return list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


def fetch_listed(
    web: Web,
    addresses: list[str],
    store: Store,
    collection: str,
    observe: Callable[[int, int], None] = lambda _, __: None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Brought:
    """Fetch the pictures of some manifests that are not there yet.

    A picture is written whole, under a key made of its address, so a run that was killed goes on
    where it was. One address that fails does not stop the others.

    Args:
        web: The reader.
        addresses: Manifests, and collections of them.
        store: The archive root.
        collection: Collection that the pictures belong to.
        observe: Called with the number of pictures looked at, and of all.
        limits: What reading the size of a picture may use.
    """
    brought = Brought()
    pictures = list(_pictures(web, addresses, brought))
    shelf = _Shelf(store, collection)
    for number, picture in enumerate(pictures, start=1):
        there = shelf.find(picture)
        if there is None:
            try:
                there = _fetch(web, shelf, picture, brought, limits)
            except SourceUnavailable as error:
                brought.failures.append(Failure(picture.url, "source_unavailable", str(error)))
                continue
            brought.fetched += 1
            if brought.fetched % _INDEX_EVERY == 0:
                shelf.write_index()
        else:
            brought.there += 1
            shelf.describe(there, picture)
        observe(number, len(pictures))
    brought.is_described_anew = shelf.write_index()
    return brought


def _pictures(web: Web, addresses: list[str], brought: Brought) -> Iterator[Picture]:
    """Read manifests, through collections of them; yield each picture once."""
    seen: set[str] = set()
    shown: set[str] = set()
    waiting = [(address, 1) for address in addresses]
    while waiting:
        address, depth = waiting.pop(0)
        if address in seen or len(seen) >= _MOST_MANIFESTS:
            continue
        seen.add(address)
        try:
            document = web.read_json(address)
        except SourceUnavailable as error:
            brought.failures.append(Failure(address, "source_unavailable", str(error)))
            continue
        kind = kind_of(document)
        if kind == "collection" and depth < _DEEPEST:
            waiting += [(member, depth + 1) for member in members_of(document)]
            continue
        found = pictures_of(document, address) if kind == "manifest" else []
        if not found:
            brought.failures.append(_without_pictures(address, kind))
        for picture in found:
            if picture.url not in shown:
                shown.add(picture.url)
                yield picture


def _without_pictures(address: str, kind: str) -> Failure:
    if kind == "manifest":
        return Failure(
            address,
            "no_pictures",
            f"{address} must show pictures, got a manifest without any. Remove its line.",
        )
    what = f"collections nested {_DEEPEST} deep" if kind else "another document"
    return Failure(
        address,
        "not_a_manifest",
        f"{address} must be a IIIF Presentation manifest of version 2 or 3, got {what}. "
        "Name the manifest itself; viewers show its address.",
    )


def withdraw_original(store: Store, source_path: str) -> None:
    """Remove a fetched picture for good; a mark in its place keeps it from being fetched again.

    Args:
        store: The archive root.
        source_path: Path of the scan, as the catalog has it; others than fetched ones stay.
    """
    if store.exists(f"{FOLDER}/{source_path}"):
        store.write(_mark(source_path), b'{"withdrawn": true}\n')
        store.delete(f"{FOLDER}/{source_path}")


def readmit_original(store: Store, source_path: str) -> None:
    """Let a picture that was withdrawn be fetched again by the next ingest."""
    store.delete(_mark(source_path))


def _mark(source_path: str) -> str:
    return f"{FOLDER}/{PurePosixPath(source_path).with_suffix(_MARK)}"


class _Shelf:
    """The pictures of one collection below the root, and the table that describes them."""

    def __init__(self, store: Store, collection: str) -> None:
        self.store, self.place = store, f"{FOLDER}/{collection}"
        entries = store.entries(f"{self.place}/iiif")
        self.names = {
            PurePosixPath(entry.key).stem: entry.key.removeprefix(f"{self.place}/")
            for entry in entries
        }
        self.rows = self._read_index()

    def _read_index(self) -> dict[str, Row]:
        if not self.store.exists(f"{self.place}/{_INDEX}"):
            return {}
        lines = self.store.read(f"{self.place}/{_INDEX}").decode().splitlines()
        rows = [json.loads(line) for line in lines if line]
        present = set(self.names.values())
        return {row["file"]: row for row in rows if row["file"] in present}

    def find(self, picture: Picture) -> str | None:
        """Path of a picture within the collection, None if it is not there."""
        return self.names.get(key(picture.url))

    def put(self, picture: Picture, path: Path, fetched: Fetched) -> str:
        """Keep a picture; return its path within the collection."""
        host = "".join(one if one.isalnum() or one in ".-" else "_" for one in host_of(picture.url))
        ending = (
            _ENDINGS.get(fetched.media_type) or PurePosixPath(urlsplit(fetched.url).path).suffix
        )
        name = f"iiif/{host}/{key(picture.url)}{ending[:5].lower()}"
        self.store.put(f"{self.place}/{name}", path)
        self.names[key(picture.url)] = name
        return name

    def describe(self, name: str, picture: Picture, more: Row | None = None) -> None:
        """Say what a picture shows; what is said now replaces what was said before."""
        if name.endswith(_MARK):  # withdrawn
            return
        kept = {k: v for k, v in self.rows.get(name, {}).items() if k.startswith("fetched_")}
        said = picture.fields | {"iiif_url": picture.url}
        self.rows[name] = {"file": name, **said, **kept, **(more or {})}

    def write_index(self) -> bool:
        """Write the table if it changed; return whether it did."""
        lines = [json.dumps(self.rows[name], ensure_ascii=False) for name in sorted(self.rows)]
        content = "".join(f"{line}\n" for line in lines).encode()
        target = f"{self.place}/{_INDEX}"
        if not lines or (self.store.exists(target) and self.store.read(target) == content):
            return False
        self.store.write(target, content)
        return True


def _fetch(web: Web, shelf: _Shelf, picture: Picture, brought: Brought, limits: Limits) -> str:
    with tempfile.TemporaryDirectory(prefix="artgan-") as folder:
        path = Path(folder) / "picture"
        offer, fetched = _download(web, picture, path)
        name = shelf.put(picture, path, fetched)
        facts = {
            "fetched_from": offer.url,
            "fetched_etag": fetched.etag,
            "fetched_last_modified": fetched.last_modified,
            "fetched_note": _note(offer, path, limits),
        }
    if facts["fetched_note"]:
        brought.notes.append(facts["fetched_note"])
    shelf.describe(name, picture, {k: v for k, v in facts.items() if v})
    return name


def _download(web: Web, picture: Picture, path: Path) -> tuple[Offer, Fetched]:
    """Download the best of what is offered that is to be had."""
    *better, last = offers_of(picture, web.read_json)
    for offer in better:
        with suppress(SourceUnavailable):
            return offer, _download_picture(web, offer.url, path)
    return last, _download_picture(web, last.url, path)


def _download_picture(web: Web, url: str, path: Path) -> Fetched:
    fetched = web.download(url, path, _MOST_BYTES)
    if fetched.media_type.startswith(_NO_PICTURES):
        raise SourceUnavailable(
            f"{url} must be a picture, got {fetched.media_type}. Open it in a browser."
        )
    return fetched


def _note(offer: Offer, path: Path, limits: Limits) -> str | None:
    """Say so if a server gives a picture only in a smaller size than it has."""
    whole = offer.whole_size
    # what is no picture is judged later, with all other files
    got = None if whole is None else picture_size(path, offer.url, limits)
    if whole is None or got is None or max(got) >= max(whole):
        return None
    return (
        f"{offer.url} is {got[0]} x {got[1]} pixels of a picture of {whole[0]} x {whole[1]}, "
        "which the server gives only in tiles. Ask the institution for the file."
    )
