"""A work's digital restorations on its page: comparison, what was done, how far to trust it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from artgan.catalog.beside import effective_mask_key
from artgan.report.measures import Measure, measure
from artgan.report.restoration_section import held_out_words
from artgan.report.restored_pictures import (
    RestoredPictures,
    generated_share,
    restored_pictures,
)
from artgan.report.reviews import last_review, review_facts, review_json, review_words
from artgan.report.snapshot import Row, model_page_key, pixels, scan_source
from artgan.report.words import NOT_APPLICABLE, NOT_RECORDED, clip, count, moment, share
from artgan.report.work_rows import WorkRows
from artgan.storage import Store

MARK = "Digital restoration (image only; object not treated)"
_ASSESSED = {
    "ok": "ok: no filled area is so deep that a whole form could have been in it",
    "conjectural": "conjectural: some filled areas are so deep that what they show is a guess",
    "needs_review": "needs review: much of the scan was filled, or a machine drew the mask",
}
_ORIGINS = {
    "delivered": "a delivered damage mask",
    "edited": "a damage mask that a person corrected",
    "detected": "a damage mask that a machine drew",
}


@dataclass(frozen=True)
class Restored:
    """One digital restoration of a scan of the work.

    Attributes:
        output: Row of the file.
        file: The scan that was restored.
        pictures: Its four pictures; None if it was not made or a file cannot be read.
        share: Generated part of the picture, in words.
        done: What was done, field by field.
        trust: How far to trust it, field by field.
        measures: Held-out numbers of the model that made it.
        outside: Pixels changed outside of the mask, in words.
        path: Key of the file at full size and depth; empty if it was not made.
        beside: Files that lie beside it, each by what it is and its key.
        model_page: Key of the page of the model that made it; empty if there is none.
        earlier: How many earlier files of the same scan and mask there are.
        reviews: What conservators said of it, field by field, the newest first.
        verdict: The newest of it in a line.
    """

    output: Row
    file: str
    pictures: RestoredPictures | None
    share: str
    done: list[tuple[str, str]]
    trust: list[tuple[str, str]]
    measures: list[Measure]
    outside: str
    path: str
    beside: list[tuple[str, str]]
    model_page: str
    earlier: int
    reviews: list[list[tuple[str, str]]]
    verdict: str

    @property
    def is_done(self) -> bool:
        """Whether the file was made."""
        return self.output["status"] == "ok"


def restored_views(
    rows: WorkRows, folder: str, store: Store, present: Collection[str]
) -> tuple[list[Restored], list[str]]:
    """Return a work's restorations, the newest of each scan and mask, and the keys written.

    A file of the model in use goes before newer ones of models that are not.
    """
    views, written = [], []
    for chosen, scan, earlier in _chosen(rows):
        source, pictures, made = scan_source(scan), None, []
        if chosen["status"] == "ok" and source is not None:
            pictures, made = restored_pictures(store, folder, chosen, source, present)
        written += made
        views.append(_view(rows, chosen, scan, pictures, earlier))
    return views, written


def shown_outputs(rows: WorkRows) -> list[Row]:
    """Return the restored files that the page of a work shows with pictures."""
    return [row for row, _, _ in _chosen(rows) if row["status"] == "ok"]


def _chosen(rows: WorkRows) -> list[tuple[Row, Row, int]]:
    """Return a file for each scan and mask, its scan, and how many others there are.

    Files that were made go before failures, files of the model in use before others, and newer
    ones before older ones. Scans that a re-scan took the place of are left to the history.
    """
    scans = {row["scan_id"]: row for row in rows.scans}
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows.outputs:
        if row["kind"] == "restored" and row["scan_id"] in scans:
            groups.setdefault((row["scan_id"], row["mask_id"] or ""), []).append(row)

    def rank(row: Row) -> tuple[bool, bool]:
        return row["status"] == "ok", row["model_id"] in rows.in_use

    return [
        (max(reversed(outputs), key=rank), scans[name], len(outputs) - 1)
        for (name, _), outputs in sorted(groups.items())
    ]


def _view(
    rows: WorkRows, output: Row, scan: Row, pictures: RestoredPictures | None, earlier: int
) -> Restored:
    done = output["status"] == "ok"
    mask = next((row for row in rows.masks if row["mask_id"] == output["mask_id"]), None)
    metrics = [
        row
        for row in rows.metrics
        if row["model_id"] == output["model_id"] and row["product"] == "restoration"
    ]
    outside = count(output["changed_outside_mask"], "pixel") if done else NOT_APPLICABLE
    return Restored(
        output=output,
        file=clip(scan["source_path"], 120),
        pictures=pictures,
        share=share(output["masked_pixels"], pixels(output)) if done else NOT_APPLICABLE,
        done=_done(rows, output, mask, pictures),
        trust=_trust(metrics, output, outside),
        measures=[measure(row) for row in metrics],
        outside=outside,
        path=output["output_path"] if done else "",
        beside=_beside(output) if done else [],
        model_page=model_page_key(output["model_id"]) if output["model_id"] in rows.models else "",
        earlier=earlier,
        reviews=review_facts(rows.reviews.get(output["output_id"], ())),
        verdict=review_words(last_review(rows.reviews, output)),
    )


def _beside(output: Row) -> list[tuple[str, str]]:
    """Name the files beside a restored one; older restorations have a mask only."""
    named = [
        ("its mask", effective_mask_key(output)),
        ("preview with hatched fills", output["preview_path"]),
        ("patch that takes it back", output["patch_path"]),
        ("report with every region", output["report_path"]),
    ]
    return [(words, key) for words, key in named if key]


def assessment_words(output: Row) -> str:
    """Say what a restored file is worth as evidence, by rule."""
    return _ASSESSED.get(output["assessment"] or "", NOT_RECORDED)


def _marked_by(mask: Row | None) -> str:
    if mask is None:
        return NOT_RECORDED
    who = _ORIGINS[mask["origin"] or "delivered"]
    return f"{who}, {clip(mask['source_path'], 120)}"


def _done(
    rows: WorkRows, output: Row, mask: Row | None, pictures: RestoredPictures | None
) -> list[tuple[str, str]]:
    model = rows.models.get(output["model_id"] or "")
    regions = "not measured" if pictures is None else count(pictures.n_regions, "area")
    return [
        ("Areas to fill were marked by", _marked_by(mask)),
        ("Separate generated areas", f"{regions}, as far as they are apart on this page"),
        ("Changed pixels", count(output["changed_pixels"])),
        ("Model", output["model_id"] or NOT_RECORDED),
        (
            "Weights, SHA-256",
            NOT_RECORDED if model is None else model["weights_sha256"] or NOT_RECORDED,
        ),
        ("Trained on", NOT_RECORDED if model is None else _trained_on(model)),
        ("Settings", output["settings_json"] or NOT_RECORDED),
        ("Seed", f"{NOT_APPLICABLE}: this model gives one answer for a scan and a mask"),
        ("Run", output["run_id"] or NOT_RECORDED),
        ("Made", moment(output["created_at"])),
        (
            "Left alone on purpose",
            "everything that the mask leaves dark, flaws of the making included",
        ),
    ]


def _trained_on(model: Row) -> str:
    whose = "all collections" if model["collection"] == "archive" else model["collection"]
    return f"{count(model['n_train'], 'work')} of {clip(whose, 60)}, preset {model['preset']}"


def _trust(metrics: list[Row], output: Row, outside: str) -> list[tuple[str, str]]:
    if output["status"] != "ok":
        return []
    return [
        ("Assessment by rule", assessment_words(output)),
        ("On held-out works", held_out_words(metrics)),
        ("Changed outside the mask", f"{outside}, compared at full size and depth; must be 0"),
        ("Inside the mask", "There is no truth to compare with; look at it, and doubt it."),
        ("Variation over attempts", f"{NOT_APPLICABLE}: the model gives one answer"),
        (
            "Faces, writing and signatures in generated areas",
            "not measured; look for them before the picture is used",
        ),
    ]


def restored_json(one: Restored, review: Row | None) -> dict[str, Any]:
    """Return a restoration as values that JSON can hold, with the recipe's machine names."""
    row = one.output
    return {
        **{name: row[name] for name in ("output_id", "scan_id", "mask_id", "model_id", "status")},
        **{name: row[name] for name in ("settings_json", "run_id", "output_sha256")},
        "generated_area_pct": generated_share(row),
        "changed_pixels": row["changed_pixels"],
        "masked_pixels": row["masked_pixels"],
        "changed_outside_mask": row["changed_outside_mask"],
        "assessment": row["assessment"],
        "files": dict(one.beside),
        "n_regions": None if one.pictures is None else one.pictures.n_regions,
        "n_regions_width_px": None if one.pictures is None else one.pictures.width,
        "measures": [
            {name: number.row[name] for name in ("metric_id", "subject", "metric", "value")}
            for number in one.measures
        ],
        "mark": MARK,
        **review_json(review),
    }
