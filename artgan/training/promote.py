"""Promotion: whether a new model replaces what is in use, judged on held-out works."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from artgan.metrics.membership import MOST_ADVANTAGE
from artgan.presets import Kind

COPY_RATIO_FLOOR = 0.9
DIVERSITY_FLOOR = 0.6
CLEAN_ALTERED_CEILING = 0.01
LEAST_TONE_GAIN = 0.2
MOST_CLEAN_DELTA_E00 = 1.5
_STYLE_PEERS = {
    "unchanged_kid_x1000": "works left as they are",
    "color_kid_x1000": "colour transfer alone",
}
_PAINT_PEERS = {
    "unchanged_gram_distance": "works left as they are",
    "color_gram_distance": "colour transfer alone",
}
MOST_CONTENT_LOST = 0.5
LEAST_CHANGED = 1 / 255
_FINISH_PEERS = {
    "unchanged_psnr_db": "pictures left as they are",
    "median_psnr_db": "the median",
    "nlm_psnr_db": "non-local means",
    "bicubic_psnr_db": "bicubic enlargement",
    "lanczos_psnr_db": "Lanczos enlargement",
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
    "detection": Rule("union_f1", higher_is_better=True),
    "tone": Rule("delta_e00", higher_is_better=False),
    "denoise": Rule("psnr_db", higher_is_better=True),
    "upscale": Rule("psnr_db", higher_is_better=True),
    "fast": Rule("gram_distance", higher_is_better=False),
    "adain": Rule("gram_distance", higher_is_better=False),
    "cyclegan": Rule("style_kid_x1000", higher_is_better=False),
    "multi": Rule("style_kid_x1000", higher_is_better=False),
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
    read at this sample size), collapses (diversity below 0.6), or lets its training works be
    told from its samples (an advantage over 0.1, and by more than chance) is refused whatever its
    distance. A stylizer must come nearer to the collection than works left as they are, and
    than plain colour transfer; a painter likewise, in the patterns of VGG-19. All of them but cut
    may lose at most half of the correlation of light and dark, and results of the painter of all
    collections must be taken for the one asked for at least as often as colour transfer's; it
    and cyclegan must change pictures by a level of 255 beyond their colours. A tone network must
    take a fifth off the colour error of aged works and move clean ones by less than 1.5
    (CIEDE2000); a denoiser and an upscaler must be better than the methods that need no training.
    A detector must find damage better than top-hat filters do, and leave all but a hundredth of
    undamaged works alone.

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


def _flaw(kind: Kind, measures: Mapping[str, float]) -> str | None:  # noqa: PLR0911 - one a kind
    match kind:
        case "simulation":
            return _simulation_flaw(measures)
        case "style":
            return _style_flaw(measures)
        case "fast" | "adain":
            return _painter_flaw(measures)
        case "cyclegan" | "multi":
            return _style_flaw(measures) or _redrawn_flaw(measures)
        case "tone":
            return _tone_flaw(measures)
        case "denoise" | "upscale":
            return _finish_flaw(measures)
        case "detection":
            return _detector_flaw(measures)
    return None


def _simulation_flaw(measures: Mapping[str, float]) -> str | None:
    floor = min(COPY_RATIO_FLOOR, measures["honest_copy_ratio"])
    if measures["copy_ratio"] < floor:
        found = measures["copy_ratio"]
        return f"too near to training works: copy ratio {found:.2f}, under {floor:.2f}"
    if measures["diversity_ratio"] < DIVERSITY_FLOOR:
        return f"too little diversity: {measures['diversity_ratio']:.2f} of that of real works"
    advantage = measures.get("membership_advantage", 0.0)
    if advantage > MOST_ADVANTAGE and measures["membership_advantage_low"] > 0.0:
        return (
            f"its samples tell its training works from others: advantage {advantage:.2f}, over "
            f"{MOST_ADVANTAGE:.2f}"
        )
    return None


def _style_flaw(measures: Mapping[str, float]) -> str | None:
    for peer, words in _STYLE_PEERS.items():
        if measures["style_kid_x1000"] >= measures[peer]:
            return f"not nearer to the collection than {words}"
    return None


def _painter_flaw(measures: Mapping[str, float]) -> str | None:
    for peer, words in _PAINT_PEERS.items():
        if measures["gram_distance"] >= measures[peer]:
            return f"not nearer to the style than {words}"
    return _redrawn_flaw(measures)


def _redrawn_flaw(measures: Mapping[str, float]) -> str | None:
    if measures["content_distance"] > MOST_CONTENT_LOST:
        return f"too little of the content kept: {measures['content_distance']:.2f} lost"
    changed = measures.get("changed_l1", 1.0)
    if changed < LEAST_CHANGED:
        return f"paints next to nothing: {changed * 255:.2f} of 255 levels beyond colour"
    obeyed, least = measures.get("obeyed", 1.0), measures.get("color_obeyed", 0.0)
    if obeyed < least:
        return f"taken for the collection asked for in {obeyed:.0%}, colour alone in {least:.0%}"
    return None


def _finish_flaw(measures: Mapping[str, float]) -> str | None:
    for peer, words in _FINISH_PEERS.items():
        if measures["psnr_db"] <= measures.get(peer, -math.inf):
            return f"not better than {words}: {measures['psnr_db']:.2f} dB"
    return None


def _tone_flaw(measures: Mapping[str, float]) -> str | None:
    left, before = measures["delta_e00"], measures["unchanged_delta_e00"]
    if left > (1.0 - LEAST_TONE_GAIN) * before:
        return f"too little gained on aged works: colour error {left:.2f}, was {before:.2f}"
    if measures["clean_delta_e00"] >= MOST_CLEAN_DELTA_E00:
        return f"clean works move by {measures['clean_delta_e00']:.2f}, not less than 1.5"
    return None


def _detector_flaw(measures: Mapping[str, float]) -> str | None:
    altered, found, classical = (
        measures[name] for name in ("clean_altered", "union_f1", "classical_f1")
    )
    if altered > CLEAN_ALTERED_CEILING:
        return f"marks {altered:.1%} of undamaged works, over {CLEAN_ALTERED_CEILING:.0%}"
    if found <= classical:
        return f"finds damage no better than top-hat filters: F1 {found:.2f}, {classical:.2f}"
    return None
