"""A store that is a folder of this machine, or of a share that it mounts."""

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from artgan.errors import InvalidInputError
from artgan.storage.store import Entry, Store

TEMPORARY = "_tmp"


@dataclass(frozen=True)
class LocalStore(Store):
    """A folder that holds objects as files."""

    @property
    def is_local(self) -> bool:
        """True."""
        return True

    def exists(self, key: str) -> bool:
        """See `Store`."""
        return self._path(key).exists()

    def write(self, key: str, content: bytes) -> None:
        """See `Store`."""
        temporary = self._temporary()
        temporary.write_bytes(content)
        self._move(temporary, key)

    def put(self, key: str, path: Path) -> None:
        """See `Store`."""
        temporary = self._temporary()
        shutil.copyfile(path, temporary)
        self._move(temporary, key)

    @contextmanager
    def folder(self, key: str) -> Iterator[Path]:
        """See `Store`."""
        temporary = self._temporary()
        try:
            yield temporary
            self._swap(temporary, self._path(key))
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _swap(self, temporary: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            old = self._temporary()
            target.rename(old)
            temporary.rename(target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            temporary.rename(target)

    def delete(self, key: str) -> None:
        """See `Store`."""
        self._path(key).unlink(missing_ok=True)

    def delete_below(self, prefix: str) -> int:
        """See `Store`."""
        if not prefix.strip("/"):
            raise InvalidInputError(f"prefix must name a folder of the store, got {prefix!r}.")
        found = self.entries(prefix)
        shutil.rmtree(self._path(prefix), ignore_errors=True)
        return len(found)

    def entries(self, prefix: str = "") -> list[Entry]:
        """See `Store`."""
        entries = []
        for folder, folders, names in os.walk(self._path(prefix), followlinks=True):
            folders[:] = [name for name in folders if self._may_follow(Path(folder) / name)]
            for name in names:
                path = Path(folder) / name
                with suppress(FileNotFoundError):  # renamed or removed by another writer since
                    if self._may_follow(path):
                        entries.append(self._entry(path))
        return sorted(entries, key=lambda entry: entry.key)

    def listing(self, folder: str = "") -> tuple[list[Entry], list[str]]:
        """See `Store`."""
        base = self._path(folder)
        if not base.is_dir():
            return [], []
        entries, folders = [], []
        for path in sorted(base.iterdir()):
            if not self._may_follow(path):
                continue
            if path.is_dir():
                folders.append(path.name)
            elif path.is_file():
                entries.append(self._entry(path))
        return entries, folders

    def entry(self, key: str) -> Entry | None:
        """See `Store`."""
        try:
            return self._entry(self._path(key))
        except FileNotFoundError:
            return None

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """See `Store`."""
        if not self.exists(key):
            raise self._missing(key, "Check that it was not moved.")
        yield self._path(key)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """See `Store`."""
        temporary = self._temporary()
        temporary.mkdir()
        try:
            yield temporary
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def sweep(self, older_than_s: float = 24 * 3600.0) -> int:
        """See `Store`."""
        swept = 0
        for path in self._path(TEMPORARY).glob("*"):
            if time.time() - path.stat().st_mtime > older_than_s:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
                swept += 1
        return swept

    def delta_options(self) -> dict[str, str]:
        """None are needed."""
        return {}

    def _bytes(self, key: str) -> bytes:
        return self._path(key).read_bytes()

    @contextmanager
    def _stream(self, key: str) -> Iterator[BinaryIO]:
        with self._path(key).open("rb") as file:
            yield file

    def _path(self, key: str) -> Path:
        if key.startswith("/") or "\0" in key or ".." in key.split("/"):
            raise InvalidInputError(
                f"key must lie below {self.root!r}, got {key!r}. No path leads out of a store."
            )
        return Path(self.root) / key

    def _may_follow(self, path: Path) -> bool:
        """Whether a path is no link, or one that may be followed.

        A link in the store's own folder is theirs: a collection on another disk. Deeper ones come
        with deliveries: they are followed where they lead to the same collection, and not around.
        """
        if not path.is_symlink() or path.parent == Path(self.root):
            return True
        top = Path(self.root) / path.relative_to(self.root).parts[0]
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):  # it leads nowhere, or around
            return False
        leads_inside = target.is_relative_to(top.resolve())
        return leads_inside and not path.parent.resolve().is_relative_to(target)

    def _temporary(self) -> Path:
        folder = self._path(TEMPORARY)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / uuid.uuid4().hex

    def _move(self, temporary: Path, key: str) -> None:
        target = self._path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(target)

    def _entry(self, path: Path) -> Entry:
        facts = path.stat()
        modified_at = datetime.fromtimestamp(facts.st_mtime, UTC)
        key = path.relative_to(self.root).as_posix()
        return Entry(key, facts.st_size, str(facts.st_mtime_ns), modified_at)
