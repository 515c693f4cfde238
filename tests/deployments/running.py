"""The service as an operator starts it, for tests: begun, asked, killed, begun again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Cancelling

from deployments.apply import server_client
from tests.nights import WORKS


def free_address() -> str:
    """Address of an API on a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/api"


@dataclass
class Service:
    """``artgan serve`` with two devices, stood in for by their numbers."""

    folder: Path
    inbox: Path
    lay_database: Callable[[Path], None]
    server: str = field(default_factory=free_address)
    process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def locks(self) -> Path:
        return self.folder / "locks"

    def begin(self) -> None:
        """Start it, and wait until it says where its pages are."""
        command = [sys.executable, "-m", "flows", "serve", "--root", str(self.root)]
        command += ["--inbox", str(self.inbox), "--home", str(self.home), "--server", self.server]
        command += ["--devices", "2", "--preset", "smoke"]
        command += ["--nightly-at", "30 1 * * *", "--timezone", "Europe/Amsterdam"]
        environment = {
            **os.environ,
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "ARTGAN_LOCKS": str(self.locks),
        }
        if not self.home.exists():
            self.lay_database(self.home / "prefect.db")
        log = self.folder / f"serve-{time.monotonic_ns()}.log"
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                command, env=environment, stdout=out, stderr=subprocess.STDOUT
            )
        eventually(lambda: "Open http" in log.read_text(), 300)

    def end(self) -> None:
        """Interrupt it; nothing of it may stay."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
        assert self.processes() == []

    def lose_power(self) -> None:
        """Kill everything of it at once."""
        assert self.process is not None
        for one in [self.process.pid, *self.processes()]:
            kill_if_there(one)
        self.process.wait(10)
        eventually(lambda: not self.processes(), 30)

    def processes(self) -> list[int]:
        """Process ids of the server, the workers and their runs."""
        return processes(f"PREFECT_HOME={self.home}", part="environ")

    @property
    def client(self):
        return server_client(self.server)

    def settings(self, **more: Any) -> dict[str, Any]:
        return {"root": str(self.root), **more}

    def start(self, name: str, settings: dict[str, Any]) -> UUID:
        with self.client as client:
            deployment = client.read_deployment_by_name(f"{name}/{name}")
            parameters = {"settings": settings}
            return client.create_flow_run_from_deployment(deployment.id, parameters=parameters).id

    def runs(self, deployment: UUID) -> list[FlowRun]:
        """The runs of a deployment; of all runs together a server gives 200, scheduled ones too."""
        which = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment]))
        with self.client as client:
            return client.read_flow_runs(flow_run_filter=which)

    def read(self, run: UUID) -> FlowRun:
        with self.client as client:
            return client.read_flow_run(run)

    def wait(self, run: UUID, seconds: float = 800) -> FlowRun:
        def ended() -> FlowRun | None:
            found = self.read(run)
            done = found.state_type in {StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED}
            return found if done else None

        return eventually(ended, seconds)

    def flow_process(self, run: UUID) -> int:
        """Process id of a run, once it runs."""

        def found() -> int | None:
            flow_run = self.read(run)
            if flow_run.state_type != StateType.RUNNING or not flow_run.infrastructure_pid:
                return None
            return int(flow_run.infrastructure_pid.rsplit(":", 1)[-1])

        return eventually(found, 240)

    def cancel(self, run: UUID) -> None:
        with self.client as client:
            client.set_flow_run_state(run, Cancelling())

    def long_training(self, seed: int) -> UUID:
        """Start a training of a minute and more, and wait until it trains."""
        asked = self.settings(collections=["hard_edge"], kinds=["simulation"], preset="demo")
        run = self.start("train", asked | {"min_works": WORKS // 2, "force": True, "seed": seed})
        eventually(lambda: training_children(self.root), 400)
        return run

    def ran_on(self, run: FlowRun, device: str) -> bool:
        log = (self.home / "logs" / f"worker-gpu-{device}.log").read_text()
        return f"Flow run '{run.name}'" in log

    def logs(self) -> str:
        return "".join(path.read_text() for path in sorted((self.home / "logs").glob("*.log")))

    def chunks_made(self) -> Counter[str]:
        """How often each chunk was made, by its key, as the workers' logs say.

        Checks of fixity are left out: every night makes its own.
        """
        lines = [line for line in self.logs().splitlines() if ": chunk " in line]
        lines = [line for line in lines if "fixity/archive: chunk " not in line]
        made = [line.split(": chunk ")[1] for line in lines if " made, " in line]
        return Counter(words.split(" ")[0] for words in made)


def eventually(find: Callable[[], Any], seconds: float) -> Any:
    """Ask again and again until there is an answer."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = find()
        if found:
            return found
        time.sleep(0.2)
    raise TimeoutError(f"no answer within {seconds} s")


def processes(*words: str, part: str = "cmdline") -> list[int]:
    """Return the ids of processes whose command line, or environment, holds all words."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / part).read_bytes().replace(b"\0", b" ").decode()
            state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if state != "Z" and all(word in line for word in words):
            found.append(int(folder.name))
    return found


def training_children(root: Path) -> list[int]:
    return processes("artgan.training.child", str(root))


def kill_if_there(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return
