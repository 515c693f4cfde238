"""The page of one model: its card, its training, its held-out numbers, what it makes."""

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

from artgan.catalog.models import BASE
from artgan.errors import MissingAssetError
from artgan.presets import Kind
from artgan.report.card import Card
from artgan.report.figures import FigureSet
from artgan.report.measures import Measure, latest, measure
from artgan.report.model_card import model_card, model_title
from artgan.report.privacy import privacy_words
from artgan.report.restored_pictures import generated_share
from artgan.report.reviews import last_review, model_review_words
from artgan.report.section import (
    Curve,
    Figure,
    MethodTable,
    method_table,
    other_curves,
    shown_figure,
    training_curve,
)
from artgan.report.snapshot import Row, Snapshot, output_source, pixels, scan_title
from artgan.report.thumbs import Thumbnail, Thumbnails
from artgan.report.words import clip, count, share
from artgan.storage import Store

HARD_CASES = 12
_APART = {"privacy", "robustness"}
"""Products whose numbers are not about the quality of what a model makes."""

_PNG = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {
    "restoration": "Held-out crops, fixed by a seed, from top to bottom: damaged, the smooth "
    "start, filled with fidelity, filled with more texture, the truth.",
    "simulation": "Works from fixed seeds, none left out by eye.",
    "style": "Held-out works of other collections, from top to bottom: as they are, in the "
    "collection's colours, translated by the model.",
    "detection": "Held-out crops, fixed by a seed, from top to bottom: damaged, what the model "
    "marks, what is damaged, the truth.",
    "tone": "Held-out works, from top to bottom: aged, corrected by the model, the truth.",
    "denoise": "Held-out crops, fixed by a seed, from top to bottom: with noise, blur or JPEG, "
    "corrected by the model, the truth.",
    "upscale": "Held-out crops, fixed by a seed, from top to bottom: halved (shown as squares), "
    "doubled by the model, the truth.",
    "fast": "Held-out works of other collections, from top to bottom: as they are, in the "
    "collection's colours, painted by the model; last, held-out works of the collection.",
    "adain": "Held-out works, from top to bottom: as they are, in the colours of another, painted "
    "in its manner, and that other work.",
    "cyclegan": "Held-out works of other collections, from top to bottom: as they are, in the "
    "collection's colours, translated by the model.",
    "multi": "Held-out works as they are, and below them in the manner of each collection, in the "
    "order of their names.",
}


@dataclass(frozen=True)
class Samples:
    """The fixed panel that a training left of its last state."""

    key: str
    width: int
    height: int
    note: str


@dataclass(frozen=True)
class HardCase:
    """A restored scan of which much was generated."""

    title: str
    share: str
    page: str
    thumbnail: Thumbnail


@dataclass(frozen=True)
class Evaluated:
    """Held-out numbers in one collection."""

    collection: str
    methods: MethodTable


@dataclass(frozen=True)
class ModelRows:
    """What the page of a model is made from.

    Attributes:
        row: Its row of the models table.
        siblings: All models of its kind and collection, the oldest first.
        metrics: Its newest numbers.
        figures: Figures that show it.
        works: Works of its collection, or of the archive, one scan each.
        used_by: Collections for which it is in use now.
        n_outputs: Files that it made and that are there.
        hardest: Its restored files with the largest generated share, the largest first.
        shown_by: Title and key of the page of the works that these show, by scan_id.
        reviewed: How conservators judged its restored files, in a sentence.
    """

    row: Row
    siblings: list[Row]
    metrics: list[Row]
    figures: list[FigureSet]
    works: list[Row]
    used_by: list[str]
    n_outputs: int
    hardest: list[Row]
    shown_by: dict[str, tuple[str, str]]
    reviewed: str

    def facts(self) -> list[Any]:
        """Return all of it as values that a mark can be made of."""
        rights = [[row["scan_id"], row["rights"]] for row in self.works]
        figures = [asdict(figure) for figure in self.figures]
        return [
            *(self.row, self.siblings, self.metrics, figures, rights),
            *(self.used_by, self.n_outputs, self.hardest, self.shown_by, self.reviewed),
        ]


@dataclass(frozen=True)
class ModelPage:
    """All that the page of a model shows.

    Attributes:
        row: Its row of the models table.
        title: What it is called.
        outcome: Verdict and use, in a sentence.
        evaluated: Held-out numbers beside other methods, by collection.
        privacy: What attackers told of the works that it learned from, by collection.
        privacy_words: The same in a sentence.
        measures: The same numbers, one by one.
        curves: Held-out measures over the training, the one that decides first.
        samples: The fixed panel of its last state.
        figures: Figures that measuring left, worst cases and near-copies among them.
        card: Its card.
        hard_cases: Restored scans of which it generated most.
        cautions: What a reader must know first.
    """

    row: Row
    title: str
    outcome: str
    evaluated: list[Evaluated]
    privacy: list[Evaluated]
    privacy_words: str
    measures: list[Measure]
    curves: list[Curve]
    samples: Samples | None
    figures: list[Figure]
    card: Card
    hard_cases: list[HardCase]
    cautions: list[str]


def rows_by_model(
    snapshot: Snapshot, works: dict[str, list[Row]], pages: Mapping[str, str]
) -> Iterable[ModelRows]:
    """Yield what the page of each model is made from, the oldest first.

    Args:
        snapshot: The catalog's tables.
        works: Works by collection, one scan each.
        pages: Key of the work's page by scan_id, for all scans.
    """
    hardest = _hardest(snapshot, pages)
    scans = snapshot.scans_named(row["scan_id"] for rows in hardest.values() for row in rows)
    used = _used_by(snapshot, list(works))
    newest: dict[str, list[Row]] = {}
    for row in latest(snapshot.metrics):
        newest.setdefault(row["model_id"] or "", []).append(row)
    figures = [figure for code in works for figure in snapshot.figures(code)[0]]
    everything = [row for rows in works.values() for row in rows]
    for row in snapshot.models:
        name = row["model_id"]
        own = hardest.get(name, [])
        seen = {one["scan_id"]: scans[one["scan_id"]] for one in own}
        alike = (row["kind"], row["collection"])
        yield ModelRows(
            row=row,
            siblings=[one for one in snapshot.models if (one["kind"], one["collection"]) == alike],
            metrics=newest.get(name, []),
            figures=[figure for figure in figures if figure.model_id == name],
            works=everything if row["collection"] == BASE else works.get(row["collection"], []),
            used_by=used.get(name, []),
            n_outputs=snapshot.outputs_by_model.get(name, 0),
            hardest=own,
            shown_by={one: (scan_title(scan), pages[one]) for one, scan in seen.items()},
            reviewed=model_review_words(
                [
                    last_review(snapshot.reviews, one)
                    for one in snapshot.restored_by_model.get(name, [])
                ]
            ),
        )


def _hardest(snapshot: Snapshot, pages: Mapping[str, str]) -> dict[str, list[Row]]:
    """Return the restored files of each model with the largest generated share."""
    found: dict[str, list[Row]] = {}
    for scan_id, rows in snapshot.outputs_by_scan.items():
        for row in rows:
            done = row["kind"] == "restored" and row["status"] == "ok"
            if done and row["model_id"] and scan_id in pages:
                found.setdefault(row["model_id"], []).append(row)

    def rank(row: Row) -> tuple[float, str]:
        return -(generated_share(row) or 0.0), row["output_id"]

    return {name: sorted(rows, key=rank)[:HARD_CASES] for name, rows in found.items()}


def _used_by(snapshot: Snapshot, collections: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind in get_args(Kind):
        for code in collections:
            row = snapshot.model_in_use(kind, code)
            if row is not None:
                found.setdefault(row["model_id"], []).append(code)
    return found


def model_page(thumbnails: Thumbnails, rows: ModelRows) -> ModelPage:
    """Gather the page of a model, and make the thumbnails that it needs."""
    row = rows.row
    measures = [measure(one) for one in rows.metrics]
    curve = training_curve(row)
    return ModelPage(
        row=row,
        title=model_title(row),
        outcome=_outcome(rows),
        evaluated=_evaluated(rows.metrics, _APART, wanted=False),
        privacy=_evaluated(rows.metrics, {"privacy"}),
        privacy_words=privacy_words(row, measures),
        measures=measures,
        curves=[*([curve] if curve else []), *other_curves(row)],
        samples=_samples(thumbnails.store, row),
        figures=[shown_figure(figure) for figure in rows.figures],
        card=model_card(row, measures, rows.works, rows.siblings, rows.reviewed),
        hard_cases=_hard_cases(thumbnails, rows),
        cautions=list(dict.fromkeys(one.caution for one in measures if one.caution)),
    )


def _hard_cases(thumbnails: Thumbnails, rows: ModelRows) -> list[HardCase]:
    cases = []
    for row in rows.hardest:
        thumbnail = thumbnails.whole(output_source(row))
        if thumbnail is not None:
            title, page = rows.shown_by[row["scan_id"]]
            part = share(row["masked_pixels"], pixels(row))
            cases.append(HardCase(title, part, page, thumbnail))
    return cases


def _outcome(rows: ModelRows) -> str:
    row = rows.row
    verdict = "Taken into use" if row["promoted"] else "Not taken into use"
    uses = [f"in use now for {count(len(rows.used_by), 'collection')}"] if rows.used_by else []
    promoted = [sibling["model_id"] for sibling in rows.siblings if sibling["promoted"]]
    if row["collection"] == BASE and promoted[-1:] == [row["model_id"]]:
        uses.append("what trainings for collections start from now")
    used = " and ".join(uses) or "not in use now"
    gone = row["withdrawn_works"] or 0
    were = count(gone, "of its works was", "of its works were")
    lost = f"; {were} withdrawn since" if gone else ""
    made = f"{count(rows.n_outputs, 'file')} in the archive made by it"
    return f"{verdict}: {clip(row['reason'], 300)}. It is {used}; {made}{lost}."


def _evaluated(
    metrics: Sequence[Row], products: set[str], *, wanted: bool = True
) -> list[Evaluated]:
    metrics = [row for row in metrics if (row["product"] in products) == wanted]
    codes = dict.fromkeys(row["collection"] for row in metrics)
    found = []
    for code in sorted(codes):
        methods = method_table([row for row in metrics if row["collection"] == code])
        if methods is not None:
            found.append(Evaluated(code, methods))
    return found


def _samples(store: Store, row: Row) -> Samples | None:
    if not row["weights_path"]:
        return None
    key = f"{row['weights_path'].rsplit('/', 1)[0]}/samples.png"
    try:
        head = store.read(key)[:24] if store.exists(key) else b""
    except MissingAssetError:  # withdrawn in this moment
        return None
    if not head.startswith(_PNG):
        return None
    width, height = struct.unpack(">II", head[16:24])
    return Samples(key, width, height, _SAMPLES[row["kind"]])


def model_json(page: ModelPage, rows: ModelRows) -> dict[str, Any]:
    """Return what the page says as values that JSON can hold."""
    columns = (
        *("model_id", "kind", "collection", "base_model_id", "preset", "training_sha256"),
        *("n_train", "n_val", "withdrawn_works", "catalog_version", "steps", "seconds", "metric"),
        *("value", "incumbent_value", "promoted", "reason", "weights_sha256", "device"),
        *("code_version", "created_at", "run_id"),
    )
    return {
        **{name: page.row[name] for name in columns},
        "settings": json.loads(page.row["settings_json"] or "{}"),
        "history": json.loads(page.row["history_json"] or "[]"),
        "in_use_for": rows.used_by,
        "n_outputs": rows.n_outputs,
        "metrics": [
            {
                name: one.row[name]
                for name in (
                    *("metric_id", "collection", "product", "subject", "metric", "value"),
                    *("ci_low", "ci_high", "n_reference", "n_measured", "reference_split"),
                )
            }
            for one in page.measures
        ],
    }
