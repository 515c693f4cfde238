"""Rows of the metrics table in a reader's words: title, value, interval, sample, what changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from artgan.metrics.table import FEW_WORKS as FEW_WORKS_IN_SETS
from artgan.metrics.table import METRICS, Better, find_metric, sample_note
from artgan.report.words import NOT_MEASURED, count, number

FEW_WORKS = 30

Row = dict[str, Any]

# Trainings name the measures that decide on promotion a little differently.
_TRAINING_NAMES = {
    "hole_psnr_db": "psnr_hole_db",
    "style_kid_x1000": "kid_x1000",
    "unchanged_kid_x1000": "kid_x1000",
}
_ORDER = {metric.name: position for position, metric in enumerate(METRICS)}
_FRECHET = {"fd", "fd_floor", "fd_excess"}

SUBJECTS = {
    "filler": "Filler (this archive's model)",
    "model": "Filler (this archive's model)",
    "restoration": "Filler (this archive's model)",
    "perceptual": "Filler with more texture (perceptual network)",
    "navier_stokes": "Navier-Stokes",
    "telea": "Telea",
    "prefill": "Push-pull prefill alone",
    "push_pull": "Push-pull prefill alone",
    "detector": "Detector (this archive's model)",
    "top_hat": "Top-hat filters",
    "blind": "Detector, then filler",
    "known": "Filler, told where the damage is",
    "tone": "Tone model (this archive's)",
    "grey_world": "Grey-world",
    "auto_levels": "Auto-levels",
    "denoise": "Noise and blur model (this archive's)",
    "denoise_half": "The same at its usual strength, 0.5",
    "median": "Median of 3 x 3 pixels",
    "nlm_3": "Non-local means, strength 3",
    "nlm_6": "Non-local means, strength 6",
    "nlm_10": "Non-local means, strength 10",
    "upscale": "Enlargement model (this archive's)",
    "bicubic": "Bicubic",
    "lanczos": "Lanczos",
    "do_nothing": "Do nothing (left as it is)",
    "generator": "Generator",
    "simulation": "Generator",
    "real_training_works": "Real training works, for comparison",
    "unchanged": "Unchanged works",
    "color": "Colour transfer",
    "cut": "Trained translator (CUT)",
    "cyclegan": "Trained translator, there and back (CycleGAN)",
    "fast": "Trained painter of this style (fast)",
    "multi": "Painter of all collections (multi)",
    "adain": "Painter of any style (adain)",
    "optim": "Fitted picture by picture (optim)",
    "classifier": "Network that tells collections",
    "classifier_hardened": "The same, hardened",
    "discriminator": "Discriminator of the simulation",
    "samples_alone": "Somebody who has samples alone",
    "filler_answers": "Somebody who can ask the filler",
    "translator_answers": "Somebody who can ask the translator",
    "cyclegan_answers": "Somebody who can ask the translator (CycleGAN)",
    "simulation_discriminator": "Somebody who has the discriminator, which is never published",
    "filler_discriminator": "Somebody who has the PatchGAN, which is never published",
    "translator_discriminator": "Somebody who has its discriminator, which is never published",
    "cyclegan_discriminator": "Somebody who has CycleGAN's discriminator, which is never published",
}
_SUBJECT_ORDER = {name: position for position, name in enumerate(SUBJECTS)}


@dataclass(frozen=True)
class Measure:
    """One number as a page shows it.

    Attributes:
        row: The row of the metrics table.
        title: Name of the measure; a distance of sets carries its extractor in the name.
        subject: What was measured.
        text: The value with its unit, or that it was not measured.
        interval: ``95% interval 23.7 to 24.5``, or empty.
        sample: How many pictures and works it rests on.
        caution: What a reader must know about the sample; may be empty.
    """

    row: Row
    title: str
    subject: str
    text: str
    interval: str
    sample: str
    caution: str

    @property
    def sentence(self) -> str:
        """The whole: ``PSNR in the damage 24.1 dB (95% interval ...; n)``."""
        inside = "; ".join(part for part in (self.interval, self.sample) if part)
        return f"{self.title} {self.text} ({inside})"


def canonical(metric: str) -> str:
    """Return the name of a measure in the table of all measures."""
    return _TRAINING_NAMES.get(metric, metric)


def base_title(metric: str) -> str:
    """Return a measure's title without its extractor."""
    known = find_metric(canonical(metric))
    return known.title if known else metric.replace("_", " ")


def better(metric: str) -> Better:
    """Return which direction of a measure is better."""
    known = find_metric(canonical(metric))
    return known.better if known else "none"


def direction(metric: str) -> str:
    """Return the direction in words, or an empty text."""
    side = better(metric)
    return "" if side == "none" else f"{side} is better"


def unit(metric: str) -> str:
    """Return the unit of a measure; empty for a pure number."""
    known = find_metric(canonical(metric))
    return "" if known is None else known.unit


def is_distance_of_sets(row: Row) -> bool:
    """Whether a row compares two sets through a network's features."""
    return row["metric"] in _FRECHET or canonical(row["metric"]) == "kid_x1000"


def title(row: Row) -> str:
    """Return a row's title: only a Fréchet distance with the 2015 Inception is called FID."""
    base = base_title(row["metric"])
    if not is_distance_of_sets(row):
        return base
    extractor = row["extractor"] or "extractor not recorded"
    if row["is_fid"]:
        label = extractor if "FID" in extractor else f"FID ({extractor})"
    else:
        label = f"FD-{extractor.removeprefix('FD-')}"
    if row["metric"] in _FRECHET:
        return label + row["metric"].removeprefix("fd").replace("_", " ")
    return f"{base}, {label}"


def subject_title(subject: str | None) -> str:
    """Return what a row measures, in words."""
    return SUBJECTS.get(subject or "", (subject or "").replace("_", " "))


def measure(row: Row) -> Measure:
    """Put a row of the metrics table into words."""
    known = find_metric(canonical(row["metric"]))
    suffix = row["unit"] or (known.unit if known else "")
    text = number(row["value"])
    if text != NOT_MEASURED and suffix not in {"", "fraction"}:
        text = f"{text} {suffix}"
    return Measure(
        row,
        title(row),
        subject_title(row["subject"]),
        text,
        interval(row["ci_low"], row["ci_high"]),
        _sample(row),
        _sentence_case(_caution(row)),
    )


def interval(low: float | None, high: float | None) -> str:
    """Write a 95 % interval; empty if there is none."""
    return "" if low is None or high is None else f"95% interval {number(low)} to {number(high)}"


def _sample(row: Row) -> str:
    known = row["reference_split"] not in {None, "all"}
    split = f" of the {row['reference_split']} split" if known else ""
    parts = []
    if row["n_measured"] is not None:
        parts.append(count(row["n_measured"], "picture"))
    if row["n_reference"] is not None:
        parts.append(count(row["n_reference"], "real work") + split)
    if row["n_matched"] is not None:
        parts.append(f"compared at {row['n_matched']:,}")
    return ", ".join(parts) or "n not recorded"


def _caution(row: Row) -> str:
    n, note = _smallest(row), (row["note"] or "").rstrip(".")
    if n is None:
        return note
    words = sample_note(n)[1]
    if is_distance_of_sets(row):
        return note or words
    # The words on sample size speak of distances of sets; a mean over works needs its own.
    parts = [too_few(row), "" if note == words else note]
    return ". ".join(part for part in parts if part)


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]


def _smallest(row: Row) -> int | None:
    sides = (row["n_reference"], row["n_measured"], row["n_matched"])
    return min((side for side in sides if side is not None), default=None)


def too_few(row: Row) -> str:
    """Say that a number rests on too few works to judge by; empty if it does not."""
    n = _smallest(row)
    enough = FEW_WORKS_IN_SETS if is_distance_of_sets(row) else FEW_WORKS
    if n is None or n >= enough:
        return ""
    return f"Too few works (n = {n}) to compare; values shown for information"


def identity(row: Row) -> tuple[Any, ...]:
    """Return what makes two rows measurements of the same thing."""
    names = ("collection", "product", "subject", "metric", "extractor", "preprocessing")
    return tuple(row[name] or "" for name in names)


def same_thing(row: Row, other: Row) -> bool:
    """Whether two rows are measurements of the same thing."""
    return identity(row) == identity(other)


def latest(rows: Iterable[Row]) -> list[Row]:
    """Return the newest row of each measured thing, by subject and measure in reading order."""
    newest: dict[tuple[Any, ...], Row] = {}
    for row in sorted(rows, key=age):
        newest[identity(row)] = row
    return sorted(newest.values(), key=reading_order)


def age(row: Row) -> tuple[Any, ...]:
    """Order rows by the moment of measuring."""
    return row["created_at"], row["metric_id"]


def reading_order(row: Row) -> tuple[Any, ...]:
    """Order rows by product, subject and measure."""
    return (
        row["product"] or "",
        _SUBJECT_ORDER.get(row["subject"], len(SUBJECTS)),
        row["subject"] or "",
        _ORDER.get(canonical(row["metric"]), len(_ORDER)),
        row["metric"],
        row["extractor"] or "",
    )


def newest_named(rows: Sequence[Row], metric: str, subject: str | None = None) -> Row | None:
    """Return the row of a measure, and of a subject if one is named; the newest of several."""
    found = [
        row
        for row in rows
        if canonical(row["metric"]) == metric and subject in {None, row["subject"]}
    ]
    return max(found, key=age) if found else None
