import itertools
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from uuid import UUID

import pytest
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.runtime import flow_run

import tasks.progress
from tasks.progress import ProgressBar, gather

Block = Callable[[], AbstractContextManager[None]]


def bars(run_id: str) -> list[tuple[float, str]]:
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(run_id)]))
        )
    return [
        (float(one.data), one.description or "")
        for one in found
        if one.type == "progress" and isinstance(one.data, int | float | str)
    ]


@task(cache_policy=NO_CACHE)
def double(number: int) -> int:
    if number < 0:
        raise ValueError(number)
    return 2 * number


@flow
def doubled(numbers: list[int]) -> tuple[list[int], str]:
    made = [double.submit(number) for number in numbers]
    return gather(made, "double prints"), flow_run.id


def test_results_come_in_order_and_the_bar_ends_at_100() -> None:
    results, run_id = doubled([3, 1, 2])
    assert results == [6, 2, 4]
    assert bars(run_id) == [(100.0, "double prints: 3 of 3 chunks")]


def test_no_chunks_leave_no_bar() -> None:
    results, run_id = doubled([])
    assert results == []
    assert bars(run_id) == []


def test_a_failed_chunk_fails_the_run_and_the_bar_says_how_far_it_came() -> None:
    ids = []

    @flow
    def failing() -> None:
        ids.append(flow_run.id)
        gather([double.submit(number) for number in (1, 2, -1, 4)], "double")

    with pytest.raises(ValueError, match="-1"):
        failing()
    assert bars(ids[0]) == [(50.0, "double: 2 of 4 chunks")]


def test_the_server_hears_of_progress_at_most_once_a_second_and_of_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moves = []
    update = tasks.progress.update_progress_artifact

    def counting(artifact_id: UUID, **what: object) -> object:
        moves.append(time.monotonic())
        return update(artifact_id, **what)

    monkeypatch.setattr(tasks.progress, "update_progress_artifact", counting)

    @flow
    def long() -> tuple[float, str]:
        started = time.monotonic()
        bar = ProgressBar("steps", 1000, "steps")
        for step in range(1000):
            bar.move(step + 1)
            time.sleep(0.004)
        bar.stop(1000)
        return time.monotonic() - started, flow_run.id

    seconds, run_id = long()
    assert 1 <= len(moves) <= seconds + 1
    between = [after - before for before, after in itertools.pairwise(moves[:-1])]
    assert min(between, default=1.0) > 0.9
    assert bars(run_id) == [(100.0, "steps: 1,000 of 1,000 steps")]


def test_chunks_are_done_though_the_server_is_gone(
    no_server: Block, caplog: pytest.LogCaptureFixture
) -> None:
    @flow
    def lonely() -> list[int]:
        made = [double.submit(number) for number in range(5)]
        for one in made:
            one.wait()
        with no_server():
            return gather(made, "double prints")

    assert lonely() == [0, 2, 4, 6, 8]
    warnings = [one.message for one in caplog.records if one.levelname == "WARNING"]
    assert len(warnings) == 2
    assert warnings[0].startswith("progress of double prints cannot be shown in Prefect: ")
