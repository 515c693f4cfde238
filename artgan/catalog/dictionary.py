"""The data dictionary: every table and column in words; ``python -m artgan.catalog.dictionary``."""

import sys

from artgan.catalog.publish import description
from artgan.catalog.schema import TABLES


def data_dictionary() -> str:
    """Return the data dictionary as Markdown."""
    parts = [
        "# Data dictionary",
        "",
        "Made from `artgan/catalog/schema.py` by `make dictionary`; do not edit.",
    ]
    for table in TABLES:
        parts += ["", f"## {table.name}", "", f"{table.description} Key: `{table.key}`.", ""]
        parts += ["| column | type | meaning |", "|---|---|---|"]
        parts += [
            f"| `{field.name}` | {field.type} | {description(field)} |" for field in table.schema
        ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.stdout.write(data_dictionary())
