"""Numbers of parts of a sample beside each other: by class of damage, by damaged area."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from artgan.report.measures import Measure, age, identity, measure, reading_order, subject_title
from artgan.report.snapshot import Row
from artgan.report.words import count


@dataclass(frozen=True)
class StratumRow:
    """One part of a sample, with a cell for each method.

    Attributes:
        name: The part, in words.
        sample: What it rests on.
        cells: A number for each method.
        best: Place of the best method; None if none was measured, or several are.
    """

    name: str
    sample: str
    cells: list[Measure | None]
    best: int | None


@dataclass(frozen=True)
class StrataTable:
    """Parts of a sample in rows, methods in columns, of one measure.

    Attributes:
        title: Title of the measure.
        columns: The methods.
        rows: The parts.
    """

    title: str
    columns: list[str]
    rows: list[StratumRow]


def strata_table(rows: Iterable[Row], collection: str, metric: str) -> StrataTable | None:
    """Lay one measure out by stratum and method; None if it was not measured.

    Args:
        rows: Numbers of parts of samples, of any collection, product and age.
        collection: The collection.
        metric: The measure; higher is better.
    """
    newest: dict[tuple[object, ...], Row] = {}
    for row in sorted(rows, key=age):
        if (row["collection"], row["metric"]) == (collection, metric):
            newest[*identity(row), row["stratum"]] = row
    if not newest:
        return None
    found = _of_the_last_measurement(list(newest.values()))
    subjects = list(dict.fromkeys(row["subject"] for row in sorted(found, key=reading_order)))
    cells = {(row["stratum"], row["subject"]): row for row in found}
    names = dict.fromkeys(row["stratum"] for row in sorted(found, key=_order))
    lines = [_line(name, [cells.get((name, subject)) for subject in subjects]) for name in names]
    title = measure(found[0]).title
    return StrataTable(title, [subject_title(subject) for subject in subjects], lines)


def _of_the_last_measurement(rows: Sequence[Row]) -> list[Row]:
    """Leave out parts that only an earlier measurement knew."""
    last = max(rows, key=age)
    return [row for row in rows if row["run_id"] == last["run_id"]]


def _order(row: Row) -> tuple[bool, float, str]:
    """Classes by name first, then ranges of area, the smallest first."""
    kind, _, part = row["stratum"].partition(": ")
    low = part.partition("%")[0]
    return kind == "area", float(low) if low.isdigit() else 0.0, part


def _line(name: str, rows: Sequence[Row | None]) -> StratumRow:
    values = [None if row is None else row["value"] for row in rows]
    known = [value for value in values if value is not None]
    n = max((row["n_measured"] or 0 for row in rows if row), default=0)
    kind, _, part = name.partition(": ")
    words = f"{part} of the crop" if kind == "area" else part.replace("_", " ")
    return StratumRow(
        name=words,
        sample=count(n, "crop"),
        cells=[None if row is None else measure(row) for row in rows],
        best=values.index(max(known)) if known and values.count(max(known)) == 1 else None,
    )
