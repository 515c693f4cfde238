"""Names of scans, as files bear them and as tables write them."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_ENDING = re.compile(r"\.(?:tiff?|jpe?g|jp2|jpx|png|webp|avif|bmp|gif|psd|dng)$")
# https://iiif.io/api/image/3.0/#4-image-requests: the identifier stands before region, size,
# rotation and quality, or before info.json.
_IIIF = re.compile(
    r"/([^/]+)/(?:info\.json|(?:full|square|pct:[\d.,]+|[\d,]+)/[^/]+/!?[\d.]+/[a-z]+\.[a-z0-9]+)$"
)


def written_name(name: str) -> str:
    """Return a path or file name as it is compared: one Unicode form, no case, forward slashes."""
    name = unicodedata.normalize("NFC", name.strip().replace("\\", "/")).casefold()
    return name.removeprefix("./").strip("/")


def row_name(shown: str) -> str:
    """Return the name of a scan that a cell holds: a path, a file name or a web address."""
    if "://" not in shown:
        return written_name(shown)
    try:
        path = urlsplit(shown.strip()).path.rstrip("/")
    except ValueError:  # no address after all
        return written_name(shown)
    iiif = _IIIF.search(path)
    return written_name(unquote(iiif[1] if iiif else path.rsplit("/", 1)[-1]))


def loose_name(name: str) -> str:
    """Return a name without ending, accents, separators and leading zeros.

    ``SK_A 05.tif`` and ``sk-a-5`` are ``sk-a-5``.
    """
    bare = unicodedata.normalize("NFKD", _ENDING.sub("", written_name(name)))
    bare = re.sub(r"[\u0300-\u036f]", "", bare)
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"[\W_]+", "-", bare).strip("-"))


@dataclass(frozen=True)
class ScanNames:
    """Names that a row may use for a scan.

    Attributes:
        exact: The most exact first.
        patterned: Names that a pattern finds in its name.
        bare: Its path in the collection's folder and its name, both without ending.
    """

    exact: tuple[str, ...]
    patterned: tuple[str, ...]
    bare: tuple[str, str]

    def loose(self) -> list[str]:
        """Return its names without separators, accents and leading zeros."""
        return [loose_name(name) for name in (*self.bare, *self.patterned)]


def names_of(source_path: str, patterns: Sequence[re.Pattern[str]]) -> ScanNames:
    """Return the names of a scan.

    Args:
        source_path: Path of the scan within the inbox.
        patterns: What else in its name, in lower case and without ending, may name it.
    """
    path = written_name(source_path)
    inside = path.split("/", 1)[-1]
    name = inside.rsplit("/", 1)[-1]
    stem = name[:dot] if (dot := name.rfind(".")) > 0 else name
    bare = inside[: len(inside) - len(name)] + stem
    found = tuple(match[1] for one in patterns if (match := one.fullmatch(stem)))
    return ScanNames((inside, name, bare, stem, *found, path), found, (bare, stem))
