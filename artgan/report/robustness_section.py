"""Robustness on a collection's page: a block for each judging network, attacks by strength.

A narrow table, for a phone and for paper: kinds of change in rows, their strengths in columns.
"""

from dataclasses import dataclass

from artgan.metrics.attacks import CODES, KINDS, UNCHANGED, attack_name, attack_names
from artgan.report.measures import Measure, age, measure, reading_order, subject_title
from artgan.report.section import Context
from artgan.report.snapshot import Row
from artgan.report.words import number


@dataclass(frozen=True)
class Judge:
    """One network that judges pictures, and what changes on purpose do to it.

    Attributes:
        title: Its name and the measure.
        sample: What was attacked.
        unchanged: The measure on works as they are.
        rows: Each kind of change with the measure by strength, as `CODES` has them.
    """

    title: str
    sample: str
    unchanged: Measure | None
    rows: list[tuple[str, list[Measure | None]]]


@dataclass(frozen=True)
class Robustness:
    """The section.

    Attributes:
        summary: What the strongest attack does to each network.
        strengths: Titles of the columns.
        judges: The networks.
        caution: What a reader must know about the samples.
    """

    summary: str
    strengths: list[str]
    judges: list[Judge]
    caution: str


def robustness_section(context: Context) -> Robustness | None:
    """Gather the robustness section of a collection's page; None if nothing was attacked."""
    newest: dict[str, dict[str, Row]] = {}
    rows = [
        row
        for row in context.snapshot.strata
        if (row["collection"], row["product"]) == (context.collection, "robustness")
    ]
    for row in sorted(rows, key=age):
        newest.setdefault(row["subject"], {})[row["stratum"].removeprefix("attack: ")] = row
    if not newest:
        return None
    ordered = sorted(newest.values(), key=lambda found: reading_order(next(iter(found.values()))))
    measured = [{way: measure(row) for way, row in found.items()} for found in ordered]
    cautions = dict.fromkeys(
        one.caution for found in measured for one in found.values() if one.caution
    )
    return Robustness(
        _summary(measured),
        [f"within {codes} of 255" for codes in CODES],
        [_judge(found) for found in measured],
        ". ".join(cautions),
    )


def _judge(found: dict[str, Measure]) -> Judge:
    first = next(iter(found.values()))
    rows = [(kind, [found.get(attack_name(kind, codes)) for codes in CODES]) for kind in KINDS]
    return Judge(_name(first), first.sample, found.get(UNCHANGED), rows)


def _name(one: Measure) -> str:
    return f"{subject_title(one.row['subject'])}: {one.title}"


def _summary(measured: list[dict[str, Measure]]) -> str:
    """Say what becomes of each number under the strongest attack."""
    strongest, told = attack_names()[-1], []
    for found in measured:
        before, after = found.get(UNCHANGED), found.get(strongest)
        if before is not None and after is not None:
            values = number(before.row["value"]), number(after.row["value"])
            told.append(f"{_name(before)} {values[0]}, then {values[1]}")
    return f"Works {UNCHANGED}, then under {strongest}: {'; '.join(told)}."
