"""Where files lie: a local folder or an ``s3://`` prefix, behind the same few calls.

Keys are relative paths with forward slashes. Every object is written whole: locally a temporary
file is renamed into place, on S3 one put carries all bytes. A reader therefore never sees half an
object, and a killed writer leaves at most a file under ``_tmp/``, which `Store.sweep` removes.

The endpoint and the credentials of S3 come from the usual AWS variables (``AWS_ENDPOINT_URL``,
``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``, ``AWS_REGION``).
"""

import hashlib
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import fsspec

from artgan.errors import InvalidInputError, MissingAssetError, UnreachableError

TEMPORARY = "_tmp"
_PROBE = "_tmp/conditional-put-probe"
_BLOCK_BYTES = 8 << 20


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
class Store:
    """A folder or bucket prefix that holds objects by key.

    Attributes:
        root: Absolute local path, or ``s3://bucket/prefix``, without a trailing slash.
    """

    root: str

    @property
    def is_local(self) -> bool:
        """Whether objects are files on this machine."""
        return "://" not in self.root

    def uri(self, key: str) -> str:
        """Full address of an object."""
        return f"{self.root}/{key}"

    def _files(self) -> fsspec.AbstractFileSystem:
        # A fresh look at every listing: other writers' objects must be seen (s3fs caches them).
        if self.is_local:
            return fsspec.filesystem("file")
        return fsspec.filesystem("s3", use_listings_cache=False)

    def exists(self, key: str) -> bool:
        """Whether the object is there."""
        if self.is_local:
            return Path(self.uri(key)).exists()
        return bool(self._files().exists(self.uri(key)))

    def read(self, key: str) -> bytes:
        """Return all bytes of an object.

        Raises:
            MissingAssetError: If it is not there.
        """
        try:
            if self.is_local:
                return Path(self.uri(key)).read_bytes()
            content = self._files().cat_file(self.uri(key))
        except FileNotFoundError as error:
            raise MissingAssetError(
                f"object must exist, got {self.uri(key)!r}. Run the step that makes it again."
            ) from error
        assert isinstance(content, bytes)
        return content

    def sha256(self, key: str) -> str:
        """Return the sha256 of an object's bytes, in hex, read anew and in pieces.

        Raises:
            MissingAssetError: If it is not there.
            UnreachableError: If it cannot be read for any other reason.
        """
        try:
            with self._files().open(self.uri(key), "rb", **self._unhurried) as file:
                return hashlib.file_digest(cast("Any", file), "sha256").hexdigest()
        except FileNotFoundError as error:
            raise MissingAssetError(
                f"object must exist, got {self.uri(key)!r}. Check that it was not moved."
            ) from error
        except Exception as error:
            words = str(error).splitlines()[:1] or [type(error).__name__]
            raise UnreachableError(
                f"object must be readable, got {self.uri(key)!r}: {words[0]}. See to the storage."
            ) from error

    @property
    def _unhurried(self) -> dict[str, Any]:
        return {} if self.is_local else {"cache_type": "readahead", "block_size": _BLOCK_BYTES}

    def is_reachable(self) -> bool:
        """Whether anything lies here; a folder whose disk is not mounted is there, but empty."""
        try:
            return any(self.listing())
        except Exception:  # noqa: BLE001 - whatever it answers, its files cannot be read now
            return False

    def write(self, key: str, content: bytes) -> None:
        """Write an object whole, replacing what was there."""
        if not self.is_local:
            self._files().pipe_file(self.uri(key), content)
            return
        temporary = self._temporary()
        temporary.write_bytes(content)
        self._move(temporary, key)

    def put(self, key: str, path: Path) -> None:
        """Copy a local file to an object, whole; on S3 its type is told from its name."""
        if not self.is_local:
            self._files().put_file(str(path), self.uri(key))
            return
        temporary = self._temporary()
        shutil.copyfile(path, temporary)
        self._move(temporary, key)

    @contextmanager
    def folder(self, key: str) -> Iterator[Path]:
        """Give a folder, to be made, whose files become the objects below a key at the block's end.

        They take the place of all that was below that key. If the block raises, nothing changes.
        Locally the folder is renamed into place; on S3 objects are put side by side, so a killed
        writer may leave some of them: record elsewhere that they are all there.
        """
        if self.is_local:
            temporary = self._temporary()
            try:
                yield temporary
                self._swap(temporary, Path(self.uri(key)))
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
            return
        with tempfile.TemporaryDirectory(prefix="artgan-") as name:
            folder = Path(name) / "files"
            yield folder
            self._put_all(folder, key)

    def _swap(self, temporary: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            old = self._temporary()
            target.rename(old)
            temporary.rename(target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            temporary.rename(target)

    def _put_all(self, folder: Path, key: str) -> None:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        keys = [f"{key}/{path.relative_to(folder).as_posix()}" for path in paths]
        self._files().put([str(path) for path in paths], [self.uri(one) for one in keys])
        for entry in self.entries(key):
            if entry.key not in set(keys):
                self.delete(entry.key)

    def _temporary(self) -> Path:
        folder = Path(self.root) / TEMPORARY
        folder.mkdir(parents=True, exist_ok=True)
        return folder / uuid.uuid4().hex

    def _move(self, temporary: Path, key: str) -> None:
        target = Path(self.uri(key))
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(target)

    def delete(self, key: str) -> None:
        """Remove an object; no error if it is not there."""
        if self.is_local:
            Path(self.uri(key)).unlink(missing_ok=True)
        elif self.exists(key):
            self._files().rm_file(self.uri(key))

    def delete_below(self, prefix: str) -> int:
        """Remove the objects below a prefix (a folder); return how many there were.

        Raises:
            InvalidInputError: If the prefix is the whole store.
        """
        if not prefix.strip("/"):
            raise InvalidInputError(f"prefix must name a folder of the store, got {prefix!r}.")
        found = self.entries(prefix)
        if self.is_local:
            shutil.rmtree(self.uri(prefix), ignore_errors=True)
        elif found:
            self._files().rm([self.uri(entry.key) for entry in found])
        return len(found)

    def entries(self, prefix: str = "") -> list[Entry]:
        """Return the objects below a prefix (a folder), sorted by key."""
        base = self.uri(prefix).rstrip("/")
        if self.is_local:
            return self._list_local(Path(base))
        found = self._files().find(base, detail=True)
        assert isinstance(found, dict)
        entries = [
            self._entry(name, facts)
            for name, facts in found.items()
            if facts["type"] == "file" and not name.endswith("/")
        ]
        return sorted(entries, key=lambda entry: entry.key)

    def listing(self, folder: str = "") -> tuple[list[Entry], list[str]]:
        """Return the objects that lie in a folder itself, and the folders in it, both sorted.

        Unlike `entries` it does not look into those folders: on S3 one request for each thousand
        objects that lie here.
        """
        base = self.uri(folder).rstrip("/")
        if self.is_local:
            return self._list_folder(Path(base))
        try:
            found = self._files().ls(base, detail=True)
        except FileNotFoundError:
            return [], []
        files = [one for one in found if one["type"] == "file" and one["name"] != base]
        folders = [one["name"].rstrip("/") for one in found if one["type"] == "directory"]
        entries = [self._entry(one["name"], one) for one in files if not one["name"].endswith("/")]
        names = sorted(name.rsplit("/", 1)[-1] for name in folders)
        return sorted(entries, key=lambda entry: entry.key), names

    def _list_folder(self, base: Path) -> tuple[list[Entry], list[str]]:
        if not base.is_dir():
            return [], []
        entries, folders = [], []
        for path in sorted(base.iterdir()):
            if path.is_dir():
                folders.append(path.name)
            elif path.is_file():
                entries.append(self._local_entry(path))
        return entries, folders

    def _entry(self, name: str, facts: dict[str, Any]) -> Entry:
        bare = self.root.removeprefix("s3://")
        etag = str(facts["ETag"]).strip('"')
        key = name.removeprefix(bare + "/")
        return Entry(key, int(facts["size"]), etag, facts["LastModified"])

    def _local_entry(self, path: Path) -> Entry:
        facts = path.stat()
        modified_at = datetime.fromtimestamp(facts.st_mtime, UTC)
        key = path.relative_to(self.root).as_posix()
        return Entry(key, facts.st_size, str(facts.st_mtime_ns), modified_at)

    def _list_local(self, base: Path) -> list[Entry]:
        entries = []
        for folder, _, names in os.walk(base, followlinks=True):
            for name in names:
                path = Path(folder) / name
                with suppress(FileNotFoundError):  # renamed or removed by another writer since
                    entries.append(self._local_entry(path))
        return sorted(entries, key=lambda entry: entry.key)

    def entry(self, key: str) -> Entry | None:
        """Return what the store says of one object now; None if it is not there."""
        try:
            if self.is_local:
                return self._local_entry(Path(self.uri(key)))
            return self._entry(
                self.uri(key).removeprefix("s3://"), self._files().info(self.uri(key))
            )
        except FileNotFoundError:
            return None

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """Give an object as a local file for the time of a ``with`` block.

        Raises:
            MissingAssetError: If it is not there.
        """
        if self.is_local:
            path = Path(self.uri(key))
            if not path.exists():
                raise MissingAssetError(
                    f"object must exist, got {self.uri(key)!r}. Check that it was not moved."
                )
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="artgan-") as folder:
            path = Path(folder) / Path(key).name
            try:
                self._files().get_file(self.uri(key), str(path))
            except FileNotFoundError as error:
                raise MissingAssetError(
                    f"object must exist, got {self.uri(key)!r}. Check that it was not moved."
                ) from error
            yield path

    def sweep(self, older_than_s: float = 24 * 3600.0) -> int:
        """Remove what killed writers left under ``_tmp/``; return how many files."""
        if not self.is_local:
            return 0
        swept = 0
        for path in (Path(self.root) / TEMPORARY).glob("*"):
            if time.time() - path.stat().st_mtime > older_than_s:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
                swept += 1
        return swept

    def delta_options(self) -> dict[str, str]:
        """Options that let the Delta engine reach this store with the same credentials."""
        if self.is_local:
            return {}
        options = {
            name: os.environ[name]
            for name in (
                "AWS_ACCESS_KEY_ID",
                "AWS_SECRET_ACCESS_KEY",
                "AWS_SESSION_TOKEN",
                "AWS_REGION",
            )
            if os.environ.get(name)
        }
        options.setdefault("AWS_REGION", os.environ.get("AWS_DEFAULT_REGION", "us-east-1"))
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            options["AWS_ENDPOINT_URL"] = endpoint
            options["AWS_ALLOW_HTTP"] = str(endpoint.startswith("http://")).lower()
        return options


def open_store(root: str, *, name: str = "root", must_exist: bool = False) -> Store:
    """Open a folder or bucket prefix, and check that it can be reached.

    Args:
        root: Local path, ``file://`` URI or ``s3://bucket/prefix``.
        name: What the caller calls it, for the error sentence.
        must_exist: Refuse a folder that is not there instead of making it later.

    Raises:
        InvalidInputError: If the scheme is unknown or the place cannot be reached.
    """
    root = root.removeprefix("file://").rstrip("/") or "/"
    if "://" not in root:
        return _open_folder(root, name, must_exist=must_exist)
    if not root.startswith("s3://"):
        raise InvalidInputError(f"{name} must be a folder or s3://bucket/prefix, got {root!r}.")
    store = Store(root)
    bucket = root.removeprefix("s3://").split("/", 1)[0]
    try:
        store._files().ls(bucket)
    except Exception as error:
        raise InvalidInputError(
            f"{name} must be a reachable bucket, got {root!r}: {str(error).splitlines()[0]} "
            "Check AWS_ENDPOINT_URL, the credentials and the bucket's name."
        ) from error
    return store


def _open_folder(root: str, name: str, *, must_exist: bool) -> Store:
    path = Path(root).expanduser().absolute()
    if must_exist and not path.is_dir():
        raise InvalidInputError(f"{name} must be an existing folder, got {root!r}. Create it.")
    if path.exists() and not path.is_dir():
        raise InvalidInputError(f"{name} must be a folder, got the file {root!r}.")
    if not must_exist:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInputError(
                f"{name} must be a folder that can be written, got {root!r}: {error.strerror}."
            ) from error
    return Store(str(path))


def check_conditional_put(store: Store) -> None:
    """Refuse a store on which two writers could both win.

    Catalog commits rely on "create only if absent". A store that ignores the condition loses
    commits without an error, so it is tried once for each root, with an object of our own.

    Raises:
        InvalidInputError: If a second conditional put overwrites the first.
    """
    if store.is_local:
        return
    files = store._files()
    uri = store.uri(f"{_PROBE}-{uuid.uuid4().hex}")
    files.pipe_file(uri, b"first")
    with suppress(OSError, NotImplementedError):
        files.pipe_file(uri, b"second", mode="create")
    honoured = files.cat_file(uri) == b"first"
    files.rm_file(uri)
    if not honoured:
        raise InvalidInputError(
            f"root must be on a store that honours conditional puts (If-None-Match), got "
            f"{store.root!r}. On this one simultaneous writers would lose catalog rows without "
            "an error; use another store or a local folder."
        )


def now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)
