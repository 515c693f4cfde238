"""Settings of the commands that are no flows."""

from typing import Annotated, Literal

from pydantic import Field

from artgan.config.base import ArchiveRoot, Seed, Settings


class SampleSettings(Settings):
    """Generate the sample archive: an inbox of invented works, free of anybody's rights."""

    folder: str
    """Folder to write the inbox to."""
    works: Annotated[int, Field(ge=8, le=1000)] = 48
    """Works in each collection."""
    seed: Seed = 0


class QuerySettings(Settings):
    """Run one SQL statement over the catalog's tables and ready views."""

    root: ArchiveRoot
    sql: str
    """Statement in DuckDB's SQL over the tables and ready views of data/dictionary.md."""
    as_of: Annotated[str | None, Field(title="As it was at")] = None
    """Look at the tables as they were: a date (its end, UTC) or a moment such as
    2026-11-01T12:00."""
    versions: Annotated[dict[str, int], Field(title="Versions of tables")] = {}
    """Look at single tables at a version, for example scans=12."""
    format: Literal["table", "csv", "json"] = "table"
    """How rows are printed."""


class TraceSettings(Settings):
    """Say where a scan, output, model, number or run comes from and what was made of it."""

    root: ArchiveRoot
    id: str
    """An id, its first four characters or more, a path under the root or in the inbox, or a file
    of this machine, which is known by its bytes."""
    format: Literal["text", "json"] = "text"
    """How it is printed; text lists at most 20 of a kind, JSON all of them."""


class PatchSettings(Settings):
    """Make a restoration from a scan and its patch, or take one back to the scan."""

    picture: str
    """Scan file; with --undo the restored file."""
    patch: str
    """The patch.tif that lies beside the restored file."""
    to: str
    """TIFF to write; it must not be there yet."""
    undo: bool = False
    """Take the patch back instead of applying it."""
    page: Annotated[int, Field(ge=1)] = 1
    """Page of a scan file of several pages."""


class VerifySettings(Settings):
    """Tell what a file is, or check published tables: digests, rows, columns, rules, references."""

    path: str
    """A file of this machine; or the folder that publish writes (ROOT/published) or a copy of it,
    also s3://bucket/prefix."""
    root: str | None = None
    """Archive root, to tell a file by its catalog too; none goes by the file alone."""
    anchors: str | None = None
    """File of PEM with the certificates whose signatures are trusted: the archive's own root."""
    format: Literal["text", "json"] = "text"
    """How the verdicts are printed."""
