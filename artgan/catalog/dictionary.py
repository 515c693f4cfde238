"""The data dictionary, with units and queries; ``python -m artgan.catalog.dictionary``."""

import sys

from artgan.catalog.datapackage import schema_of
from artgan.catalog.schema import TABLES, Table
from artgan.catalog.table_schema import Descriptor
from artgan.catalog.views import VIEWS, View
from artgan.imaging.conformance import RULES


def data_dictionary() -> str:
    """Return the data dictionary as Markdown."""
    parts = [
        "# Data dictionary",
        "",
        "Made from `artgan/catalog/schema.py` and `artgan/catalog/views.py` by `make dictionary`;",
        "do not edit. `published/datapackage.json` says the same to machines. The tables lie in",
        "`published/` as Parquet; tables and ready views are there in `artgan query`, which runs",
        "each example, and in DuckDB after `published/views.sql`. Empty values are null; moments",
        "are in UTC.",
    ]
    for table in TABLES:
        parts += _section(table)
    parts += ["", "## Ready views"]
    for view in VIEWS:
        parts += _view_section(view)
    parts += _rules()
    return "\n".join(parts) + "\n"


def _section(table: Table) -> list[str]:
    schema = schema_of(table)
    parts = ["", f"## {table.name}", "", f"{table.description} Key: `{table.key}`.", ""]
    parts += _columns(schema)
    for key in schema.get("foreignKeys", ()):
        other = key["reference"]
        parts += ["", f"`{key['fields'][0]}` names a row of `{other['resource']}`."]
    for question, sql in table.examples:
        parts += ["", question, "", "```sql", sql, "```"]
    return parts


def _view_section(view: View) -> list[str]:
    key = f" Key: `{view.key}`." if view.key else ""
    parts = ["", f"### {view.name}", "", f"{view.description}{key}", ""]
    return [*parts, *_columns(schema_of(view)), "", "```sql", view.sql, "```"]


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
