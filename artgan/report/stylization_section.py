"""Stylization on a collection's page: methods beside each other, then content and results."""

from dataclasses import dataclass, replace

from artgan.report.films import Film, films
from artgan.report.measures import measure, newest_named, subject_title
from artgan.report.section import Common, Context, MethodTable, common, method_table
from artgan.report.snapshot import Row, output_source, scan_source, scan_title
from artgan.report.thumbs import Thumbnail
from artgan.report.trend import measure_trend
from artgan.report.words import count, showing

CONTENTS_SHOWN = 6
METHODS = ("color", "cut")


@dataclass(frozen=True)
class Rendering:
    """One picture of a row: the content, or what a method made of it.

    Attributes:
        label: Content or method.
        alt: What it shows.
        thumbnail: The picture, None if there is none.
        words: Why there is none.
    """

    label: str
    alt: str
    thumbnail: Thumbnail | None
    words: str


@dataclass(frozen=True)
class RenderedWork:
    """A work of another collection and what each method made of it."""

    title: str
    origin: str
    renderings: list[Rendering]


@dataclass(frozen=True)
class Stylization:
    """The section.

    Attributes:
        common: What every section has.
        methods: Numbers by method.
        works: Contents with their results.
        films: Films in the manner of the collection.
        outcome: What was made and failed, in a sentence; empty if nothing was.
        cut: Sentence that says that the list was cut.
    """

    common: Common
    methods: MethodTable | None
    works: list[RenderedWork]
    films: list[Film]
    outcome: str
    cut: str | None


def stylization_section(context: Context) -> Stylization:
    """Gather the stylization section of a collection's page."""
    rows = [row for row in context.metrics if row["product"] == "stylization"]
    shared = common(context, "stylization", "style", _summary(rows))
    outputs = context.snapshot.outputs(context.collection, "stylized")
    in_use = None if shared.model is None else shared.model["model_id"]
    by_content = _by_content(
        [row for row in outputs if row["method"] != "cut" or row["model_id"] == in_use]
    )
    scans = context.snapshot.scans_named(by_content)
    chosen = sorted(by_content, key=lambda scan_id: (-len(by_content[scan_id]), scan_id))
    first = chosen[:CONTENTS_SHOWN]
    lead = newest_named(rows, "style_distance", "cut") or newest_named(rows, "style_distance")
    return Stylization(
        common=replace(shared, trend=measure_trend(context.snapshot.metrics, lead)),
        methods=method_table(rows),
        works=[_rendered(context, scans.get(one), by_content[one]) for one in first],
        films=films(context.snapshot.outputs(context.collection, "film"), context.thumbnails),
        outcome=_outcome(by_content),
        cut=showing(len(first), len(chosen), "contents", "the table outputs"),
    )


def _summary(rows: list[Row]) -> str:
    distances = [row for row in rows if row["metric"] in {"style_distance", "kid_x1000"}]
    if not distances:
        return "Stylized works in the manner of this collection have not been measured yet."
    lead = [row for row in distances if row["metric"] == distances[0]["metric"]]
    parts = [f"{subject_title(row['subject'])} {measure(row).text}" for row in lead]
    return f"{measure(lead[0]).title}: {'; '.join(parts)} (lower is nearer to the collection)."


def _by_content(rows: list[Row]) -> dict[str, dict[str, Row]]:
    """Return the newest file of each method for each content."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        if row["scan_id"]:
            found.setdefault(row["scan_id"], {})[row["method"] or "unknown"] = row
    return found


def _rendered(context: Context, scan: Row | None, results: dict[str, Row]) -> RenderedWork:
    title = scan_title(scan)
    content = Rendering(
        "content",
        f"{title}, as scanned",
        context.thumbnails.whole(scan_source(scan)),
        "not available",
    )
    made = [
        _rendering(context, title, method, results.get(method))
        for method in (*METHODS, *sorted(set(results) - set(METHODS)))
    ]
    origin = "" if scan is None else f"{scan['collection']}, {scan['split']} split"
    return RenderedWork(title, origin, [content, *made])


def _rendering(context: Context, title: str, method: str, row: Row | None) -> Rendering:
    words = "not made" if row is None else row["message"] or "not available"
    return Rendering(
        subject_title(method),
        f"{title}, stylized by a program: {subject_title(method)}",
        context.thumbnails.whole(output_source(row)),
        words,
    )


def _outcome(by_content: dict[str, dict[str, Row]]) -> str:
    if not by_content:
        return ""
    results = [row for rows in by_content.values() for row in rows.values()]
    done = sum(row["status"] == "ok" for row in results)
    works = count(len(by_content), "work")
    return (
        f"{works} of other collections rendered in the manner of this one: "
        f"{count(done, 'file')} made, {len(results) - done:,} failed."
    )
