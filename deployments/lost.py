"""Runs that an earlier life of the service took with it: found, and started again.

A server that goes down with its workers has heard the last of their runs, and may not even have
written that down: its automations then wait for nothing. Whoever starts the service again looks
for such runs here.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.events.filters import EventFilter, EventOccurredFilter, EventResourceFilter
from prefect.states import AwaitingRetry, Cancelled, Crashed

from flows.stages import STAGE_TAG
from tasks.forms import TAG, read_deployments

LOOK_FOR = timedelta(minutes=10)  # after that, whatever is silent is not of an earlier life
_SILENT = timedelta(seconds=120)  # heartbeats come every 30 s
_AUTOMATION = timedelta(seconds=45)  # the automation had its time
_MOST_RESUMES = 3  # as in automations.yaml
_OF_ARTGAN = [TAG, STAGE_TAG]
_AFTER_SILENCE: dict[StateType, Callable[..., Any]] = {
    StateType.PENDING: AwaitingRetry,
    StateType.RUNNING: Crashed,
    StateType.CANCELLING: Cancelled,
}


def end_silent(client: SyncPrefectClient, started: datetime, at: datetime) -> list[FlowRun]:
    """Give runs that nothing was heard of in this life the state that is true of them.

    One that was about to start is scheduled again, one that ran has crashed, and one that was
    being cancelled is cancelled.

    Args:
        client: The server's client.
        started: When this life of the service began.
        at: The time now.

    Returns:
        The runs, as they were; none before what still runs elsewhere had time to be heard.
    """
    if at - started < _SILENT:
        return []
    found = []
    for state_type, after in _AFTER_SILENCE.items():
        for run in _runs(client, state_type):
            assert run.state is not None
            if run.state.timestamp < started and not _is_heard(client, run, started):
                message = "Nothing was heard of it since the service started again."
                client.set_flow_run_state(run.id, after(message=message), force=True)
                found.append(run)
    return found


def resume_crashed(client: SyncPrefectClient, started: datetime, at: datetime) -> list[FlowRun]:
    """Start runs again that were found dead in this life and began in an earlier one.

    The automation for it waits for the event before the crash, which only that life has seen.

    Args:
        client: The server's client.
        started: When this life of the service began.
        at: The time now.

    Returns:
        The runs, as they were.
    """
    ours = {deployment.id for deployment in read_deployments(client)}
    found = []
    for run in _runs(client, StateType.CRASHED):
        assert run.state is not None
        is_of_earlier_life = run.start_time is not None and run.start_time < started
        is_found_now = started < run.state.timestamp < at - _AUTOMATION
        may_resume = run.deployment_id in ours and run.run_count <= _MOST_RESUMES
        if may_resume and is_of_earlier_life and is_found_now:
            client.set_flow_run_state(run.id, AwaitingRetry(), force=True)
            found.append(run)
    return found


def _runs(client: SyncPrefectClient, state_type: StateType) -> list[FlowRun]:
    """Return the newest runs in a state, stages of others included."""
    wanted = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[state_type])),
        tags=FlowRunFilterTags(any_=_OF_ARTGAN),
    )
    return client.read_flow_runs(flow_run_filter=wanted, sort=FlowRunSort.START_TIME_DESC)


def _is_heard(client: SyncPrefectClient, run: FlowRun, since: datetime) -> bool:
    """Say whether there was any event of a run since a time."""
    events = EventFilter(
        occurred=EventOccurredFilter.model_validate({"since": since}),
        resource=EventResourceFilter(id=[f"prefect.flow-run.{run.id}"]),
    )
    return bool(client.read_events(events, limit=1).events)
