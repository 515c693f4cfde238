"""The shipped templates, as a real Prefect server and the engines' own code read them."""

import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.resources import files
from pathlib import Path
from queue import Queue
from typing import Any
from uuid import uuid4

import pytest
import yaml
from prefect import flow
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.system import Secret
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Failed, Running
from prefect.utilities.asyncutils import run_coro_as_sync
from prefect.variables import Variable
from prefect.workers.base import BaseJobConfiguration
from pydantic import SecretStr

from artgan.config import DeploySettings

HERE = files("deployments")
POOLS = ["docker", "docker-gpu", "kubernetes", "kubernetes-gpu"]
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def client(start_server: Callable[..., str]) -> Iterator[SyncPrefectClient]:
    with temporary_settings({PREFECT_API_URL: start_server()}), get_client(sync_client=True) as one:
        yield one


def template_of(pool: str) -> dict[str, Any]:
    return json.loads((HERE / "pools" / f"{pool}.json").read_text())


def engine(pool: str) -> tuple[type[Any], type[Any]]:
    """Return the worker and the job configuration that the engine's package brings."""
    kind = pool.partition("-")[0]
    module = pytest.importorskip(
        f"prefect_{kind}.worker", reason=f"the {kind} extra is not installed"
    )
    name = kind.capitalize()
    return getattr(module, f"{name}Worker"), getattr(module, f"{name}WorkerJobConfiguration")


def configure(pool: str, values: dict[str, Any]) -> BaseJobConfiguration:
    """Fill a template with job variables as the engine's worker does."""
    _, configuration = engine(pool)
    return run_coro_as_sync(configuration.from_template_and_values(template_of(pool), values))


@pytest.mark.parametrize("pool", POOLS)
def test_template_is_the_engines_own_with_fewer_knobs(pool: str) -> None:
    worker, _ = engine(pool)
    given, official = template_of(pool), worker.get_default_base_job_template()
    assert set(given["job_configuration"]) <= set(official["job_configuration"])
    ours = set(given["variables"]["properties"]) - set(official["variables"]["properties"])
    assert ours == ({"gpus"} if pool == "kubernetes-gpu" else set())
    for field in given["variables"]["properties"].values():
        assert field["title"]
        assert field["description"]


@pytest.mark.parametrize("pool", POOLS)
def test_server_accepts_the_template_and_checks_job_variables(
    pool: str, client: SyncPrefectClient
) -> None:
    kind = pool.partition("-")[0]
    client.create_work_pool(
        WorkPoolCreate(name=pool, type=kind, base_job_template=template_of(pool))
    )
    flow_id = client.create_flow_from_name(f"flow-{pool}")
    good = {"image": "artgan:1", "env": {"ARTGAN_TASK_RUNNER": "dask"}}
    client.create_deployment(flow_id, name="good", work_pool_name=pool, job_variables=good)
    with pytest.raises(PrefectHTTPStatusError, match="image"):
        client.create_deployment(
            flow_id, name="bad", work_pool_name=pool, job_variables={"image": 7}
        )


@pytest.mark.parametrize("pool", ["kubernetes", "kubernetes-gpu"])
def test_job_asks_for_what_it_needs(pool: str, client: SyncPrefectClient) -> None:
    assert client.api_url
    filled: Any = configure(pool, {"env": {"ARTGAN_TASK_RUNNER": "ray"}, "image": "artgan:1"})
    container = filled.job_manifest["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "artgan:1"
    assert container["imagePullPolicy"] == "IfNotPresent"
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    assert container["resources"]["limits"].get("nvidia.com/gpu") == (1 if "gpu" in pool else None)
    assert filled.env["ARTGAN_TASK_RUNNER"] == "ray"
    assert filled.env["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
    assert "{{" not in json.dumps(container | {"args": None})


@pytest.mark.parametrize("pool", ["docker", "docker-gpu"])
def test_container_gets_credentials_from_blocks(pool: str, client: SyncPrefectClient) -> None:
    assert client.api_url
    Variable.set("artgan_s3_endpoint", "http://store:9000", overwrite=True)
    Variable.set("artgan_s3_region", "eu-west-1", overwrite=True)
    for name in ("access", "secret"):
        Secret(value=SecretStr(f"the {name} key")).save(f"artgan-s3-{name}-key", overwrite=True)
    filled: Any = configure(pool, {"env": {"ARTGAN_TASK_RUNNER": "threads"}})
    assert filled.env["AWS_SECRET_ACCESS_KEY"] == "the secret key"
    assert filled.env["AWS_ENDPOINT_URL"] == "http://store:9000"
    assert filled.env["ARTGAN_TASK_RUNNER"] == "threads"
    assert filled.image == "artgan"
    assert not filled.privileged


def test_docker_understands_the_device_request() -> None:
    containers = pytest.importorskip("docker.types", reason="the docker extra is not installed")
    template = template_of("docker-gpu")
    settings = template["variables"]["properties"]["container_create_kwargs"]["default"]
    host = containers.HostConfig(version="1.50", **settings)
    assert host["DeviceRequests"][0]["Count"] == 1
    assert host["DeviceRequests"][0]["Capabilities"] == [["gpu"]]


class Sink(BaseHTTPRequestHandler):
    """Keeps what is posted to it."""

    posted: "Queue[dict[str, str]]"

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        self.posted.put(json.loads(self.rfile.read(length)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def sink() -> Iterator[HTTPServer]:
    Sink.posted = Queue()
    server = HTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_alerts_are_accepted_and_a_failed_night_is_told(
    client: SyncPrefectClient, sink: HTTPServer
) -> None:
    hook = CustomWebhookNotificationBlock(
        name="ops",
        url=f"http://127.0.0.1:{sink.server_port}/",
        headers=None,
        cookies=None,
        json_data={"subject": "{{subject}}", "body": "{{body}}"},
    )
    block_id = hook.save(f"ops-{uuid4()}")
    text = (HERE / "alerts.example.yaml").read_text()
    assert NOBODY in text
    alerts = yaml.safe_load(text.replace(NOBODY, str(block_id)))["automations"]
    for alert in alerts:
        client.create_automation(AutomationCore.model_validate(alert))
    names = {alert["name"] for alert in alerts}
    assert {client.read_automations_by_name(name)[0].name for name in names} == names

    @flow(name="night")
    def night() -> None:
        """Nothing to do."""

    flow_id = client.create_flow(night)
    deployment_id = client.create_deployment(flow_id, name="nightly")
    run = client.create_flow_run_from_deployment(deployment_id)
    client.set_flow_run_state(run.id, Running(), force=True)
    client.set_flow_run_state(run.id, Failed(message="no space left"), force=True)
    told = Sink.posted.get(timeout=30)
    assert told["subject"] == "artgan nightly failed"
    assert "no space left" in told["body"]
    assert str(run.id) in told["body"]


def services() -> dict[str, Any]:
    return yaml.safe_load((HERE / "compose.yaml").read_text())["services"]


def test_images_are_pinned_and_name_no_registry() -> None:
    for name, service in services().items():
        image = service["image"]
        if "build" in service:
            assert image == DeploySettings.model_fields["image"].default, name
            continue
        assert re.fullmatch(r"([a-z0-9-]+/)?[a-z0-9-]+:[\w.-]*\d[\w.-]+", image), name


def test_every_variable_of_compose_is_explained_and_secrets_have_no_value() -> None:
    wanted = set(re.findall(r"\$\{(\w+)", (HERE / "compose.yaml").read_text()))
    example = (HERE / "env.example").read_text()
    offered = dict(re.findall(r"^#? ?([A-Z]\w+)=(.*)$", example, re.MULTILINE))
    assert wanted <= set(offered)
    for name, value in offered.items():
        assert value == "" or not re.search("PASSWORD|SECRET", name), name


def test_long_lived_services_restart_and_say_whether_they_are_well() -> None:
    for name, service in services().items():
        if service["restart"] == "no":
            continue
        assert service["restart"] == "unless-stopped", name
        assert "healthcheck" in service or name == "services", name


def test_every_service_that_is_waited_for_exists() -> None:
    every = services()
    for service in every.values():
        for name, condition in service.get("depends_on", {}).items():
            wanted = condition["condition"]
            if wanted == "service_healthy":
                assert "healthcheck" in every[name]
            if wanted == "service_completed_successfully":
                assert every[name]["restart"] != "unless-stopped"


def test_compose_reads_the_file(tmp_path: Path) -> None:
    """With Debian's docker-compose, which needs no daemon for this."""
    environment = tmp_path / "env"
    example = (HERE / "env.example").read_text()
    environment.write_text(re.sub(r"^([A-Z]\w+)=$", r"\1=x", example, flags=re.MULTILINE))
    command = ["docker-compose", "--env-file", str(environment)]
    command += ["-f", str(HERE / "compose.yaml"), "config", "--quiet"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("docker-compose is not installed")
    assert done.returncode == 0, done.stderr
