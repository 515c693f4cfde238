"""Settings: one class per flow is its form, its command line, its YAML and its checks.

A field's docstring is the help text everywhere. Defaults stand here and nowhere else. Secrets
never stand here: storage credentials come from the environment.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from artgan.keys import digest
from artgan.presets import Kind, PresetName

# Where things lie says nothing about what is made of them: these fields never enter a key.
_PLACES = {"root", "inbox", "weights", "folder"}

StyleMethod = Literal["color", "cut"]


def _number_fields(schema: dict[str, Any]) -> None:
    """Give each field its position, so that a form keeps the order of the source."""
    for position, field in enumerate(schema.get("properties", {}).values()):
        field["position"] = position


class Settings(BaseModel):
    """Base of every settings class: frozen, strict about unknown names, documented in place."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        json_schema_extra=_number_fields,
    )

    def digest(self) -> str:
        """Return a hash of all settings that shape results; places are left out."""
        return digest(self.model_dump(mode="json", exclude=_PLACES))


class ArchiveSettings(Settings):
    """An archive and the part of it to work on."""

    root: str
    """Archive root: a folder or s3://bucket/prefix; everything made lies below it."""
    collections: list[str] = []
    """Collections to work on, by name; none means all of them."""


class IngestSettings(ArchiveSettings):
    """Bring new scans from an inbox into the catalog."""

    inbox: str
    """Inbox: a folder or s3://bucket/prefix with one folder for each collection; only read."""
    max_megapixels: Annotated[float, Field(gt=0, le=20_000)] = 1000
    """Largest scan accepted, in megapixels; larger ones go to quarantine."""


class TrainSettings(ArchiveSettings):
    """Train models where the data has changed: an archive-wide base, then each collection."""

    kinds: list[Kind] = ["restoration", "simulation", "style"]
    """Kinds of model to train."""
    preset: PresetName = "tiny"
    """Size and length of training: smoke proves the installation, demo takes minutes on two
    cores, tiny is the shortest worth using."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of all randomness."""
    min_works: Annotated[int, Field(ge=2)] = 20
    """Fewest works of a collection to train on; smaller collections use the base as it is."""
    changed_fraction: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Train a collection again when this fraction of its training works changed."""
    changed_works: Annotated[int, Field(ge=1)] = 20
    """Train a collection again when this many of its training works changed."""
    base_changed_fraction: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Train the base again when this fraction of the archive's training works changed."""
    force: bool = False
    """Train even where the data has not changed enough."""
    weights: str | None = None
    """Folder or s3:// prefix with feature networks; none uses the labelled stand-in."""


class RestoreSettings(ArchiveSettings):
    """Fill the damage of every scan that has a damage mask."""

    max_failed_fraction: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The run fails when more than this fraction of its scans fails."""


class SimulateSettings(ArchiveSettings):
    """Make new works in the manner of each collection."""

    works: Annotated[int, Field(ge=1, le=10_000)] = 36
    """Works to make for each collection."""
    seed: Annotated[int, Field(ge=0)] = 0
    """First seed; each work has a seed of its own that reproduces it."""


class StylizeSettings(ArchiveSettings):
    """Render works of other collections in the manner of each collection."""

    methods: list[StyleMethod] = ["color", "cut"]
    """Stylizers: color transfers the palette in closed form, cut is the trained translator."""
    contents: Annotated[int, Field(ge=1, le=100_000)] = 12
    """Works of other collections to render in each style."""
    long_side_px: Annotated[int, Field(ge=32, le=4096)] = 512
    """Long side of the results in pixels; smaller works keep their size."""
    max_failed_fraction: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The run fails when more than this fraction of its works fails."""


class ReportSettings(ArchiveSettings):
    """Measure the models in use and write the report pages."""

    weights: str | None = None
    """Folder or s3:// prefix with feature networks; none uses the labelled stand-in."""
    require_fid: bool = False
    """Stop when the 2015 Inception weights, which alone make a FID, are not there."""
    samples: Annotated[int, Field(ge=50, le=50_000)] = 256
    """Generated works measured for each collection."""
    crops: Annotated[int, Field(ge=8, le=10_000)] = 72
    """Damaged crops of held-out works measured for each collection."""


class PublishSettings(Settings):
    """Write plain Parquet snapshots of the catalog."""

    root: str
    """Archive root: a folder or s3://bucket/prefix."""


class NightlySettings(ArchiveSettings):
    """Do everything that is new: ingest, train, restore, simulate, stylize, report, publish."""

    inbox: str
    """Inbox: a folder or s3://bucket/prefix with one folder for each collection; only read."""
    preset: PresetName = "tiny"
    """Size and length of training: smoke proves the installation, demo takes minutes on two
    cores, tiny is the shortest worth using."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of all randomness."""
    min_works: Annotated[int, Field(ge=2)] = 20
    """Fewest works of a collection to train on; smaller collections use the base as it is."""
    max_megapixels: Annotated[float, Field(gt=0, le=20_000)] = 1000
    """Largest scan accepted, in megapixels; larger ones go to quarantine."""
    simulated_works: Annotated[int, Field(ge=1, le=10_000)] = 36
    """Works to simulate for each collection."""
    stylized_contents: Annotated[int, Field(ge=1, le=100_000)] = 12
    """Works of other collections to render in each style."""
    weights: str | None = None
    """Folder or s3:// prefix with feature networks; none uses the labelled stand-in."""
    require_fid: bool = False
    """Stop when the 2015 Inception weights, which alone make a FID, are not there."""

    def ingest(self) -> IngestSettings:
        """Return the settings of the night's ingest."""
        return IngestSettings(
            root=self.root,
            collections=self.collections,
            inbox=self.inbox,
            max_megapixels=self.max_megapixels,
        )

    def train(self) -> TrainSettings:
        """Return the settings of the night's training."""
        return TrainSettings(
            root=self.root,
            collections=self.collections,
            preset=self.preset,
            seed=self.seed,
            min_works=self.min_works,
            weights=self.weights,
        )

    def restore(self) -> RestoreSettings:
        """Return the settings of the night's restoration."""
        return RestoreSettings(root=self.root, collections=self.collections)

    def simulate(self) -> SimulateSettings:
        """Return the settings of the night's simulation."""
        return SimulateSettings(
            root=self.root,
            collections=self.collections,
            works=self.simulated_works,
            seed=self.seed,
        )

    def stylize(self) -> StylizeSettings:
        """Return the settings of the night's stylization."""
        return StylizeSettings(
            root=self.root, collections=self.collections, contents=self.stylized_contents
        )

    def report(self) -> ReportSettings:
        """Return the settings of the night's report."""
        return ReportSettings(
            root=self.root,
            collections=self.collections,
            weights=self.weights,
            require_fid=self.require_fid,
        )

    def publish(self) -> PublishSettings:
        """Return the settings of the night's publication."""
        return PublishSettings(root=self.root)


class SampleSettings(Settings):
    """Generate the sample archive: an inbox of invented works, free of anybody's rights."""

    folder: str
    """Folder to write the inbox to."""
    works: Annotated[int, Field(ge=8, le=1000)] = 48
    """Works in each collection."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of all randomness."""


class QuerySettings(Settings):
    """Run one SQL statement over the catalog's tables."""

    root: str
    """Archive root: a folder or s3://bucket/prefix."""
    sql: str
    """Statement in DuckDB's SQL; every table of the catalog is a view."""
    format: Literal["table", "csv", "json"] = "table"
    """How rows are printed."""
