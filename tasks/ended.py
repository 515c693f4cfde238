"""What the catalog holds of a run that ended, and of the runs below it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Any

import pyarrow.compute as pc

from artgan.catalog.runs import Run
from artgan.catalog.schema import MASKS, MODELS, OUTPUTS, RUNS, Table
from artgan.catalog.table import Catalog
from artgan.report.run_page import STEPS
from tasks.failures import Failures, find_failures

PICTURES_SHOWN = 12

Row = dict[str, Any]


@dataclass(frozen=True)
class Ended:
    """A run that ended, and what the catalog holds of it.

    Attributes:
        catalog: The archive.
        run: The run.
        error: What ended it, if it did not end well.
    """

    catalog: Catalog
    run: Run
    error: Exception | None

    @cached_property
    def own(self) -> Row | None:
        """The run's row; None if it ended in a way that leaves none."""
        rows = self.catalog.rows(RUNS, where=pc.field("run_id") == self.run.run_id)
        return rows[0] if rows else None

    @cached_property
    def children(self) -> list[Row]:
        """Rows of the runs below it, in the order of the chain."""
        rows = self.catalog.rows(RUNS, where=pc.field("parent_run_id") == self.run.run_id)
        order = {flow: position for position, flow in enumerate(STEPS)}
        return sorted(rows, key=lambda row: (order.get(row["flow"], len(STEPS)), row["run_id"]))

    @cached_property
    def run_ids(self) -> list[str]:
        """The run and those below it."""
        return [self.run.run_id, *(row["run_id"] for row in self.children)]

    @cached_property
    def failures(self) -> Failures:
        """What went wrong."""
        return find_failures(self.catalog, self.run_ids)

    @cached_property
    def models(self) -> list[Row]:
        """Models trained, the oldest first."""
        rows = self.catalog.rows(MODELS, where=pc.field("run_id").isin(self.run_ids))
        return sorted(rows, key=lambda row: (row["created_at"], row["model_id"]))

    @cached_property
    def detected(self) -> list[Row]:
        """Damage masks that were proposed, the largest first."""
        where = pc.field("run_id").isin(self.run_ids) & pc.field("overview_path").is_valid()
        rows = self.catalog.rows(MASKS, where=where)
        rows.sort(key=lambda row: (-row["damaged_fraction"], row["mask_id"]))
        return rows[:PICTURES_SHOWN]

    @cached_property
    def restored(self) -> list[Row]:
        """Restored files that were made, in the order of output_id."""
        where = (
            pc.field("run_id").isin(self.run_ids)
            & (pc.field("kind") == "restored")
            & (pc.field("status") == "ok")
        )
        columns = ("output_id", "scan_id", "assessment", "preview_path", "report_path")
        rows = self.catalog.rows(OUTPUTS, columns, where)
        return sorted(rows, key=lambda row: row["output_id"])

    def made(self, kind: str) -> list[Row]:
        """Return files of one kind that were made, in turn from the collections."""
        where = (
            pc.field("run_id").isin(self.run_ids)
            & (pc.field("kind") == kind)
            & (pc.field("status") == "ok")
        )
        found = self.catalog.read(OUTPUTS, ["output_id", "collection"], where)
        ordered = in_turn(found.sort_by("output_id").to_pylist(), "collection")
        ids = [row["output_id"] for row in ordered[:PICTURES_SHOWN]]
        chosen = self.catalog.rows(OUTPUTS, where=pc.field("output_id").isin(ids)) if ids else []
        return sorted(chosen, key=lambda row: ids.index(row["output_id"]))

    def tally(self, table: Table, column: str) -> Counter[str]:
        """Count the run's rows of a table by a column."""
        where = pc.field("run_id").isin(self.run_ids)
        return Counter(self.catalog.read(table, [column], where)[column].to_pylist())


def in_turn(rows: Sequence[Row], column: str) -> list[Row]:
    """Take rows in turn from those that share a value, in the order of the values."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[column], []).append(row)
    rounds = zip_longest(*(groups[value] for value in sorted(groups)))
    return [row for one in rounds for row in one if row is not None]
