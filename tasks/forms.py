"""The forms of the deployments: collections by name, places fixed.

A deployment's form is its flow's settings class as JSON Schema. This adds what only the archive
knows, and the server then refuses any other value before a run exists.
"""

from collections.abc import Sequence
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import DeploymentSort
from prefect.runtime import deployment as own_deployment

from artgan.catalog.table import Catalog
from artgan.catalog.works import collection_names
from artgan.config import IngestSettings, NightlySettings
from artgan.ingest.discover import chosen_folders
from artgan.storage import open_store

TAG = "artgan"
_AT_MOST = 200
_PLACES = ("root", "inbox")
_COLLECTIONS = ("collections", "contents_from")
_FOR_INBOX = ("nightly", "ingest")


@task(cache_policy=NO_CACHE, task_run_name="offer-collections")
def offer_collections(settings: IngestSettings | NightlySettings) -> None:
    """Bring the drop-downs of the server's forms up to date, if the run came from a deployment."""
    if own_deployment.id is None:
        return
    with get_client(sync_client=True) as client:
        changed = fill_forms(client, settings.root, settings.inbox)
    if changed:
        get_run_logger().info("forms brought up to date: %s", ", ".join(changed))


def fill_forms(
    client: SyncPrefectClient, root: str, inbox: str, defaults: dict[str, Any] | None = None
) -> list[str]:
    """Write places and names of collections into the forms of the archive's deployments.

    Args:
        client: The server's client.
        root: Archive root; deployments for another root are left alone.
        inbox: Inbox.
        defaults: Values to preset, by name, in every form that has such a field; given when
            deployments are made.

    Returns:
        Names of the deployments whose form changed.
    """
    in_catalog = collection_names(Catalog(open_store(root)))
    in_inbox = chosen_folders(open_store(inbox, name="inbox", must_exist=True), [])
    changed = []
    for deployment in read_deployments(client):
        given = dict((deployment.parameters or {}).get("settings", {}))
        if defaults is None and given.get("root") != root:
            continue
        schema = deployment.parameter_openapi_schema or {}
        fields = _fields(schema)
        given |= {name: value for name, value in (defaults or {}).items() if name in fields}
        names = in_inbox if deployment.name in _FOR_INBOX else in_catalog
        before = str([deployment.parameters, schema])
        _offer(fields, names, given)
        if str([{"settings": given}, schema]) != before:
            update = DeploymentUpdate.model_validate(
                {"parameters": {"settings": given}, "parameter_openapi_schema": schema}
            )
            client.update_deployment(deployment.id, update)
            changed.append(deployment.name)
    return changed


def read_deployments(client: SyncPrefectClient) -> list[DeploymentResponse]:
    """Return artgan's deployments on a server."""
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    return client.read_deployments(
        deployment_filter=ours, limit=_AT_MOST, sort=DeploymentSort.NAME_ASC
    )


def _fields(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the settings class in a flow's parameter schema."""
    reference = schema["properties"]["settings"]["$ref"]
    return schema["definitions"][reference.rsplit("/", 1)[1]]["properties"]


def _offer(fields: dict[str, Any], names: Sequence[str], given: dict[str, Any]) -> None:
    """Make drop-downs: the archive's collections, and one place where there is only one."""
    for name in _COLLECTIONS:
        if name in fields and names:
            fields[name]["items"]["enum"] = list(names)
    for name in _PLACES:
        if name in fields and name in given:
            fields[name]["enum"] = [given[name]]
