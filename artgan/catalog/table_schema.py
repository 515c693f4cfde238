"""Columns as Frictionless Table Schema: what every description of the tables is made of.

The facts stand on the Arrow fields of `artgan.catalog.schema` and `artgan.catalog.views`. From here
come the data dictionary, ``datapackage.json``, the comments in DuckDB and ``croissant.json``.

References:
    Data Package v2, Table Schema, https://datapackage.org/standard/table-schema/
"""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

Descriptor = dict[str, Any]

_TYPES = {
    "string": "string",
    "int16": "integer",
    "int32": "integer",
    "int64": "integer",
    "float": "number",
    "double": "number",
    "bool": "boolean",
    "list<string>": "array",
    "timestamp[us, tz=UTC]": "datetime",
}
_AMOUNTS = {"bytes", "px", "bits", "px/inch", "mm", "s"}
_DIGEST = "^[0-9a-f]{64}$"
_UNITS_IN_NAMES = ("px", "mm")
_SPELT = {
    "ci": "CI",
    "dpi": "DPI",
    "fid": "FID",
    "icc": "ICC",
    "id": "ID",
    "json": "JSON",
    "phash": "Perceptual hash",
    "sha256": "SHA-256",
    "uri": "URI",
}


def description(field: pa.Field) -> str:
    """Return what a column means; empty if the archive does not say."""
    return (field.metadata or {}).get(b"description", b"").decode()


def unit(field: pa.Field) -> str:
    """Return the unit of a column; empty for text, counts and pure numbers."""
    return (field.metadata or {}).get(b"unit", b"").decode()


def title(name: str) -> str:
    """Return a column's name as a heading: ``access_width_px`` is ``Access width``."""
    words = name.split("_")
    if len(words) > 1 and words[-1] in _UNITS_IN_NAMES:
        words = words[:-1]
    spelt = [_SPELT.get(word, word) for word in words]
    return " ".join([spelt[0][0].upper() + spelt[0][1:], *spelt[1:]])


def constraints(field: pa.Field) -> Descriptor:
    """Return what a column's values keep to, in the words of Table Schema.

    Amounts are not negative, fractions lie between 0 and 1, and names ending in ``_sha256`` mean 64
    hexadecimal digits; the rest stands on the field.
    """
    rules: Descriptor = {"required": True} if not field.nullable else {}
    if unit(field) in _AMOUNTS or field.name.startswith("n_"):
        rules["minimum"] = 0
    if field.name.endswith("_fraction"):
        rules |= {"minimum": 0, "maximum": 1}
    if field.name.endswith("_sha256"):
        rules["pattern"] = _DIGEST
    return rules | json.loads((field.metadata or {}).get(b"constraints", b"{}"))


def table_schema(
    schema: pa.Schema, key: str | None = None, references: Sequence[tuple[str, str, str]] = ()
) -> Descriptor:
    """Return the Table Schema of a table or view.

    Args:
        schema: Its columns.
        key: Column that identifies a row, if one does.
        references: Column, table and key of that table, for columns that name rows of tables.
    """
    # A Parquet file knows empty values itself; no text stands for one.
    described: Descriptor = {"fields": [_field(field) for field in schema], "missingValues": []}
    if key is not None:
        described["primaryKey"] = [key]
    if references:
        described["foreignKeys"] = [
            {"fields": [column], "reference": {"resource": table, "fields": [other]}}
            for column, table, other in references
        ]
    return described


def _field(field: pa.Field) -> Descriptor:
    facts = {
        "name": field.name,
        "title": title(field.name),
        "type": _TYPES.get(_arrow_type(field.type), "any"),
        "arrowType": _arrow_type(field.type),
        "description": description(field),
    }
    facts |= {"unit": unit(field)} if unit(field) else {}
    rules = constraints(field)
    return facts | ({"constraints": rules} if rules else {})


def _arrow_type(kind: pa.DataType) -> str:
    """Return the name of a type; stores name the values of a list in different ways."""
    return f"list<{kind.value_type}>" if isinstance(kind, pa.ListType) else str(kind)


def meaning(field: Descriptor) -> str:
    """Return what a column means, with its unit, as one text."""
    return field["description"] + (f" Unit: {field['unit']}." if "unit" in field else "")
