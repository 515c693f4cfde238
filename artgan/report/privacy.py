"""What may be said of a model after its works were looked for in it, in a sentence."""

import json
from collections.abc import Sequence

from artgan.metrics.membership import MOST_ADVANTAGE
from artgan.presets import Kind
from artgan.report.measures import Measure
from artgan.report.snapshot import Row
from artgan.report.words import NOT_MEASURED, clip, number
from artgan.training.accountant import private_words

ATTACKED: tuple[Kind, ...] = ("simulation", "restoration", "style", "cyclegan")
"""Kinds of model that make pictures from what they learned."""
_OPEN = ("samples_alone", "filler_answers", "translator_answers", "cyclegan_answers")
"""What somebody can do who has what is published, and no more."""


def privacy_words(row: Row, measures: Sequence[Measure]) -> str:
    """Say whether the works of a model can be told, as far as it was tried.

    Args:
        row: Its row of the models table.
        measures: Its newest numbers.
    """
    if row["kind"] not in ATTACKED:
        return (
            "Not attacked: that is done to simulators, fillers and translators of one collection."
        )
    tried = [
        one
        for one in measures
        if one.row["metric"] == "membership_advantage" and one.row["subject"] in _OPEN
    ]
    settings = json.loads(row.get("settings_json") or "{}").get("preset", {})
    promised = private_words(settings, row.get("n_train") or 0, row.get("steps") or 0)
    return " ".join(part for part in (promised, *_verdicts(tried)) if part)


def _verdicts(tried: Sequence[Measure]) -> list[str]:
    if not tried:
        return [f"{NOT_MEASURED.capitalize()} yet: too few works, or the report has not been run."]
    return [_verdict(one) for one in tried]


def _verdict(one: Measure) -> str:
    value, low = one.row["value"], one.row["ci_low"]
    where = clip(one.row["collection"], 60)
    gained = f"{one.subject} gains {number(value)} ({one.interval}) in {where}"
    if value <= MOST_ADVANTAGE:
        return f"{gained}: under the limit of {MOST_ADVANTAGE}."
    if low <= 0.0:
        return f"{gained}: over the limit of {MOST_ADVANTAGE}, which chance alone may explain."
    return (
        f"{gained}: over the limit of {MOST_ADVANTAGE}. It betrays works; publish neither "
        "the model nor many of its pictures where these works are private."
    )
