"""Delivered metadata: tables of any museum's making, joined to scans by file name."""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from artgan.ingest.discover import METADATA_NAME
from artgan.ingest.years import parse_years
from artgan.storage import Store

_DELIMITERS = ",;\t|"
_LIST_SEPARATOR = "|"

# Column of the catalog: headings it goes by, in plain lower-case letters and digits, the most
# telling first. English, Dutch, German, French.
ALIASES: dict[str, tuple[str, ...]] = {
    "accession_number": (
        "accessionnumber",
        "accessionno",
        "accessionnum",
        "accession",
        "objectnumber",
        "objectno",
        "mainreferencenumber",
        "inventorynumber",
        "inventoryno",
        "invno",
        "inventarisnummer",
        "objectnummer",
        "inventarnummer",
        "invnr",
        "numeroinventaire",
        "numerodinventaire",
    ),
    "title": ("title", "titel", "titre", "objecttitle", "objecttitel", "naam", "name"),
    "artist": (
        "artist",
        "artistdisplayname",
        "artistname",
        "artisttitle",
        "artistdisplay",
        "maker",
        "creator",
        "vervaardiger",
        "kunstenaar",
        "kunstler",
        "artiste",
        "auteur",
        "attribution",
    ),
    "date_text": (
        "date",
        "objectdate",
        "datetext",
        "datedisplay",
        "displaydate",
        "datecreated",
        "dating",
        "datering",
        "datierung",
        "year",
        "jaar",
        "jahr",
        "annee",
    ),
    "medium": (
        "medium",
        "mediumdisplay",
        "materialsandtechniques",
        "technique",
        "materials",
        "material",
        "materiaal",
        "techniek",
        "technik",
    ),
    "rights": (
        "rights",
        "rightsstatement",
        "rightsandreproduction",
        "licence",
        "license",
        "copyright",
        "rechten",
        "rechte",
        "droits",
        "creditline",
        "credit",
    ),
    "file": (
        "file",
        "filename",
        "filepath",
        "bestandsnaam",
        "bestand",
        "dateiname",
        "datei",
        "fichier",
        "imagefile",
        "imagefilename",
        "imagename",
        "image",
        "scan",
        "path",
    ),
    "collection": ("collection", "collectie", "sammlung"),
}
_TEXT_FIELDS = ("accession_number", "title", "artist", "date_text", "medium", "rights")


@dataclass(frozen=True)
class Metadata:
    """The metadata rows that may belong to the scans of one collection.

    Attributes:
        by_name: Row by normalised name: path within the collection, file name, or either without
            its ending where the table leaves endings out.
        named: Names as delivered, of rows that must have a scan in this collection.
    """

    by_name: dict[str, Mapping[str, str]] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)

    def fields_of(self, source_path: str) -> dict[str, Any] | None:
        """Return the metadata columns of a scan, or None where no row names it.

        Args:
            source_path: Path of the scan within the inbox.
        """
        for name in _names_of(source_path):
            if name in self.by_name:
                return row_fields(self.by_name[name])
        return None

    def unmatched(self, source_paths: Iterable[str]) -> list[str]:
        """Return the file names in the metadata that none of these scans bears, sorted."""
        present = {name for path in source_paths for name in _names_of(path)}
        return sorted(shown for name, shown in self.named.items() if name not in present)


def read_metadata(inbox: Store, collection: str) -> Metadata:
    """Read what the inbox says about a collection's works.

    ``<collection>/metadata.csv`` comes first, then every ``*.csv`` at the top of the inbox; the
    first row that names a scan counts. A row names its scan in a column such as ``file``, with or
    without folder and ending; a table without such a column is joined by the accession number,
    which the scan's name without ending must then equal. Case and Unicode form do not matter.
    """
    metadata = Metadata()
    for table in sorted(_tables(inbox, collection), key=lambda key: ("/" not in key, key)):
        rows = parse_csv(inbox.read(table))
        for row in rows:
            _add(metadata, row, collection, is_own="/" in table)
    return metadata


def _tables(inbox: Store, collection: str) -> list[str]:
    # Only names are looked at; a listing of the whole inbox would be long, but top-level tables
    # cannot be found otherwise.
    keys = [entry.key for entry in inbox.entries()]
    own = f"{collection}/{METADATA_NAME}".lower()
    top = [key for key in keys if "/" not in key and key.lower().endswith(".csv")]
    return top + [key for key in keys if key.lower() == own]


def parse_csv(content: bytes) -> list[dict[str, str]]:
    """Read a table with headings: UTF-8, UTF-16 with a mark, or else Windows-1252.

    The delimiter is the one that splits the headings most: comma, semicolon, tab or bar. Cells may
    hold line breaks. Rows without any text are left out, surplus cells ignored.
    """
    text = _decoded(content)
    headings = text.lstrip().split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=headings.count)
    rows = csv.DictReader(io.StringIO(text.lstrip(), newline=""), delimiter=delimiter)
    kept = [{name: (row[name] or "").strip() for name in row if name} for row in rows]
    return [row for row in kept if any(row.values())]


def _decoded(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def row_fields(row: Mapping[str, str]) -> dict[str, Any]:
    """Turn a delivered row into the metadata columns of `artgan.catalog.schema.SCANS`.

    Args:
        row: Cell by heading, as delivered.

    Returns:
        accession_number, title, artist, date_text, year_from, year_to, medium, rights, each None
        where the row has none, and the whole row as metadata_json.
    """
    fields: dict[str, Any] = {name: _cell(row, name) for name in _TEXT_FIELDS}
    if fields["artist"]:
        parts = [part.strip() for part in fields["artist"].split(_LIST_SEPARATOR)]
        fields["artist"] = "; ".join(part for part in parts if part)
    fields["year_from"], fields["year_to"] = parse_years(fields["date_text"] or "")
    fields["metadata_json"] = json.dumps(row, ensure_ascii=False)
    return fields


def _cell(row: Mapping[str, str], column: str) -> str | None:
    """First non-empty cell under one of a column's headings."""
    by_heading = {_plain(heading): cell for heading, cell in row.items()}
    return next((by_heading[name] for name in ALIASES[column] if by_heading.get(name)), None)


@cache
def _plain(heading: str) -> str:
    letters = unicodedata.normalize("NFKD", heading).lower()
    return re.sub(r"[^a-z0-9]", "", letters)


def _add(metadata: Metadata, row: Mapping[str, str], collection: str, *, is_own: bool) -> None:
    shown = _cell(row, "file") or _cell(row, "accession_number")
    if shown is None:
        return
    name = _normalised(urlsplit(shown).path if "://" in shown else shown)
    if "://" in shown:
        name = unquote(name).rsplit("/", 1)[-1]
    folder = _normalised(collection)
    stated = _normalised(_cell(row, "collection") or "") or name.split("/")[0]
    is_here = is_own or stated == folder
    if not is_here and "/" in name:
        return
    name = name.removeprefix(f"{folder}/")
    metadata.by_name.setdefault(name, row)
    if is_here:
        metadata.named.setdefault(name, shown)


def _normalised(name: str) -> str:
    name = unicodedata.normalize("NFC", name.strip().replace("\\", "/")).casefold()
    return name.removeprefix("./").strip("/")


def _names_of(source_path: str) -> Sequence[str]:
    """Names a row may use for a scan, the most exact first."""
    path = PurePosixPath(_normalised(source_path))
    inside = PurePosixPath(*path.parts[1:])
    return (str(inside), inside.name, str(inside.with_suffix("")), inside.stem)
