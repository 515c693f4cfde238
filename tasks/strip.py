"""A strip of thumbnails inside a markdown text: small JPEGs as ``data:`` addresses, no web server.

All pictures of one text share a budget; the largest size at which they fit it is taken.
"""

import base64
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from artgan.errors import ArtganError
from artgan.imaging.read import read_rgb
from artgan.imaging.write import thumbnail_jpeg
from artgan.report.thumbs import Source, Thumbnails
from artgan.report.words import clip

BUDGET_BYTES = 230_000
_SIDES_PX = (208, 176, 144, 112, 80, 56)
_GAP_PX = 4
_CELL_PX = 324  # two of them beside each other in the narrow column of Prefect's page
_PAGE_PX = 700
_PADDING_PX = 26
_CHARACTER_PX = 7
_QUALITY = 78
_BYTES_AS_TEXT = 4 / 3


@dataclass(frozen=True)
class Shot:
    """One cell of a strip.

    Attributes:
        caption: Words below it.
        pictures: One or more pictures, (H, W, 3) uint8, shown side by side.
    """

    caption: str
    pictures: tuple[np.ndarray, ...]


def load_shot(
    thumbnails: Thumbnails, caption: str, sources: Sequence[Source | None]
) -> Shot | None:
    """Read the pictures of one cell; None if one of them cannot be read.

    They are those of the report, made here if the report has not shown them yet.
    """
    pictures = []
    for source in sources:
        thumbnail = thumbnails.whole(source)
        if thumbnail is None:
            return None
        pictures.append(read_rgb(thumbnails.store.read(thumbnail.key)))
    return Shot(caption, tuple(pictures))


def load_picture(thumbnails: Thumbnails, caption: str, key: str) -> Shot | None:
    """Read one object as a cell of its own; None if it cannot be read."""
    try:
        return Shot(caption, (read_rgb(thumbnails.store.read(key)),))
    except ArtganError:
        return None


def draw(strips: Sequence[Sequence[Shot]], budget_bytes: int = BUDGET_BYTES) -> list[str]:
    """Write each strip as a markdown table; all of them together stay below a budget.

    Args:
        strips: Cells of each strip; a strip without cells is an empty text.
        budget_bytes: Most that all pictures together may take in the text.
    """
    drawn: list[list[_Cell]] = []
    for side_px in _SIDES_PX:
        drawn = [[_draw(shot, side_px) for shot in strip] for strip in strips]
        if _BYTES_AS_TEXT * sum(len(cell.jpeg) for row in drawn for cell in row) <= budget_bytes:
            break
    return [_table(strip, cells) for strip, cells in zip(strips, drawn, strict=True)]


@dataclass(frozen=True)
class _Cell:
    """A cell as it is written: a JPEG and its width."""

    jpeg: bytes
    width_px: int


def _draw(shot: Shot, side_px: int) -> _Cell:
    joined = _join(shot, side_px)
    return _Cell(thumbnail_jpeg(joined, max(joined.shape[:2]), _QUALITY), joined.shape[1])


def _join(shot: Shot, side_px: int) -> np.ndarray:
    """Set the pictures of a cell beside each other, at most so high and `_CELL_PX` wide."""
    width_px = (_CELL_PX + _GAP_PX) // len(shot.pictures) - _GAP_PX
    fitted = [_fit(picture, side_px, width_px) for picture in shot.pictures]
    height = min(picture.shape[0] for picture in fitted)
    gap = np.full((height, _GAP_PX, 3), 255, np.uint8)
    parts = [part for picture in fitted for part in (gap, picture[:height])][1:]
    return np.ascontiguousarray(np.hstack(parts))


def _fit(picture: np.ndarray, height_px: int, width_px: int) -> np.ndarray:
    """Scale a picture into a box; tiny ones grow by whole squares."""
    height, width = picture.shape[:2]
    scale = min(height_px / height, width_px / width)
    if scale >= 1:
        times = math.floor(scale)
        return picture.repeat(times, axis=0).repeat(times, axis=1)
    content = thumbnail_jpeg(picture, max(1, math.floor(scale * max(height, width))), quality=95)
    return read_rgb(content)


def _table(shots: Sequence[Shot], cells: Sequence[_Cell]) -> str:
    if not shots:
        return ""
    columns = max(1, _PAGE_PX // (max(cell.width_px for cell in cells) + _PADDING_PX))
    # Prefect's tables break no lines: a longer caption would push the next column off the page.
    characters = (_PAGE_PX // columns - _PADDING_PX) // _CHARACTER_PX
    lines = [_row([""] * columns), _row(["---"] * columns)]
    for start in range(0, len(shots), columns):
        row = list(zip(shots, cells, strict=True))[start : start + columns]
        lines.append(_row([_image(shot, cell.jpeg) for shot, cell in row]))
        lines.append(_row([escape(shot.caption, characters) for shot, _ in row]))
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _image(shot: Shot, jpeg: bytes) -> str:
    content = base64.b64encode(jpeg).decode()
    return f"![{escape(shot.caption)}](data:image/jpeg;base64,{content})"


def escape(text: str | None, limit: int = 400) -> str:
    """Write delivered text so that markdown shows it as it is, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", clip(text, limit))
