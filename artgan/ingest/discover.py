"""What lies in an inbox: scans, damage masks and metadata, told apart by their names."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from artgan.errors import InvalidInputError
from artgan.storage import TEMPORARY, Store

Role = Literal["scan", "mask", "metadata"]

MASK_SUFFIX = ".mask.png"
# Tables, notes and sidecars of scans, which nobody takes for a picture.
_METADATA_SUFFIXES = (
    *(".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".yaml", ".yml"),
    *(".xml", ".xmp", ".md", ".md5", ".sha256"),
)
# A list of manifests to fetch; see `artgan.ingest.originals`.
_LISTS = ("iiif.txt",)
_SYSTEM_NAMES = {"thumbs.db", "desktop.ini", "__macosx", TEMPORARY}
_UNFINISHED_SUFFIXES = (".part", ".tmp", ".crdownload", ".filepart")
_HIDDEN_PREFIXES = (".", "~$")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoundFile:
    """A file of an inbox.

    Attributes:
        collection: First folder of its path.
        path: Path within the inbox, with forward slashes.
        size: Bytes.
        version: Change mark of the store: mtime or ETag.
        role: Scan, mask or metadata.
    """

    collection: str
    path: str
    size: int
    version: str
    role: Role


def collections_in(inbox: Store) -> list[str]:
    """Return the inbox's first-level folders that hold at least one file."""
    keys = (entry.key for entry in inbox.entries())
    return sorted({key.split("/", 1)[0] for key in keys if "/" in key and not _is_ignored(key)})


def chosen_folders(inbox: Store, wanted: Sequence[str]) -> list[str]:
    """Return the collections of an inbox to work on; all of them if none is named.

    Raises:
        InvalidInputError: If a named collection is not a folder of the inbox.
    """
    found = collections_in(inbox)
    for name in wanted:
        if name not in found:
            listed = ", ".join(repr(one) for one in found) or "none"
            raise InvalidInputError(
                f"collection must be a folder of the inbox, got {name!r}. Found: {listed}."
            )
    return [name for name in found if not wanted or name in wanted]


def discover(inbox: Store, collection: str) -> list[FoundFile]:
    """Return the files of a collection, sorted by path.

    A file named ``<scan file name>.mask.png`` is that scan's damage mask; tables, notes and
    sidecars (.csv, .json, .xml, .xmp, .md...) are metadata, read by `artgan.ingest.metadata`;
    hidden files, system files and files still being copied (.part, .tmp) are left out; everything
    else is a candidate scan whatever its name, so that nothing is lost without a reason.

    Args:
        inbox: Where the scans arrive.
        collection: Name of a first-level folder.
    """
    return [
        FoundFile(collection, entry.key, entry.size, entry.version, _role(entry.key))
        for entry in inbox.entries(collection)
        if not _is_ignored(entry.key)
    ]


def _role(path: str) -> Role:
    name = path.lower()
    if name.endswith(MASK_SUFFIX):
        return "mask"
    is_list = name.count("/") == 1 and name.endswith(tuple(f"/{one}" for one in _LISTS))
    return "metadata" if is_list or name.endswith(_METADATA_SUFFIXES) else "scan"


def _is_ignored(path: str) -> bool:
    parts = path.lower().split("/")
    if any(part.startswith(_HIDDEN_PREFIXES) or part in _SYSTEM_NAMES for part in parts):
        return True
    return parts[-1].endswith(_UNFINISHED_SUFFIXES) or not _is_unicode(path)


def _is_unicode(path: str) -> bool:
    """Whether a name can be written into a table; names in old encodings cannot."""
    try:
        path.encode()
    except UnicodeEncodeError:
        _log.warning("%a is left out: its name is not UTF-8. Rename the file.", path)
        return False
    return True
