"""Promotion: whether a new model replaces what is in use, judged on held-out works."""

from collections.abc import Mapping
from dataclasses import dataclass

from artgan.presets import Kind

COPY_RATIO_FLOOR = 0.9
DIVERSITY_FLOOR = 0.6
_STYLE_PEERS = {
    "unchanged_kid_x1000": "works left as they are",
    "color_kid_x1000": "colour transfer alone",
}


@dataclass(frozen=True)
class Rule:
    """The measure that decides for a kind of model."""

    metric: str
    higher_is_better: bool


RULES: dict[Kind, Rule] = {
    "restoration": Rule("hole_psnr_db", higher_is_better=True),
    "simulation": Rule("kid_x1000", higher_is_better=False),
    "style": Rule("style_kid_x1000", higher_is_better=False),
}


@dataclass(frozen=True)
class Promotion:
    """The decision, with the numbers it rests on."""

    promoted: bool
    reason: str
    metric: str
    value: float
    incumbent_value: float | None


def promote(
    kind: Kind, measures: Mapping[str, float], incumbent: Mapping[str, float] | None
) -> Promotion:
    """Decide on promotion.

    A simulation that copies training works (copy ratio below 0.9, and below what unseen works
    read at this sample size) or collapses (diversity below 0.6) is refused whatever its
    distance. A stylizer must come nearer to the collection than works left as they are, and
    than plain colour transfer.

    Args:
        kind: Kind of model.
        measures: Measures of the new model on the held-out works.
        incumbent: The same measures of what it would replace; None if nothing is in use.
    """
    rule = RULES[kind]
    value = measures[rule.metric]
    before = None if incumbent is None else incumbent[rule.metric]
    flaw = _flaw(kind, measures)
    if flaw:
        return Promotion(
            promoted=False, reason=flaw, metric=rule.metric, value=value, incumbent_value=before
        )
    if before is None:
        return Promotion(
            promoted=True,
            reason="first model of its kind",
            metric=rule.metric,
            value=value,
            incumbent_value=None,
        )
    better = value > before if rule.higher_is_better else value < before
    words = "better" if better else "not better"
    reason = f"{words} than what is in use on held-out works: {value:.3f} against {before:.3f}"
    return Promotion(better, reason, rule.metric, value, before)


def _flaw(kind: Kind, measures: Mapping[str, float]) -> str | None:
    if kind == "simulation":
        floor = min(COPY_RATIO_FLOOR, measures["honest_copy_ratio"])
        if measures["copy_ratio"] < floor:
            found = measures["copy_ratio"]
            return f"too near to training works: copy ratio {found:.2f}, under {floor:.2f}"
        if measures["diversity_ratio"] < DIVERSITY_FLOOR:
            return f"too little diversity: {measures['diversity_ratio']:.2f} of that of real works"
    if kind == "style":
        for peer, words in _STYLE_PEERS.items():
            if measures["style_kid_x1000"] >= measures[peer]:
                return f"not nearer to the collection than {words}"
    return None
