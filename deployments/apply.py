"""``artgan deploy``: bring a Prefect server's pools, automations and deployments up to date.

Everything is described in ``prefect.yaml``, ``automations.yaml`` and ``pools/`` beside this file.
Running it again changes only what differs.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL, temporary_settings

from artgan.config import DeploySettings
from artgan.errors import ArtganError, InvalidInputError
from artgan.storage import check_conditional_put, open_store
from artgan.training.devices import visible_devices
from flows.checks import check_server
from tasks.forms import fill_forms, read_deployments

_FILES = files("deployments")
CPU_POOL, GPU_POOL = "cpu", "gpu"


def deploy(settings: DeploySettings) -> None:
    """Bring the server in line with the shipped files, for one archive."""
    changed = apply(settings)
    words = ", ".join(changed) or "nothing had changed"
    sys.stdout.write(f"{settings.server}: deployments up to date ({words})\n")


def apply(settings: DeploySettings) -> list[str]:
    """Create or update pools, automations, deployments and forms.

    Returns:
        Names of the deployments whose form changed.

    Raises:
        InvalidInputError: If the server or the places cannot be reached.
        ArtganError: If Prefect refuses a deployment.
    """
    store = open_store(settings.root)
    check_conditional_put(store)
    inbox = open_store(settings.inbox, name="inbox", must_exist=True)
    check_server(settings.server)
    with server_client(settings.server) as client:
        _refuse_other_root(client, settings, store.root)
        _apply_pools(client, settings)
        _apply_automations(client)
        _apply_deployments(settings, store.root)
        defaults = {
            "root": store.root,
            "inbox": inbox.root,
            "preset": settings.preset,
            "weights": settings.weights,
        }
        return fill_forms(client, store.root, inbox.root, defaults)


@contextmanager
def server_client(server: str) -> Iterator[SyncPrefectClient]:
    """Talk to a server that is named, whatever the environment says."""
    with temporary_settings({PREFECT_API_URL: server}), get_client(sync_client=True) as client:
        yield client


def device_count(settings: DeploySettings) -> int:
    """Return how many accelerators serve the gpu pool."""
    return len(visible_devices()) if settings.devices is None else settings.devices


def _refuse_other_root(client: SyncPrefectClient, settings: DeploySettings, root: str) -> None:
    for deployment in read_deployments(client):
        served = deployment.parameters.get("settings", {}).get("root", root)
        if served != root and not settings.move:
            raise InvalidInputError(
                f"root must be the archive that the server works on, {served!r}, got {root!r}. "
                "Give that root, use another server, or say --move."
            )


def _gpu_pool(settings: DeploySettings) -> str:
    return GPU_POOL if device_count(settings) else CPU_POOL


def _apply_pools(client: SyncPrefectClient, settings: DeploySettings) -> None:
    for name in sorted({CPU_POOL, _gpu_pool(settings)}):
        template = _pool_template(settings, name)
        try:
            pool = client.read_work_pool(name)
        except ObjectNotFound:
            create = WorkPoolCreate(name=name, type=settings.pool_type, base_job_template=template)
            client.create_work_pool(create)
            continue
        if pool.type != settings.pool_type:
            raise InvalidInputError(
                f"pool_type must be the type of the server's pool {name!r}, {pool.type}, got "
                f"{settings.pool_type!r}. Delete the pool first: `prefect work-pool delete {name}`."
            )
        if template and template != pool.base_job_template:
            client.update_work_pool(name, WorkPoolUpdate(base_job_template=template))


def _pool_template(settings: DeploySettings, pool: str) -> dict[str, Any]:
    """Return the base job template; the process type's own one is empty here."""
    if settings.pool_type == "process":
        return {}
    name = f"{settings.pool_type}-gpu" if pool == GPU_POOL else settings.pool_type
    template = json.loads((_FILES / "pools" / f"{name}.json").read_text())
    template["variables"]["properties"]["image"]["default"] = settings.image
    return template


def _apply_automations(client: SyncPrefectClient) -> None:
    for given in yaml.safe_load((_FILES / "automations.yaml").read_text())["automations"]:
        wanted = AutomationCore.model_validate(given)
        present = client.read_automations_by_name(wanted.name)
        if not present:
            client.create_automation(wanted)
            continue
        # A paused automation was paused by a person: it stays so.
        wanted = wanted.model_copy(update={"enabled": present[0].enabled})
        # An update forgets which runs are being watched: without need, none is made.
        if _told(present[0]) != _told(wanted):
            client.update_automation(present[0].id, wanted)
        for surplus in present[1:]:
            client.delete_automation(surplus.id)


def _told(automation: AutomationCore) -> object:
    """Return what an automation says, without the marks that the server adds."""
    fields = set(AutomationCore.model_fields)
    return _without_ids(automation.model_dump(include=fields))


def _without_ids(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_ids(part) for name, part in value.items() if name != "id"}
    return [_without_ids(part) for part in value] if isinstance(value, list) else value


def _apply_deployments(settings: DeploySettings, root: str) -> None:
    environment = os.environ | {
        "ARTGAN_ROOT": root,
        "PREFECT_API_URL": settings.server,
        "ARTGAN_GPU_POOL": _gpu_pool(settings),
        "ARTGAN_NIGHTLY_AT": settings.nightly_at,
        "ARTGAN_TIMEZONE": settings.timezone,
        "ARTGAN_TASK_RUNNER": settings.task_runner,
        "ARTGAN_CLUSTER": settings.cluster or "",
    }
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(  # noqa: S603 - our own arguments, no shell
        [*command, "--prefect-file", str(_FILES / "prefect.yaml")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        words = (done.stdout + done.stderr).strip()[-1500:]
        raise ArtganError(f"deployments must be accepted by the server, got: {words}")
