"""Rows of the catalog by work: what the page of each work is made from."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import pyarrow as pa

from artgan.presets import Kind
from artgan.report.measures import latest
from artgan.report.snapshot import Row, Snapshot

_BATCH = 500
_KINDS: tuple[Kind, ...] = get_args(Kind)
_MODEL_FACTS = ("model_id", "kind", "collection", "preset", "weights_sha256", "n_train", "n_val")


@dataclass(frozen=True)
class WorkRows:
    """Rows of the catalog that the page of a work is made from.

    Attributes:
        scan: The scan that stands for the work: the largest.
        scans: All its scans, of which the page shows one.
        earlier: Scans that a re-scan took the place of.
        masks: Damage masks of its scans.
        outputs: Files made of its scans, the oldest first.
        models: Models that made them, by model_id.
        in_use: Models in use now.
        metrics: Newest numbers of these models.
        reviews: What was said of the files, the oldest first, by output_id.
    """

    scan: Row
    scans: list[Row]
    earlier: list[Row]
    masks: list[Row]
    outputs: list[Row]
    models: dict[str, Row]
    in_use: Collection[str]
    metrics: list[Row]
    reviews: dict[str, list[Row]]

    @property
    def delivered(self) -> list[Row]:
        """Masks that people drew; what a detector proposes says nothing of a condition."""
        return [row for row in self.masks if row["origin"] != "detected"]

    def facts(self) -> list[Any]:
        """Return all of it as values that a mark can be made of."""
        return [
            *(self.scan["scan_id"], self.scans, self.earlier, self.masks, self.outputs),
            *(self.models, sorted(self.in_use), self.metrics, self.reviews),
        ]


def rows_by_work(
    snapshot: Snapshot, collection: str, groups: Sequence[Sequence[Row]]
) -> Iterator[WorkRows]:
    """Yield the rows of each work, some works at a time, so that memory stays bounded.

    Args:
        snapshot: The catalog's tables.
        collection: A collection.
        groups: All scans of each of its works; the one that stands for the work comes first.
    """
    whole = snapshot.whole_scans(collection)
    place = {name: at for at, name in enumerate(whole["scan_id"].to_pylist())}
    earlier = _earlier(whole, place, {row["scan_id"] for rows in groups for row in rows})
    masks = _by_scan(snapshot.masks(collection))
    shared = _Shared(snapshot, collection)
    for start in range(0, len(groups), _BATCH):
        batch = [[row["scan_id"] for row in rows] for rows in groups[start : start + _BATCH]]
        wanted = [place[name] for names in batch for name in names]
        full = {row["scan_id"]: row for row in _rows_at(whole, wanted)}
        for names in batch:
            yield _work([full[name] for name in names], earlier, masks, shared)


def _earlier(whole: pa.Table, place: dict[str, int], current: set[str]) -> dict[str, list[Row]]:
    """Return superseded scans by object_id."""
    gone = _rows_at(whole, [at for name, at in place.items() if name not in current])
    found: dict[str, list[Row]] = {}
    for row in gone:
        if row["object_id"]:
            found.setdefault(row["object_id"], []).append(row)
    return found


def _rows_at(table: pa.Table, places: Sequence[int]) -> list[Row]:
    return table.take(pa.array(places, pa.int64())).to_pylist()


def _by_scan(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["scan_id"], []).append(row)
    return found


class _Shared:
    """Files, their reviews and models, looked up once for all works of a collection."""

    def __init__(self, snapshot: Snapshot, collection: str) -> None:
        self.outputs, self.reviews = snapshot.outputs_by_scan, snapshot.reviews
        self._rows = {row["model_id"]: row for row in snapshot.models}
        self._metrics: dict[str, list[Row]] = {}
        for row in latest(row for row in snapshot.metrics if row["collection"] == collection):
            self._metrics.setdefault(row["model_id"] or "", []).append(row)
        used = (snapshot.model_in_use(kind, collection) for kind in _KINDS)
        self._in_use = {row["model_id"] for row in used if row}

    def of(self, outputs: Sequence[Row]) -> tuple[dict[str, Row], list[str], list[Row]]:
        """Return facts, those in use, and numbers of the models that made some files."""
        names = sorted({row["model_id"] for row in outputs if row["model_id"]})
        facts = {
            name: {column: self._rows[name][column] for column in _MODEL_FACTS}
            for name in names
            if name in self._rows
        }
        metrics = [row for name in names for row in self._metrics.get(name, [])]
        return facts, [name for name in names if name in self._in_use], metrics


def _work(
    scans: list[Row],
    earlier: dict[str, list[Row]],
    masks: dict[str, list[Row]],
    shared: _Shared,
) -> WorkRows:
    names = [row["scan_id"] for row in scans]
    outputs = [row for name in names for row in shared.outputs.get(name, [])]
    models, in_use, metrics = shared.of(outputs)
    objects = dict.fromkeys(row["object_id"] for row in scans if row["object_id"])
    return WorkRows(
        scan=scans[0],
        scans=scans,
        earlier=[row for name in objects for row in earlier.get(name, [])],
        masks=[row for name in names for row in masks.get(name, [])],
        outputs=outputs,
        models=models,
        in_use=in_use,
        metrics=metrics,
        reviews={
            row["output_id"]: shared.reviews[row["output_id"]]
            for row in outputs
            if row["output_id"] in shared.reviews
        },
    )
