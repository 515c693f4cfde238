"""Numbers and facts as a reader sees them; every value that is absent says which way."""

from collections.abc import Mapping
from datetime import UTC, datetime

NOT_RECORDED = "not recorded"
NOT_MEASURED = "not measured"
NOT_APPLICABLE = "not applicable"
_MINUS = "\N{MINUS SIGN}"
_UNITS = ("bytes", "KB", "MB", "GB", "TB")


def number(value: float | None) -> str:
    """Write a measured number with about three significant digits."""
    if value is None or value != value:  # noqa: PLR0124 - NaN differs from itself
        return NOT_MEASURED
    size = abs(value)
    decimals = 0 if size >= 1000 or value == 0 else 1 if size >= 10 else 2 if size >= 1 else 3
    text = f"{size:,.{decimals}f}"
    return f"{_MINUS}{text}" if value < 0 and text.strip("0.") else text


def count(amount: int | None, noun: str = "", plural: str | None = None) -> str:
    """Write a count with its noun: ``1 scan``, ``1,204 scans``."""
    if amount is None:
        return NOT_RECORDED
    word = noun if amount == 1 else plural or (noun and f"{noun}s")
    return f"{amount:,} {word}".rstrip()


def share(part: float | None, whole: float | None) -> str:
    """Write a part of a whole in percent; small parts keep a digit and never read 0%."""
    if part is None or not whole:
        return NOT_RECORDED
    percent = 100.0 * part / whole
    if 0 < percent < 0.1:
        return "under 0.1%"
    if 99.9 < percent < 100:
        return "over 99.9%"
    return f"{percent:.0f}%" if percent in {0, 100} or percent >= 10 else f"{percent:.1f}%"


def duration(seconds: float | None) -> str:
    """Write a time: ``0.4 s``, ``42 s``, ``3 min 12 s``, ``2 h 5 min``."""
    if seconds is None:
        return NOT_RECORDED
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def file_size(size: int | None) -> str:
    """Write a number of bytes in decimal units."""
    if size is None:
        return NOT_RECORDED
    amount, unit = float(size), 0
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return (
        f"{amount:.0f} {_UNITS[unit]}"
        if unit == 0 or amount >= 10
        else f"{amount:.1f} {_UNITS[unit]}"
    )


def moment(when: datetime | None) -> str:
    """Write a moment in UTC, to the minute."""
    return NOT_RECORDED if when is None else when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def clip(text: str | None, limit: int = 160) -> str:
    """Shorten delivered text to fit a table, and drop its line breaks; the JSON holds it whole."""
    flat = " ".join((text or "").split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"


def tally(amounts: Mapping[str, int]) -> str:
    """Write counts by name, the largest first: ``tiff: 40, jpeg: 3``."""
    ordered = sorted(amounts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name}: {amount:,}" for name, amount in ordered) or NOT_RECORDED


def showing(shown: int, total: int, what: str, where: str) -> str | None:
    """Say that a list was cut, and where the rest is; None if it was not."""
    if shown >= total:
        return None
    return f"Showing {shown:,} of {total:,} {what}; all of them are in {where}."


def years(first: int | None, last: int | None) -> str:
    """Write a range of years."""
    if first is None or last is None:
        return NOT_RECORDED
    return str(first) if first == last else f"{first} to {last}"
