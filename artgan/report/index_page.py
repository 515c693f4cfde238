"""The entry page: collections, latest runs, what changed."""

from collections import Counter
from dataclasses import dataclass

from artgan.report.changes import NO_CLEAR_CHANGE, Change
from artgan.report.collection_page import CollectionPage
from artgan.report.measures import base_title
from artgan.report.model_card import model_title
from artgan.report.run_page import RunPage
from artgan.report.snapshot import Row, Snapshot, model_page_key
from artgan.report.thumbs import Thumbnail
from artgan.report.words import clip, count, duration, moment, number, showing

RUNS_SHOWN = 20
COVERS_SHOWN = 96
CHANGES_CAP = 30
MODELS_CAP = 100
_COVERS_EACH = 4


@dataclass(frozen=True)
class Card:
    """One collection on the entry page."""

    code: str
    facts: str
    refused: int
    covers: list[Thumbnail]
    summaries: list[tuple[str, str]]


@dataclass(frozen=True)
class RunLine:
    """One run in the list of the latest."""

    run_id: str
    flow: str
    status: str
    message: str
    started: str
    seconds: str
    has_page: bool


@dataclass(frozen=True)
class ModelLine:
    """One model in use."""

    title: str
    page: str
    measure: str
    works: str
    trained: str


@dataclass(frozen=True)
class IndexPage:
    """All that the entry page shows.

    Attributes:
        totals: Sizes of the archive, by name.
        cards: The collections.
        latest: The page of the latest run, if there is one.
        news: What the latest run brought, a sentence each.
        runs: The latest runs, the newest first.
        models: Models in use, at most `MODELS_CAP`.
        cut: Sentence that says that the list of models was cut.
        has_fid: False if a distance of sets was measured without the FID network.
    """

    totals: dict[str, str]
    cards: list[Card]
    latest: RunPage | None
    news: list[str]
    runs: list[RunLine]
    models: list[ModelLine]
    cut: str | None
    has_fid: bool


def index_page(
    snapshot: Snapshot,
    collections: list[CollectionPage],
    latest: RunPage | None,
    pages: set[str],
) -> IndexPage:
    """Gather the entry page.

    Args:
        snapshot: The catalog's tables.
        collections: Pages of all collections.
        latest: Page of the latest run.
        pages: Runs that have a page.
    """
    each = min(_COVERS_EACH, COVERS_SHOWN // max(1, len(collections)))
    top = [row for row in reversed(snapshot.runs) if row["parent_run_id"] is None]
    models = _models(snapshot)
    return IndexPage(
        totals=_totals(snapshot, collections),
        cards=[_card(page, each) for page in collections],
        latest=latest,
        news=[] if latest is None else _news(latest),
        runs=[_line(row, pages) for row in top[:RUNS_SHOWN]],
        models=models[:MODELS_CAP],
        cut=showing(min(MODELS_CAP, len(models)), len(models), "models in use", "the table models"),
        has_fid=all(page.has_fid for page in collections),
    )


def _models(snapshot: Snapshot) -> list[ModelLine]:
    newest = {(row["collection"], row["kind"]): row for row in snapshot.models if row["promoted"]}
    return [
        ModelLine(
            model_title(row),
            model_page_key(row["model_id"]),
            f"{base_title(row['metric'] or '')} {number(row['value'])}",
            f"{count(row['n_train'], 'work')}, {count(row['n_val'])} held out",
            moment(row["created_at"]),
        )
        for _, row in sorted(newest.items())
    ]


def _totals(snapshot: Snapshot, collections: list[CollectionPage]) -> dict[str, str]:
    promoted = sum(bool(row["promoted"]) for row in snapshot.models)
    return {
        "Collections": count(len(collections)),
        "Works": count(sum(page.n_works for page in collections)),
        "Scans": count(sum(page.n_scans for page in collections)),
        "Refused files": count(len(snapshot.quarantine)),
        "Models trained": f"{len(snapshot.models):,}, {promoted:,} promoted",
    }


def _card(page: CollectionPage, covers: int) -> Card:
    thumbnails = [work.thumbnail for work in page.works if work.thumbnail is not None]
    return Card(
        page.code,
        f"{count(page.n_works, 'work')}, {count(page.n_scans, 'scan')}",
        page.n_quarantined,
        thumbnails[:covers],
        [(one.common.name, one.common.summary) for one in (*page.products, *page.operators)],
    )


def _line(row: Row, pages: set[str]) -> RunLine:
    return RunLine(
        row["run_id"],
        row["flow"],
        row["status"] or "not recorded",
        clip(row["message"], 200),
        moment(row["started_at"]),
        duration(row["seconds"]),
        row["run_id"] in pages,
    )


def _news(run: RunPage) -> list[str]:
    scans = [f"{count(n, 'new scan')} in {name}" for name, n in run.scans_added.items()]
    models = [
        f"{model.row['kind']} model of {model.row['collection']}: {model.promoted} "
        f"({model.row['reason']})"
        for model in run.models
    ]
    moved = [_change(one) for one in run.changes if one.words in {"Better", "Worse"}]
    verdicts = Counter(one.words for one in run.changes)
    quiet = verdicts[NO_CLEAR_CHANGE]
    tail = [f"{count(quiet, 'number')} measured again without a clear change"] if quiet else []
    first = verdicts["First measured"]
    fresh = [f"{count(first, 'number')} measured for the first time"] if first else []
    news = scans + models + moved + fresh + tail
    rest = len(news) - CHANGES_CAP
    return news if rest <= 0 else [*news[:CHANGES_CAP], f"and {rest:,} more on the run's page"]


def _change(change: Change) -> str:
    assert change.before is not None
    row = change.now.row
    return (
        f"{row['collection']}, {change.now.subject}, {change.now.title}: {change.words.lower()}, "
        f"{change.before.text} before, {change.now.text} now"
    )
