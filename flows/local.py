"""Commands that are no flows: they make or read things on this machine, at once."""

import sys
from pathlib import Path

from artgan.catalog.query import query as run_query
from artgan.catalog.query import versions_at
from artgan.catalog.schema import TABLES
from artgan.catalog.table import Catalog
from artgan.config import QuerySettings, SampleSettings
from artgan.errors import MissingAssetError
from artgan.sample.archive import write_sample
from artgan.storage import open_store


def sample(settings: SampleSettings) -> None:
    """Write the sample archive's inbox."""
    summary = write_sample(Path(settings.folder), settings.seed, settings.works)
    sys.stdout.write(f"{summary}\n")


def query(settings: QuerySettings) -> None:
    """Print the rows of a SQL statement."""
    catalog = Catalog(open_store(settings.root, must_exist=True))
    if catalog.version(TABLES[0]) < 0:
        raise MissingAssetError(
            f"root must hold a catalog, got {settings.root!r}. Make one with `artgan ingest`."
        )
    versions = versions_at(catalog, settings.as_of, settings.versions)
    rows = run_query(catalog, settings.sql, versions).to_pandas()
    match settings.format:
        case "csv":
            sys.stdout.write(rows.to_csv(index=False))
        case "json":
            sys.stdout.write(rows.to_json(orient="records", date_format="iso") + "\n")
        case _:
            sys.stdout.write(rows.to_string(index=False) + "\n")
