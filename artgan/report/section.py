"""What the three product sections of a collection's page share."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from artgan.catalog.models import BASE, STARTER
from artgan.config import TrainSettings
from artgan.metrics.table import find_metric
from artgan.presets import Kind
from artgan.report.charts import Point, course_words, curve_words, interval_marks, line_chart
from artgan.report.figures import FigureItem, FigureSet, Product
from artgan.report.measures import (
    Measure,
    base_title,
    better,
    canonical,
    direction,
    measure,
    subject_title,
)
from artgan.report.snapshot import Row, Snapshot
from artgan.report.thumbs import Thumbnails
from artgan.report.words import count, number, showing

_UNTRAINED = {
    "prefill_db": "push-pull prefill",
    "telea_db": "Telea",
    "navier_stokes_db": "Navier-Stokes",
    "classical_f1": "top-hat filters",
    "unchanged_psnr_db": "doing nothing",
    "median_psnr_db": "median",
    "nlm_psnr_db": "non-local means",
    "bicubic_psnr_db": "bicubic",
    "lanczos_psnr_db": "Lanczos",
}
_ITEMS_SHOWN = {"strips": 12, "pairs": 12, "grid": 48}


@dataclass(frozen=True)
class Context:
    """What a section is made from.

    Attributes:
        snapshot: The catalog's tables.
        collection: The collection.
        works: One scan for each of its works.
        metrics: Its newest numbers, of all products.
        figures: Its figures, of all products.
        thumbnails: The archive's thumbnails.
        pages: Key of the work's page by scan_id.
    """

    snapshot: Snapshot
    collection: str
    works: list[Row]
    metrics: list[Row]
    figures: list[FigureSet]
    thumbnails: Thumbnails
    pages: Mapping[str, str]


@dataclass(frozen=True)
class Curve:
    """A measure on held-out works over the course of a training."""

    title: str
    words: str
    chart: Markup
    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Figure:
    """A figure with the items that the page shows of it."""

    title: str
    note: str
    layout: str
    items: tuple[FigureItem, ...]
    cut: str | None


@dataclass(frozen=True)
class Common:
    """What every product section begins with.

    Attributes:
        name: Product.
        summary: The section in a sentence.
        model: Model in use, if there is one.
        model_words: Which model is in use, and why.
        curve: Held-out measure over its training.
        trend: The leading number over past measurements.
        figures: Figures that measuring left.
    """

    name: Product
    summary: str
    model: Row | None
    model_words: str
    curve: Curve | None
    figures: list[Figure]
    trend: Curve | None = None


def common(context: Context, product: Product, kind: Kind, summary: str) -> Common:
    """Gather what every product section begins with."""
    model = context.snapshot.model_in_use(kind, context.collection)
    figures = [shown_figure(one) for one in context.figures if one.product == product]
    curve = None if model is None else training_curve(model)
    return Common(product, summary, model, _model_words(context, kind, model), curve, figures)


def shown_figure(figure: FigureSet) -> Figure:
    """Return a figure with as many of its items as a page shows."""
    items = figure.items[: _ITEMS_SHOWN[figure.layout]]
    cut = showing(len(items), len(figure.items), "items", "the figure's folder")
    return Figure(figure.title, figure.note, figure.layout, items, cut)


def _model_words(context: Context, kind: Kind, model: Row | None) -> str:
    own = [
        row
        for row in context.snapshot.models
        if (row["kind"], row["collection"]) == (kind, context.collection)
    ]
    if model is not None and model["collection"] != BASE:
        newer = f" {_refused(own[-1])}" if not own[-1]["promoted"] else ""
        return f"Uses the collection's own model, trained on {_training(model)}.{newer}"
    n = len(context.works)
    fallback = (
        "no model is in use yet"
        if model is None
        else f"uses the archive-wide base model, trained on {_training(model)}"
    )
    if own:
        return f"{_refused(own[-1])} Until one is promoted: {fallback}."
    if n < _min_works(context.snapshot):
        return f"Too few works to train (n = {n}); {fallback}."
    return f"No model of its own has been trained yet (n = {n}); {fallback}."


def _refused(row: Row) -> str:
    return f"The newest training was not promoted: {row['reason']}."


def _training(model: Row) -> str:
    generated = "generated " if model["preset"] == STARTER else ""
    parts = [count(model["n_train"], f"{generated}work"), count(model["steps"], "step")]
    held_out = count(model["n_val"], f"held-out {generated}work")
    words = f"{' in '.join(parts)} and judged on {held_out}"
    words += ", which comes with artgan and never saw a scan" if generated else ""
    gone = model["withdrawn_works"]
    return words + (
        f" ({count(gone, 'training work was', 'training works were')} withdrawn since)"
        if gone
        else ""
    )


def _min_works(snapshot: Snapshot) -> int:
    """Return the fewest works to train on, as the last training run was told."""
    for row in reversed(snapshot.runs):
        settings = json.loads(row["settings_json"] or "{}")
        if "min_works" in settings:
            return settings["min_works"]
    return TrainSettings.model_fields["min_works"].default


def training_curve(model: Row, name: str | None = None) -> Curve | None:
    """Return a measure on held-out works over a model's training, if it was kept.

    Args:
        model: Row of the models table.
        name: The measure; None for the one that decides, with all others in the table.
    """
    history = json.loads(model["history_json"] or "[]")
    metric = name or model["metric"]
    records = [record for record in history if _is_number(record.get(metric))]
    if not records:
        return None
    stem = metric.removesuffix("_x1000")
    points = [
        Point(record["step"], record[metric], record.get(f"{stem}_low"), record.get(f"{stem}_high"))
        for record in records
    ]
    side = better(metric)
    words = f"{course_words(points)}."
    if side != "none":
        words = curve_words(points, lower_is_better=side == "lower")
    peer, level = _best_untrained(records[-1]) if name is None else ("", None)
    if level is not None:
        words += f" Dashed: the best method without training, {peer} {number(level)}."
    whose = " of the archive-wide base model" if model["collection"] == BASE else ""
    kind = {"style": "stylization"}.get(model["kind"], model["kind"])
    title = f"{base_title(metric)} of the {kind} model on held-out works during training{whose}"
    columns = [column for column in records[0] if column != "step"] if name is None else [name]
    rows = [
        [f"{record['step']:,}", *(_cell(record.get(column)) for column in columns)]
        for record in records
    ]
    heads = ["Step", *(_column_title(column) for column in columns)]
    return Curve(title, words, line_chart(points, title, words, level=level), heads, rows)


def other_curves(model: Row) -> list[Curve]:
    """Return the other measures that a training kept of itself."""
    history = json.loads(model["history_json"] or "[]")
    names = [name for name in (history[0] if history else {}) if find_metric(name)]
    curves = [training_curve(model, name) for name in names if name != model["metric"]]
    return [curve for curve in curves if curve is not None]


def _best_untrained(record: Mapping[str, object]) -> tuple[str, float | None]:
    """Return name and value of the best method that needs no training, measured beside a model."""
    found = [
        (name, float(value))
        for column, name in _UNTRAINED.items()
        if isinstance(value := record.get(column), int | float)
    ]
    return max(found, key=lambda one: one[1]) if found else ("", None)


def _column_title(column: str) -> str:
    known = base_title(column)
    return known if canonical(column) == column else f"{known} ({column})"


def _cell(value: object) -> str:
    return number(float(value)) if isinstance(value, int | float) else "not measured"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


@dataclass(frozen=True)
class MethodRow:
    """One method of a comparison, with a cell for each measure."""

    name: str
    cells: list[Measure | None]
    marks: Markup


@dataclass(frozen=True)
class MethodTable:
    """Methods beside each other.

    Attributes:
        columns: Title and direction of each measure.
        rows: The methods.
        caution: What a reader must know about the samples.
    """

    columns: list[tuple[str, str]]
    rows: list[MethodRow]
    caution: str


def method_table(rows: Sequence[Row]) -> MethodTable | None:
    """Lay rows of the metrics table out by method and measure; None if there are none."""
    if not rows:
        return None
    names = list(dict.fromkeys((row["metric"], row["extractor"]) for row in rows))
    subjects = list(dict.fromkeys(row["subject"] for row in rows))
    found = {(row["subject"], row["metric"], row["extractor"]): row for row in rows}
    lead = [found.get((subject, *names[0])) for subject in subjects]
    marks = interval_marks(
        [
            (row["value"], row["ci_low"], row["ci_high"]) if row else (None, None, None)
            for row in lead
        ]
    )
    lines = []
    for subject, mark in zip(subjects, marks, strict=True):
        cells = [found.get((subject, *name)) for name in names]
        lines.append(
            MethodRow(
                subject_title(subject), [measure(row) if row else None for row in cells], mark
            )
        )
    measures = [cell for line in lines for cell in line.cells if cell]
    columns = []
    for metric, extractor in names:
        one = next(
            m for m in measures if (m.row["metric"], m.row["extractor"]) == (metric, extractor)
        )
        columns.append((one.title, direction(metric)))
    cautions = dict.fromkeys(cell.caution for cell in measures if cell.caution)
    return MethodTable(columns, lines, ". ".join(cautions))
