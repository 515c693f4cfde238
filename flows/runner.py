"""Where the chunks of a flow run: in threads of its process, or on a Dask or Ray cluster.

The engines are Prefect's own. Which one is chosen by ``ARTGAN_TASK_RUNNER``,
``ARTGAN_TASK_WORKERS`` and ``ARTGAN_CLUSTER`` (see `RunnerSettings`), because a flow has its engine
before it has settings.
"""

import importlib
import logging
import os
from collections.abc import Callable
from typing import Any, TypeVar

from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.utilities.annotations import quote
from pydantic import ValidationError

from artgan.config import RunnerSettings
from artgan.errors import InvalidInputError, MissingAssetError

Value = TypeVar("Value")

_VARIABLE = "ARTGAN_"


def task_runner() -> TaskRunner[Any]:
    """Return the task runner that the environment asks for.

    Raises:
        InvalidInputError: If a variable breaks a rule of `RunnerSettings`.
        MissingAssetError: If the engine's package is not installed.
    """
    settings = read_runner_settings()
    match settings.task_runner:
        case "threads":
            return ThreadPoolTaskRunner(max_workers=settings.task_workers)
        case "dask":
            return _dask(settings)
        case "ray":
            return _ray(settings)


def read_runner_settings() -> RunnerSettings:
    """Read the variables that choose the engine."""
    given = {
        name: os.environ[_VARIABLE + name.upper()]
        for name in RunnerSettings.model_fields
        if os.environ.get(_VARIABLE + name.upper())
    }
    try:
        return RunnerSettings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = _VARIABLE + str(first["loc"][0]).upper()
        raise InvalidInputError(f"{name}: {first['msg']}, got {first['input']!r}.") from error


def unsearched(value: Value) -> Value:
    """Hand a large value to a task without Prefect's looking through it for other tasks' results.

    That takes a millisecond an item. The task receives the value itself.
    """
    # Prefect takes the wrapping off for threads; Dask and Ray hand it on to the task.
    wrapped: Any = quote(value)
    return wrapped if read_runner_settings().task_runner == "threads" else value


def _dask(settings: RunnerSettings) -> TaskRunner[Any]:
    runner = _load("prefect_dask", "DaskTaskRunner", "dask")
    logging.getLogger("distributed").setLevel(logging.WARNING)
    if settings.cluster:
        return runner(address=settings.cluster)
    # One thread each: the heavy libraries underneath bring threads of their own.
    workers = {"n_workers": settings.task_workers, "threads_per_worker": 1}
    return runner(cluster_kwargs=workers | {"dashboard_address": "127.0.0.1:0"})


def _ray(settings: RunnerSettings) -> TaskRunner[Any]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    runner = _load("flows.ray_runner", "ReportingRayTaskRunner", "ray")
    if settings.cluster:
        return runner(address=settings.cluster)
    # Ray would join a cluster that it finds on the machine.
    return runner(
        address="local", init_kwargs={"num_cpus": settings.task_workers, "include_dashboard": False}
    )


def _load(module: str, name: str, extra: str) -> Callable[..., TaskRunner[Any]]:
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise MissingAssetError(
            f"ARTGAN_TASK_RUNNER must name an engine that is installed, got {extra!r}. "
            f'Install it with `pip install "artgan[{extra}]"`.'
        ) from error
