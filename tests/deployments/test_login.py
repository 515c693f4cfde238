"""A server that asks for a password gives nothing without it, and all that we do goes with it."""

from collections.abc import Callable

import httpx
import pytest
from prefect.settings import PREFECT_API_AUTH_STRING, temporary_settings

from artgan.config import ServeSettings
from deployments.apply import server_client
from deployments.serve import server_environment
from deployments.service import look_at_service

LOGIN = "operator:correct-horse"


@pytest.fixture(scope="module")
def server(start_server: Callable[..., str]) -> str:
    return start_server(PREFECT_SERVER_API_AUTH_STRING=LOGIN)


def test_nobody_reads_or_starts_anything_without_it(server: str) -> None:
    for path in ("flow_runs/filter", "deployments/filter", "flows/filter", "logs/filter"):
        assert httpx.post(f"{server}/{path}", json={}).status_code == 401
    assert httpx.post(f"{server}/flows/", json={"name": "x"}).status_code == 401
    assert httpx.get(f"{server}/admin/settings").status_code == 401
    assert (
        httpx.post(f"{server}/flow_runs/filter", json={}, auth=("operator", "x")).status_code == 401
    )


def test_status_says_what_is_missing(server: str) -> None:
    facts = look_at_service(server)
    assert "PREFECT_API_AUTH_STRING" in facts["error"]
    assert "correct-horse" not in str(facts)


def test_with_it_everything_goes(server: str) -> None:
    with temporary_settings({PREFECT_API_AUTH_STRING: LOGIN}):
        assert look_at_service(server)["error"] is None
        with server_client(server) as client:
            assert client.read_work_pools() == []


def test_workers_of_serve_give_the_server_s_own(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ServeSettings(root=str(tmp_path), inbox=str(tmp_path))
    monkeypatch.delenv("PREFECT_API_AUTH_STRING", raising=False)
    monkeypatch.setenv("PREFECT_SERVER_API_AUTH_STRING", LOGIN)
    assert server_environment(settings, tmp_path)["PREFECT_API_AUTH_STRING"] == LOGIN
