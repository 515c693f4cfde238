"""What the pages read of the catalog, in a fixed order, so that equal tables give equal pages."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from artgan.catalog.beside import shown_scans
from artgan.catalog.models import BASE
from artgan.catalog.read import filled
from artgan.catalog.review import reviews_in_order
from artgan.catalog.schema import MASKS, METRICS, MODELS, OUTPUTS, QUARANTINE, REVIEWS, RUNS, SCANS
from artgan.catalog.table import Catalog
from artgan.catalog.works import CURRENT, access_size
from artgan.presets import Kind
from artgan.report.figures import FigureSet, read_figures
from artgan.report.thumbs import Source

Row = dict[str, Any]

WORKS = "reports/works"
INDEX = "reports/index.html"
MODELS_FOLDER = "reports/models"
WORK_ID_DIGITS = 20

_START = datetime(1970, 1, 1, tzinfo=UTC)

_SCAN_COLUMNS = (
    "scan_id",
    "collection",
    "source_path",
    "format",
    "width_px",
    "height_px",
    "access_width_px",
    "access_height_px",
    "bit_depth",
    "icc_name",
    "dpi",
    "accession_number",
    "title",
    "artist",
    "date_text",
    "year_from",
    "year_to",
    "medium",
    "rights",
    "duplicate_group",
    "split",
    "access_path",
    "nonconformities",
    "object_version",
    "ingested_at",
)
_WORK_COLUMNS = tuple(name for name in SCANS.schema.names if name != "source_uri")
_OUTPUT_COLUMNS = (
    "output_id",
    "kind",
    "collection",
    "scan_id",
    "mask_id",
    "model_id",
    "method",
    "seed",
    "settings_json",
    "status",
    "message",
    "output_path",
    "output_sha256",
    "width_px",
    "height_px",
    "bit_depth",
    "changed_pixels",
    "masked_pixels",
    "changed_outside_mask",
    "assessment",
    "effective_mask_path",
    "patch_path",
    "preview_path",
    "report_path",
    "created_at",
    "run_id",
    "shots",
    "seconds_long",
    "warping_error",
    "source_warping_error",
    "frame_difference",
    "source_frame_difference",
)
_MASK_COLUMNS = (
    *("mask_id", "scan_id", "content_sha256", "damaged_fraction", "mask_path", "source_path"),
    *("origin", "ingested_at"),
)
_TOTAL_COLUMNS = ("scan_id", "collection", "duplicate_group", "split", "run_id")


@dataclass(frozen=True)
class Snapshot:
    """The catalog's tables as they are now, read once for all pages.

    Attributes:
        catalog: The archive.
    """

    catalog: Catalog

    @cached_property
    def runs(self) -> list[Row]:
        """Finished flow runs, the oldest first."""
        return sorted(
            self.catalog.rows(RUNS), key=lambda row: (_time(row, "ended_at"), row["run_id"])
        )

    @cached_property
    def models(self) -> list[Row]:
        """Trained models, the oldest first."""
        rows = self.catalog.rows(MODELS)
        return sorted(rows, key=lambda row: (_time(row, "created_at"), row["model_id"]))

    @cached_property
    def metrics(self) -> list[Row]:
        """All numbers ever measured of whole samples, the oldest first."""
        return self._measured(filled("stratum", "") == "")

    @cached_property
    def strata(self) -> list[Row]:
        """All numbers ever measured of parts of samples, the oldest first."""
        return self._measured(filled("stratum", "") != "")

    def _measured(self, which: pc.Expression) -> list[Row]:
        rows = self.catalog.rows(METRICS, where=which)
        return sorted(rows, key=lambda row: (_time(row, "created_at"), row["metric_id"]))

    @cached_property
    def quarantine(self) -> list[Row]:
        """Refused files by collection and path."""
        columns = [name for name in QUARANTINE.schema.names if name != "source_uri"]
        rows = self.catalog.rows(QUARANTINE, columns)
        return sorted(
            rows, key=lambda row: (row["collection"], row["source_path"], row["quarantine_id"])
        )

    @cached_property
    def failed_outputs(self) -> list[Row]:
        """Files that could not be made, by collection and kind."""
        rows = self.catalog.rows(OUTPUTS, _OUTPUT_COLUMNS, pc.field("status") == "failed")
        return sorted(rows, key=lambda row: (row["collection"], row["kind"], row["output_id"]))

    @cached_property
    def scan_totals(self) -> list[Row]:
        """Collection, work and run of every scan."""
        return self.catalog.rows(SCANS, _TOTAL_COLUMNS)

    @cached_property
    def collections(self) -> list[str]:
        """Collections that have scans or refused files, by name."""
        names = {row["collection"] for row in self.scan_totals}
        # Tables at the top of an inbox are of no collection.
        return sorted((names | {row["collection"] for row in self.quarantine}) - {""})

    def scans(self, collection: str) -> list[Row]:
        """Return a collection's scans that no re-scan took the place of, by scan_id."""
        where = (pc.field("collection") == collection) & CURRENT
        return _by(self.catalog.rows(SCANS, _SCAN_COLUMNS, where), "scan_id")

    def scans_named(self, scan_ids: Iterable[str]) -> dict[str, Row]:
        """Return scans of any collection by their scan_id."""
        wanted = sorted(set(scan_ids))
        if not wanted:
            return {}
        rows = self.catalog.rows(SCANS, _SCAN_COLUMNS, pc.field("scan_id").isin(wanted))
        return {row["scan_id"]: row for row in rows}

    def masks(self, collection: str) -> list[Row]:
        """Return a collection's damage masks, by mask_id."""
        where = pc.field("collection") == collection
        return _by(self.catalog.rows(MASKS, _MASK_COLUMNS, where), "mask_id")

    def outputs(self, collection: str, kind: str) -> list[Row]:
        """Return a collection's files of one kind that were not withdrawn, the oldest first."""
        where = (pc.field("collection") == collection) & (pc.field("kind") == kind)
        where &= pc.field("status") != "withdrawn"
        rows = self.catalog.rows(OUTPUTS, _OUTPUT_COLUMNS, where)
        return sorted(rows, key=lambda row: (_time(row, "created_at"), row["output_id"]))

    @cached_property
    def outputs_by_scan(self) -> dict[str, list[Row]]:
        """All files made of scans and not withdrawn, the oldest first, by scan_id."""
        where = pc.field("scan_id").is_valid() & (pc.field("status") != "withdrawn")
        found: dict[str, list[Row]] = {}
        for row in self.catalog.rows(OUTPUTS, _OUTPUT_COLUMNS, where):
            for name in shown_scans(row):
                found.setdefault(name, []).append(row)
        for rows in found.values():
            rows.sort(key=lambda row: (_time(row, "created_at"), row["output_id"]))
        return found

    @cached_property
    def reviews(self) -> dict[str, list[Row]]:
        """What conservators said of each file, the oldest first, by output_id."""
        found: dict[str, list[Row]] = {}
        for row in reviews_in_order(self.catalog.rows(REVIEWS)):
            found.setdefault(row["output_id"], []).append(row)
        return found

    @cached_property
    def restored_by_model(self) -> dict[str, list[Row]]:
        """Restored files that are there, by the model that made them."""
        found: dict[str, list[Row]] = {}
        where = (pc.field("status") == "ok") & (pc.field("kind") == "restored")
        for row in self.catalog.rows(OUTPUTS, ("output_id", "model_id"), where):
            found.setdefault(row["model_id"], []).append(row)
        return found

    @cached_property
    def outputs_by_model(self) -> Counter[str]:
        """How many files of each model are there."""
        rows = self.catalog.rows(OUTPUTS, ("model_id",), pc.field("status") == "ok")
        return Counter(row["model_id"] for row in rows if row["model_id"])

    @cached_property
    def _figures(self) -> dict[str, tuple[list[FigureSet], list[str]]]:
        return {}

    def figures(self, collection: str) -> tuple[list[FigureSet], list[str]]:
        """Return a collection's figures and the manifests not readable, read once."""
        if collection not in self._figures:
            self._figures[collection] = read_figures(self.catalog.store, collection)
        return self._figures[collection]

    def whole_scans(self, collection: str) -> pa.Table:
        """Return all that is known of a collection's scans, superseded ones too, by scan_id."""
        where = pc.field("collection") == collection
        return self.catalog.read(SCANS, _WORK_COLUMNS, where).sort_by("scan_id")

    @cached_property
    def works_in_several_splits(self) -> int:
        """Works whose scans are in more than one split; there should be none."""
        splits: dict[str, set[str]] = {}
        for row in self.scan_totals:
            if row["split"]:
                splits.setdefault(row["duplicate_group"] or row["scan_id"], set()).add(row["split"])
        return sum(len(names) > 1 for names in splits.values())

    def model_in_use(self, kind: Kind, collection: str) -> Row | None:
        """Return the newest promoted model of a collection, else of the base, else None."""
        for owner in (collection, BASE):
            for row in reversed(self.models):
                if (row["kind"], row["collection"]) == (kind, owner) and row["promoted"]:
                    return row
        return None


def _by(rows: list[Row], column: str) -> list[Row]:
    return sorted(rows, key=lambda row: row[column])


def _time(row: Row, column: str) -> datetime:
    return row[column] or _START


def works_of(scans: Iterable[Row]) -> list[Row]:
    """Return one scan for each work: the largest of its duplicate group, by scan_id."""
    chosen: dict[str, Row] = {}
    for row in scans:
        group = row["duplicate_group"] or row["scan_id"]
        if group not in chosen or pixels(row) > pixels(chosen[group]):
            chosen[group] = row
    return _by(list(chosen.values()), "scan_id")


def pixels(row: Row) -> int:
    """Return the number of pixels of a scan or output."""
    return (row["width_px"] or 0) * (row["height_px"] or 0)


def scan_source(scan: Row | None) -> Source | None:
    """Return the access copy of a scan as a picture to show."""
    if scan is None or not scan["access_path"] or not pixels(scan):
        return None
    return Source(scan["access_path"], scan["scan_id"], *access_size(scan))


def output_source(output: Row | None) -> Source | None:
    """Return an output's file as a picture to show; None if it was not made."""
    if output is None or output["status"] != "ok" or not pixels(output):
        return None
    path, content = output["output_path"], output["output_sha256"]
    return Source(path, content, output["width_px"], output["height_px"]) if content else None


def work_id(scan: Row) -> str:
    """Return the name of a work's page, from the scan that stands for the work."""
    return scan["scan_id"][:WORK_ID_DIGITS]


def work_folder(scan: Row) -> str:
    """Return the folder of a work's page, under the root."""
    return f"{WORKS}/{work_id(scan)}"


def model_page_key(model_id: str) -> str:
    """Return the key of a model's page."""
    return f"{MODELS_FOLDER}/{model_id}/index.html"


def collection_folder(collection: str) -> str:
    """Return the folder of a collection's pages, under the root."""
    return f"reports/collections/{collection}"


def scan_title(scan: Row | None) -> str:
    """Return a work's title, or the name of its file."""
    if scan is None:
        return "work that is not in the catalog"
    return scan["title"] or scan["source_path"].rsplit("/", 1)[-1]
