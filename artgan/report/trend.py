"""Numbers over past measurements and runs, each as a chart that says in words what it shows."""

from collections.abc import Sequence

from artgan.report.charts import Point, line_chart
from artgan.report.measures import direction, measure, same_thing
from artgan.report.section import Curve
from artgan.report.snapshot import Row
from artgan.report.words import count, duration, moment

RUNS_DRAWN = 30
MEASUREMENTS_DRAWN = 40


def measure_trend(rows: Sequence[Row], newest: Row | None) -> Curve | None:
    """Return the course of a number over past measurements; None if there was only one.

    Args:
        rows: Rows of the metrics table, the oldest first.
        newest: The number as it is now.
    """
    if newest is None:
        return None
    series = [row for row in rows if same_thing(row, newest) and row["value"] is not None]
    series = series[-MEASUREMENTS_DRAWN:]
    if len(series) < 2:
        return None
    shown = [measure(row) for row in series]
    points = [
        Point(at, row["value"], row["ci_low"], row["ci_high"]) for at, row in enumerate(series, 1)
    ]
    title = f"{shown[-1].title} over past measurements: {shown[-1].subject}"
    better = direction(newest["metric"])
    words = (
        f"From {shown[0].text} on {moment(series[0]['created_at'])} to {shown[-1].text} on "
        f"{moment(series[-1]['created_at'])}, {count(len(series), 'measurement')}"
        f"{f'; {better}' if better else ''}.{_samples(series)}"
    )
    table = [
        [moment(row["created_at"]), one.text, one.interval or "no interval", one.sample]
        for row, one in zip(series, shown, strict=True)
    ]
    chart = line_chart(points, title, words, "measurement, from the oldest")
    return Curve(title, words, chart, ["Measured", "Value", "Interval", "Sample"], table)


def _samples(series: Sequence[Row]) -> str:
    sizes = {(row["n_reference"], row["n_measured"], row["n_matched"]) for row in series}
    if len(sizes) == 1:
        return ""
    return " The samples differ, so a step may come from the works and not from the model."


def run_trend(runs: Sequence[Row], run_id: str) -> Curve | None:
    """Return what runs of a flow left to look at, up to a run; None if it is the first.

    Args:
        runs: Finished runs, the oldest first.
        run_id: The run.
    """
    series = comparable(runs, run_id)[-RUNS_DRAWN:]
    if len(series) < 2:
        return None
    amounts = [_to_look_at(row) for row in series]
    points = [Point(at, amount) for at, amount in enumerate(amounts, 1)]
    title = f"Failed items and refused files over past runs of {series[-1]['flow']}"
    words = (
        f"{count(len(series), 'run')} from {moment(series[0]['started_at'])} to "
        f"{moment(series[-1]['started_at'])}: at least {min(amounts):,}, at most "
        f"{max(amounts):,}, {amounts[-1]:,} in this one."
    )
    table = [
        [
            moment(row["started_at"]),
            *(count(row[name]) for name in ("n_done", "n_failed", "n_quarantined")),
            duration(row["seconds"]),
        ]
        for row in series
    ]
    columns = ["Started", "Done", "Failed", "Refused", "Time"]
    chart = line_chart(points, title, words, "run, from the oldest")
    return Curve(title, words, chart, columns, table)


def comparable(runs: Sequence[Row], run_id: str) -> list[Row]:
    """Return the finished runs of a run's flow up to it, the oldest first."""
    own = next((row for row in runs if row["run_id"] == run_id), None)
    if own is None or own["parent_run_id"] is not None:
        return []
    alike = [row for row in runs if row["flow"] == own["flow"] and row["parent_run_id"] is None]
    return alike[: alike.index(own) + 1]


def _to_look_at(row: Row) -> int:
    return (row["n_failed"] or 0) + (row["n_quarantined"] or 0)


def run_changes(runs: Sequence[Row], run_id: str) -> list[tuple[str, str, str, str]]:
    """Return counts of a run beside those of the run before it: name, before, now, difference."""
    series = comparable(runs, run_id)
    if len(series) < 2:
        return []
    before, now = series[-2:]
    names = {
        "n_done": "Done",
        "n_skipped": "Skipped",
        "n_failed": "Failed",
        "n_quarantined": "Refused",
    }
    lines = []
    for column, title in names.items():
        old, new = before[column] or 0, now[column] or 0
        lines.append((title, f"{old:,}", f"{new:,}", _signed(new - old)))
    if before["seconds"] is not None and now["seconds"] is not None:
        change = now["seconds"] - before["seconds"]
        longer = f"{duration(abs(change))} {'longer' if change >= 0 else 'shorter'}"
        lines.append(("Time", duration(before["seconds"]), duration(now["seconds"]), longer))
    return lines


def _signed(change: int) -> str:
    return f"+{change:,}" if change > 0 else f"\N{MINUS SIGN}{-change:,}" if change else "0"
