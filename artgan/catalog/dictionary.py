"""The data dictionary, with units and queries; ``python -m artgan.catalog.dictionary``."""

import sys

import pyarrow as pa

from artgan.catalog.schema import TABLES, Table
from artgan.imaging.conformance import RULES


def description(field: pa.Field) -> str:
    """Return what a column means; empty if the archive does not say."""
    return (field.metadata or {}).get(b"description", b"").decode()


def unit(field: pa.Field) -> str:
    """Return the unit of a column; empty for text, counts and pure numbers."""
    return (field.metadata or {}).get(b"unit", b"").decode()


def data_dictionary() -> str:
    """Return the data dictionary as Markdown."""
    parts = [
        "# Data dictionary",
        "",
        "Made from `artgan/catalog/schema.py` by `make dictionary`; do not edit.",
        "Each example runs with `artgan query`.",
    ]
    for table in TABLES:
        parts += _section(table)
    parts += _rules()
    return "\n".join(parts) + "\n"


def _section(table: Table) -> list[str]:
    parts = ["", f"## {table.name}", "", f"{table.description} Key: `{table.key}`.", ""]
    parts += ["| column | type | unit | meaning |", "|---|---|---|---|"]
    parts += [
        f"| `{field.name}` | {field.type} | {unit(field)} | {description(field)} |"
        for field in table.schema
    ]
    for question, sql in table.examples:
        parts += ["", question, "", "```sql", sql, "```"]
    return parts


def _rules() -> list[str]:
    parts = [
        "",
        "## Digitisation rules",
        "",
        "Codes in `scans.nonconformities`. What needs a technical target or the object itself is",
        "outside, and so all of ISO 19264-1.",
        "",
        "| code | a scan that keeps it | source |",
        "|---|---|---|",
    ]
    return parts + [f"| `{rule.code}` | {rule.sentence} | {rule.source} |" for rule in RULES]


if __name__ == "__main__":
    sys.stdout.write(data_dictionary())
