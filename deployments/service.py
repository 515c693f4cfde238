"""What a Prefect server says of pools, workers and runs."""

from datetime import datetime, timedelta
from typing import Any

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterNextScheduledStartTime,
    FlowRunFilterParentTaskRunId,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType, WorkPool
from prefect.client.schemas.sorting import FlowRunSort
from prefect.settings import PREFECT_API_URL, temporary_settings

from artgan.clock import now
from artgan.errors import InvalidInputError
from flows.checks import check_server

SHOWN = 4
"""Runs of a kind that are named one by one."""
FAILED_DAYS = 7
"""Age of failed runs that are still counted."""

Facts = dict[str, Any]

_NIGHTLY = FlowFilter(name=FlowFilterName(any_=["nightly"]))
_NO_PARENT = FlowRunFilterParentTaskRunId(is_null_=True)


def look_at_service(server: str) -> Facts:
    """Return the facts of a service; ``error`` is a sentence if the server gives none.

    Args:
        server: Address of the Prefect server's API.
    """
    facts: Facts = {"server": server, "error": None}
    try:
        check_server(server)
        with (
            temporary_settings({PREFECT_API_URL: server}),
            get_client(sync_client=True) as client,
        ):
            return facts | _ask(client)
    except InvalidInputError as error:
        return facts | {"error": str(error)}
    except httpx.HTTPError as error:
        return facts | {
            "error": f"server must answer questions about runs, got {str(error).splitlines()[0]} "
            f"from {server!r}. Check that it is a Prefect server, and PREFECT_API_AUTH_STRING."
        }


def _ask(client: SyncPrefectClient) -> Facts:
    since = FlowRunFilterEndTime.model_validate({"after_": now() - timedelta(days=FAILED_DAYS)})
    bad = _in_state(StateType.FAILED, StateType.CRASHED)
    return {
        "version": client.api_version(),
        "pools": [_pool(client, pool) for pool in client.read_work_pools()],
        "running": _runs(
            client,
            FlowRunFilter(state=_in_state(StateType.RUNNING), parent_task_run_id=_NO_PARENT),
        ),
        "late": _runs(
            client,
            FlowRunFilter(state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Late"]))),
        ),
        "failed": _runs(
            client, FlowRunFilter(state=bad, end_time=since, parent_task_run_id=_NO_PARENT)
        ),
        "last_nightly": _last_nightly(client),
        "next_nightly": _next_nightly(client),
    }


def _in_state(*types: StateType) -> FlowRunFilterState:
    return FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types)))


def _pool(client: SyncPrefectClient, pool: WorkPool) -> Facts:
    workers: dict[str, list[str]] = {"ONLINE": [], "OFFLINE": []}
    for worker in client.read_workers_for_work_pool(pool.name):
        workers[worker.status.name if worker.status else "OFFLINE"].append(worker.name)
    return {
        "name": pool.name,
        "type": pool.type,
        "paused": pool.is_paused,
        "workers_online": sorted(workers["ONLINE"]),
        "workers_offline": sorted(workers["OFFLINE"]),
    }


def _runs(client: SyncPrefectClient, which: FlowRunFilter) -> list[Facts]:
    """Return runs, the newest first; the server gives at most 200."""
    found = client.read_flow_runs(flow_run_filter=which, sort=FlowRunSort.START_TIME_DESC)
    names = _flow_names(client, found)
    return [
        {
            "name": run.name,
            "flow": names[run.flow_id],
            "state": run.state_name,
            "message": run.state.message if run.state else None,
            "since": run.end_time or run.start_time or run.expected_start_time,
        }
        for run in found
    ]


def _flow_names(client: SyncPrefectClient, runs: list[FlowRun]) -> dict[Any, str]:
    return {flow_id: client.read_flow(flow_id).name for flow_id in {run.flow_id for run in runs}}


def _last_nightly(client: SyncPrefectClient) -> str | None:
    """Return the state of the nightly run that ended last."""
    found = client.read_flow_runs(
        flow_filter=_NIGHTLY,
        flow_run_filter=FlowRunFilter(
            end_time=FlowRunFilterEndTime(is_null_=False), parent_task_run_id=_NO_PARENT
        ),
        sort=FlowRunSort.END_TIME_DESC,
        limit=1,
    )
    return found[0].state_name if found else None


def _next_nightly(client: SyncPrefectClient) -> datetime | None:
    after = FlowRunFilterNextScheduledStartTime.model_validate({"after_": now()})
    found = client.read_flow_runs(
        flow_filter=_NIGHTLY,
        flow_run_filter=FlowRunFilter(
            state=_in_state(StateType.SCHEDULED), next_scheduled_start_time=after
        ),
        sort=FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC,
        limit=1,
    )
    return found[0].next_scheduled_start_time if found else None
