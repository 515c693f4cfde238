"""The data dictionary, with units and queries; ``python -m artgan.catalog.dictionary``."""

import sys

from artgan.catalog.datapackage import datapackage, described
from artgan.catalog.schema import TABLES
from artgan.catalog.table_schema import Descriptor
from artgan.imaging.conformance import RULES

_OF_THE_SOURCES = (
    "Made from `artgan/catalog/schema.py` and `artgan/catalog/views.py` by `make dictionary`;",
    "do not edit. `published/datapackage.json` says the same to machines. The tables lie in",
    "`published/` as Parquet; tables and ready views are there in `artgan query`, which runs",
    "each example, and in DuckDB after `published/views.sql`. Empty values are null; moments",
    "are in UTC.",
)
_OF_A_FOLDER = (
    "What the tables in this folder hold; `datapackage.json` says the same to machines. After",
    "`duckdb -init views.sql` in this folder, tables and ready views are there by their names.",
    "Empty values are null; moments are in UTC.",
)


def data_dictionary(package: Descriptor | None = None) -> str:
    """Return the data dictionary as Markdown.

    Args:
        package: Published tables to describe; by default those of this version.
    """
    head = _OF_A_FOLDER if package else _OF_THE_SOURCES
    package = package or datapackage([described(table) for table in TABLES])
    parts = ["# Data dictionary", "", *head]
    for table in package["resources"]:
        parts += _section(table)
    parts += ["", "## Ready views"]
    for view in package["readyViews"]:
        parts += _view_section(view)
    parts += _rules()
    return "\n".join(parts) + "\n"


def _section(table: Descriptor) -> list[str]:
    schema = table["schema"]
    (key,) = schema["primaryKey"]
    parts = ["", f"## {table['name']}", "", f"{table['description']} Key: `{key}`.", ""]
    parts += _columns(schema)
    for reference in schema.get("foreignKeys", ()):
        other = reference["reference"]["resource"]
        parts += ["", f"`{reference['fields'][0]}` names a row of `{other}`."]
    for example in table["examples"]:
        parts += ["", example["question"], "", "```sql", example["sql"], "```"]
    return parts


def _view_section(view: Descriptor) -> list[str]:
    key = "".join(f" Key: `{name}`." for name in view["schema"].get("primaryKey", ()))
    parts = ["", f"### {view['name']}", "", f"{view['description']}{key}", ""]
    return [*parts, *_columns(view["schema"]), "", "```sql", view["sql"], "```"]


def _columns(schema: Descriptor) -> list[str]:
    parts = ["| column | type | unit | rules | meaning |", "|---|---|---|---|---|"]
    for field in schema["fields"]:
        rules = _rules_of(field.get("constraints", {}))
        facts = (f"`{field['name']}`", field["arrowType"], field.get("unit", ""), rules)
        parts.append(f"| {' | '.join(facts)} | {field['description']} |")
    return parts


def _rules_of(constraints: Descriptor) -> str:
    """Write constraints for people; the values of an enumeration stand in the description."""
    words = ["required"] if constraints.get("required") else []
    least, most = constraints.get("minimum"), constraints.get("maximum")
    if least is not None and most is not None:
        words.append(f"{least} to {most}")
    elif least is not None:
        words.append(f"at least {least}")
    elif most is not None:
        words.append(f"at most {most}")
    if "enum" in constraints:
        words.append("one of those listed")
    if "pattern" in constraints:
        words.append("64 hexadecimal digits")
    return ", ".join(words)


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
