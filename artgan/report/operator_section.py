"""Detector, tone, denoiser and upscaler on a collection's page: each beside other methods."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from artgan.presets import Enhancer
from artgan.report.measures import Measure, measure, newest_named
from artgan.report.section import Common, Context, MethodTable, common, method_table
from artgan.report.snapshot import Row
from artgan.report.strata import StrataTable, strata_table
from artgan.report.trend import measure_trend


@dataclass(frozen=True)
class _Words:
    """What a section says of its operator.

    Attributes:
        title: Heading.
        mark: What a reader must not forget.
        tables: Caption and measures of each table of methods.
        subject: Our own method, in the metrics table.
        metric: The leading measure.
        stratum_metric: The measure that is shown by part of the sample.
        strata: Caption of that table.
    """

    title: str
    mark: str
    tables: tuple[tuple[str, tuple[str, ...]], ...]
    subject: str
    metric: str
    stratum_metric: str = ""
    strata: str = ""


_WORDS: dict[Literal["detection", Enhancer], _Words] = {
    "detection": _Words(
        "Damage detection",
        "Masks that a machine proposes. Nothing is filled by it, and a mask wants a person's look.",
        (
            (
                "Held-out works with synthetic damage, by method",
                ("union_f1", "damage_precision", "damage_recall", "clean_altered"),
            ),
            ("The same crops, filled where nobody said that they are damaged", ("psnr_db",)),
        ),
        "detector",
        "union_f1",
        "damage_recall",
        "Detected damage, by class",
    ),
    "tone": _Words(
        "Tone",
        "Fifteen numbers that undo yellowed varnish and fading; no detail is made or lost.",
        (("Held-out works, aged, by method", ("delta_e00", "clean_delta_e00", "psnr_db")),),
        "tone",
        "delta_e00",
    ),
    "denoise": _Words(
        "Noise and blur",
        "Changes every pixel by design; the file is one of its own beside the scan.",
        (("Held-out works, noisy, blurred and compressed, by method", ("psnr_db", "ssim")),),
        "denoise",
        "psnr_db",
        "psnr_db",
        "Noise and blur, by fault",
    ),
    "upscale": _Words(
        "Enlargement",
        "The added detail is likely, not seen.",
        (("Held-out works, reduced to a half, by method", ("psnr_db", "ssim")),),
        "upscale",
        "psnr_db",
        "psnr_db",
        "Enlargement, by fault",
    ),
}


@dataclass(frozen=True)
class Operator:
    """The section of one operator.

    Attributes:
        common: What every section has.
        title: Heading.
        mark: What a reader must not forget.
        tables: Caption and methods beside each other.
        strata: Its leading measure by part of the sample.
        strata_words: Caption of that.
    """

    common: Common
    title: str
    mark: str
    tables: list[tuple[str, MethodTable]]
    strata: StrataTable | None
    strata_words: str


def operator_sections(context: Context) -> list[Operator]:
    """Gather the sections of operators that have a model in use or were measured."""
    return [
        _section(context, kind)
        for kind in _WORDS
        if context.snapshot.model_in_use(kind, context.collection) or _rows(context.metrics, kind)
    ]


def _rows(rows: Sequence[Row], product: str) -> list[Row]:
    return [row for row in rows if row["product"] == product]


def _section(context: Context, kind: Literal["detection", Enhancer]) -> Operator:
    words, rows = _WORDS[kind], _rows(context.metrics, kind)
    shared = common(context, kind, kind, _summary(rows, words))
    tables = [
        (caption, table)
        for caption, names in words.tables
        if (table := method_table(_in_order(rows, names)))
    ]
    parts = _rows(context.snapshot.strata, kind)
    lead = newest_named(rows, words.metric, words.subject)
    return Operator(
        common=replace(shared, trend=measure_trend(context.snapshot.metrics, lead)),
        title=words.title,
        mark=words.mark,
        tables=tables,
        strata=strata_table(parts, context.collection, words.stratum_metric),
        strata_words=words.strata,
    )


def _in_order(rows: Sequence[Row], metrics: Sequence[str]) -> list[Row]:
    """Return the rows of some measures, the leading one first."""
    return [row for metric in metrics for row in rows if row["metric"] == metric]


def _summary(rows: Sequence[Row], words: _Words) -> str:
    lead = [row for row in rows if row["metric"] == words.metric]
    ours = [measure(row) for row in lead if row["subject"] == words.subject]
    if not ours:
        return "Not measured on held-out works of this collection yet."
    peers = [measure(row) for row in lead if not row["subject"].startswith(words.subject)]
    beside = "; ".join(_short(peer) for peer in peers)
    return f"Held-out works: {ours[0].sentence}." + (f" Beside it: {beside}." if beside else "")


def _short(peer: Measure) -> str:
    return f"{peer.subject} {peer.text}"
