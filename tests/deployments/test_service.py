"""The service as an operator and a curator use it: nights, forms, refusals, devices."""

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import sync_playwright
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import PrefectHTTPStatusError

from artgan.catalog.schema import TABLES
from artgan.catalog.table import Catalog
from artgan.storage import store_at
from artgan.training.devices import hold_devices
from tasks.forms import read_deployments
from tests.deployments.running import Service, eventually, kill_if_there, training_children
from tests.nights import SETTINGS, WORKS, Night, check_equal, keys_of

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("ARTGAN_TEST_SEED", "0"))


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory,
    night_inbox: Path,
    prefect_database: Callable[[Path], None],
) -> Iterator[Service]:
    running = Service(tmp_path_factory.mktemp("service"), night_inbox, prefect_database)
    try:
        running.begin()
        yield running
    finally:
        running.end()


@pytest.fixture(scope="module")
def night(service: Service) -> UUID:
    """A night during which its training, one of its stages and the night itself are killed."""
    dice = random.Random(SEED)
    settings = service.settings(inbox=str(service.inbox), **SETTINGS)
    run = service.start("nightly", settings)
    os.kill(eventually(lambda: training_children(service.root), 400)[0], signal.SIGKILL)
    stage = eventually(lambda: running_stage(service, {"restore", "simulate", "stylize"}), 300)
    own = service.flow_process(run)
    child = service.flow_process(stage)
    time.sleep(dice.uniform(0, 3))
    os.kill(own, signal.SIGKILL)
    time.sleep(dice.uniform(0, 1))
    kill_if_there(child)
    assert service.wait(run, 600).state_type == StateType.COMPLETED, service.logs()[-5000:]
    return run


def running_stage(service: Service, names: set[str]) -> UUID | None:
    with service.client as client:
        stages = [one.id for one in read_deployments(client) if one.name in names]
    runs = [run for stage in stages for run in service.runs(stage)]
    return next((run.id for run in runs if run.state_type == StateType.RUNNING), None)


def test_a_night_that_is_killed_leaves_what_an_undisturbed_one_does(
    service: Service, night: UUID, undisturbed: Night
) -> None:
    check_equal(service.root, undisturbed.root)
    assert service.read(night).run_count > 1


@pytest.mark.usefixtures("night")
def test_no_chunk_is_made_twice(service: Service) -> None:
    made = service.chunks_made()
    assert made
    assert set(made.values()) == {1}


@pytest.mark.usefixtures("night")
def test_the_second_night_makes_nothing(service: Service) -> None:
    before, made = keys_of(service.root), service.chunks_made()
    settings = service.settings(inbox=str(service.inbox), **SETTINGS)
    run = service.wait(service.start("nightly", settings))
    assert run.state_type == StateType.COMPLETED
    after = keys_of(service.root)
    for name in ("runs", "events"):  # a night checks files
        assert set(before.pop(name)) < set(after.pop(name))
    assert before == after
    assert service.chunks_made() == made


def test_the_night_is_on_the_schedule(service: Service) -> None:
    with service.client as client:
        deployment = client.read_deployment_by_name("nightly/nightly")

    def planned() -> list[FlowRun]:
        return [run for run in service.runs(deployment.id) if run.auto_scheduled]

    run = eventually(planned, 300)[0]
    schedule: Any = deployment.schedules[0].schedule
    assert (schedule.cron, schedule.timezone) == ("30 1 * * *", "Europe/Amsterdam")
    assert run.parameters["settings"]["root"] == str(service.root)
    assert deployment.concurrency_options is not None
    assert deployment.global_concurrency_limit.limit == 1


@pytest.mark.usefixtures("night")
def test_a_run_on_demand_does_what_its_form_says(service: Service) -> None:
    asked = service.settings(
        collections=["hard_edge"], contents_from=["woodblock_views"], contents=3, methods=["color"]
    )
    run = service.wait(service.start("stylize", asked | {"long_side_px": 64}))
    assert run.state_type == StateType.COMPLETED
    rows = Catalog(store_at(str(service.root))).rows(TABLES_BY_NAME["outputs"])
    made = [row for row in rows if row["width_px"] and max(row["width_px"], row["height_px"]) == 64]
    stylized = [row for row in made if row["kind"] == "stylized"]
    assert len(stylized) == 3
    assert {(row["collection"], row["method"]) for row in stylized} == {("hard_edge", "color")}


TABLES_BY_NAME = {table.name: table for table in TABLES}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("stylize", {"collections": ["nobody"]}),
        ("stylize", {"contents": 0}),
        ("stylize", {"methods": ["magic"]}),
        ("stylize", {"root": "/another/archive"}),
        ("simulate", {"works": "many"}),
        ("restore", {"strength": 2}),
        ("nightly", {"inbox": "/nowhere"}),
    ],
)
@pytest.mark.usefixtures("night")
def test_wrong_values_are_refused_before_a_run_exists(
    service: Service, name: str, wrong: dict[str, Any]
) -> None:
    inbox = {"inbox": str(service.inbox)} if name == "nightly" else {}
    before = asked_for(service, name)
    with pytest.raises(PrefectHTTPStatusError) as refused:
        service.start(name, service.settings(**inbox) | wrong)
    assert asked_for(service, name) == before
    said = json.dumps(refused.value.response.json())
    assert next(iter(wrong)) in said


def asked_for(service: Service, name: str) -> set[UUID]:
    """Runs of a deployment that no schedule made."""
    with service.client as client:
        deployment = client.read_deployment_by_name(f"{name}/{name}").id
    return {run.id for run in service.runs(deployment) if not run.auto_scheduled}


@pytest.mark.usefixtures("night")
def test_the_forms_offer_the_collections_by_name(service: Service) -> None:
    with service.client as client:
        schema = client.read_deployment_by_name("stylize/stylize").parameter_openapi_schema
    fields = schema["definitions"]["StylizeSettings"]["properties"]
    names = ["few_sketches", "hard_edge", "woodblock_views"]
    assert fields["collections"]["items"]["enum"] == names
    assert fields["contents_from"]["items"]["enum"] == names


@pytest.mark.usefixtures("night")
def test_two_workers_never_meet_on_a_device(service: Service) -> None:
    def simulate(seed: int) -> UUID:
        asked = service.settings(collections=["hard_edge"], works=2, seed=1000 * seed)
        return service.start("simulate", asked)

    runs = [service.wait(run) for run in [simulate(seed) for seed in range(1, 5)]]
    device_of = {run.id: device for run in runs for device in "01" if service.ran_on(run, device)}
    assert len(device_of) == len(runs)
    for device in "01":
        spans = sorted(
            (run.start_time, run.end_time) for run in runs if device_of[run.id] == device
        )
        assert spans
        assert all(a[1] <= b[0] for a, b in pairwise(spans))


@pytest.mark.usefixtures("night")
def test_a_training_waits_for_a_device_in_use(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTGAN_LOCKS", str(service.locks))
    force = service.settings(
        collections=["hard_edge"], kinds=["restoration"], preset="smoke", force=True, seed=5
    )
    with hold_devices(["0", "1"]):
        run = service.start("train", force | {"min_works": WORKS // 2})
        service.flow_process(run)
        time.sleep(6)
        assert training_children(service.root) == []
        assert service.read(run).state_type == StateType.RUNNING
    assert service.wait(run).state_type == StateType.COMPLETED


CHROMIUM = shutil.which("chromium")


@pytest.fixture
def page(service: Service) -> Iterator[Any]:
    """A page in Debian's Chromium, which writes down what it asks for outside of this machine."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: `apt-get install chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 1600})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        yield page
        browser.close()
    own = service.server.removesuffix("/api")
    assert [url for url in asked if not url.startswith((own, "data:", "blob:"))] == []


@pytest.mark.usefixtures("night")
def test_a_curator_starts_a_stylization_from_the_form(
    service: Service, page: Any, tmp_path: Path
) -> None:
    shots = Path(os.environ.get("ARTGAN_TEST_SHOTS", tmp_path))
    with service.client as client:
        deployment = client.read_deployment_by_name("stylize/stylize").id
    address = service.server.removesuffix("/api")
    page.goto(f"{address}/deployments/deployment/{deployment}/run")
    page.get_by_text("Works for each style").wait_for()
    page.locator(".p-select-button__icon").first.click()
    page.get_by_text("woodblock_views", exact=True).last.click()
    page.keyboard.press("Escape")
    page.locator("input[type=number]").first.fill("2")
    page.locator("input[type=number]").nth(1).fill("96")
    page.keyboard.press("Tab")
    # Prefect's form takes values over a moment after they are typed, later on a busy machine.
    page.wait_for_timeout(3000)
    page.screenshot(path=shots / "form.png")
    before = asked_for(service, "stylize")
    submit = page.get_by_role("button", name="Submit")

    def submitted() -> set[UUID]:
        if submit.count():  # the form is still there: a busy server did not take it
            submit.click()
            page.wait_for_timeout(5000)
        return asked_for(service, "stylize") - before

    new = eventually(submitted, 300)
    run = service.read(new.pop())
    assert run.parameters["settings"]["collections"] == ["woodblock_views"]
    assert run.parameters["settings"]["contents"] == 2
    assert service.wait(run.id).state_type == StateType.COMPLETED
    page.goto(f"{address}/runs/flow-run/{run.id}")
    page.get_by_text("Completed").first.wait_for()
    page.wait_for_timeout(1500)
    page.screenshot(path=shots / "run.png")
    page.get_by_text("Artifacts", exact=True).first.click()
    page.get_by_text("stylize-summary").first.wait_for()
    page.screenshot(path=shots / "artifacts.png")
    page.get_by_text("stylize-summary").first.click()
    page.locator("img[src^='data:image']").first.wait_for()
    page.screenshot(path=shots / "summary.png", full_page=True)
