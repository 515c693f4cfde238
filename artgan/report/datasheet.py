"""The dataset card of a collection, after the datasheet for digital cultural heritage.

Reference:
    Alkemade et al. 2023, "Datasheets for Digital Cultural Heritage Datasets",
    doi:10.5334/johd.124
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from artgan.catalog.schema import WITHDRAWALS
from artgan.report.card import Card, Delivered, Section
from artgan.report.snapshot import Row, Snapshot
from artgan.report.words import NOT_RECORDED, clip, count, moment, share

_SHOWN = 10
_VALUE = 90
_ORIGINAL = (
    *("accession_number", "title", "artist", "date_text", "medium", "rights", "dimensions_text"),
    "metadata_json",
)
_DERIVED = (
    *("year_from", "year_to", "height_mm", "width_mm", "depth_mm", "phash", "duplicate_group"),
    *("split", "object_id", "sharpness", "clipped_shadows_fraction", "nonconformities"),
)


def datasheet(snapshot: Snapshot, code: str, scans: Sequence[Row], works: Sequence[Row]) -> Card:
    """Write the dataset card of a collection from the catalog.

    Args:
        snapshot: The catalog's tables.
        code: The collection.
        scans: Its scans.
        works: One scan for each of its works.
    """
    title = f"Dataset card of the collection {clip(code, _VALUE)}"
    front = {
        "pretty_name": clip(code, _VALUE),
        "language": ["und"],
        "tags": ["cultural-heritage", "scans", "artgan"],
        "size_categories": [f"n={len(works)}"],
    }
    sections = (
        _selection(code, scans),
        _rights(works),
        _digitisation(scans),
        _composition(scans, works),
        _fields(),
        _sensitive(),
        _splits(snapshot, works),
        _versions(snapshot, code, scans),
        _uses(),
        _citation(code, scans, works),
    )
    return Card(title, front, sections)


def _selection(code: str, scans: Sequence[Row]) -> Section:
    refused = "Files that could not be read are listed in the table quarantine, with the reason."
    return Section(
        "Selection",
        (
            f"The scans of {count(len(scans), 'file or page', 'files or pages')} were delivered "
            f"in the folder of this name. {refused}",
        ),
        (
            ("Folder", Delivered(clip(code, _VALUE) or NOT_RECORDED)),
            ("Who selected, and why", NOT_RECORDED),
            ("What was left out", NOT_RECORDED),
            ("Owner and contact", NOT_RECORDED),
        ),
    )


def _rights(works: Sequence[Row]) -> Section:
    return Section(
        "Custodian and rights",
        ("Rights are stated for each work, in the column rights of the table scans.",),
        (("Custodian", NOT_RECORDED), *_tally("Works by rights statement", works, "rights")),
    )


def _digitisation(scans: Sequence[Row]) -> Section:
    moments = [row["ingested_at"] for row in scans if row["ingested_at"]]
    broken = Counter(code for row in scans for code in row["nonconformities"] or ())
    rules = ", ".join(f"{name.replace('_', ' ')}: {n:,}" for name, n in sorted(broken.items()))
    return Section(
        "Digitisation",
        ("What each file says of itself is in the table scans; nothing was added to it by hand.",),
        (
            *_tally("Scans by format", scans, "format"),
            *_tally("Scans by depth in bits", scans, "bit_depth"),
            *_tally("Scans by colour profile", scans, "icc_name"),
            *_tally("Scans by resolution in ppi", scans, "dpi"),
            (
                "Devices, operators and colour targets",
                f"{NOT_RECORDED} as columns; see metadata_json",
            ),
            ("Rules of digitisation broken", rules or "no scan breaks one, or none was judged"),
            ("First scan came in", moment(min(moments, default=None))),
            ("Last scan came in", moment(max(moments, default=None))),
        ),
    )


def _composition(scans: Sequence[Row], works: Sequence[Row]) -> Section:
    periods = Counter(_century(row["year_from"]) for row in works)
    return Section(
        "Composition and gaps",
        (f"{count(len(works), 'work')} in {count(len(scans), 'scan')}.",),
        (
            ("Works by period", _words(periods)),
            *_tally("Works by maker", works, "artist"),
            *_tally("Works by medium", works, "medium"),
            *_gaps(scans),
        ),
    )


def _gaps(scans: Sequence[Row]) -> list[tuple[str, str]]:
    columns = ("accession_number", "title", "artist", "date_text", "medium", "rights")
    return [
        (
            f"Scans without {name.replace('_', ' ')}",
            share(sum(row[name] in {None, ""} for row in scans), len(scans)),
        )
        for name in columns
    ]


def _century(year: int | None) -> str:
    if year is None:
        return NOT_RECORDED
    first = 100 * (year // 100)
    return f"{first} to {first + 99}"


def _tally(name: str, rows: Sequence[Row], column: str) -> list[tuple[str, str]]:
    values = (NOT_RECORDED if row[column] in {None, ""} else str(row[column]) for row in rows)
    return [(name, Delivered(_words(Counter(clip(one, _VALUE) for one in values))))]


def _words(amounts: Counter[str]) -> str:
    ordered = sorted(amounts.items(), key=lambda item: (-item[1], item[0]))
    rest = len(ordered) - _SHOWN
    more = [f"and {rest:,} other values"] if rest > 0 else []
    return ", ".join([*(f"{value}: {n:,}" for value, n in ordered[:_SHOWN]), *more]) or NOT_RECORDED


def _fields() -> Section:
    return Section(
        "Original and derived fields",
        ("Every column is described in the data dictionary beside the published tables.",),
        (
            ("As delivered", _columns(_ORIGINAL)),
            ("Made by a program", _columns(_DERIVED)),
        ),
    )


def _columns(names: Iterable[str]) -> str:
    return ", ".join(names)


def _sensitive() -> Section:
    return Section(
        "Sensitive content and communities",
        (
            "The scans were not screened by a program for sensitive, sacred or colonial content.",
            "Ask the communities that the works concern before models or pictures made from them "
            "are published.",
        ),
        (("Communities consulted", NOT_RECORDED),),
    )


def _splits(snapshot: Snapshot, works: Sequence[Row]) -> Section:
    return Section(
        "Splits",
        (
            "Works, not files, are split: all scans that look like the same work are in one split. "
            "Models learn from train, are chosen on val, and are reported on test.",
        ),
        (
            *_tally("Works by split", works, "split"),
            ("Works of the archive in two splits", count(snapshot.works_in_several_splits)),
            ("Split by maker or series", "not applicable: works are split one by one"),
        ),
    )


def _versions(snapshot: Snapshot, code: str, scans: Sequence[Row]) -> Section:
    gone = snapshot.catalog.rows(WITHDRAWALS, ("collection",))
    again = sum((row["object_version"] or 1) > 1 for row in scans)
    return Section(
        "Versions and withdrawal",
        (
            "Every change is a version of the tables; a re-scan takes the place of a scan and both "
            "stay known. A work is withdrawn with `artgan withdraw`: its files, pictures and pages "
            "go, a note of why stays, and it does not come back.",
        ),
        (
            ("Scans that are re-scans", count(again)),
            ("Scans withdrawn", count(sum(row["collection"] == code for row in gone))),
        ),
    )


def _uses() -> Section:
    return Section(
        "Uses",
        (
            "Suited to: finding works, comparing scans, training of small models of this "
            "collection, teaching.",
            "Not suited to: attribution, valuation, telling the condition of an object, or "
            "speaking for makers, periods or places beyond these works.",
        ),
    )


def _citation(code: str, scans: Sequence[Row], works: Sequence[Row]) -> Section:
    moments = [row["ingested_at"] for row in scans if row["ingested_at"]]
    text = (
        f"{clip(code, _VALUE)}, {count(len(works), 'work')}, catalogued with artgan, "
        f"state of {moment(max(moments, default=None))}."
    )
    return Section("Citation", (Delivered(text),))
