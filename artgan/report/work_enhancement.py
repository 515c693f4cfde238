"""Enhanced files of a work, on its page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artgan.report.snapshot import Row, output_source
from artgan.report.thumbs import Thumbnail, Thumbnails

ENHANCED_SHOWN = 12

_WORDS = {"denoise": "noise and blur", "tone": "tone", "upscale": "enlarged"}


@dataclass(frozen=True)
class Enhanced:
    """One enhanced file of a work.

    Attributes:
        output_id: The file.
        what: What was done, with the strengths, in words.
        source: What it was made of, in words.
        thumbnail: The picture.
        path: Key of the file.
        report: Key of the report beside it.
    """

    output_id: str
    what: str
    source: str
    thumbnail: Thumbnail
    path: str
    report: str


def enhanced_views(outputs: Sequence[Row], thumbnails: Thumbnails) -> list[Enhanced]:
    """Return the newest enhanced files of a work, the newest first."""
    made = [row for row in outputs if row["kind"] == "enhanced" and row["status"] == "ok"]
    views = []
    for row in made[: -ENHANCED_SHOWN - 1 : -1]:
        thumbnail = thumbnails.whole(output_source(row))
        if thumbnail is None:
            continue
        settings = json.loads(row["settings_json"] or "{}")
        source = "the restored file" if settings.get("source") == "restored" else "the scan"
        report = row["output_path"].rsplit("/", 1)[0] + "/report.json"
        what = what_was_done(settings)
        views.append(
            Enhanced(row["output_id"], what, source, thumbnail, row["output_path"], report)
        )
    return views


def what_was_done(settings: Mapping[str, Any]) -> str:
    """Put operators and strengths into words: ``tone 1, enlarged x2 1``."""
    parts = []
    for kind, words in _WORDS.items():
        if kind in settings:
            factor = f" x{settings[kind]['factor']}" if "factor" in settings[kind] else ""
            parts.append(f"{words}{factor}, strength {settings[kind]['strength']:g}")
    return "; ".join(parts)
