"""A work in the manner of other collections, and textures made of it, on its page."""

from collections.abc import Sequence
from dataclasses import dataclass

from artgan.report.measures import subject_title
from artgan.report.snapshot import Row, output_source
from artgan.report.thumbs import Thumbnail, Thumbnails

RENDERINGS_SHOWN = 24


@dataclass(frozen=True)
class Rendered:
    """One rendering of a work.

    Attributes:
        output_id: The file.
        style: Collection in whose manner it is.
        method: What made it, in words.
        thumbnail: The picture.
        path: Key of the file.
    """

    output_id: str
    style: str
    method: str
    thumbnail: Thumbnail
    path: str


def texture_views(outputs: Sequence[Row], thumbnails: Thumbnails) -> list[Rendered]:
    """Return the newest textures made of a work."""
    made = [row for row in outputs if row["kind"] == "texture" and row["status"] == "ok"]
    views = []
    for row in made[-RENDERINGS_SHOWN:]:
        thumbnail = thumbnails.whole(output_source(row))
        if thumbnail is not None:
            words = f"seed {row['seed']}, {row['width_px']} by {row['height_px']} px"
            names = row["output_id"], row["collection"], words
            views.append(Rendered(*names, thumbnail, row["output_path"]))
    return views


def rendered_views(outputs: Sequence[Row], thumbnails: Thumbnails) -> list[Rendered]:
    """Return the newest rendering of a work by each method in each style."""
    newest = {
        (row["collection"], row["method"] or "", row["scan_id"]): row
        for row in outputs
        if row["kind"] == "stylized" and row["status"] == "ok"
    }
    views = []
    for style, method, _ in sorted(newest)[:RENDERINGS_SHOWN]:
        row = newest[style, method, _]
        thumbnail = thumbnails.whole(output_source(row))
        if thumbnail is not None:
            title = subject_title(method)
            views.append(Rendered(row["output_id"], style, title, thumbnail, row["output_path"]))
    return views
