"""Settings of the service that runs the flows: engine, deployments, server and workers."""

import os
from typing import Annotated, Literal

from pydantic import Field

from artgan.config.base import SERVER, ArchiveRoot, FeatureWeights, ServerAddress, Settings
from artgan.presets import PresetName

PoolType = Literal["process", "docker", "kubernetes"]
RunnerName = Literal["threads", "dask", "ray"]


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
    server: ServerAddress = SERVER
    nightly_at: str = "0 2 * * *"
    """When the nightly run starts, as a cron expression."""
    timezone: str = "UTC"
    """Time zone of that expression, for example Europe/Amsterdam."""
    preset: PresetName = "tiny"
    """Size and length of the nightly training."""
    weights: FeatureWeights = None
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

    root: ArchiveRoot
    server: ServerAddress = SERVER
    format: Literal["text", "json"] = "text"
    """How it is printed."""
