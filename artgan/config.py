"""Settings: one class per flow is its form, its command line, its YAML and its checks.

A field's docstring is the help text everywhere. Defaults stand here and nowhere else. Secrets
never stand here: storage credentials come from the environment.
"""

import os
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from artgan.keys import digest
from artgan.presets import Kind, PresetName

# Where things lie says nothing about what is made of them: these fields never enter a key, and
# stand last in a form.
_PLACES = {"root", "inbox", "weights", "folder"}

AccessFormat = Literal["jpeg", "pyramid"]
StyleMethod = Literal["color", "cut"]
PoolType = Literal["process", "docker", "kubernetes"]
RunnerName = Literal["threads", "dask", "ray"]
_Megapixels = Annotated[float, Field(title="Largest scan, megapixels", gt=0, le=20_000)]
_Settle = Annotated[float, Field(title="Seconds between two looks at a new file", ge=0, le=600)]
_FetchDelay = Annotated[float, Field(title="Pause between requests, seconds", ge=0, le=600)]
_FetchPrivate = Annotated[bool, Field(title="Fetch from the own network")]
_AccessSide = Annotated[int, Field(title="Access copies, long side", ge=0, le=100_000)]
_Weights = Annotated[str | None, Field(title="Feature networks")]
_FewestWorks = Annotated[int, Field(title="Fewest works to train on", ge=2)]
_Root = Annotated[str, Field(title="Archive root")]
_Server = Annotated[str, Field(title="Prefect server")]
_SCAN_ID = re.compile("[0-9a-f]{8,64}")
_SERVER = os.environ.get("PREFECT_API_URL", "http://127.0.0.1:4200/api")
_Seed = Annotated[int, Field(ge=0)]
_FixityDays = Annotated[int, Field(title="Days to check every file in", ge=1, le=3650)]
_FailedFraction = Annotated[float, Field(title="Largest fraction that may fail", ge=0, le=1)]


def _number_fields(schema: dict[str, Any]) -> None:
    """Give each field its position: a form keeps the order of the source, with places last."""
    fields = schema.get("properties", {})
    for position, name in enumerate(sorted(fields, key=lambda name: name in _PLACES)):
        fields[name]["position"] = position


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

    root: _Root
    """Archive root: a folder or s3://bucket/prefix; everything made lies below it."""
    collections: list[str] = []
    """Collections to work on, by name; none means all of them."""


class IngestSettings(ArchiveSettings):
    """Bring new scans from an inbox into the catalog."""

    inbox: str
    """Inbox: a folder or s3://bucket/prefix with one folder for each collection; only read."""
    max_megapixels: _Megapixels = 1000
    """Largest scan accepted, in megapixels; larger ones go to quarantine."""
    access_format: AccessFormat = "jpeg"
    """Access copies of new scans: jpeg, or pyramid, which is tiled TIFF for zooming viewers."""
    access_long_side_px: _AccessSide = 4000
    """Long side of access copies in pixels; smaller scans keep their size, 0 keeps it for all."""
    settle_s: _Settle = 2
    """A file that changed a moment ago, or that was refused, is looked at again after so many
    seconds; one that is still being copied waits for the next run. More for slow network shares."""
    fetch_delay_s: _FetchDelay = 1
    """Pause between two requests to the same server, where iiif.txt in a folder of the inbox names
    IIIF manifests to fetch scans from."""
    fetch_private: _FetchPrivate = False
    """Let manifests name servers of this machine's own network; otherwise only public ones are
    asked."""


class TrainSettings(ArchiveSettings):
    """Train models where the data has changed: an archive-wide base, then each collection."""

    kinds: list[Kind] = ["restoration", "simulation", "style"]
    """Kinds of model to train."""
    preset: PresetName = "tiny"
    """Size and length of training: smoke proves the installation, demo takes minutes on two
    cores, tiny is the shortest worth using."""
    seed: _Seed = 0
    """Seed of all randomness."""
    min_works: _FewestWorks = 20
    """Fewest works of a collection to train on; smaller collections use the base as it is."""
    changed_fraction: Annotated[
        float, Field(title="Train again when this fraction changed", gt=0, le=1)
    ] = 0.1
    """Train a collection again when this fraction of its training works changed."""
    changed_works: Annotated[int, Field(title="Train again when this many works changed", ge=1)] = (
        20
    )
    """Train a collection again when this many of its training works changed."""
    base_changed_fraction: Annotated[
        float, Field(title="Train the base again when this fraction changed", gt=0, le=1)
    ] = 0.25
    """Train the base again when this fraction of the archive's training works changed."""
    force: Annotated[bool, Field(title="Train in any case")] = False
    """Train even where the data has not changed enough."""
    weights: _Weights = None
    """Folder or s3:// prefix with feature networks; none uses the labelled stand-in."""


class RestoreSettings(ArchiveSettings):
    """Fill the damage of every scan that has a damage mask."""

    max_failed_fraction: _FailedFraction = 0.5
    """The run fails when more than this fraction of its scans fails."""


class SimulateSettings(ArchiveSettings):
    """Make new works in the manner of each collection."""

    works: Annotated[int, Field(title="Works to make", ge=1, le=10_000)] = 36
    """Works to make for each collection."""
    seed: _Seed = 0
    """First seed; each work has a seed of its own that reproduces it."""


class StylizeSettings(ArchiveSettings):
    """Render works of other collections in the manner of each collection."""

    collections: Annotated[list[str], Field(title="Styles")] = []
    """Collections in whose manner works are rendered, by name; none means all of them."""
    contents_from: Annotated[list[str], Field(title="Works from collections")] = []
    """Collections whose works are rendered, by name; none means all but the style's own."""
    contents: Annotated[int, Field(title="Works for each style", ge=1, le=100_000)] = 12
    """Works to render in each style, held-out works first, taken in turn from the collections."""
    methods: list[StyleMethod] = ["color", "cut"]
    """Stylizers: color transfers the palette in closed form, cut is the trained translator."""
    long_side_px: Annotated[int, Field(title="Long side, pixels", ge=32, le=4096)] = 512
    """Long side of the results in pixels; smaller works keep their size."""
    max_failed_fraction: _FailedFraction = 0.5
    """The run fails when more than this fraction of its works fails."""


class ReportSettings(ArchiveSettings):
    """Measure the models in use and write the report pages."""

    weights: _Weights = None
    """Folder or s3:// prefix with feature networks; none uses the labelled stand-in."""
    require_fid: Annotated[bool, Field(title="Insist on FID")] = False
    """Stop when the 2015 Inception weights, which alone make a FID, are not there."""
    samples: Annotated[int, Field(title="Generated works measured", ge=50, le=50_000)] = 256
    """Generated works measured for each collection."""
    crops: Annotated[int, Field(title="Damaged crops measured", ge=8, le=10_000)] = 72
    """Damaged crops of held-out works measured for each collection."""


class IiifSettings(ArchiveSettings):
    """Write IIIF image tiles and manifests, for any viewer, as files for a plain web server."""

    base_url: Annotated[str, Field(title="Address", pattern=r"^https?://[^\s?#]+$")]
    """Address at which the folder iiif of the archive will be served, for example
    https://iiif.example.org/archive; addresses inside the files begin with it."""
    resolution: Literal["access", "full"] = "access"
    """What tiles are cut from: access copies, or the scans themselves at full resolution."""
    tile_px: Annotated[int, Field(title="Tile, pixels", ge=128, le=2048)] = 1024
    """Side of a tile in pixels; smaller tiles show sooner, larger ones are fewer files."""
    full_px: Annotated[int, Field(title="Whole picture, pixels", ge=2048, le=65_500)] = 3000
    """Long side of the largest whole picture offered; tiles always have every pixel."""
    publisher: str | None = None
    """Institution named in viewers as the source; none names nobody."""
    publisher_url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    """Home page of that institution."""
    max_failed_fraction: _FailedFraction = 0.5
    """The run fails when more than this fraction of its scans fails."""


class FixitySettings(ArchiveSettings):
    """Read a share of all files again and compare them with what the catalog knows."""

    days_for_all: _FixityDays = 90
    """Days in which every file is to be checked once; a run checks one part in so many."""
    max_files: Annotated[int, Field(title="Most files to check", ge=1)] | None = None
    """Most files that a run checks; none means its whole share."""


class WithdrawSettings(Settings):
    """Withdraw scans: remove all that was made of them, and keep them from coming back."""

    scans: Annotated[list[str], Field(title="Scans, by scan_id")] = []
    """Scans to withdraw, by scan_id or at least its first 8 digits; all versions go with them."""
    accession_numbers: Annotated[list[str], Field(title="Works, by accession number")] = []
    """Works to withdraw, by accession number; every scan of them goes."""
    collection: Annotated[str | None, Field(title="Collection of these works")] = None
    """Collection that the accession numbers belong to."""
    reason: Annotated[str, Field(min_length=3)]
    """Why, for the record: claim, file reference, decision. It stays in the catalog."""
    requested_by: Annotated[str, Field(title="Requested by")] = ""
    """Who asked for it, for the record."""
    dry_run: Annotated[bool, Field(title="Only say what would be removed")] = True
    """Change nothing; say what would be removed."""
    lift: Annotated[bool, Field(title="Lift an earlier withdrawal instead")] = False
    """Lift the withdrawal of these scans: the next ingest takes them again."""
    root: _Root
    """Archive root: a folder or s3://bucket/prefix."""

    @model_validator(mode="after")
    def _names_something(self) -> "WithdrawSettings":
        if not (self.scans or self.accession_numbers):
            raise ValueError(
                "scans or accession_numbers must name what is withdrawn, got neither. "
                "Give the scan_id from the catalog"
            )
        if self.accession_numbers and not self.collection:
            raise ValueError(
                "collection must be given with accession_numbers, got none. "
                "Two collections may use the same numbers"
            )
        for one in self.scans:
            if not _SCAN_ID.fullmatch(one):
                raise ValueError(f"scans must hold 8 to 64 hex digits each, got {one!r}")
        return self


class PublishSettings(Settings):
    """Write plain Parquet snapshots of the catalog."""

    root: _Root
    """Archive root: a folder or s3://bucket/prefix."""


class NightlySettings(ArchiveSettings):
    """Do all that is new: ingest, train, restore, simulate, stylize, fixity, report, publish."""

    inbox: str
    """Inbox: a folder or s3://bucket/prefix with one folder for each collection; only read."""
    preset: PresetName = "tiny"
    """Size and length of training: smoke proves the installation, demo takes minutes on two
    cores, tiny is the shortest worth using."""
    seed: _Seed = 0
    """Seed of all randomness."""
    min_works: _FewestWorks = 20
    """Fewest works of a collection to train on; smaller collections use the base as it is."""
    max_megapixels: _Megapixels = 1000
    """Largest scan accepted, in megapixels; larger ones go to quarantine."""
    access_format: AccessFormat = "jpeg"
    """Access copies of new scans: jpeg, or pyramid, which is tiled TIFF for zooming viewers."""
    access_long_side_px: _AccessSide = 4000
    """Long side of access copies in pixels; smaller scans keep their size, 0 keeps it for all."""
    settle_s: _Settle = 2
    """A file that changed a moment ago, or that was refused, is looked at again after so many
    seconds; one that is still being copied waits for the next run. More for slow network shares."""
    fetch_delay_s: _FetchDelay = 1
    """Pause between two requests to the same server, where iiif.txt in a folder of the inbox names
    IIIF manifests to fetch scans from."""
    fetch_private: _FetchPrivate = False
    """Let manifests name servers of this machine's own network; otherwise only public ones are
    asked."""
    simulated_works: Annotated[
        int, Field(title="Works to simulate for each collection", ge=1, le=10_000)
    ] = 36
    """Works to simulate for each collection."""
    stylized_contents: Annotated[
        int, Field(title="Works to render in each style", ge=1, le=100_000)
    ] = 12
    """Works of other collections to render in each style."""
    fixity_days: _FixityDays = 90
    """Days in which every file is read again and compared once; a night does its share."""
    weights: _Weights = None
    """Folder or s3:// prefix with feature networks; none uses the labelled stand-in."""
    require_fid: Annotated[bool, Field(title="Insist on FID")] = False
    """Stop when the 2015 Inception weights, which alone make a FID, are not there."""

    def ingest(self) -> IngestSettings:
        """Return the settings of the night's ingest."""
        return IngestSettings(
            root=self.root,
            collections=self.collections,
            inbox=self.inbox,
            max_megapixels=self.max_megapixels,
            access_format=self.access_format,
            access_long_side_px=self.access_long_side_px,
            settle_s=self.settle_s,
            fetch_delay_s=self.fetch_delay_s,
            fetch_private=self.fetch_private,
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

    def fixity(self) -> FixitySettings:
        """Return the settings of the night's share of fixity checks."""
        return FixitySettings(
            root=self.root, collections=self.collections, days_for_all=self.fixity_days
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


class MaintainSettings(Settings):
    """Tidy the archive's store: small table files, old table versions, models nobody uses."""

    dry_run: Annotated[bool, Field(title="Only say what would be done")] = True
    """Change nothing; say what would be removed and how many bytes that frees."""
    keep_versions_days: Annotated[
        int, Field(title="Keep old table versions, days", ge=7, le=3650)
    ] = 30
    """Files of the catalog that no version younger than this needs are removed."""
    keep_unpromoted_days: Annotated[
        int, Field(title="Keep models not in use, days", ge=1, le=3650)
    ] = 90
    """Weights of models that were never promoted are removed after this; their rows stay."""
    keep_results_days: Annotated[
        int, Field(title="Keep Prefect results and leftovers, days", ge=1, le=3650)
    ] = 30
    """Results that Prefect keeps on this machine, and what killed runs left, go after this."""
    root: _Root
    """Archive root: a folder or s3://bucket/prefix."""


class RunnerSettings(Settings):
    """Where the chunks of one flow run.

    Given as environment variables, ``ARTGAN_`` and the name in capitals; a deployment passes them
    to its runs.
    """

    task_runner: RunnerName = "threads"
    """Engine: threads of the run's process, a Dask cluster or a Ray cluster."""
    task_workers: Annotated[int, Field(ge=1, le=512)] = min(8, os.cpu_count() or 1)
    """Chunks at a time, for threads and for clusters that are started for the run."""
    cluster: str | None = None
    """Address of a running Dask scheduler or Ray head; none starts one for the run."""


class DeploySettings(Settings):
    """Bring pools, limits, automations and deployments of a Prefect server up to date."""

    root: str
    """Archive root: a folder or s3://bucket/prefix that every worker reaches."""
    inbox: str
    """Inbox: a folder or s3://bucket/prefix that every worker reaches; only read."""
    server: _Server = _SERVER
    """Address of the Prefect server's API; PREFECT_API_URL where that is set."""
    nightly_at: str = "0 2 * * *"
    """When the nightly run starts, as a cron expression."""
    timezone: str = "UTC"
    """Time zone of that expression, for example Europe/Amsterdam."""
    preset: PresetName = "tiny"
    """Size and length of the nightly training."""
    weights: str | None = None
    """Folder or s3:// prefix with feature networks; none uses the labelled stand-in."""
    devices: Annotated[int, Field(ge=0)] | None = None
    """Accelerators that serve the gpu pool; none counts those of this machine, 0 makes every
    deployment run in the cpu pool."""
    move: bool = False
    """Let the server's deployments go over to another archive root than they had."""
    pool_type: PoolType = "process"
    """What a run is: a process of a worker, a Docker container or a Kubernetes job."""
    image: str = "artgan"
    """Container image of Docker and Kubernetes runs."""
    task_runner: RunnerName = "threads"
    """Engine for the chunks of a run: threads of its process, a Dask or a Ray cluster."""
    cluster: str | None = None
    """Address of a running Dask scheduler or Ray head; none starts one for each run."""


class ServeSettings(DeploySettings):
    """Run the whole service on this machine: Prefect server, deployments and workers."""

    home: str = "~/.artgan"
    """Folder for the server's database and the logs."""
    cpu_runs: Annotated[int, Field(ge=1, le=64)] = 2
    """Runs that the cpu pool takes at a time."""
    devices_per_run: Annotated[int, Field(ge=1)] = 1
    """Accelerators that one run of the gpu pool uses; training spreads over them."""


class StatusSettings(Settings):
    """Say how the archive and its service are doing."""

    root: _Root
    """Archive root: a folder or s3://bucket/prefix."""
    server: _Server = _SERVER
    """Address of the Prefect server's API; PREFECT_API_URL where that is set."""
    format: Literal["text", "json"] = "text"
    """How it is printed."""


class SampleSettings(Settings):
    """Generate the sample archive: an inbox of invented works, free of anybody's rights."""

    folder: str
    """Folder to write the inbox to."""
    works: Annotated[int, Field(ge=8, le=1000)] = 48
    """Works in each collection."""
    seed: _Seed = 0
    """Seed of all randomness."""


class QuerySettings(Settings):
    """Run one SQL statement over the catalog's tables."""

    root: _Root
    """Archive root: a folder or s3://bucket/prefix."""
    sql: str
    """Statement in DuckDB's SQL; every table of the catalog is a view."""
    as_of: Annotated[str | None, Field(title="As it was at")] = None
    """Look at the tables as they were: a date (its end, UTC) or a moment such as
    2026-11-01T12:00."""
    versions: Annotated[dict[str, int], Field(title="Versions of tables")] = {}
    """Look at single tables at a version, for example scans=12."""
    format: Literal["table", "csv", "json"] = "table"
    """How rows are printed."""
