"""Sizes as museums write them, to millimetres."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

MM_PER_UNIT = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "in": 25.4, "ft": 304.8}
_METRIC = ("mm", "cm", "m")
_LARGEST_MM = 100_000.0

# Parts that are not the work, and words that say a size is of one part among several.
_SURROUNDINGS = re.compile(
    r"\b(?:frame[ds]?|mount(?:ed)?|mat(?:ted)?|base|plinth|pedestal|stand|case|box|glazed?|glass|"
    r"weight|duration|lijst|cadre|rahmen)\b"
)
_ONE_OF_SEVERAL = re.compile(
    r"\b(?:each|variable|upper|lower|left|right|top|bottom|cent(?:re|er)|middle|approx\w* range)\b"
)

_FRACTIONS = str.maketrans(
    {mark: f" {unicodedata.normalize('NFKC', mark)}" for mark in "½¼¾⅓⅔⅛⅜⅝⅞⅙⅚⅕⅖⅗⅘"}
)
_SIGNS = str.maketrans(
    {
        "\u00d7": " x ",
        "\u2715": " x ",
        "\u2044": "/",
        "\u2033": " in ",
        "\u201d": " in ",
        '"': " in ",
        "\u2032": " ft ",
        "\u2019": " ft ",
        "'": " ft ",
        "\u00a0": " ",
    }
)
_AXES = {
    **dict.fromkeys(("h", "height", "hoogte", "h\u00f6he", "hauteur"), "height"),
    **dict.fromkeys(("w", "b", "br", "width", "breedte", "breite", "largeur"), "width"),
    **dict.fromkeys(("d", "t", "depth", "diepte", "tiefe", "profondeur"), "depth"),
    **dict.fromkeys(("diam", "diameter", "durchmesser"), "diameter"),
    **dict.fromkeys(("l", "length"), "length"),
}
_AXIS = rf"(?:{'|'.join(sorted(_AXES, key=len, reverse=True))})\b[.:]?"
_FIGURE = r"(?:\d+\s+\d+/\d+|\d+/\d+|\d+(?:[.,]\d+)*)"
_MORE_AXES = re.compile(rf"\s*[\n;,]\s*(?={_AXIS}\s*\d)")
_AXIS_IN_BOTH_UNITS = re.compile(
    rf"\b({_AXIS}\s*){_FIGURE}\s*(?:in|ft)\b\.?\s*\(\s*({_FIGURE}\s*[cm]?m)\s*\)"
)
_NEW_PART = re.compile(r"[\n;]|,(?=\s*[a-z][a-z ]*:)")
_TOKEN = re.compile(
    rf"(?P<number>{_FIGURE})"
    r"|(?P<unit>mm|cm|m|in|inch|inches|ft|feet|foot)\b\.?"
    r"|(?P<by>x(?![a-z])|by\b)"
    rf"|(?P<axis>{_AXIS})"
    r"|(?P<other>[a-z]+|[(),])"
)
_UNITS = {"inch": "in", "inches": "in", "feet": "ft", "foot": "ft"}


@dataclass(frozen=True)
class Size:
    """How large a work is, in millimetres; None for what is not known.

    Attributes:
        height_mm: Height, the first of two or three figures.
        width_mm: Width, the second.
        depth_mm: Depth or thickness, the third.
    """

    height_mm: float | None = None
    width_mm: float | None = None
    depth_mm: float | None = None


UNKNOWN = Size()


@dataclass
class _Figure:
    value: float
    unit: str | None = None
    axis: str | None = None
    is_first: bool = True


def parse_size(text: str) -> Size | None:
    """Read the size of a work.

    Museums write height x width x depth. Of several parts the first counts that is not a frame, a
    mount or a base (``image: ...``, then ``sheet: ...``). Metric figures go before inches, and both
    must agree. A size is unknown where it is that of one of several parts (``each``, ``upper``,
    the same part twice), is a single figure without a name, or lacks a unit.

    Args:
        text: The size as delivered.

    Returns:
        The size, `UNKNOWN` if the text cannot be read as one size, None if it holds no figure.
    """
    text = unicodedata.normalize("NFKC", text.lower().translate(_FRACTIONS)).translate(_SIGNS)
    text = _AXIS_IN_BOTH_UNITS.sub(r"\1\2", _MORE_AXES.sub(" x ", text))
    parts = [part for part in _NEW_PART.split(text) if re.search(r"\d", part)]
    if not parts:
        return None
    works = [part for part in parts if not _SURROUNDINGS.search(_label(part))]
    if not works or any(_ONE_OF_SEVERAL.search(part) for part in works):
        return UNKNOWN
    labels = [re.sub(r"\d+", "", _label(part)).strip() for part in works]
    if labels.count(labels[0]) > 1:
        return UNKNOWN
    return _part_size(works[0])


def size_from_columns(cells: Mapping[str, str], units: str) -> Size:
    """Read the size of a work from columns of plain numbers.

    Args:
        cells: Cell by ``height``, ``width`` and ``depth``; none of them is required.
        units: Unit of the numbers; a size in an unknown unit is unknown.

    Returns:
        The size; `UNKNOWN` if a cell holds anything but a number.
    """
    factor = MM_PER_UNIT.get(_UNITS.get(units.strip(" .").lower(), units.strip(" .").lower()))
    given = {name: cell for name, cell in cells.items() if cell}
    if factor is None or not all(re.fullmatch(r"\d+(?:\.\d+)?", cell) for cell in given.values()):
        return UNKNOWN
    figures = {f"{name}_mm": float(cell) * factor for name, cell in given.items()}
    return _checked(Size(**{name: value for name, value in figures.items() if value}))


def _label(part: str) -> str:
    """Words that stand before the figures."""
    return re.split(r"\d", part, maxsplit=1)[0].strip(" :.")


def _part_size(part: str) -> Size:
    metric, imperial = [], []
    for group in _groups(part):
        unit = next((figure.unit for figure in reversed(group) if figure.unit), None)
        size = UNKNOWN if unit is None else _group_size(group, unit, _label(part))
        if size != UNKNOWN:
            (metric if unit in _METRIC else imperial).append(size)
    found = metric or imperial
    if not found or any(one != found[0] for one in found[1:]):
        return UNKNOWN
    if metric and imperial and not _agree(metric[0], imperial[0]):
        return UNKNOWN
    return _checked(found[0])


def _groups(part: str) -> Iterator[list[_Figure]]:
    """Figures that belong together: joined by x, or each with its axis."""
    group: list[_Figure] = []
    axis, is_joined = None, False
    for token in _TOKEN.finditer(part):
        kind, word = token.lastgroup, token[0].strip(" .:")
        if kind == "number":
            group.append(_Figure(_number(word), None, axis, not group or is_joined or bool(axis)))
            axis, is_joined = None, False
        elif kind == "unit" and group:
            group[-1].unit = _UNITS.get(word, word)
        elif kind == "by":
            is_joined = True
        elif kind == "axis":
            axis = _AXES[word]
        elif group:
            yield group
            group, is_joined = [], False
    if group:
        yield group


def _group_size(group: list[_Figure], unit: str, label: str) -> Size:
    figures: list[_Figure] = []
    for figure in group:
        own = figure.unit or unit
        value = figure.value * MM_PER_UNIT[own]
        if figure.is_first:
            figures.append(replace(figure, value=value, unit=own))
        elif figures[-1].unit == "ft" and own == "in":  # 6 ft 3 in
            figures[-1].value += value
        else:
            return UNKNOWN
    if len(figures) == 1 and figures[0].axis is None:
        named = re.search(r"\b(height|width|depth)\W*$", label)
        figures[0].axis = named[1] if named else None
    return _by_axis(figures)


def _by_axis(figures: list[_Figure]) -> Size:
    axes = [figure.axis for figure in figures]
    if not any(axes):
        if len(figures) not in (2, 3):
            return UNKNOWN
        axes = ["height", "width", "depth"][: len(figures)]
    if "diameter" in axes and "height" in axes and "width" not in axes:
        axes[axes.index("diameter")] = "width"
    if None in axes or len(set(axes)) < len(axes):
        return UNKNOWN
    values = {axis: figure.value for axis, figure in zip(axes, figures, strict=True)}
    return Size(values.get("height"), values.get("width"), values.get("depth"))


def _number(word: str) -> float:
    whole, _, fraction = word.rpartition(" ") if "/" in word else (word, "", "")
    if fraction:
        above, below = fraction.split("/")
        return float(whole or 0) + (int(above) / int(below) if int(below) else 0.0)
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", word):
        return float(word.replace(",", ""))
    digits = word.replace(",", ".")
    return float(digits) if digits.count(".") <= 1 else 0.0


def _agree(first: Size, second: Size) -> bool:
    pairs = (
        (first.height_mm, second.height_mm),
        (first.width_mm, second.width_mm),
        (first.depth_mm, second.depth_mm),
    )
    return all(a is None or b is None or abs(a - b) <= 5.0 + 0.02 * max(a, b) for a, b in pairs)


def _checked(size: Size) -> Size:
    values = (size.height_mm, size.width_mm, size.depth_mm)
    if any(value is not None and not 0 < value <= _LARGEST_MM for value in values):
        return UNKNOWN
    return Size(*(None if value is None else round(value, 3) for value in values))
