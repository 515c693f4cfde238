"""Which row of the catalog an id, the start of one, a path or a file means."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from artgan.catalog.beside import CHECKED, FILES
from artgan.catalog.schema import (
    MASKS,
    METRICS,
    MODELS,
    OUTPUTS,
    RUNS,
    SCANS,
    WITHDRAWALS,
    Table,
)
from artgan.catalog.table import Catalog
from artgan.errors import InvalidInputError, MissingAssetError

Row = dict[str, Any]

SHORTEST = 4
_LISTED = 5
_LAST = "\U0010ffff"

KINDS: dict[str, Table] = {
    "scan": SCANS,
    "withdrawn scan": WITHDRAWALS,
    "mask": MASKS,
    "output": OUTPUTS,
    "model": MODELS,
    "metric": METRICS,
    "run": RUNS,
}
_PATHS = {
    "scan": ("source_path", "source_uri", "access_path"),
    "mask": ("source_path", "source_uri", "mask_path"),
    "output": FILES,
    "model": ("weights_path",),
}
_DIGESTS = {
    "scan": ("scan_id", "content_sha256", "access_sha256"),
    "withdrawn scan": ("scan_id", "content_sha256"),
    "mask": ("content_sha256",),
    "output": tuple(digest for _, digest in CHECKED),
    "model": ("weights_sha256",),
}


@dataclass(frozen=True)
class Subject:
    """A row of the catalog, and what kind of thing it stands for.

    Attributes:
        kind: One of `KINDS`.
        row: The whole row.
    """

    kind: str
    row: Row

    @property
    def name(self) -> str:
        """Its id."""
        return self.row[KINDS[self.kind].key]


def identify(catalog: Catalog, text: str) -> Subject:
    """Find the one thing that a text means.

    Looked for are an id, then the start of one (four characters at least), then a path (under the
    root, in the inbox, or a full address), then the bytes of a file of this machine.

    Raises:
        MissingAssetError: If nothing fits.
        InvalidInputError: If several things do.
    """
    if "/" not in text:
        found = _by_id(catalog, text)
        if found:
            return _only(found, text)
    found = _by_path(catalog, text) or _by_bytes(catalog, Path(text))
    if not found:
        raise MissingAssetError(
            f"id must name something in the catalog, got {text!r}. Give an id, its first "
            f"{SHORTEST} characters or more, a path under the root or in the inbox, or a file."
        )
    return _only(found, text)


def _by_id(catalog: Catalog, text: str) -> list[Subject]:
    """Find what has an id, or else what has one that starts so."""
    found = []
    for kind, table in KINDS.items():
        key = pc.field(table.key)
        within = (key >= text) & (key < text + _LAST)
        found += [Subject(kind, row) for row in catalog.rows(table, where=within)]
    exact = [one for one in found if one.name == text]
    return exact or (found if len(text) >= SHORTEST else [])


def _by_columns(catalog: Catalog, columns: dict[str, tuple[str, ...]], value: str) -> list[Subject]:
    found = []
    for kind, names in columns.items():
        where = pc.scalar(False)  # noqa: FBT003 - Arrow's own signature
        for name in names:
            where |= pc.field(name) == value
        found += [Subject(kind, row) for row in catalog.rows(KINDS[kind], where=where)]
    return found


def _by_path(catalog: Catalog, text: str) -> list[Subject]:
    """Find what lies at a path; of a file that was scanned again, the scan in use."""
    found = _by_columns(catalog, _PATHS, _key(catalog, text))
    in_use = [one for one in found if one.row.get("is_current") is not False]
    return in_use or found


def _by_bytes(catalog: Catalog, path: Path) -> list[Subject]:
    if not path.is_file():
        return []
    with path.open("rb") as file:
        return by_digest(catalog, hashlib.file_digest(file, "sha256").hexdigest())


def by_digest(catalog: Catalog, sha256: str) -> list[Subject]:
    """Return all that has a file with these bytes."""
    return _by_columns(catalog, _DIGESTS, sha256)


def _key(catalog: Catalog, text: str) -> str:
    """Return a path below the root as the catalog writes it; anything else as it is."""
    store = catalog.store
    whole = str(Path(text).resolve()) if store.is_local and Path(text).exists() else text
    return whole.removeprefix(f"{store.root.rstrip('/')}/")


def _only(found: Iterable[Subject], text: str) -> Subject:
    distinct = {(one.kind, one.name): one for one in found}
    # Until a withdrawal has ended there are both a scan and its tombstone.
    chosen = [
        one
        for one in distinct.values()
        if one.kind != "withdrawn scan" or ("scan", one.name) not in distinct
    ]
    if len(chosen) > 1:
        listed = ", ".join(f"{one.kind} {one.name}" for one in chosen[:_LISTED])
        more = ", …" if len(chosen) > _LISTED else ""
        raise InvalidInputError(
            f"id must name one thing, got {text!r}, which fits {len(chosen)}: {listed}{more}. "
            "Give one of these ids."
        )
    return chosen[0]
