"""Restoration on a collection's page: held-out numbers, then the scans that were restored."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from artgan.report.measures import Measure, measure, newest_named, too_few
from artgan.report.section import Common, Context, MethodTable, common, method_table
from artgan.report.snapshot import Row, output_source, pixels, scan_source, scan_title
from artgan.report.strata import StrataTable, strata_table
from artgan.report.thumbs import LARGE_PX, Source, Thumbnail
from artgan.report.trend import measure_trend
from artgan.report.words import NOT_APPLICABLE, count, share, showing

COMPARISONS_SHOWN = 6
ROWS_CAP = 200

_METRIC = "psnr_hole_db"
_URGENCY = {"needs_review": 0, "conjectural": 1}
_FILLER = ("filler", "model", "restoration")
_CLASSICAL = ("navier_stokes", "telea")


@dataclass(frozen=True)
class RestoredWork:
    """One scan with a damage mask, and what became of it."""

    title: str
    status: str
    message: str
    mask_share: str
    changed: str
    outside: str
    is_outside: bool
    path: str | None
    page: str | None


@dataclass(frozen=True)
class Comparison:
    """A scan before and after, with its mask."""

    work: RestoredWork
    before: Thumbnail
    after: Thumbnail
    mask: Thumbnail | None


@dataclass(frozen=True)
class Restoration:
    """The section.

    Attributes:
        common: What every section has.
        methods: Held-out numbers by method.
        strata: The leading one by class of damage and damaged area.
        n_masks: Damage masks.
        outcome: What became of them, in a sentence; empty without masks.
        comparisons: The largest losses, before and after.
        works: Restored scans, those that need a look first.
        cut: Sentence that says that the list was cut.
    """

    common: Common
    methods: MethodTable | None
    strata: StrataTable | None
    n_masks: int
    outcome: str
    comparisons: list[Comparison]
    works: list[RestoredWork]
    cut: str | None


def restoration_section(context: Context) -> Restoration:
    """Gather the restoration section of a collection's page."""
    masks = context.snapshot.masks(context.collection)
    n_delivered = sum(row["origin"] in {None, "delivered"} for row in masks)
    rows = [row for row in context.metrics if row["product"] == "restoration"]
    shared = common(context, "restoration", "restoration", held_out_words(rows))
    outputs = _newest(context, shared.model)
    scans = context.snapshot.scans_named(row["scan_id"] for row in outputs)
    works = [_work(context, row, scans.get(row["scan_id"])) for row in outputs]
    lead = next((one for name in _FILLER if (one := newest_named(rows, _METRIC, name))), None)
    return Restoration(
        common=replace(shared, trend=measure_trend(context.snapshot.metrics, lead)),
        methods=method_table(rows),
        strata=strata_table(context.snapshot.strata, context.collection, _METRIC),
        n_masks=n_delivered,
        outcome=_outcome(masks, outputs),
        comparisons=_comparisons(context, outputs, scans, masks),
        works=works[:ROWS_CAP],
        cut=showing(min(ROWS_CAP, len(works)), len(works), "restored scans", "the table outputs"),
    )


def held_out_words(rows: Sequence[Row]) -> str:
    """Say how a filler did on held-out works, beside the better classical method."""
    filler = _best(rows, _FILLER)
    peer = _best(rows, _CLASSICAL)
    if filler is None:
        return "The filler has not been measured on held-out works of this collection yet."
    words = f"Held-out works with synthetic damage: {filler.sentence}."
    if peer is None:
        return words
    beside = ", ".join(part for part in (peer.text, peer.interval) if part)
    return f"{words} {_verdict(filler, peer)}: {peer.subject} {beside}."


def _best(rows: Sequence[Row], subjects: Sequence[str]) -> Measure | None:
    found = [newest_named(rows, _METRIC, subject) for subject in subjects]
    measured = [row for row in found if row is not None and row["value"] is not None]
    return measure(max(measured, key=lambda row: row["value"])) if measured else None


def _verdict(filler: Measure, peer: Measure) -> str:
    ours, theirs = filler.row, peer.row
    if few := too_few(ours):
        return f"{few}. The better classical method"
    if any(row[end] is None for row in (ours, theirs) for end in ("ci_low", "ci_high")):
        return "The better classical method, for comparison"
    if ours["ci_low"] > theirs["ci_high"]:
        return "Clearly better than the better classical method"
    if ours["ci_high"] < theirs["ci_low"]:
        return "Clearly worse than the better classical method"
    return "No clear difference from the better classical method (the intervals overlap)"


def _newest(context: Context, model: Row | None) -> list[Row]:
    """Return the newest file of the model in use for each mask, those to look at first."""
    in_use = None if model is None else model["model_id"]
    newest: dict[tuple[str, str], Row] = {}
    for row in context.snapshot.outputs(context.collection, "restored"):
        if row["model_id"] in {in_use, None}:
            newest[row["scan_id"], row["mask_id"] or ""] = row
    return sorted(
        newest.values(),
        key=lambda row: (
            row["status"] == "ok",
            _URGENCY.get(row["assessment"] or "", len(_URGENCY)),
            -(row["changed_outside_mask"] or 0),
            -_mask_share(row),
            row["output_id"],
        ),
    )


def _mask_share(row: Row) -> float:
    return (row["masked_pixels"] or 0) / max(pixels(row), 1)


def _work(context: Context, row: Row, scan: Row | None) -> RestoredWork:
    done = row["status"] == "ok"
    return RestoredWork(
        title=scan_title(scan),
        status=_status(row),
        message=row["message"] or "",
        mask_share=share(row["masked_pixels"], pixels(row)) if done else NOT_APPLICABLE,
        changed=count(row["changed_pixels"], "pixel") if done else NOT_APPLICABLE,
        outside=count(row["changed_outside_mask"], "pixel") if done else NOT_APPLICABLE,
        is_outside=bool(row["changed_outside_mask"]),
        path=row["output_path"] if done else None,
        page=context.pages.get(row["scan_id"]),
    )


def _status(row: Row) -> str:
    if row["status"] != "ok":
        return row["status"]
    assessed = row["assessment"] or "ok"
    words = "" if assessed == "ok" else f"; {assessed.replace('_', ' ')}"
    return f"restored digitally{words}"


def _outcome(masks: Sequence[Row], outputs: Sequence[Row]) -> str:
    if not masks and not outputs:
        return ""
    done = [row for row in outputs if row["status"] == "ok"]
    failed = len(outputs) - len(done)
    words = f"{_mask_words(masks)}; "
    if not outputs:
        return f"{words}no scan has been restored by the model in use yet."
    outside = sum(row["changed_outside_mask"] or 0 for row in done)
    kept = (
        f"no pixel outside a mask was changed in any of {count(len(done), 'file')}"
        if outside == 0
        else f"{count(outside, 'pixel')} outside the masks changed, which must not happen"
    )
    return f"{words}{len(done):,} restored digitally, {failed:,} failed; {kept}."


def _mask_words(masks: Sequence[Row]) -> str:
    origins = Counter(row["origin"] or "delivered" for row in masks)
    delivered = count(origins["delivered"], "damage mask was", "damage masks were")
    others = [
        f"{origins[name]:,} {words}"
        for name, words in (("edited", "corrected"), ("detected", "detected by a machine"))
        if origins[name]
    ]
    return ", ".join([f"{delivered} delivered", *others])


def _comparisons(
    context: Context, outputs: Sequence[Row], scans: dict[str, Row], masks: Sequence[Row]
) -> list[Comparison]:
    by_id = {row["mask_id"]: row for row in masks}
    found = []
    for row in outputs:
        if len(found) == COMPARISONS_SHOWN:
            break
        scan = scans.get(row["scan_id"])
        before = context.thumbnails.whole(scan_source(scan), LARGE_PX)
        after = context.thumbnails.whole(output_source(row), LARGE_PX)
        if before is None or after is None:
            continue
        mask = context.thumbnails.whole(_mask_source(by_id.get(row["mask_id"]), row), LARGE_PX)
        found.append(Comparison(_work(context, row, scan), before, after, mask))
    return found


def _mask_source(mask: Row | None, output: Row) -> Source | None:
    if mask is None or not mask["mask_path"] or not mask["content_sha256"]:
        return None
    width, height = output["width_px"], output["height_px"]
    return Source(mask["mask_path"], mask["content_sha256"], width, height)
