"""Films in the manner of a collection, on its page."""

from collections.abc import Sequence
from dataclasses import dataclass

from artgan.report.measures import subject_title
from artgan.report.snapshot import Row
from artgan.report.thumbs import Source, Thumbnail, Thumbnails
from artgan.report.words import count, duration, number
from artgan.stylize.video_strip import strip_size

FILMS_SHOWN = 12
_STRIP_PX = 960


@dataclass(frozen=True)
class Film:
    """A film of a collection's manner.

    Attributes:
        title: How it was made, and how long it plays.
        thumbnail: Frames of the source above those of the film; None if they cannot be read.
        words: Why there is none; empty if there is one.
        steadiness: How much it changes beyond its motion, beside its source.
        path: Key of the film; empty if it was not made.
    """

    title: str
    thumbnail: Thumbnail | None
    words: str
    steadiness: str
    path: str


def films(rows: Sequence[Row], thumbnails: Thumbnails) -> list[Film]:
    """Return the newest films, the last one first.

    Args:
        rows: Rows of the table outputs of the kind film, the oldest first.
        thumbnails: The archive's.
    """
    return [_film(row, thumbnails) for row in list(rows)[::-1][:FILMS_SHOWN]]


def _film(row: Row, thumbnails: Thumbnails) -> Film:
    method = subject_title(row["method"] or "")
    if row["status"] != "ok":
        return Film(f"{method}: not made", None, row["message"] or "not made", "", "")
    shots = count(row["shots"] or 0, "shot")
    title = f"{method}, {duration(row['seconds_long'])}, {shots}"
    size = strip_size(row["width_px"], row["height_px"])
    # named by the film, with which it is withdrawn
    source = Source(row["preview_path"], row["output_sha256"], *size)
    thumbnail = thumbnails.whole(source, _STRIP_PX)
    words = "" if thumbnail else "not available"
    return Film(title, thumbnail, words, _steadiness(row), row["output_path"])


def _steadiness(row: Row) -> str:
    """Say how steady a film is beside its source, which never reads zero itself."""
    parts = []
    for name, words in (
        ("warping_error", "change beyond the motion"),
        ("frame_difference", "change from frame to frame"),
    ):
        own, source = row[name], row[f"source_{name}"]
        if own is not None and source:
            parts.append(f"{words} {number(own / source)} times that of the source")
    return "; ".join(parts)
