"""Commands that are no flows: they make or read things on this machine, at once."""

import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from artgan.catalog.query import query as run_query
from artgan.catalog.query import versions_at
from artgan.catalog.schema import TABLES
from artgan.catalog.table import Catalog
from artgan.catalog.trace import trace as follow
from artgan.catalog.verify import verify as check_published
from artgan.config import (
    PatchSettings,
    QuerySettings,
    SampleSettings,
    TraceSettings,
    VerifySettings,
)
from artgan.errors import ArtganError, MissingAssetError
from artgan.restore.patch import apply_patch
from artgan.sample.archive import write_sample
from artgan.storage import open_store
from flows.plain_csv import csv_text
from flows.trace_text import trace_text
from flows.verify_file import verify_file


def sample(settings: SampleSettings) -> None:
    """Write the sample archive's inbox."""
    summary = write_sample(Path(settings.folder), settings.seed, settings.works)
    sys.stdout.write(f"{summary}\n")


def query(settings: QuerySettings) -> None:
    """Print the rows of a SQL statement."""
    catalog = _open(settings.root)
    versions = versions_at(catalog, settings.as_of, settings.versions)
    rows = run_query(catalog, settings.sql, versions).to_pandas()
    match settings.format:
        case "csv":
            sys.stdout.write(csv_text(rows))
        case "json":
            sys.stdout.write(rows.to_json(orient="records", date_format="iso") + "\n")
        case _:
            sys.stdout.write(rows.to_string(index=False) + "\n")


def trace(settings: TraceSettings) -> None:
    """Print where something comes from and what was made of it."""
    found = follow(_open(settings.root), settings.id)
    if settings.format == "json":
        sys.stdout.write(json.dumps(asdict(found), indent=1, default=datetime.isoformat) + "\n")
    else:
        sys.stdout.write(trace_text(found))


def verify(settings: VerifySettings) -> None:
    """Print what a file is, or what was found of each published table.

    Raises:
        ArtganError: If something is wrong; all is printed before.
    """
    if Path(settings.path).is_file():
        verify_file(settings)
    else:
        _verify_folder(settings)


def _verify_folder(settings: VerifySettings) -> None:
    verdicts = check_published(open_store(settings.path, name="path", must_exist=True))
    if settings.format == "json":
        sys.stdout.write(json.dumps([asdict(one) for one in verdicts], indent=1) + "\n")
    else:
        for one in verdicts:
            rows = "" if one.rows is None else f", {one.rows:,} rows"
            sys.stdout.write(f"{'wrong' if one.problems else 'sound':5}  {one.path}{rows}\n")
            sys.stdout.writelines(f"       {problem}\n" for problem in one.problems)
    wrong = [one.path for one in verdicts if one.problems]
    if wrong:
        raise ArtganError(
            f"path must hold what its package says, got other things in {', '.join(wrong)}. Copy "
            "it again, or run `artgan publish`; a copy made during a publish may be half of each."
        )


def patch(settings: PatchSettings) -> None:
    """Write what a patch makes of a scan, or of a restored file with ``undo``."""
    picture, change, to = Path(settings.picture), Path(settings.patch), Path(settings.to)
    for name, path in (("picture", picture), ("patch", change)):
        if not path.is_file():
            raise MissingAssetError(f"{name} must be a file, got {str(path)!r}. Check the name.")
    apply_patch(picture, change, to, undo=settings.undo, page=settings.page)
    sys.stdout.write(f"{to}\n")


def _open(root: str) -> Catalog:
    catalog = Catalog(open_store(root, must_exist=True))
    if catalog.version(TABLES[0]) < 0:
        raise MissingAssetError(
            f"root must hold a catalog, got {root!r}. Make one with `artgan ingest`."
        )
    return catalog
