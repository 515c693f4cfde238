"""Where an inbox says what its scans show: tables and mappings, found with two short listings."""

from dataclasses import dataclass

from artgan.ingest.mapping import MAPPING_NAMES
from artgan.ingest.names import written_name
from artgan.ingest.tables import TABLE_SUFFIXES
from artgan.keys import VERSION, digest
from artgan.storage import Entry, Store

OWN_PREFIX = "metadata"
_HIDDEN = (".", "~$")  # what a Mac or an office program leaves beside a table


@dataclass(frozen=True)
class Sources:
    """The files of an inbox that describe the scans of one collection.

    Attributes:
        collection: Name of the collection; empty for what is said of no collection.
        tables: Its own tables, then those at the top of the inbox.
        mapping: Its mapping, or that at the top.
        folders: The inbox's first-level folders, as names are compared.
    """

    collection: str
    tables: tuple[Entry, ...]
    mapping: Entry | None
    folders: frozenset[str]

    @property
    def folder(self) -> str:
        """The collection's name as names are compared."""
        return written_name(self.collection)

    def is_own(self, path: str) -> bool:
        """Whether a file lies in the collection's folder; at the top, if there is no collection."""
        return bool(self.collection) and "/" in path

    def mark(self) -> str:
        """Return a change mark of the files, and of the code that reads them."""
        files = [self.mapping, *self.tables]
        versions = [(one.key, one.size, one.version) for one in files if one is not None]
        # Rows at the top may name any folder; those of a collection are its own.
        is_shared = any("/" not in one.key for one in self.tables)
        return digest(VERSION, versions, sorted(self.folders) if is_shared else [])


def find_sources(inbox: Store, collection: str) -> Sources:
    """Find the tables and the mapping for a collection, without listing the whole inbox.

    Args:
        inbox: The inbox.
        collection: Name of a first-level folder, of which tables are read that are called
            ``metadata.csv``, ``metadata-2019.jsonl`` and the like; or empty.
    """
    top, folders = inbox.listing()
    own = inbox.listing(collection)[0] if collection else []
    mappings = [one for one in (*own, *top) if _name(one) in MAPPING_NAMES]
    tables = [
        one
        for one in (*own, *top)
        if _name(one).endswith(TABLE_SUFFIXES)
        and not _name(one).startswith(_HIDDEN)
        and one not in mappings
        and ("/" not in one.key or _name(one).startswith(OWN_PREFIX))
    ]
    known = frozenset(map(written_name, {*folders, collection} - {""}))
    return Sources(collection, tuple(tables), next(iter(mappings), None), known)


def _name(entry: Entry) -> str:
    return entry.key.rsplit("/", 1)[-1].lower()
