"""Keys derived from content: equal inputs, settings and code give equal keys everywhere."""

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable

VERSION = importlib.metadata.version("artgan")

KEY_DIGITS = 20


def digest(*parts: object) -> str:
    """Return the sha256 of values that JSON can hold, as 64 hex digits."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def key(*parts: object) -> str:
    """Return a short key of values, as 20 hex digits (80 bits)."""
    return digest(*parts)[:KEY_DIGITS]


def set_digest(identifiers: Iterable[str]) -> str:
    """Return the sha256 of a set of identifiers, whatever their order."""
    return digest(sorted(set(identifiers)))
