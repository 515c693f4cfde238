"""Robustness on a collection's page: each judging network in a row, each way of changing beside."""

from collections.abc import Sequence
from dataclasses import dataclass

from artgan.metrics.attacks import UNCHANGED, attack_names
from artgan.report.charts import interval_marks
from artgan.report.measures import Measure, age, measure, reading_order, subject_title
from artgan.report.section import Context, MethodRow, MethodTable
from artgan.report.snapshot import Row
from artgan.report.words import number


@dataclass(frozen=True)
class Robustness:
    """The section.

    Attributes:
        summary: What the strongest attack does to each network.
        table: Networks in rows, ways of changing in columns.
    """

    summary: str
    table: MethodTable


def robustness_section(context: Context) -> Robustness | None:
    """Gather the robustness section of a collection's page; None if nothing was attacked."""
    newest: dict[tuple[str, str], Row] = {}
    for row in sorted(context.snapshot.strata, key=age):
        if (row["collection"], row["product"]) == (context.collection, "robustness"):
            newest[row["subject"], row["stratum"]] = row
    if not newest:
        return None
    ordered = sorted(newest.values(), key=reading_order)
    subjects = list(dict.fromkeys(row["subject"] for row in ordered))
    lines = {one: _cells(newest, one) for one in subjects}
    marks = interval_marks([_ends(cells[0]) for cells in lines.values()])
    rows = [
        MethodRow(_name(subject, cells), cells, mark)
        for (subject, cells), mark in zip(lines.items(), marks, strict=True)
    ]
    cells = [cell for row in rows for cell in row.cells if cell]
    cautions = dict.fromkeys(cell.caution for cell in cells if cell.caution)
    table = MethodTable([(name, "") for name in attack_names()], rows, ". ".join(cautions))
    return Robustness(_summary(lines), table)


def _cells(newest: dict[tuple[str, str], Row], subject: str) -> list[Measure | None]:
    found = [newest.get((subject, f"attack: {name}")) for name in attack_names()]
    return [measure(row) if row else None for row in found]


def _ends(cell: Measure | None) -> tuple[float | None, float | None, float | None]:
    if cell is None:
        return None, None, None
    return cell.row["value"], cell.row["ci_low"], cell.row["ci_high"]


def _name(subject: str, cells: Sequence[Measure | None]) -> str:
    first = next(cell for cell in cells if cell)
    return f"{subject_title(subject)}: {first.title}"


def _summary(lines: dict[str, list[Measure | None]]) -> str:
    """Say what becomes of each number under the strongest attack."""
    told = []
    for subject, cells in lines.items():
        before, after = cells[0], cells[-1]
        if before is not None and after is not None:
            values = number(before.row["value"]), number(after.row["value"])
            told.append(f"{_name(subject, cells)} {values[0]}, then {values[1]}")
    return f"Works {UNCHANGED}, then under {attack_names()[-1]}: {'; '.join(told)}."
