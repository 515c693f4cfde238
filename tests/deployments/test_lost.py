"""What a service does on starting again with the runs of its earlier life."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import State, StateType
from prefect.events import Event
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter
from prefect.states import Cancelling, Crashed, Pending, Running, Scheduled

from artgan.clock import now
from deployments.lost import end_silent, resume_crashed
from tasks.forms import TAG
from tests.deployments.running import eventually

pytestmark = pytest.mark.usefixtures("prefect_server")

LONG_AFTER = timedelta(minutes=5)


@flow(name="train")
def a_training() -> None:
    """Stand for a flow of the archive in the server's records."""


@pytest.fixture
def client() -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def deployment(client: SyncPrefectClient) -> UUID:
    if not client.read_work_pools():
        client.create_work_pool(WorkPoolCreate(name="cpu", type="process"))
    of = client.create_flow(a_training)
    return client.create_deployment(of, name="train", tags=[TAG], work_pool_name="cpu")


def add(client: SyncPrefectClient, deployment: UUID, *states: State[Any]) -> UUID:
    run = client.create_flow_run_from_deployment(deployment)
    for state in states:
        client.set_flow_run_state(run.id, state, force=True)
    return run.id


def heartbeat(client: SyncPrefectClient, run: UUID, at: datetime) -> None:
    resource = {"prefect.resource.id": f"prefect.flow-run.{run}"}
    event = Event.model_validate(
        {"event": "prefect.flow-run.heartbeat", "resource": resource, "occurred": at}
    )
    client._client.post("/events", json=[event.model_dump(mode="json")]).raise_for_status()


def state_of(client: SyncPrefectClient, run: UUID) -> StateType | None:
    return client.read_flow_run(run).state_type


def test_runs_of_an_earlier_life_end_as_what_they_are(
    client: SyncPrefectClient, deployment: UUID
) -> None:
    planned = add(client, deployment, Scheduled(scheduled_time=now() + timedelta(hours=5)))
    starting = add(client, deployment, Pending())
    running = add(client, deployment, Pending(), Running())
    cancelled = add(client, deployment, Running(), Cancelling())
    elsewhere = add(client, deployment, Pending(), Running())
    restart = now()
    heartbeat(client, elsewhere, now())
    eventually(lambda: heartbeats(client, elsewhere), 20)
    later = add(client, deployment, Pending(), Running())

    assert end_silent(client, restart, restart + timedelta(seconds=60)) == []
    found = {run.id for run in end_silent(client, restart, restart + LONG_AFTER)}
    assert found >= {starting, running, cancelled}
    assert not found & {planned, elsewhere, later}
    assert state_of(client, planned) == StateType.SCHEDULED
    assert state_of(client, starting) == StateType.SCHEDULED
    assert state_of(client, running) == StateType.CRASHED
    assert state_of(client, cancelled) == StateType.CANCELLED
    assert state_of(client, elsewhere) == StateType.RUNNING
    assert state_of(client, later) == StateType.RUNNING
    assert end_silent(client, restart, restart + LONG_AFTER) == []


def test_what_was_found_dead_starts_again_three_times_at_most(
    client: SyncPrefectClient, deployment: UUID
) -> None:
    running = add(client, deployment, Pending(), Running())
    often = add(client, deployment, *[Running(), Scheduled()] * 4, Running())
    long_dead = add(client, deployment, Running(), Crashed())
    restart = now()
    ended = {run.id for run in end_silent(client, restart, restart + LONG_AFTER)}
    assert {running, often} <= ended
    of_this_life = add(client, deployment, Running(), Crashed())

    assert resume_crashed(client, restart, now()) == []
    resumed = {run.id for run in resume_crashed(client, restart, now() + LONG_AFTER)}
    assert running in resumed
    assert not resumed & {often, long_dead, of_this_life}
    assert state_of(client, running) == StateType.SCHEDULED
    for run in (often, long_dead, of_this_life):
        assert state_of(client, run) == StateType.CRASHED


def heartbeats(client: SyncPrefectClient, run: UUID) -> int:
    """How many the server has written down."""
    events = EventFilter(
        event=EventNameFilter(name=["prefect.flow-run.heartbeat"]),
        resource=EventResourceFilter(id=[f"prefect.flow-run.{run}"]),
    )
    return client.read_events(events, limit=1).total
