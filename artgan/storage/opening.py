"""Open a store by its address, and refuse what could not hold an archive."""

import uuid
from contextlib import suppress
from pathlib import Path

from artgan.errors import InvalidInputError
from artgan.storage.local import TEMPORARY, LocalStore
from artgan.storage.s3 import S3Store
from artgan.storage.store import Store

_PROBE = f"{TEMPORARY}/conditional-put-probe"


def store_at(root: str) -> Store:
    """Return the store with a root that was opened before, without looking whether it is there."""
    return S3Store(root) if "://" in root else LocalStore(root)


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
    return _open_bucket(root, name)


def _open_folder(root: str, name: str, *, must_exist: bool) -> LocalStore:
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
    return LocalStore(str(path))


def _open_bucket(root: str, name: str) -> S3Store:
    store = S3Store(root)
    bucket = root.removeprefix("s3://").split("/", 1)[0]
    try:
        store.files.ls(bucket)
    except Exception as error:
        raise InvalidInputError(
            f"{name} must be a reachable bucket, got {root!r}: {str(error).splitlines()[0]} "
            "Check AWS_ENDPOINT_URL, the credentials and the bucket's name."
        ) from error
    return store


def check_conditional_put(store: Store) -> None:
    """Refuse a store on which two writers could both win.

    Catalog commits rely on "create only if absent". A store that ignores the condition loses
    commits without an error, so it is tried once for each root, with an object of our own.

    Raises:
        InvalidInputError: If a second conditional put overwrites the first.
    """
    if not isinstance(store, S3Store):
        return
    uri = store.uri(f"{_PROBE}-{uuid.uuid4().hex}")
    store.files.pipe_file(uri, b"first")
    with suppress(OSError, NotImplementedError):
        store.files.pipe_file(uri, b"second", mode="create")
    honoured = store.files.cat_file(uri) == b"first"
    store.files.rm_file(uri)
    if not honoured:
        raise InvalidInputError(
            f"root must be on a store that honours conditional puts (If-None-Match), got "
            f"{store.root!r}. On this one simultaneous writers would lose catalog rows without "
            "an error; use another store or a local folder."
        )
