"""The page of one collection: its scans, and one section for each product."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from artgan.report.charts import share_bar
from artgan.report.measures import latest, measure
from artgan.report.operator_section import Operator, operator_sections
from artgan.report.restoration_section import Restoration, restoration_section
from artgan.report.reviews import last_review, tally_words
from artgan.report.robustness_section import Robustness, robustness_section
from artgan.report.section import Context
from artgan.report.simulation_section import Simulation, simulation_section
from artgan.report.snapshot import Row, Snapshot, pixels, scan_title
from artgan.report.stylization_section import Stylization, stylization_section
from artgan.report.thumbs import Thumbnails
from artgan.report.troubles import Trouble, quarantined
from artgan.report.words import NOT_RECORDED, moment, showing, tally, years
from artgan.report.works_list import ListedWork, ListPage, listed_works
from artgan.report.works_site import page_of_scan

WORKS_SHOWN = 12
LISTS_SHOWN = 60
QUARANTINE_CAP = 200
DUPLICATES_CAP = 50
MODELS_CAP = 50
METRICS_CAP = 150

_FIELDS = (
    ("title", "Title"),
    ("artist", "Artist"),
    ("date_text", "Date as delivered"),
    ("year_from", "Date understood"),
    ("medium", "Medium"),
    ("rights", "Rights"),
    ("accession_number", "Accession number"),
    ("dpi", "Resolution"),
    ("icc_name", "Colour profile"),
)


@dataclass(frozen=True)
class Completeness:
    """How many scans have one field of metadata."""

    label: str
    filled: int
    total: int
    bar: Markup


@dataclass(frozen=True)
class CollectionPage:
    """All that the page of a collection shows.

    Attributes:
        code: The collection.
        as_of: Moment of the newest row that the page shows, in words.
        n_works: Works.
        n_scans: Scans.
        facts: What the scans are, by name.
        works: The first works by identifier.
        lists: Pages of the list of all works, at most `LISTS_SHOWN`.
        n_lists: How many there are.
        completeness: One entry for each field of metadata.
        quarantine: Refused files, at most `QUARANTINE_CAP`.
        n_quarantined: How many there are.
        reasons: Refused files by reason.
        duplicates: Titles and files of works with several scans.
        products: The three product sections in order.
        operators: Sections of the detector and of what corrects whole pictures, where there are
            any.
        robustness: What changes on purpose do to networks that judge its pictures, if measured.
        has_fid: False if a distance of sets was measured without the FID network.
        models: Models ever trained for it, the newest first.
        metrics: Newest numbers, all of them.
        unreadable: Figure manifests that could not be read.
        cut: Sentences that say which lists were cut, by list.
    """

    code: str
    as_of: str
    n_works: int
    n_scans: int
    facts: dict[str, str]
    works: list[ListedWork]
    lists: list[ListPage]
    n_lists: int
    completeness: list[Completeness]
    quarantine: list[Trouble]
    n_quarantined: int
    reasons: dict[str, int]
    duplicates: list[tuple[str, str]]
    products: tuple[Restoration, Simulation, Stylization]
    operators: list[Operator]
    robustness: Robustness | None
    has_fid: bool
    models: list[Row]
    metrics: list[Any]
    unreadable: list[str]
    cut: dict[str, str | None]


def collection_page(
    snapshot: Snapshot,
    code: str,
    groups: Mapping[str, list[Row]],
    lists: Sequence[ListPage],
    thumbnails: Thumbnails,
) -> CollectionPage:
    """Gather the page of a collection, and make the thumbnails that it needs.

    Args:
        snapshot: The catalog's tables.
        code: The collection.
        groups: All scans of each work, by the scan that stands for it, which comes first.
        lists: Pages of the list of all its works.
        thumbnails: The archive's thumbnails.
    """
    scans = [row for rows in groups.values() for row in rows]
    works = [rows[0] for rows in groups.values()]
    refused = [row for row in snapshot.quarantine if row["collection"] == code]
    metrics = latest(row for row in snapshot.metrics if row["collection"] == code)
    models = [row for row in reversed(snapshot.models) if row["collection"] == code]
    figures, unreadable = snapshot.figures(code)
    pages = page_of_scan(groups)
    context = Context(snapshot, code, works, metrics, figures, thumbnails, pages)
    duplicates = _duplicates(scans)
    return CollectionPage(
        code=code,
        as_of=_as_of(scans, refused, models, metrics),
        n_works=len(works),
        n_scans=len(scans),
        facts=_facts(scans, works) | _restored(snapshot, groups),
        works=listed_works(snapshot, works[:WORKS_SHOWN], thumbnails, {}, _names(groups)),
        lists=list(lists[:LISTS_SHOWN]),
        n_lists=len(lists),
        completeness=[_completeness(scans, name, label) for name, label in _FIELDS],
        quarantine=[quarantined(row) for row in refused[:QUARANTINE_CAP]],
        n_quarantined=len(refused),
        reasons=dict(sorted(Counter(row["reason"] for row in refused).items())),
        duplicates=duplicates[:DUPLICATES_CAP],
        products=(
            restoration_section(context),
            simulation_section(context),
            stylization_section(context),
        ),
        operators=operator_sections(context),
        robustness=robustness_section(context),
        has_fid=all(row["is_fid"] is not False for row in metrics if row["extractor"]),
        models=models[:MODELS_CAP],
        metrics=[measure(row) for row in metrics[:METRICS_CAP]],
        unreadable=unreadable,
        cut={
            "works": showing(
                min(WORKS_SHOWN, len(works)), len(works), "works", "the list of all works"
            ),
            "lists": showing(
                min(LISTS_SHOWN, len(lists)),
                len(lists),
                "pages of the list",
                "the list itself: each page leads to the next",
            ),
            "quarantine": showing(
                min(QUARANTINE_CAP, len(refused)),
                len(refused),
                "refused files",
                "the table quarantine",
            ),
            "duplicates": showing(
                min(DUPLICATES_CAP, len(duplicates)),
                len(duplicates),
                "works with several scans",
                "the table scans",
            ),
            "models": showing(
                min(MODELS_CAP, len(models)), len(models), "models", "the table models"
            ),
            "metrics": showing(
                min(METRICS_CAP, len(metrics)), len(metrics), "numbers", "the table metrics"
            ),
        },
    )


def _as_of(*tables: list[Row]) -> str:
    stamps = ("ingested_at", "quarantined_at", "created_at")
    moments = [row[name] for rows in tables for row in rows for name in stamps if row.get(name)]
    return moment(max(moments, default=None))


def _facts(scans: list[Row], works: list[Row]) -> dict[str, str]:
    splits = Counter(row["split"] or NOT_RECORDED for row in works)
    from_, to = _extent(scans, "year_from", min), _extent(scans, "year_to", max)
    sizes = sorted(pixels(row) for row in scans)
    return {
        "Works by split": tally(splits),
        "Formats": _tally(scans, "format"),
        "Depth": _tally(scans, "bit_depth", suffix=" bit"),
        "Colour profiles": _tally(scans, "icc_name", missing="none embedded"),
        "Size": _megapixels(sizes),
        "Dates of the works": years(from_, to),
    }


def _restored(snapshot: Snapshot, groups: Mapping[str, list[Row]]) -> dict[str, str]:
    """Say for how many works there is a digital restoration, and how the newest was judged."""
    newest = []
    for rows in groups.values():
        made = [one for row in rows for one in snapshot.outputs_by_scan.get(row["scan_id"], ())]
        done = [one for one in made if one["kind"] == "restored" and one["status"] == "ok"]
        newest += [last_review(snapshot.reviews, done[-1])] if done else []
    judged = tally_words(newest) if any(newest) else "none of them reviewed"
    return {"Works restored digitally": f"{len(newest):,} of {len(groups):,}, {judged}"}


def _extent(rows: list[Row], column: str, choose: Any) -> int | None:  # noqa: ANN401 - min or max
    return choose((row[column] for row in rows if row[column] is not None), default=None)


def _tally(rows: list[Row], column: str, missing: str = NOT_RECORDED, suffix: str = "") -> str:
    values = (row[column] for row in rows)
    return tally(Counter(missing if one is None else f"{one}{suffix}" for one in values))


def _megapixels(sizes: list[int]) -> str:
    if not sizes:
        return NOT_RECORDED
    low, middle, high = (sizes[at] / 1e6 for at in (0, len(sizes) // 2, -1))
    return f"{low:.2g} to {high:.2g} megapixels, median {middle:.2g}"


def _names(groups: Mapping[str, list[Row]]) -> dict[str, list[str]]:
    return {name: [row["scan_id"] for row in rows] for name, rows in groups.items()}


def _completeness(scans: list[Row], name: str, label: str) -> Completeness:
    filled = sum(row[name] not in {None, ""} for row in scans)
    return Completeness(label, filled, len(scans), share_bar(filled, len(scans)))


def _duplicates(scans: list[Row]) -> list[tuple[str, str]]:
    groups: dict[str, list[Row]] = {}
    for row in scans:
        groups.setdefault(row["duplicate_group"] or row["scan_id"], []).append(row)
    several = [rows for rows in groups.values() if len(rows) > 1]
    return [
        (scan_title(rows[0]), ", ".join(sorted(row["source_path"] for row in rows)))
        for rows in several
    ]


def collection_json(page: CollectionPage) -> dict[str, Any]:
    """Return what the page says as values that JSON can hold."""
    sections = [*page.products, *page.operators]
    return {
        "collection": page.code,
        "as_of": page.as_of,
        "n_works": page.n_works,
        "n_scans": page.n_scans,
        "n_quarantined": page.n_quarantined,
        "quarantine_reasons": page.reasons,
        "facts": page.facts,
        "completeness": {one.label: [one.filled, one.total] for one in page.completeness},
        "summaries": {one.common.name: one.common.summary for one in sections},
        "models_in_use": {
            one.common.name: one.common.model and one.common.model["model_id"] for one in sections
        },
        "metrics": [
            {
                name: one.row[name]
                for name in (
                    "metric_id",
                    "product",
                    "subject",
                    "metric",
                    "value",
                    "ci_low",
                    "ci_high",
                    "n_reference",
                    "n_measured",
                    "n_matched",
                    "reference_split",
                    "extractor",
                    "preprocessing",
                    "is_fid",
                    "status",
                )
            }
            for one in page.metrics
        ],
    }
