"""What a store can do, whatever it is made of."""

import hashlib
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from artgan.errors import MissingAssetError, UnreachableError


@dataclass(frozen=True)
class Entry:
    """One stored object.

    Attributes:
        key: Path relative to the store's root.
        size: Bytes.
        version: Changes whenever the object's content may have: mtime in ns, or the ETag.
        modified_at: When it was last written, in UTC.
    """

    key: str
    size: int
    version: str
    modified_at: datetime


@dataclass(frozen=True)
class Store(ABC):
    """A folder or bucket prefix that holds objects by key.

    Attributes:
        root: Absolute local path, or ``s3://bucket/prefix``, without a trailing slash.
    """

    root: str

    @property
    @abstractmethod
    def is_local(self) -> bool:
        """Whether objects are files on this machine."""

    def uri(self, key: str) -> str:
        """Full address of an object."""
        return f"{self.root}/{key}"

    @abstractmethod
    def exists(self, key: str) -> bool:
        """Whether the object is there."""

    def read(self, key: str) -> bytes:
        """Return all bytes of an object.

        Raises:
            MissingAssetError: If it is not there.
        """
        try:
            return self._bytes(key)
        except FileNotFoundError as error:
            raise self._missing(key, "Run the step that makes it again.") from error

    def sha256(self, key: str) -> str:
        """Return the sha256 of an object's bytes, in hex, read anew and in pieces.

        Raises:
            MissingAssetError: If it is not there.
            UnreachableError: If it cannot be read for any other reason.
        """
        try:
            with self._stream(key) as file:
                return hashlib.file_digest(cast("Any", file), "sha256").hexdigest()
        except FileNotFoundError as error:
            raise self._missing(key, "Check that it was not moved.") from error
        except Exception as error:
            words = str(error).splitlines()[:1] or [type(error).__name__]
            raise UnreachableError(
                f"object must be readable, got {self.uri(key)!r}: {words[0]}. See to the storage."
            ) from error

    def is_reachable(self) -> bool:
        """Whether anything lies here; a folder whose disk is not mounted is there, but empty."""
        try:
            return any(self.listing())
        except Exception:  # noqa: BLE001 - whatever it answers, its files cannot be read now
            return False

    @abstractmethod
    def write(self, key: str, content: bytes) -> None:
        """Write an object whole, replacing what was there."""

    @abstractmethod
    def put(self, key: str, path: Path) -> None:
        """Copy a local file to an object, whole; on S3 its type is told from its name."""

    @abstractmethod
    def folder(self, key: str) -> AbstractContextManager[Path]:
        """Give a folder, to be made, whose files become the objects below a key at the block's end.

        They take the place of all that was below that key. If the block raises, nothing changes.
        Locally the folder is renamed into place; on S3 objects are put side by side, so a killed
        writer may leave some of them: record elsewhere that they are all there.
        """

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove an object; no error if it is not there."""

    @abstractmethod
    def delete_below(self, prefix: str) -> int:
        """Remove the objects below a prefix (a folder); return how many there were.

        Raises:
            InvalidInputError: If the prefix is the whole store.
        """

    @abstractmethod
    def entries(self, prefix: str = "") -> list[Entry]:
        """Return the objects below a prefix (a folder), sorted by key."""

    @abstractmethod
    def listing(self, folder: str = "") -> tuple[list[Entry], list[str]]:
        """Return the objects that lie in a folder itself, and the folders in it, both sorted.

        Unlike `entries` it does not look into those folders: on S3 one request for each thousand
        objects that lie here.
        """

    @abstractmethod
    def entry(self, key: str) -> Entry | None:
        """Return what the store says of one object now; None if it is not there."""

    @abstractmethod
    def local(self, key: str) -> AbstractContextManager[Path]:
        """Give an object as a local file for the time of a ``with`` block.

        Raises:
            MissingAssetError: If it is not there.
        """

    @abstractmethod
    def scratch(self) -> AbstractContextManager[Path]:
        """Give an empty folder of this machine for the time of a ``with`` block.

        It may take many gigabytes: locally it lies on the disk of the store, and is swept if its
        owner is killed; with S3 it lies where ``TMPDIR`` says.
        """

    @abstractmethod
    def sweep(self, older_than_s: float = 24 * 3600.0) -> int:
        """Remove what killed writers left under ``_tmp/``; return how many files."""

    @abstractmethod
    def delta_options(self) -> dict[str, str]:
        """Options that let the Delta engine reach this store with the same credentials."""

    @abstractmethod
    def _bytes(self, key: str) -> bytes: ...

    @abstractmethod
    def _stream(self, key: str) -> AbstractContextManager[BinaryIO]: ...

    def _missing(self, key: str, advice: str) -> MissingAssetError:
        return MissingAssetError(f"object must exist, got {self.uri(key)!r}. {advice}")
