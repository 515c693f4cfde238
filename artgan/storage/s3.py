"""A store that is a prefix of an S3 bucket."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import fsspec

from artgan.errors import InvalidInputError
from artgan.storage.store import Entry, Store

_BLOCK_BYTES = 8 << 20
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION")


@dataclass(frozen=True)
class S3Store(Store):
    """A bucket prefix that holds objects by key."""

    @property
    def is_local(self) -> bool:
        """False."""
        return False

    @property
    def files(self) -> fsspec.AbstractFileSystem:
        """The file system behind it; every listing is a fresh look (s3fs would cache them)."""
        return fsspec.filesystem("s3", use_listings_cache=False)

    def exists(self, key: str) -> bool:
        """See `Store`."""
        return bool(self.files.exists(self.uri(key)))

    def write(self, key: str, content: bytes) -> None:
        """See `Store`."""
        self.files.pipe_file(self.uri(key), content)

    def put(self, key: str, path: Path) -> None:
        """See `Store`."""
        self.files.put_file(str(path), self.uri(key))

    @contextmanager
    def folder(self, key: str) -> Iterator[Path]:
        """See `Store`."""
        with tempfile.TemporaryDirectory(prefix="artgan-") as name:
            folder = Path(name) / "files"
            yield folder
            self._put_all(folder, key)

    def _put_all(self, folder: Path, key: str) -> None:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        keys = [f"{key}/{path.relative_to(folder).as_posix()}" for path in paths]
        self.files.put([str(path) for path in paths], [self.uri(one) for one in keys])
        for entry in self.entries(key):
            if entry.key not in set(keys):
                self.delete(entry.key)

    def delete(self, key: str) -> None:
        """See `Store`."""
        if self.exists(key):
            self.files.rm_file(self.uri(key))

    def delete_below(self, prefix: str) -> int:
        """See `Store`."""
        if not prefix.strip("/"):
            raise InvalidInputError(f"prefix must name a folder of the store, got {prefix!r}.")
        found = self.entries(prefix)
        if found:
            self.files.rm([self.uri(entry.key) for entry in found])
        return len(found)

    def entries(self, prefix: str = "") -> list[Entry]:
        """See `Store`."""
        found = self.files.find(self.uri(prefix).rstrip("/"), detail=True)
        assert isinstance(found, dict)
        entries = [
            self._entry(name, facts)
            for name, facts in found.items()
            if facts["type"] == "file" and not name.endswith("/")
        ]
        return sorted(entries, key=lambda entry: entry.key)

    def listing(self, folder: str = "") -> tuple[list[Entry], list[str]]:
        """See `Store`."""
        base = self.uri(folder).rstrip("/")
        try:
            found = self.files.ls(base, detail=True)
        except FileNotFoundError:
            return [], []
        files = [one for one in found if one["type"] == "file" and one["name"] != base]
        folders = [one["name"].rstrip("/") for one in found if one["type"] == "directory"]
        entries = [self._entry(one["name"], one) for one in files if not one["name"].endswith("/")]
        names = sorted(name.rsplit("/", 1)[-1] for name in folders)
        return sorted(entries, key=lambda entry: entry.key), names

    def entry(self, key: str) -> Entry | None:
        """See `Store`."""
        try:
            facts = self.files.info(self.uri(key))
        except FileNotFoundError:
            return None
        return self._entry(self.uri(key).removeprefix("s3://"), facts)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """See `Store`."""
        with tempfile.TemporaryDirectory(prefix="artgan-") as folder:
            path = Path(folder) / Path(key).name
            try:
                self.files.get_file(self.uri(key), str(path))
            except FileNotFoundError as error:
                raise self._missing(key, "Check that it was not moved.") from error
            yield path

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """See `Store`."""
        with tempfile.TemporaryDirectory(prefix="artgan-") as folder:
            yield Path(folder)

    def sweep(self, older_than_s: float = 24 * 3600.0) -> int:  # noqa: ARG002
        """Nothing is ever left half-written here."""
        return 0

    def delta_options(self) -> dict[str, str]:
        """See `Store`."""
        options = {name: os.environ[name] for name in _CREDENTIALS if os.environ.get(name)}
        options.setdefault("AWS_REGION", os.environ.get("AWS_DEFAULT_REGION", "us-east-1"))
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            options["AWS_ENDPOINT_URL"] = endpoint
            options["AWS_ALLOW_HTTP"] = str(endpoint.startswith("http://")).lower()
        return options

    def _bytes(self, key: str) -> bytes:
        content = self.files.cat_file(self.uri(key))
        assert isinstance(content, bytes)
        return content

    @contextmanager
    def _stream(self, key: str) -> Iterator[BinaryIO]:
        ahead = {"cache_type": "readahead", "block_size": _BLOCK_BYTES}
        with self.files.open(self.uri(key), "rb", **ahead) as file:
            yield file  # pyright: ignore[reportReturnType] - fsspec's own file class

    def _entry(self, name: str, facts: dict[str, Any]) -> Entry:
        bare = self.root.removeprefix("s3://")
        etag = str(facts["ETag"]).strip('"')
        key = name.removeprefix(bare + "/")
        return Entry(key, int(facts["size"]), etag, facts["LastModified"])
