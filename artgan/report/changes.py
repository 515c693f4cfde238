"""Numbers beside those measured before them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from artgan.report.measures import (
    Measure,
    Row,
    age,
    better,
    identity,
    interval,
    measure,
    reading_order,
    too_few,
)
from artgan.report.words import count, number

NO_CLEAR_CHANGE = "No clear change"


@dataclass(frozen=True)
class Change:
    """A number beside the one measured before it.

    Attributes:
        now: The number.
        before: The same thing measured earlier, if ever.
        words: Better, worse, no clear change, or why they do not compare.
        difference: Now minus before, with its interval; empty if there is none.
        common: Whether both rest on the same works; empty if there is nothing before.
    """

    now: Measure
    before: Measure | None
    words: str
    difference: str = ""
    common: str = ""


def changes(rows: Iterable[Row], run_ids: set[str]) -> list[Change]:
    """Compare what some runs measured with what was measured before them."""
    history: dict[tuple[Any, ...], list[Row]] = {}
    for row in sorted(rows, key=age):
        history.setdefault(identity(row), []).append(row)
    found = []
    for series in history.values():
        if series and any(row["run_id"] in run_ids for row in series):
            now = [row for row in series if row["run_id"] in run_ids][-1]
            earlier = [
                row
                for row in series
                if row["run_id"] not in run_ids and row["created_at"] < now["created_at"]
            ]
            found.append(_change(now, earlier[-1] if earlier else None))
    return sorted(found, key=lambda one: (one.now.row["collection"], reading_order(one.now.row)))


def _change(now: Row, before: Row | None) -> Change:
    if before is None:
        return Change(measure(now), None, "First measured")
    return Change(
        measure(now),
        measure(before),
        _change_words(now, before),
        _difference(now, before),
        _common(now, before),
    )


def _difference(now: Row, before: Row) -> str:
    """Write a difference; its interval takes the two numbers as independent, which is cautious."""
    if now["value"] is None or before["value"] is None:
        return ""
    change = now["value"] - before["value"]
    text = f"+{number(change)}" if change > 0 else number(change)
    if any(row[end] is None for row in (now, before) for end in ("ci_low", "ci_high")):
        return text
    half = sum(((row["ci_high"] - row["ci_low"]) / 2) ** 2 for row in (now, before)) ** 0.5
    return f"{text} ({interval(change - half, change + half)})"


def _common(now: Row, before: Row) -> str:
    sets = [row.get("reference_sha256") for row in (now, before)]
    if None in sets:
        return "works in common: not recorded"
    if sets[0] == sets[1]:
        return f"same {count(now['n_reference'], 'work')}"
    return "not the same works"


def _change_words(now: Row, before: Row) -> str:
    samples = ("n_reference", "n_measured", "n_matched")
    if any(now[name] != before[name] for name in samples):
        return "Not comparable: the samples differ"
    if too_few(now):
        return "Too few works to compare"
    ends = [row[name] for row in (now, before) for name in ("value", "ci_low", "ci_high")]
    if any(end is None for end in ends):
        return "No interval to judge by"
    if now["ci_low"] <= before["ci_high"] and before["ci_low"] <= now["ci_high"]:
        return NO_CLEAR_CHANGE
    rose, wanted = now["value"] > before["value"], better(now["metric"])
    if wanted == "none":
        return "Higher" if rose else "Lower"
    return "Better" if rose == (wanted == "higher") else "Worse"
