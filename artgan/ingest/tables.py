"""Tables of metadata as they are delivered: CSV, JSON and JSON lines, in whatever encoding.

A table is never refused because of one bad row: what can be read is read, and a sentence says
what could not.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")
LIST_SEPARATOR = "|"

_DELIMITERS = ",;\t|"
_MARK = "\ufeff"
# Among so many good letters outside of ASCII, a bad byte does not mean another encoding.
_GOOD_FOR_BAD = 10

_JSON = json.JSONEncoder(ensure_ascii=False)

Cells = tuple[str, ...]


@dataclass(frozen=True)
class Delivered:
    """A table as it was delivered.

    Attributes:
        path: Path within the inbox.
        headings: Name of each column, all different.
        rows: Cells of each row, in the order of the headings.
        whole: Each row as the JSON object it was delivered as; empty for CSV.
        problem: What could not be read, in a sentence; None if all was.
    """

    path: str
    headings: Sequence[str] = ()
    rows: Sequence[Cells] = field(default=(), repr=False)
    whole: Sequence[str] = field(default=(), repr=False)
    problem: str | None = None

    def row_json(self, number: int, more: Mapping[str, str] | None = None) -> str:
        """Return a whole row as a JSON object.

        Args:
            number: Position of the row, from 0.
            more: Cells to add, by heading.
        """
        if self.whole and not more:
            return self.whole[number]
        own: Mapping[str, Any] = (
            json.loads(self.whole[number])
            if self.whole
            else dict(zip(self.headings, self.rows[number], strict=True))
        )
        return _JSON.encode(dict(own) | dict(more or {}))


def parse_table(path: str, content: bytes) -> Delivered:
    """Read a table by the ending of its name.

    Args:
        path: Path within the inbox.
        content: The file's bytes.
    """
    text, problem = _decoded(content)
    if text is None:
        return Delivered(path, problem=_sentence(path, "be text", problem, "Save it as UTF-8"))
    notes = [_sentence(path, "be UTF-8", problem, "Save it again as UTF-8")] if problem else []
    text = text.removeprefix(_MARK).lstrip("\r\n")
    if not text.strip():
        return Delivered(path, problem=_sentence(path, "have rows", "nothing", "Deliver it again"))
    if path.lower().endswith((".csv", ".tsv")):
        return _parse_csv(path, text, notes)
    return _parse_json(path, text, notes)


def _sentence(path: str, rule: str, got: str, remedy: str) -> str:
    return f"{path} must {rule}, got {got}. {remedy}."


def _decoded(content: bytes) -> tuple[str | None, str]:
    """Text of a file and what is wrong with it; None if it is no text."""
    try:
        encoding = _wide_encoding(content)
        if encoding:
            return content.decode(encoding), ""
        if b"\0" in content:
            return None, "bytes of another kind of file"
        return content.decode("utf-8-sig"), ""
    except UnicodeDecodeError as error:
        if error.encoding.startswith("utf-16"):
            return None, f"UTF-16 that breaks off at byte {error.start}"
        return _decoded_loosely(content, error.start)


def _wide_encoding(content: bytes) -> str | None:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    start = content[:200]
    zeros = (start[0::2].count(0), start[1::2].count(0))
    if max(zeros) > len(start) // 4 > 0 and min(zeros) == 0:  # UTF-16 without its mark
        return "utf-16-be" if zeros[0] else "utf-16-le"
    return None


def _decoded_loosely(content: bytes, first_bad: int) -> tuple[str | None, str]:
    """Text that is not UTF-8 throughout: Windows-1252, or UTF-8 with damage."""
    text = content.decode("utf-8-sig", errors="replace")
    bad = text.count("\ufffd")
    good = sum(letter > "\x7f" for letter in text) - bad
    if good >= _GOOD_FOR_BAD * bad:
        return text, f"{bad} bytes that are not, the first at byte {first_bad}"
    try:
        return content.decode("cp1252"), ""
    except UnicodeDecodeError as error:
        return None, f"neither UTF-8 nor Windows-1252, from byte {error.start} on"


def _parse_csv(path: str, text: str, notes: list[str]) -> Delivered:
    first = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        read = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as strict:
        notes.append(_sentence(path, "have paired quotes", str(strict), "Export it again"))
        try:
            read = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        except csv.Error:
            return Delivered(path, problem=notes[-1])
    headings = _distinct([heading.strip() for heading in read[0]])
    rows, n_long = [], 0
    for cells in read[1:]:
        n_long += any(cell.strip() for cell in cells[len(headings) :])
        kept = [cell.strip() for cell in cells[: len(headings)]]
        if any(kept):
            rows.append((*kept, *[""] * (len(headings) - len(kept))))
    if n_long:
        notes.append(
            _sentence(
                path,
                f"have at most {len(headings)} cells in a row",
                f"{n_long} with more",
                "Their surplus cells are left out; check the quotes around cells with commas",
            )
        )
    headings, rows = _without_empty_columns(read[0], headings, rows)
    return Delivered(path, headings, rows, problem=" ".join(notes) or None)


def _without_empty_columns(
    delivered: Sequence[str], headings: Sequence[str], rows: list[Cells]
) -> tuple[Sequence[str], list[Cells]]:
    """Leave out columns that have neither a heading nor a cell; spreadsheets add them."""
    kept = [
        position
        for position, heading in enumerate(delivered)
        if heading.strip() or any(cells[position] for cells in rows)
    ]
    if len(kept) == len(headings):
        return headings, rows
    return [headings[at] for at in kept], [tuple(cells[at] for at in kept) for cells in rows]


def _distinct(headings: Sequence[str]) -> list[str]:
    """Name columns without a heading, and those that share one."""
    seen: dict[str, int] = {}
    named = []
    for position, heading in enumerate(headings, start=1):
        name = heading or f"column {position}"
        seen[name] = seen.get(name, 0) + 1
        named.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return named


def _parse_json(path: str, text: str, notes: list[str]) -> Delivered:
    try:
        found = _loads(text)
    except (ValueError, RecursionError) as error:
        if path.lower().endswith(".json") and "Extra data" not in str(error):
            notes.append(_sentence(path, "be JSON", str(error), "Export it again"))
            return Delivered(path, problem=" ".join(notes))
        records = _json_lines(path, text, notes)
    else:
        records = _records(found)
    objects = [record for record in records if isinstance(record, dict)]
    if len(objects) < len(records):
        amount = len(records) - len(objects)
        notes.append(_sentence(path, "hold objects", f"{amount} of another kind", "Leave them out"))
    return _from_objects(path, objects, notes)


def _loads(text: str) -> Any:  # noqa: ANN401
    return json.loads(text, parse_constant=lambda _: None)  # NaN is no JSON, yet it is delivered


def _json_lines(path: str, text: str, notes: list[str]) -> list[Any]:
    records, bad = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            if line.strip():
                records.append(_loads(line))
        except (ValueError, RecursionError):
            bad.append(number)
    if bad:
        others = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        notes.append(
            _sentence(
                path,
                "hold one JSON object in each line",
                f"something else in line {bad[0]}{others}",
                f"The {len(records)} others are used; mend it and it is read again",
            )
        )
    return records


def _records(found: Any) -> list[Any]:  # noqa: ANN401
    """Rows of a JSON document: a list, the ``data`` of an object, or the object itself."""
    if isinstance(found, dict) and isinstance(found.get("data"), list | dict):
        found = found["data"]
    return found if isinstance(found, list) else [found]


def _from_objects(path: str, objects: Sequence[dict[str, Any]], notes: list[str]) -> Delivered:
    flat = [flatten(one) for one in objects]
    headings = list(dict.fromkeys(name for row in flat for name in row))
    rows = [tuple(row.get(name, "") for name in headings) for row in flat]
    whole = [_sound(_JSON.encode(one)) for one in objects]
    return Delivered(path, headings, rows, whole, " ".join(notes) or None)


def flatten(value: Mapping[str, Any]) -> dict[str, str]:
    """Return a nested object as cells with dotted names.

    Values of a list share a cell, parted by ``|``: ``{"makers": [{"name": "A"}, {"name": "B"}]}``
    is ``makers.name`` with ``A|B``.
    """
    cells: dict[str, list[str]] = {}
    _gather(value, "", cells)
    return {name: LIST_SEPARATOR.join(parts) for name, parts in cells.items()}


def _gather(value: Any, name: str, cells: dict[str, list[str]]) -> None:  # noqa: ANN401
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _gather(inner, f"{name}.{_sound(key)}" if name else _sound(key), cells)
    elif isinstance(value, list):
        for inner in value:
            _gather(inner, name, cells)
    elif value is not None:
        text = str(value).lower() if isinstance(value, bool) else str(value).strip()
        if text:
            cells.setdefault(name, []).append(_sound(text))


def _sound(text: str) -> str:
    """Replace halves of letters, which JSON may hold and no table can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
