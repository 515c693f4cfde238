"""Keys derived from content: equal inputs, settings and code give equal keys everywhere."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import artgan

VERSION = artgan.__version__
"""Of the code that runs; what was installed once may be older."""

KEY_DIGITS = 20


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(*parts: object) -> str:
    """Return the sha256 of values that JSON can hold, as 64 hex digits."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def key(*parts: object) -> str:
    """Return a short key of values, as 20 hex digits (80 bits)."""
    return digest(*parts)[:KEY_DIGITS]


def scan_id(content_sha256: str, page: int) -> str:
    """Return the identifier of a page of a file; that of the first is the file's own sha256."""
    if page == 1:
        return content_sha256
    return hashlib.sha256(f"{content_sha256}#page={page}".encode()).hexdigest()


def set_digest(identifiers: Iterable[str]) -> str:
    """Return the sha256 of a set of identifiers, whatever their order."""
    return digest(sorted(set(identifiers)))
