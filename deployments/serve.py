"""``artgan serve``: the whole service on one machine, in the foreground.

Starts a Prefect server, brings its deployments up to date and keeps workers going: one for the
cpu pool, and one for each share of the machine's accelerators. Whatever ends is started again.
Interrupt it (Ctrl-C, SIGTERM) and everything ends. Started a second time beside itself, it only
brings the deployments up to date.
"""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from artgan.clock import now
from artgan.config import ServeSettings
from artgan.errors import ArtganError, InvalidInputError
from artgan.tether import PARENT, tethered
from artgan.training.devices import visible_devices
from deployments.apply import CPU_POOL, GPU_POOL, apply, device_count, server_client
from deployments.lost import LOOK_FOR, end_silent, resume_crashed

_START_S = 180.0
_POLL_S = 1.0
_RESTART_S = 5.0
_STOP_S = 30.0
_LOG_BYTES = 50_000_000
_LOOK_S = 15.0

_SERVER_LOGIN, _OWN_LOGIN = "PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_AUTH_STRING"
_OF_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


def serve(settings: ServeSettings) -> None:
    """Run server and workers until interrupted.

    Raises:
        InvalidInputError: If the address, the home or the places cannot be used.
        ArtganError: If the server does not come up.
    """
    home = Path(settings.home).expanduser().absolute()
    home.mkdir(parents=True, exist_ok=True)
    with _only_one(home) as first:
        if not first:
            apply(settings)
            _say(f"Already running. Deployments are up to date; open {_page(settings)}")
            return
        _run(settings, home)


def _run(settings: ServeSettings, home: Path) -> None:
    environment = server_environment(settings, home)
    _check_address(settings)
    processes = [_Process("server", _prefect("server", "start"), environment, home / "logs")]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    try:
        _say("Starting the server; the first time in a home this takes about a minute.")
        processes[0].start()
        _wait_for_server(settings, processes[0])
        apply(settings)
        processes += _workers(settings, environment, home / "logs")
        for worker in processes[1:]:
            worker.start()
        _say(f"Open {_page(settings)}\nLogs: {home / 'logs'}\nStop with Ctrl-C.")
        _keep_going(settings, processes)
    except KeyboardInterrupt:
        _say("Stopping.")
    finally:
        for process in reversed(processes):
            process.stop()


def _keep_going(settings: ServeSettings, processes: "list[_Process]") -> None:
    started, looked_s = now(), time.monotonic()
    while True:
        time.sleep(_POLL_S)
        for process in processes:
            process.keep_going()
        if time.monotonic() - looked_s > _LOOK_S and now() - started < LOOK_FOR:
            looked_s = time.monotonic()
            with suppress(httpx.HTTPError), server_client(settings.server) as client:
                end_silent(client, started, now())
                resume_crashed(client, started, now())


def server_environment(settings: ServeSettings, home: Path) -> dict[str, str]:
    """Return the environment of the server and its workers.

    What the operator has set, such as another database, stays.
    """
    address = urlsplit(settings.server)
    ours = {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": settings.server,
        "PREFECT_SERVER_API_HOST": address.hostname or "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(address.port or 80),
        "PREFECT_SERVER_UI_API_URL": settings.server,
    }
    unless_set = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # The newer pages ask a host outside for their settings; the classic ones ask nobody.
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_WORKER_QUERY_SECONDS": "5",
    }
    login = os.environ.get(_SERVER_LOGIN)
    return unless_set | ({_OWN_LOGIN: login} if login else {}) | os.environ | ours


def _workers(
    settings: ServeSettings, environment: Mapping[str, str], logs: Path
) -> "list[_Process]":
    host = socket.gethostname()
    count = device_count(settings)
    # Runs of the cpu pool leave the accelerators to those of the gpu pool.
    without = {"CUDA_VISIBLE_DEVICES": ""} if count else {}
    cpu = _worker(f"{host}-cpu", CPU_POOL, settings.cpu_runs)
    workers = [_Process("worker-cpu", cpu, {**environment, **without}, logs)]
    names = (visible_devices() or [str(number) for number in range(count)])[:count]
    for start in range(0, len(names), settings.devices_per_run):
        share = ",".join(names[start : start + settings.devices_per_run])
        name = f"gpu-{share.replace(',', '-')}"
        command = _worker(f"{host}-{name}", GPU_POOL, 1)
        seen = {**environment, "CUDA_VISIBLE_DEVICES": share}
        workers.append(_Process(f"worker-{name}", command, seen, logs))
    return workers


def _worker(name: str, pool: str, limit: int) -> list[str]:
    return _prefect(
        *("worker", "start", "--name", name, "--pool", pool, "--limit", str(limit)),
        *("--install-policy", "never"),
    )


def _prefect(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "prefect", *arguments]


@dataclass
class _Process:
    """A child that is started again when it ends, with a log of its own."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    logs: Path
    child: subprocess.Popen[bytes] | None = None
    ended_s: float = field(default=0.0)

    def start(self) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        path = self.logs / f"{self.name}.log"
        if path.exists() and path.stat().st_size > _LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        with path.open("ab") as log:
            self.child = subprocess.Popen(  # noqa: S603 - our own arguments, no shell
                tethered(self.command),
                env={**self.environment, PARENT: str(os.getpid())},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def keep_going(self) -> None:
        assert self.child is not None
        code = self.child.poll()
        if code is None:
            self.ended_s = 0.0
        elif not self.ended_s:
            self.ended_s = time.monotonic()
            _say(f"{self.name} ended with code {code}; starting it again. See its log.")
        elif time.monotonic() - self.ended_s >= _RESTART_S:
            self.ended_s = 0.0
            self.start()

    def stop(self) -> None:
        if self.child is None or self.child.poll() is not None:
            return
        self.child.terminate()
        try:
            self.child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def _only_one(home: Path) -> Iterator[bool]:
    """Say whether no other process serves from this home, and keep it so."""
    with (home / "serve.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _check_address(settings: ServeSettings) -> None:
    address = urlsplit(settings.server)
    host, port = address.hostname or "127.0.0.1", address.port or 80
    if host not in _OF_THIS_MACHINE and not os.environ.get(_SERVER_LOGIN):
        _say(
            f"Whoever reaches {host} can start runs and read everything: set {_SERVER_LOGIN} to "
            "name:password, or let only your own machines reach the port."
        )
    with socket.socket() as probe:
        if probe.connect_ex((host, port)) == 0:
            raise InvalidInputError(
                f"server must be an address that is free, got {settings.server!r} in use. Give "
                "another port with --server, or stop what runs there."
            )


def _wait_for_server(settings: ServeSettings, server: _Process) -> None:
    assert server.child is not None
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{settings.server}/health", timeout=_POLL_S).is_success:
                return
        if server.child.poll() is not None:
            break
        time.sleep(_POLL_S / 4)
    raise ArtganError(
        f"server must come up within {_START_S:.0f} s, got none at {settings.server!r}. "
        f"See {server.logs / 'server.log'}."
    )


def _page(settings: ServeSettings) -> str:
    return settings.server.removesuffix("/api")


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()
