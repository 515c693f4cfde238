"""Simulation on a collection's page: the distance to real works, then unselected works."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from artgan.report.measures import Measure, measure, newest_named
from artgan.report.section import Common, Context, Figure, common
from artgan.report.snapshot import Row, output_source, scan_source, scan_title
from artgan.report.thumbs import LARGE_PX, Thumbnail
from artgan.report.trend import measure_trend
from artgan.report.words import count

GRID_SHOWN = 24
_SQUARE_PX = 320
_SUBJECTS = ("generator", "simulation")
_MOST_SHEETS = 12
_SHEETS = {
    "axes": "One work turned along each axis of the model, a row for each",
    "interpolation": "First frame of a film from work to work",
    "comparison": "Works of the base, from nothing, and fine-tuned, from the same seeds",
    "projection": "A real work, left, and the nearest that the model can make, right",
}


@dataclass(frozen=True)
class GridPicture:
    """One picture of a grid with its caption."""

    caption: str
    alt: str
    thumbnail: Thumbnail


@dataclass(frozen=True)
class Simulation:
    """The section.

    Attributes:
        common: What every section has.
        headline: Kernel distance to held-out works.
        measures: The other numbers.
        caution: What a reader must know about the samples.
        generated: Simulated works, by seed from the first.
        n_generated: How many there are of the model in use.
        real: As many real works, at the generator's own size.
        side_px: Side of the simulated works in pixels.
        n_failed: Works that could not be made.
        sheets: Films, axes, projections and comparisons of the model in use.
    """

    common: Common
    headline: Measure | None
    measures: list[Measure]
    caution: str
    generated: list[GridPicture]
    n_generated: int
    real: list[GridPicture]
    side_px: int
    n_failed: int
    sheets: list[GridPicture]


def simulation_section(context: Context) -> Simulation:
    """Gather the simulation section of a collection's page."""
    rows = [row for row in context.metrics if row["product"] == "simulation"]
    kernel = [newest_named(rows, "kid_x1000", subject) for subject in _SUBJECTS]
    found = next((row for row in kernel if row), None)
    headline = measure(found) if found else None
    shared = common(context, "simulation", "simulation", _summary(headline))
    grid = next((one for one in shared.figures if one.layout == "grid"), None)
    figures = [one for one in shared.figures if one is not grid]
    in_use = None if shared.model is None else shared.model["model_id"]
    outputs = context.snapshot.outputs(context.collection, "simulated")
    made = _by_seed([row for row in outputs if row["model_id"] == in_use and _is_plain(row)])
    failed = [row for row in outputs if row["model_id"] == in_use and row["status"] != "ok"]
    side = made[0]["width_px"] if made else 0
    others = [measure(row) for row in rows if row is not found]
    cautions = dict.fromkeys(one.caution for one in others if one.caution)
    return Simulation(
        common=replace(
            shared, figures=figures, trend=measure_trend(context.snapshot.metrics, found)
        ),
        headline=headline,
        measures=others,
        caution=". ".join(cautions),
        generated=[one for row in made[:GRID_SHOWN] if (one := _generated(context, row))],
        n_generated=len(made),
        real=_from_figure(grid) if grid else _real(context, side) if made else [],
        side_px=side,
        n_failed=len(failed),
        sheets=_sheets(context, [row for row in outputs if row["model_id"] == in_use]),
    )


def _summary(headline: Measure | None) -> str:
    if headline is None:
        return "Simulated works of this collection have not been measured yet."
    return f"Simulated works beside held-out real works: {headline.sentence}."


def _is_plain(row: Row) -> bool:
    """Whether it is a work of full variety: no film, no sheet, nothing drawn to the usual."""
    variety = json.loads(row["settings_json"] or "{}").get("truncation", 1.0)
    return row["status"] == "ok" and row["method"] == "generator" and variety == 1.0


def _by_seed(rows: Sequence[Row]) -> list[Row]:
    newest = {row["seed"]: row for row in rows}
    return [newest[seed] for seed in sorted(newest, key=lambda seed: (seed is None, seed or 0))]


def _sheets(context: Context, rows: Sequence[Row]) -> list[GridPicture]:
    """Show what else was made of the model, in one order; the newest of each kind and seed."""
    newest = {
        (row["method"], row["seed"], row["scan_id"]): row
        for row in rows
        if row["method"] in _SHEETS and row["status"] == "ok"
    }
    shown = sorted(newest.values(), key=lambda row: list(_SHEETS).index(row["method"]))
    pictures = []
    for row in shown[:_MOST_SHEETS]:
        thumbnail = context.thumbnails.whole(output_source(row), LARGE_PX)
        if thumbnail is not None:
            words = _SHEETS[row["method"]]
            words += f"; scan {row['scan_id'][:8]}" if row["scan_id"] else f"; seed {row['seed']}"
            caption = f"{words}. File: {row['output_path']}"
            pictures.append(GridPicture(caption, words, thumbnail))
    return pictures


def _generated(context: Context, row: Row) -> GridPicture | None:
    thumbnail = context.thumbnails.whole(output_source(row))
    if thumbnail is None:
        return None
    caption = f"seed {row['seed']}"
    alt = f"Simulated work, {caption}: made by a model, not by any person"
    return GridPicture(caption, alt, thumbnail)


def _real(context: Context, side_px: int) -> list[GridPicture]:
    """Show real works as small as the simulated ones, so that sharpness misleads nobody."""
    pictures = []
    for row in context.works[:GRID_SHOWN]:
        thumbnail = context.thumbnails.square(scan_source(row), min(side_px, _SQUARE_PX))
        if thumbnail is not None:
            alt = f"Real work: {scan_title(row)} ({row['split']} split)"
            pictures.append(GridPicture(f"{row['split']} split", alt, thumbnail))
    return pictures


def _from_figure(grid: Figure) -> list[GridPicture]:
    """Take the real works that the measurement compared with, at the size it compared."""
    images = [image for item in grid.items for image in item.images if image.path]
    return [
        GridPicture(
            image.label,
            f"Real work: {image.alt}",
            Thumbnail(image.path, image.width, image.height, image.width < _SQUARE_PX),
        )
        for image in images[:GRID_SHOWN]
    ]


def generated_words(section: Simulation) -> str:
    """Say how the shown works were chosen."""
    shown = count(len(section.generated), "simulated work")
    return f"{shown} of {section.n_generated:,}, in the order of their seeds; none left out by eye."
