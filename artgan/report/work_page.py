"""The page of one work: its scan, what was made of it, and all that is known of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from artgan.metrics.table import METRICS, Metric
from artgan.report.measures import canonical
from artgan.report.reviews import (
    Reviews,
    banner,
    decision_words,
    last_review,
    review_words,
)
from artgan.report.snapshot import Row, scan_source, scan_title, work_folder, work_id
from artgan.report.thumbs import LARGE_PX, Thumbnail, Thumbnails
from artgan.report.words import clip, count, moment, showing
from artgan.report.work_enhancement import Enhanced, enhanced_views
from artgan.report.work_facts import Facts, capture, condition, delivered, identification
from artgan.report.work_restoration import Restored, restored_json, restored_views
from artgan.report.work_rows import WorkRows
from artgan.report.work_stylization import Rendered, rendered_views, texture_views

HISTORY_CAP = 200


@dataclass(frozen=True)
class WorkPage:
    """All that the page of a work shows.

    Attributes:
        work_id: Name of the page.
        folder: Folder of the page under the root.
        collection: Its collection.
        title: Title, or name of the file.
        maker: Maker and date.
        split: Split of the work.
        outcome: What there is, in a sentence.
        verdict: Whether conservators reviewed its restorations, in a line.
        picture: The scan, unless it is compared with its restoration.
        is_compared: Whether it is.
        access_path: Key of the access copy.
        iiif: Key of its image service; empty if there is none.
        restored: Its digital restorations, one for each damaged scan.
        enhanced: Files in which its tone, noise or size was changed.
        rendered: The work in the manner of other collections.
        textures: Textures made of it.
        facts: Tables of what is known, by heading.
        delivered: The whole delivered row of metadata.
        history: What happened, the newest last: moment and words.
        cut: Sentence that says that the history was cut.
        glossary: Measures that the page names.
        written: Keys of pictures that were made.
    """

    work_id: str
    folder: str
    collection: str
    title: str
    maker: str
    split: str
    outcome: str
    verdict: str
    picture: Thumbnail | None
    is_compared: bool
    access_path: str
    iiif: str
    restored: list[Restored]
    enhanced: list[Enhanced]
    rendered: list[Rendered]
    textures: list[Rendered]
    facts: dict[str, Facts]
    delivered: Facts
    history: list[tuple[str, str]]
    cut: str | None
    glossary: list[Metric]
    written: list[str]


def work_page(rows: WorkRows, thumbnails: Thumbnails, present: Collection[str]) -> WorkPage:
    """Gather the page of a work, and make the pictures that it needs.

    Args:
        rows: What the catalog says.
        thumbnails: The archive's thumbnails.
        present: Keys of pictures that lie beside pages.
    """
    scan = rows.scan
    folder = work_folder(scan)
    restored, written = restored_views(rows, folder, thumbnails.store, present)
    history = _history(rows)
    compared = any(one.pictures for one in restored)
    return WorkPage(
        work_id=work_id(scan),
        folder=folder,
        collection=scan["collection"],
        title=scan_title(scan),
        maker=", ".join(part for part in (scan["artist"], scan["date_text"]) if part),
        split=scan["split"] or "no",
        outcome=_outcome(rows, restored),
        verdict=banner(rows.reviews, [one.output for one in restored if one.is_done]),
        picture=None if compared else thumbnails.whole(scan_source(scan), LARGE_PX),
        is_compared=compared,
        access_path=scan["access_path"] or "",
        iiif=next((row["output_path"] for row in reversed(rows.outputs) if _is_service(row)), ""),
        restored=restored,
        enhanced=enhanced_views(rows.outputs, thumbnails),
        rendered=rendered_views(rows.outputs, thumbnails),
        textures=texture_views(rows.outputs, thumbnails),
        facts={
            "Identification": identification(scan),
            "Capture": capture(scan),
            "Condition as recorded": condition(scan, rows.delivered),
        },
        delivered=delivered(scan),
        history=history[-HISTORY_CAP:],
        cut=showing(
            min(len(history), HISTORY_CAP), len(history), "events", "the tables scans and outputs"
        ),
        glossary=_glossary(restored),
        written=written,
    )


def _glossary(restored: Sequence[Restored]) -> list[Metric]:
    named = {canonical(number.row["metric"]) for one in restored for number in one.measures}
    return [metric for metric in METRICS if metric.name in named]


def _is_service(row: Row) -> bool:
    return row["kind"] == "iiif" and row["status"] == "ok"


def work_status(masks: Sequence[Row], outputs: Sequence[Row], reviews: Reviews) -> str:
    """Say in a few words what there is of a work, for lists."""
    restored = [row for row in outputs if row["kind"] == "restored"]
    done = [row for row in restored if row["status"] == "ok"]
    if done:
        review = last_review(reviews, done[-1])
        verdict = "not reviewed by a conservator" if review is None else decision_words(review)
        return f"restored digitally; {verdict}"
    if restored:
        return "restoration failed"
    return "damage mask, not restored yet" if masks else "scan"


def _outcome(rows: WorkRows, restored: Sequence[Restored]) -> str:
    parts = [count(len(rows.scans), "scan")]
    done = [one for one in restored if one.is_done]
    if done:
        parts.append(f"{count(len(done), 'digital restoration')} (image only; object not treated)")
    if failed := len(restored) - len(done):
        parts.append(f"{count(failed, 'restoration')} that could not be made")
    if rows.delivered and not restored:
        parts.append("damage was marked, and nothing has been restored yet")
    styled = [row for row in rows.outputs if row["kind"] == "stylized" and row["status"] == "ok"]
    if styled:
        manner = "in the manner of other collections"
        parts.append(count(len(styled), f"rendering {manner}", f"renderings {manner}"))
    enhanced = [row for row in rows.outputs if row["kind"] == "enhanced" and row["status"] == "ok"]
    if enhanced:
        parts.append(count(len(enhanced), "enhanced file"))
    textures = [row for row in rows.outputs if row["kind"] == "texture" and row["status"] == "ok"]
    if textures:
        parts.append(count(len(textures), "texture"))
    if len(parts) == 1:
        parts.append("nothing was made of it")
    return f"{'; '.join(parts)}."


def _history(rows: WorkRows) -> list[tuple[str, str]]:
    found = [
        (row["ingested_at"], f"Scan {_named(row)} came in") for row in rows.earlier + rows.scans
    ]
    found += [(row["ingested_at"], _mask_came(row)) for row in rows.masks]
    found += [(row["created_at"], _made(row)) for row in rows.outputs]
    found += [
        (row["reviewed_at"], f"{review_words(row)} ({row['output_id']})")
        for reviews in rows.reviews.values()
        for row in reviews
    ]
    known = sorted((when, words) for when, words in found if when)
    return [(moment(when), words) for when, words in known]


def _mask_came(row: Row) -> str:
    name = clip(row["source_path"], 80)
    return {
        "edited": f"Corrected damage mask {name} was taken",
        "detected": f"Damage mask {name} was drawn by a machine",
    }.get(row["origin"] or "", f"Damage mask {name} came in")


def _named(row: Row) -> str:
    version = f", version {row['object_version']}" if (row["object_version"] or 1) > 1 else ""
    return f"{clip(row['source_path'], 80)} ({row['scan_id'][:12]}{version})"


def _made(row: Row) -> str:
    what = {
        "restored": "Digital restoration",
        "enhanced": f"Enhancement ({row['method']})",
        "stylized": f"Rendering in the manner of {clip(row['collection'], 60)}",
        "texture": "Texture, a tile made of its patches",
        "film": f"Film in the manner of {clip(row['collection'], 60)}",
        "iiif": "Image service (IIIF)",
    }.get(row["kind"], row["kind"])
    by = f" by model {row['model_id']}" if row["model_id"] else ""
    if row["status"] != "ok":
        return f"{what}{by}: {row['status']}: {clip(row['message'], 160)}"
    return f"{what}{by}"


def work_json(page: WorkPage, rows: WorkRows) -> dict[str, Any]:
    """Return what the page says as values that JSON can hold."""
    scan = rows.scan
    columns = (
        *("scan_id", "accession_number", "title", "artist", "date_text", "year_from", "year_to"),
        *("medium", "rights", "dimensions_text", "height_mm", "width_mm", "depth_mm"),
        *("format", "width_px", "height_px", "bit_depth", "icc_name", "dpi", "split", "phash"),
    )
    return {
        "work_id": page.work_id,
        "collection": page.collection,
        "outcome": page.outcome,
        **{name: scan[name] for name in columns},
        "content_sha256": scan["content_sha256"] or scan["scan_id"],
        "scans": [row["scan_id"] for row in rows.scans],
        "earlier_scans": [row["scan_id"] for row in rows.earlier],
        "restorations": [
            restored_json(one, last_review(rows.reviews, one.output)) for one in page.restored
        ],
        "enhanced": [
            {"output_id": one.output_id, "what": one.what, "source": one.source}
            for one in page.enhanced
        ],
        "renderings": [
            {"output_id": one.output_id, "collection": one.style, "method": one.method}
            for one in page.rendered
        ],
        "history": [{"at": when, "what": words} for when, words in page.history],
    }
