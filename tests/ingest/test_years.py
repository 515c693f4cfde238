import csv
import re

import pytest

from artgan.ingest.years import parse_years


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("1888", (1888, 1888)),
        ("c.1820-5", (1820, 1825)),
        ("c. 1615\u201375", (1615, 1675)),
        ("1913\u201315", (1913, 1915)),
        ("1763-1765", (1763, 1765)),
        ("1590/95", (1590, 1595)),
        ("1590 or 1591", (1590, 1591)),
        ("from 1850 to 1860", (1850, 1860)),
        ("between 1590 and 1600", (1590, 1600)),
        ("c.1945\u2013c.1960", (1945, 1960)),
        ("1832?", (1832, 1832)),
        ("[1820]", (1820, 1820)),
        ("Ming dynasty (1368-1644)", (1368, 1644)),
        ("12 May 1888", (1888, 1888)),
        ("May 12-14, 1888", (1888, 1888)),
        ("1888-05-12", (1888, 1888)),
        ("1899-05", (1899, 1899)),
        ("1905-06", (1905, 1906)),
        ("1888, printed 1901", (1888, 1888)),
        ("1826\u20137, reprinted 1892", (1826, 1827)),
        ("1763, published 1800\u201307", (1763, 1763)),
        ("British, c. 1755/1761 - 1802", (1755, 1802)),
        ("Dutch, 1660 - 1718/1719", (1660, 1719)),
        ("c.1928\u201331\u20131947", (1928, 1947)),
        ("French, active c. 1781 - active 1823", (1781, 1823)),
        ("July 1937-January 1938", (1937, 1938)),
        ("2021-09-22 00:00:00-04", (2021, 2021)),
    ],
)
def test_years_and_spans_of_years(text, years):
    assert parse_years(text) == years


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("16th century", (1501, 1600)),
        ("late 15th/early 16th century", (1401, 1600)),
        ("2nd half of the 17th century", (1601, 1700)),
        ("late 18th C", (1701, 1800)),
        ("19 C.", (1801, 1900)),
        ("17e eeuw", (1601, 1700)),
        ("16.-17. Jh.", (1501, 1700)),
        ("1830s", (1830, 1839)),
        ("1830s-40s", (1830, 1849)),
        ("1830s\u20131850s", (1830, 1859)),
        ("early 1960s", (1960, 1969)),
        ("c. 1801 - 1870s", (1801, 1879)),
        ("1960s-1975", (1960, 1975)),
        ("active late20th century", (1901, 2000)),
    ],
)
def test_centuries_and_decades(text, years):
    assert parse_years(text) == years


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("before 1700", (None, 1700)),
        ("by c. 1700", (None, 1700)),
        ("not after 1700", (None, 1700)),
        ("1700 or earlier", (None, 1700)),
        ("voor 1650", (None, 1650)),
        ("after 1850", (1850, None)),
        ("not before 1850", (1850, None)),
        ("1850 or later", (1850, None)),
        ("na 1650", (1650, None)),
        ("born 1930", (1930, None)),
        ("British, died 1915", (None, 1915)),
        ("Italian, 1771 - after 1800", (1771, None)),
        ("1916 - unknown", (1916, None)),
        ("1771 - before 1800", (1771, 1800)),
    ],
)
def test_dates_open_on_one_side(text, years):
    assert parse_years(text) == years


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("44 BC", (-44, -44)),
        ("c. 1000 B.C.E.", (-1000, -1000)),
        ("300-250 BC", (-300, -250)),
        ("200 BC-AD 100", (-200, 100)),
        ("5th century BCE", (-500, -401)),
        ("2nd-1st century BCE", (-200, -1)),
        ("1st century BC to 2nd century AD", (-100, 200)),
        ("79 AD", (79, 79)),
        ("born 431BC", (-431, None)),
        ("300 CE", (300, 300)),
    ],
)
def test_eras(text, years):
    assert parse_years(text) == years


@pytest.mark.parametrize(
    "text", ["", "n.d.", "date not known", "undated", "\uff1f", "No. 17", "May", "9999", "0"]
)
def test_texts_without_a_year_have_none(text):
    assert parse_years(text) == (None, None)


def test_nearly_every_datable_work_of_a_real_catalogue_is_dated_as_its_museum_does(real_data):
    table = real_data / "museum_metadata" / "tate_artwork_data_rebuilt_20k.csv"
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dateText"] != "date not known"]
    spans = [parse_years(row["dateText"]) for row in rows]
    assert all(span != (None, None) for span in spans)
    stated = [
        (span, int(row["year"])) for span, row in zip(spans, rows, strict=True) if row["year"]
    ]
    agreeing = [(first or year) <= year <= (last or year) for (first, last), year in stated]
    assert sum(agreeing) / len(agreeing) > 0.999  # the museum's own column has slips


def test_lives_of_a_real_catalogue_are_the_years_that_its_museum_states(real_data):
    table = real_data / "museum_metadata" / "nga_constituents.csv"
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if re.search(r"\d", row["displaydate"])]
    spans = [parse_years(row["displaydate"]) for row in rows]
    unread = [
        row["displaydate"] for row, span in zip(rows, spans, strict=True) if span == (None, None)
    ]
    assert unread == ["Roman, -5 - 65"]
    # Where only a birth, a death or a time of activity is known, the museum adds or takes away
    # a lifetime; a span with both ends is the museum's own.
    whole = [
        (span, (int(row["beginyear"]), int(row["endyear"])))
        for row, span in zip(rows, spans, strict=True)
        if re.fullmatch(r"[^\d]*\d{4}(?:/\d{2,4})? - \d{4}(?:/\d{2,4})?", row["displaydate"])
        and "active" not in row["displaydate"]
        and row["beginyear"]
        and row["endyear"]
    ]
    agreeing = [read[0] == stated[0] for read, stated in whole]
    assert sum(agreeing) / len(agreeing) > 0.98
