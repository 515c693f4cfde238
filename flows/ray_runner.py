"""Prefect's task runner for Ray, with workers that report in full before they are ended.

Ray ends its workers at once when a flow is done. Prefect sends logs and events from a queue in each
process, so those of the last chunks would be lost.
"""

import logging
from typing import Any

from prefect.events.worker import EventsWorker
from prefect_ray import RayTaskRunner

_TIMEOUT_S = 10.0


class ReportingRayTaskRunner(RayTaskRunner[Any]):
    """Runs tasks on Ray; each sends its logs and events before it returns."""

    @staticmethod
    def _run_prefect_task(*upstream: object, **call: Any) -> object:  # noqa: ANN401
        state = RayTaskRunner._run_prefect_task(*upstream, **call)
        for handler in logging.getLogger("prefect.task_runs").handlers:
            handler.flush()
        EventsWorker.drain_all(timeout=_TIMEOUT_S)
        return state
