"""Dates as museums write them, to a span of years."""

import re

Years = tuple[int | None, int | None]

_NO_YEARS: Years = (None, None)
_LATEST_YEAR = 2100

_DASH = re.compile(r"\s*[\u2010-\u2015\u2212/-]\s*")
_CIRCA = re.compile(
    r"(?<!b)(?<!b\.)\b(?:c|ca|cir|circa|about|approximately|probably|possibly|perhaps|omstreeks|um)"
    r"\b\.?(?!\s?e\b)\s*"
)
_ISO_DAY = re.compile(r"^\s*(\d{4})-(?:0\d|1[0-2])-[0-3]\d(?!\d)")
_SEPARATOR = re.compile(r"[,;()\[\]\n]")

_BC = r"b\.?\s?c\.?(?:\s?e\.?)?(?![a-z])"
_AD = r"(?:a\.?d\.?|c\.?e\.?)(?![a-z])"
_YEAR = rf"(?:\ba\.?d\.?\s*)?\b(\d{{1,4}})(?:\b|(?=b\.?c))\s*({_BC}|{_AD})?"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_TO = (
    r"\s*(?:-|\b(?:to|or|and|until|till|tot|of|en|bis|oder|und)\b)\s*"
    rf"(?:(?:active|died|before|by|{_MONTH})\s+)?"
)
_SPAN = re.compile(_YEAR + _TO + _YEAR)
_LONGER = re.compile(_TO + r"(\d{1,4})\b(?!'?s)")
_TO_DECADE = re.compile(rf"\b(\d{{3,4}}){_TO}(\d{{3}}0)'?s")
_OPEN_END = re.compile(rf"{_YEAR}\s*-\s*(?:after|unknown|present|heute|heden|$)")
_SINGLE = re.compile(_YEAR)
_BEFORE = re.compile(
    r"\b(?:not after|no later than|(?<!not )before|by|until|v[oó]o?r|avant|ante|died)\W*$"
)
_AFTER = re.compile(
    r"\b(?:not before|no earlier than|(?<!not )after|from|since|na|nach|apr[eè]s|post|born|"
    r"est(?:ablished)?|founded)\W*$"
)
_OR_BEFORE = re.compile(r"^\W*or (?:before|earlier)\b")
_OR_AFTER = re.compile(r"^\W*(?:or (?:after|later)|onwards?)\b")
_DECADES = re.compile(r"\b(\d{3}0)'?s(?:-(\d{3}0|\d0)'?s)?")

_SHORT_CENTURY = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)?\s?c\b\.?(?!\s?[\de])")
_CENTURY = re.compile(r"\bcentur(?:y|ies)|\beeuw|\bjh\b|\bjahrhundert")
_PART = re.compile(r"\b\d(?:st|nd|rd|th|e)\s(?:half|quarter|third|helft|kwart)")
_ORDINAL = re.compile(r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|e|de|ste|\.|(?=-\d|\scentur))")


def parse_years(text: str) -> Years:
    """Read the span of years that a date means.

    The first date of a text counts, since later ones are of printing, casting or reworking:
    ``1888, printed 1901`` is 1888. ``1820-5`` is 1820 to 1825, ``1755/1761-1802`` 1755 to 1802,
    ``1830s`` ten years, ``16th century`` 1501 to 1600; a part of a century or decade (``early``,
    ``first half``) is taken for the whole. ``before 1700``, ``after 1850`` and ``1771 - after
    1800`` are open on one side and include the year named.
    Circa and question marks do not widen. Years before Christ are negative: 44 BC is -44.
    English, and the commonest Dutch and German words.

    Args:
        text: The date as delivered.

    Returns:
        Earliest and latest year; None for what the text leaves open.
    """
    text = _SHORT_CENTURY.sub(r"\1 century", _DASH.sub("-", text.lower().replace("?", "")))
    text = _CIRCA.sub("", text)
    if day := _ISO_DAY.match(text):
        return int(day[1]), int(day[1])
    for part in _SEPARATOR.split(text):
        years = _part_years(part)
        if years != _NO_YEARS:
            return years
    return _NO_YEARS


def _part_years(part: str) -> Years:
    if _CENTURY.search(part):
        return _century_years(part)
    years = _spanned(part)
    if years != _NO_YEARS:
        return years
    for found in _SINGLE.finditer(part):
        year = _year(found[1], found[2])
        if year is not None:
            return _open_sides(year, part[: found.start()], part[found.end() :])
    return _NO_YEARS


def _spanned(part: str) -> Years:
    if span := _TO_DECADE.search(part):
        return int(span[1]), int(span[2]) + 9
    if decades := _DECADES.search(part):
        first = int(decades[1])
        last = _completed(first, decades[2] or decades[1]) + 9
        return first, _lengthened(first, last, part[decades.end() :])
    if found := _OPEN_END.search(part):
        return _year(found[1], found[2]), None
    for found in _SPAN.finditer(part):
        first, last = _span_years(*found.groups())
        if first is not None and last is not None:
            return first, _lengthened(first, last, part[found.end() :])
    return _NO_YEARS


def _lengthened(first: int, last: int, behind: str) -> int:
    """Return the end of a span that goes on: 1755/1761-1802."""
    while more := _LONGER.match(behind):
        end = _completed(last, more[1])
        if first > 0 and last <= end <= _LATEST_YEAR:
            last = end
        behind = behind[more.end() :]
    return last


def _century_years(part: str) -> Years:
    ordinals = [int(found[1]) for found in _ORDINAL.finditer(_PART.sub("", part))]
    if not ordinals or not all(1 <= number <= 21 for number in ordinals):
        return _NO_YEARS
    is_bc = [bool(re.search(_BC, part))] * len(ordinals)
    if is_bc[0] and re.search(rf"\b{_AD}", part):  # 1st century BC to 2nd century AD
        is_bc[1:] = [False] * (len(ordinals) - 1)
    spans = [
        (-100 * number, -100 * (number - 1) - 1) if before else (100 * number - 99, 100 * number)
        for number, before in zip(ordinals, is_bc, strict=True)
    ]
    return min(first for first, _ in spans), max(last for _, last in spans)


def _span_years(first: str, first_era: str | None, last: str, last_era: str | None) -> Years:
    if _is_bc(last_era) and first_era is None:  # 300-250 BC
        first_era = last_era
    start = _year(first, first_era or last_era)
    if start is None:
        return _NO_YEARS
    if first_era or last_era:
        end = _year(last, last_era)
        return (start, end) if end is not None and start <= end else _NO_YEARS
    end = _completed(start, last)
    return (start, end) if start <= end <= _LATEST_YEAR else (start, start)


def _completed(first: int, last: str) -> int:
    """Return the last year of a span, of which only the digits that change may be written."""
    known = str(first)
    return int(known[: max(0, len(known) - len(last))] + last)


def _year(digits: str, era: str | None) -> int | None:
    # One or two digits alone are days of a month.
    if era is None and len(digits) < 3:
        return None
    year = int(digits)
    if not 1 <= year <= _LATEST_YEAR and not _is_bc(era):
        return None
    return -year if _is_bc(era) else year


def _is_bc(era: str | None) -> bool:
    return era is not None and era.startswith("b")


def _open_sides(year: int, ahead: str, behind: str) -> Years:
    if _BEFORE.search(ahead) or _OR_BEFORE.search(behind):
        return None, year
    if _AFTER.search(ahead) or _OR_AFTER.search(behind):
        return year, None
    return year, year
