"""Runs that are cancelled, and runs that die with their worker or with the whole machine."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prefect.client.schemas.objects import StateType

from artgan.sample.archive import write_sample
from tests.deployments.running import (
    Service,
    eventually,
    kill_if_there,
    processes,
    training_children,
)
from tests.nights import WORKS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, prefect_database: Callable[[Path], None]
) -> Iterator[Service]:
    """A service whose archive holds one collection."""
    inbox = tmp_path_factory.mktemp("sample") / "inbox"
    write_sample(inbox, seed=1, works=WORKS)
    running = Service(tmp_path_factory.mktemp("service"), inbox, prefect_database)
    try:
        running.begin()
        asked = running.settings(inbox=str(inbox), collections=["hard_edge"])
        run = running.start("ingest", asked)
        assert running.wait(run).state_type == StateType.COMPLETED
        yield running
    finally:
        running.end()


def test_a_cancelled_run_stops_its_training_within_seconds(service: Service) -> None:
    run = service.long_training(seed=11)
    service.cancel(run)
    asked = time.monotonic()
    eventually(lambda: not training_children(service.root), 30)
    assert time.monotonic() - asked < 20
    assert service.wait(run, 240).state_type == StateType.CANCELLED


def test_a_run_whose_worker_died_with_it_is_found_dead_and_resumed(service: Service) -> None:
    run = service.long_training(seed=12)
    flow = service.flow_process(run)
    device = next(d for d in "01" if service.ran_on(service.read(run), d))
    workers = processes("worker start", f"gpu-{device}", "--pool gpu")
    (worker,) = set(workers) & set(service.processes())
    os.kill(worker, signal.SIGKILL)
    kill_if_there(flow)
    eventually(lambda: not training_children(service.root), 10)
    eventually(lambda: service.read(run).run_count == 2, 400)
    eventually(lambda: training_children(service.root), 400)
    with service.client as client:
        names = [state.name for state in client.read_flow_run_states(run)]
    assert "Crashed" in names
    assert "AwaitingRetry" in names
    service.cancel(run)
    assert service.wait(run, 240).state_type == StateType.CANCELLED


def test_a_run_that_the_machine_took_with_it_is_resumed_when_the_service_is_back(
    service: Service,
) -> None:
    run = service.long_training(seed=13)
    service.lose_power()
    assert training_children(service.root) == []
    service.begin()
    eventually(lambda: service.read(run).run_count == 2, 500)
    eventually(lambda: training_children(service.root), 400)
    service.cancel(run)
    assert service.wait(run, 240).state_type == StateType.CANCELLED
