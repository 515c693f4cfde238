"""Which column of a delivered table is which of our fields.

A mapping is a YAML or JSON file of an inbox: ``<collection>/mapping.yaml``, or ``mapping.yaml`` at
the top for collections without one. It names columns by field, and may start from a ready
mapping (``preset: tate``). What it does not name is found by the headings: those of a known export
(``mappings/*.yaml``), or else the usual ones in four languages (`artgan.ingest.headings`).
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files

import yaml

from artgan.config.plain_yaml import load_plain_yaml
from artgan.errors import InvalidInputError
from artgan.ingest.headings import ALIASES, plain
from artgan.ingest.sizes import MM_PER_UNIT

MAPPING_NAMES = ("mapping.yaml", "mapping.yml", "mapping.json")
FIELDS = tuple(ALIASES)
_OTHER_KEYS = ("preset", "scan_name", "links", "units")
_READY_KEYS = ("source", "recognised_by", "lookup")
_UNIT_IN_HEADING = re.compile(r"[(_ ](mm|cm|m|in)\)?$")


@dataclass(frozen=True)
class FieldMapping:
    """Columns by field.

    Attributes:
        name: Name of a ready mapping, or path of a mapping file within the inbox.
        columns: Column names by field, the first that has a cell counts; for ``file`` each cell
            names the scan. A field that is left out is found by the usual headings.
        preset: Ready mapping to start from.
        units: Unit of ``height``, ``width`` and ``depth``, or the column that holds it.
        scan_name: Regular expression for the names of scans, lower case and without their ending;
            its first group is the name in the table.
        links: Column of another delivered table by column of this one: rows in which both are
            equal are read as one.
        recognised_by: Headings that a table has only if this ready mapping is meant.
        is_lookup: Whether rows describe something else than works, and need no scan.
    """

    name: str
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    preset: str | None = None
    units: str | None = None
    scan_name: re.Pattern[str] | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    recognised_by: tuple[str, ...] = ()
    is_lookup: bool = False


GENERAL = FieldMapping("headings", ALIASES)


def parse_mapping(path: str, content: bytes) -> FieldMapping:
    """Read a mapping file.

    Raises:
        InvalidInputError: If it is no mapping, or names an unknown field or ready mapping.
    """
    try:
        text = content.decode("utf-8-sig")
        given = json.loads(text) if path.endswith(".json") else load_plain_yaml(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise InvalidInputError(
            f"mapping must be YAML or JSON, got {path}: {reason} Mend the file."
        ) from error
    return _mapping(path, given, (*FIELDS, *_OTHER_KEYS))


def _mapping(name: str, given: object, allowed: Sequence[str]) -> FieldMapping:
    if not isinstance(given, dict) or not given:
        raise InvalidInputError(
            f"mapping must name columns by field, got {name} without any. Write one field and its "
            "column in each line, such as 'title: Object Title'."
        )
    for one in given:
        if one not in allowed:
            raise InvalidInputError(
                f"mapping must name fields of the catalog, got {one!r} in {name}. Known: "
                f"{', '.join(allowed)}."
            )
    columns = {one: _names(name, one, given[one]) for one in FIELDS if one in given}
    preset = given.get("preset")
    if preset is not None and preset not in ready_mappings():
        raise InvalidInputError(
            f"mapping must start from a ready mapping, got {preset!r} in {name}. Known: "
            f"{', '.join(ready_mappings())}."
        )
    return FieldMapping(
        name,
        columns,
        preset,
        None if given.get("units") is None else str(given["units"]),
        _pattern(name, given.get("scan_name")),
        _links(name, given.get("links") or {}),
        tuple(given.get("recognised_by", ())),
        bool(given.get("lookup", False)),
    )


def _names(name: str, one: str, given: object) -> tuple[str, ...]:
    listed = [] if given is None else given if isinstance(given, list) else [given]
    if not all(isinstance(column, str | int) for column in listed):
        raise InvalidInputError(
            f"mapping must give {one} a column or a list of columns, got {given!r} in {name}. "
            "Write the heading as it stands in the table."
        )
    return tuple(map(str, listed))


def _pattern(name: str, given: object) -> re.Pattern[str] | None:
    if given is None:
        return None
    try:
        pattern = re.compile(str(given))
    except re.error as error:
        raise InvalidInputError(
            f"mapping must give scan_name a regular expression, got {given!r} in {name}: {error}. "
            "Mend it."
        ) from error
    if pattern.groups != 1:
        raise InvalidInputError(
            f"mapping must give scan_name one group in parentheses, got {given!r} in {name}. "
            "Put the name that the table uses in it."
        )
    return pattern


def _links(name: str, given: object) -> dict[str, str]:
    if not isinstance(given, dict):
        raise InvalidInputError(
            f"mapping must give links a column by a column, got {given!r} in {name}. "
            "Write 'links: {own column: column of the other table}'."
        )
    return {str(own): str(other) for own, other in given.items()}


@cache
def ready_mappings() -> dict[str, FieldMapping]:
    """Return the mappings of known exports by name."""
    allowed = (*FIELDS, *_OTHER_KEYS, *_READY_KEYS)
    found = sorted(files("artgan.ingest").joinpath("mappings").iterdir(), key=lambda one: one.name)
    return {
        one.name.removesuffix(".yaml"): _mapping(
            one.name.removesuffix(".yaml"), yaml.safe_load(one.read_text("utf-8")), allowed
        )
        for one in found
        if one.name.endswith(".yaml")
    }


def recognise(headings: Sequence[str]) -> FieldMapping:
    """Return the ready mapping that a table's headings tell, or `GENERAL`."""
    present = {plain(heading) for heading in headings}
    fitting = [
        ready
        for ready in ready_mappings().values()
        if ready.recognised_by and present.issuperset(map(plain, ready.recognised_by))
    ]
    return max(fitting, key=lambda ready: len(ready.recognised_by), default=GENERAL)


@dataclass(frozen=True)
class Columns:
    """A mapping laid over the headings of one table.

    Attributes:
        at: Positions of columns by field.
        units: Unit of the columns of figures; empty if a column holds it.
        mapping: What was laid over it.
        names_once: Whether only the first cell that names a scan counts.
    """

    at: Mapping[str, tuple[int, ...]]
    units: str
    mapping: FieldMapping
    names_once: bool

    @property
    def can_name(self) -> bool:
        """Whether there is a column that can name a scan."""
        return bool(self.at["file"])

    def cell(self, cells: Sequence[str], one: str) -> str | None:
        """First non-empty cell of a field."""
        return next((cells[at] for at in self.at[one] if cells[at]), None)

    def names(self, cells: Sequence[str]) -> list[str]:
        """Cells that name the scan of a row."""
        found = [cells[at] for at in self.at["file"] if cells[at]]
        return found[:1] if self.names_once else found


def lay_over(
    given: FieldMapping | None, headings: Sequence[str], base: FieldMapping | None = None
) -> Columns:
    """Find the columns of each field in a table.

    Args:
        given: Mapping of the collection, if it has one.
        headings: Headings of the table, and of those it is linked to.
        base: Ready mapping for the table, if it is known already.
    """
    base = base or recognise(headings)
    if given and given.preset and _positions(_all_columns(given.preset), headings):
        base = ready_mappings()[given.preset]
    columns = {one: base.columns.get(one, ()) for one in FIELDS}
    # A column of one's own in the export of a museum.
    columns["collection"] = columns["collection"] or ALIASES["collection"]
    if not any(plain(name) in ALIASES["file"] for name in columns["file"]):
        columns["file"] = (*ALIASES["file"], *columns["file"])
    own = {} if given is None else given.columns
    columns |= {
        one: names for one, names in own.items() if not names or _positions(names, headings)
    }
    at = {one: _positions(names, headings) for one, names in columns.items()}
    if columns["file"] is ALIASES["file"]:
        at["file"] += at["accession_number"]
    units = (given and given.units) or base.units or ""
    mapping = replace(
        base,
        scan_name=(given and given.scan_name) or base.scan_name,
        links=(given and given.links) or base.links,
    )
    return Columns(at, units, mapping, columns["file"] is ALIASES["file"])


def _all_columns(preset: str) -> tuple[str, ...]:
    return tuple(name for names in ready_mappings()[preset].columns.values() for name in names)


def _positions(names: Sequence[str], headings: Sequence[str]) -> tuple[int, ...]:
    exact = {heading: at for at, heading in enumerate(headings)}
    loose: dict[str, int] = {}
    for at, heading in enumerate(headings):
        if plain(heading):
            loose.setdefault(plain(heading), at)
    found = [exact.get(name, loose.get(plain(name))) for name in names]
    return tuple(dict.fromkeys(at for at in found if at is not None))


def unit_of(columns: Columns, headings: Sequence[str], cells: Sequence[str]) -> str:
    """Unit of the height, width and depth of a row; empty if it is not told."""
    told = columns.cell(cells, "units")
    if told or columns.units in MM_PER_UNIT:
        return told or columns.units
    figures = [at for one in ("height", "width") for at in columns.at[one][:1]]
    found = {match[1] for at in figures if (match := _UNIT_IN_HEADING.search(headings[at].lower()))}
    return found.pop() if len(found) == 1 else ""


def fits(given: FieldMapping, tables: Iterable[Sequence[str]]) -> bool:
    """Whether any column of a mapping is in one of some tables."""
    named = [name for names in given.columns.values() for name in names]
    return any(_positions(named, headings) for headings in tables)


def check_columns(given: FieldMapping, headings_by_table: Mapping[str, Sequence[str]]) -> None:
    """Check that every column of a mapping is in a table.

    Raises:
        InvalidInputError: If one is in none.
    """
    headings = [heading for names in headings_by_table.values() for heading in names]
    named = [name for one, names in given.columns.items() if one != "units" for name in names]
    named += [name for pair in given.links.items() for name in pair]
    if given.units and given.units not in MM_PER_UNIT:
        named.append(given.units)
    for name in named:
        if not _positions([name], headings):
            shown = "; ".join(
                f"{path} has {', '.join(names[:40])}" for path, names in headings_by_table.items()
            )
            raise InvalidInputError(
                f"mapping must name columns of the table, got {name!r} in {given.name}. {shown}."
            )
