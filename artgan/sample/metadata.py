"""Invented metadata of the sample archive, with the habits of real museum exports.

Every artist, place and title is made up. One collection writes UTF-8 with a byte order mark and
``;``, one writes ``,`` with line breaks inside cells and several artists joined by ``|``, and one
is plain; the column names differ in all three.
"""

import csv
import io
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Work:
    """One row of metadata: running number, what the picture shows, and the name of its scan."""

    number: int
    subject: str
    file: str


@dataclass(frozen=True)
class Export:
    """How one collection writes its metadata."""

    columns: tuple[str, ...]
    separator: str = ","
    encoding: str = "utf-8"


EXPORTS = {
    "brush_landscapes": Export(
        (
            "Object Number",
            "Title",
            "Artist Display Name",
            "Object Date",
            "Medium",
            "Dimensions",
            "Rights",
            "File",
        )
    ),
    "woodblock_views": Export(
        (
            "inventarisnummer",
            "titel",
            "maker",
            "datering",
            "materiaal",
            "afmetingen",
            "bestandsnaam",
        ),
        separator=";",
        encoding="utf-8-sig",
    ),
    "hard_edge": Export(
        ("accession_number", "title", "artist", "date", "medium", "credit", "filename")
    ),
}

ARTISTS = {
    "brush_landscapes": (
        "Ottoline Varrickson",
        "Jens-Åke Törnbladh-Ruud",
        "Maël Éloyquist",
        "Wiebke Osterhagelund",
        "Ottoline Varrickson|Maël Éloyquist",
    ),
    "woodblock_views": (
        "Kasumidera Ranzō",
        "Hoshigase Teirin",
        "Minamozaki Shunro-an",
        "onbekend",
    ),
    "hard_edge": (
        "Dagny Ferrolund",
        "Tibor Kvartmány",
        "Ileana Pătratescu-Voss",
        "Workshop of the Square Circle",
    ),
}
# The first dates of each list always occur: they are the ones a parser finds hard.
DATES = {
    "brush_landscapes": (
        "c.1820-5",
        "1888, printed 1901",
        "n.d.",
        "1889",
        "ca. 1891",
        "after 1890",
    ),
    "woodblock_views": ("16th century", "ca. 1831", "1831\u201334", "n.d.", "1857", "1832?"),
    "hard_edge": ("ca. 1911", "1913\u201315", "1962", "1964", "1964-66", "before 1970"),
}
SIZES = (
    "31.5 x 42 cm",
    "(upper): 12 in.",
    "38.1 \u00d7 25.4 cm (15 \u00d7 10 in.)",
    "h 24,6 cm x b 36,8 cm",
    "",
    "120 cm diam.",
)
PLACES = ("Vårlund", "Ténéric-sur-Aune", "Łękowiec", "Sölbackar", "Ormsby Fell", "the Grey Farm")
BRUSH_MEDIA = ("Oil on canvas", "Oil on panel", "Oil on canvas,\nlaid down on board")
RIGHTS = "CC0; generated picture, no rights attached"


def _brush_row(work: Work, pick: np.random.Generator) -> tuple[str, ...]:
    """Row of ``brush_landscapes``, with line breaks in some cells."""
    scene, mood = work.subject.split(", ")
    place = str(pick.choice(PLACES))
    title = f"{mood}: {scene} near {place}"
    if work.number % 7 == 2:
        title = f"{title}\n(verso: Study of {scene})"
    size = str(pick.choice(SIZES))
    medium = str(pick.choice(BRUSH_MEDIA))
    return f"BL.1887.{work.number}", title, medium, size, RIGHTS


def _woodblock_row(work: Work, pick: np.random.Generator) -> tuple[str, ...]:
    """Row of ``woodblock_views``; the series title has letters outside of ASCII."""
    series = str(pick.choice(["Twaalf gezichten op Ōnami", "Zes dagen langs de Yūgawa"]))
    title = f'{work.subject}, uit de serie "{series}"'
    size = str(pick.choice(SIZES))
    return f"OV-1831-{work.number:03d}", title, "kleurenhoutsnede; papier", size


def _hard_edge_row(work: Work, pick: np.random.Generator) -> tuple[str, ...]:
    """Row of ``hard_edge``; some titles carry letters outside of ASCII."""
    prefix = str(pick.choice(["Composition", "Étude", "Ordning", "Untitled"]))
    title = f"{prefix} ({work.subject}) No. {work.number}"
    medium = str(pick.choice(["Acrylic on canvas", "Enamel on linen", "Oil on cotton duck"]))
    return f"HE {1900 + work.number % 90}.{work.number}", title, medium, "Bequest; generated, CC0"


ROWS = {
    "brush_landscapes": _brush_row,
    "woodblock_views": _woodblock_row,
    "hard_edge": _hard_edge_row,
}


def metadata_bytes(collection: str, works: list[Work], rng: np.random.Generator) -> bytes:
    """The bytes of ``metadata.csv``.

    Args:
        collection: A key of ``EXPORTS``.
        works: One entry per row, in order.
        rng: Source of every choice.
    """
    export = EXPORTS[collection]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=export.separator, lineterminator="\r\n")
    writer.writerow(export.columns)
    artists, dates = ARTISTS[collection], DATES[collection]
    for row, work in enumerate(works):
        number, title, *rest = ROWS[collection](work, rng)
        artist = artists[-1] if row == 1 else str(rng.choice(artists))
        date = dates[row] if row < len(dates) else str(rng.choice(dates))
        writer.writerow([number, title, artist, date, *rest, work.file])
    return buffer.getvalue().encode(export.encoding)
