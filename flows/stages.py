"""Stages of a night: in its own process, or as runs of their own where another pool does them.

A stage that is a run of its own is found again when the night itself is killed and resumed: it is
started under a key made of the night's identity, the stage and the attempt.
"""

import json
import time
from typing import Any
from uuid import UUID

import pyarrow.compute as pc
from prefect import Flow, get_run_logger, tags
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.runtime import deployment as own_deployment
from prefect.runtime import flow_run as own_run
from prefect.states import Cancelling

from artgan.catalog.runs import Run, child_run_id
from artgan.catalog.schema import RUNS
from artgan.catalog.table import open_catalog
from artgan.config import ArchiveSettings
from artgan.errors import ArtganError
from tasks.run import PARENT_TAG

# Marks the runs of stages inside a night for the automation that finds silent runs.
STAGE_TAG = "artgan-stage"

_POLL_S = 2.0
_RESUME_S = 120.0
_MAX_ATTEMPTS = 100
_ENDED_BADLY = {StateType.FAILED, StateType.CANCELLED}


def run_stage(stage: Flow[Any, dict[str, int]], settings: ArchiveSettings, run: Run) -> None:
    """Run one stage of a night and add its counts to those of the night.

    Raises:
        ArtganError: If the stage ends in anything but success.
    """
    with get_client(sync_client=True) as client:
        if not _in_another_pool(client, stage.name):
            with tags(STAGE_TAG):
                run.count(stage(settings))
            return
        child = _start_or_find(client, stage.name, settings, run)
        get_run_logger().info("%s is the run %s in another pool", stage.name, child.name)
        _wait(client, child.id, stage.name)
    run.count(_counts(settings, child_run_id(run.run_id, stage.name, settings)))


def _in_another_pool(client: SyncPrefectClient, name: str) -> bool:
    """Whether this run came from a deployment, and the stage's deployment has another pool."""
    if own_deployment.id is None:
        return False
    own = client.read_deployment(UUID(own_deployment.id))
    try:
        other = client.read_deployment_by_name(f"{name}/{name}")
    except ObjectNotFound:
        return False
    return own.work_pool_name != other.work_pool_name


def _start_or_find(
    client: SyncPrefectClient, name: str, settings: ArchiveSettings, run: Run
) -> FlowRun:
    """Start the stage, or find the run that an earlier life of this night started."""
    for attempt in range(1, _MAX_ATTEMPTS):
        found: Any = run_deployment(
            f"{name}/{name}",
            parameters={"settings": settings.model_dump(mode="json")},
            tags=[PARENT_TAG + run.run_id],
            idempotency_key=f"{run.run_id}:{name}:{attempt}",
            timeout=0,
        )
        child = client.read_flow_run(found.id)
        if child.state_type not in _ENDED_BADLY and not _dead(child):
            return child
    raise ArtganError(
        f"{name} must complete within {_MAX_ATTEMPTS} attempts of {run.run_id}, got none. "
        "See its runs on the Prefect server."
    )


def _dead(child: FlowRun) -> bool:
    """Whether a run crashed so long ago that nobody resumes it."""
    if child.state is None or child.state_type != StateType.CRASHED:
        return False
    return time.time() - child.state.timestamp.timestamp() > _RESUME_S


def _wait(client: SyncPrefectClient, child_id: UUID, name: str) -> None:
    """Wait for a stage; one that crashed is given the time in which it is resumed."""
    try:
        while True:
            child = client.read_flow_run(child_id)
            if child.state_type == StateType.COMPLETED:
                return
            if child.state_type in _ENDED_BADLY or _dead(child):
                words = (child.state and child.state.message) or child.state_name
                raise ArtganError(f"{name} must complete, got: {words} See the run {child.name}.")
            time.sleep(_POLL_S)
    except BaseException:
        _cancel_with_parent(client, child_id)
        raise


def _cancel_with_parent(client: SyncPrefectClient, child_id: UUID) -> None:
    """Cancel a stage whose night is being cancelled; one whose night was only stopped goes on."""
    own = client.read_flow_run(UUID(own_run.id))
    if own.state_type in {StateType.CANCELLING, StateType.CANCELLED}:
        client.set_flow_run_state(child_id, Cancelling())


def _counts(settings: ArchiveSettings, run_id: str) -> dict[str, int]:
    """Return what a stage made, from its row in the catalog."""
    rows = open_catalog(settings.root).rows(RUNS, ["counts_json"], pc.field("run_id") == run_id)
    return json.loads(rows[0]["counts_json"]) if rows else {}
