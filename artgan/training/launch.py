"""Start a training in child processes, one for each visible device, and follow it.

A crash, an out-of-memory kill or a leak of the training therefore never takes the pipeline with
it, and the end of the pipeline, however it comes, ends the training: see `artgan.tether`.
A child writes one JSON line for each report of progress; every other line is a log line.
"""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from select import select
from typing import Any

from artgan.errors import ArtganError, KilledError
from artgan.tether import PARENT, tethered
from artgan.training.devices import hold_devices, visible_devices
from artgan.training.plan import TrainJob, job_to_json

Log = Callable[[int, str], None]
Report = dict[str, Any]

_LAST_WORDS = 2000
_LAST_LINES = 40
_TEARDOWN_S = 30.0
_CHILD = "artgan.training.child"
_LEVEL = re.compile(r"(DEBUG|INFO|WARNING|ERROR|CRITICAL) (?=[\w.]+: )")
_TORCH_LEVEL = re.compile(r"(?:\[rank\d+\]:)?\[?([IWEF])\d{4} \d\d:\d\d:\d\d")
_TORCH_LEVELS = {"I": "INFO", "W": "WARNING", "E": "ERROR", "F": "CRITICAL"}
_SIGNAL = re.compile(r"Signal \d+ \(SIG\w+\) received by PID")
_SUMMARY = "torch/distributed/elastic"

logger = logging.getLogger(__name__)


def launch(
    root: str, job: TrainJob, observe: Callable[[Report], None], log: Log = logger.log
) -> None:
    """Run one training to its end; its files then lie under the job's folder in the root.

    It has the visible devices for itself, and waits for those that another training holds. Where
    there are several, torchrun starts one process for each.

    Args:
        root: Archive root.
        job: What to train.
        observe: Called with each report of progress.
        log: Called with the level and the words of each other line that the training writes,
            as it comes; also says which device is waited for, and who holds it.

    Raises:
        KilledError: If the training was killed; started again, it goes on from its last state.
        ArtganError: If the training ends with an error; its last words are in the message.
        InvalidInputError: If the devices cannot be locked.
    """
    devices = visible_devices()

    def on_wait(device: str, holder: str) -> None:
        log(logging.INFO, f"{job.collection} {job.kind} waits for device {device}: {holder}")

    purpose = f"trains {job.collection} {job.kind} {job.model_id}"
    with (
        hold_devices(devices, on_wait, purpose),
        tempfile.TemporaryDirectory(prefix="artgan-train-") as folder,
    ):
        path = Path(folder) / "job.json"
        path.write_text(job_to_json(job))
        relay = Relay(log)
        command = _command([root, str(path)], len(devices), folder)
        code = _run(command, _environment(len(devices)), observe, relay)
    if code != 0:
        kind = KilledError if code < 0 or relay.told_of_a_signal else ArtganError
        raise kind(
            f"training of {job.collection} {job.kind} must end by itself, got exit code "
            f"{code}. Its last words: {relay.last_words or 'none'}"
        )


def _command(arguments: Sequence[str], processes: int, folder: str) -> list[str]:
    child = [_CHILD, *arguments]
    if processes <= 1:
        return tethered([sys.executable, "-m", *child])
    several = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    several += [f"--nproc-per-node={processes}", f"--log-dir={folder}", "--no-python"]
    return tethered([*several, *tethered([sys.executable, "-m", *child])])


def _environment(processes: int) -> dict[str, str]:
    several = {"OMP_NUM_THREADS": "1"} if processes > 1 else {}  # torchrun's own choice, said early
    return several | os.environ | {PARENT: str(os.getpid())}


def _run(
    command: Sequence[str],
    environment: dict[str, str],
    observe: Callable[[Report], None],
    relay: "Relay",
) -> int:
    child = subprocess.Popen(  # noqa: S603 - our own module, no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        start_new_session=True,
    )
    try:
        _follow(child, observe, relay)
        return child.wait()
    finally:
        _end(child)


def _follow(
    child: subprocess.Popen[str], observe: Callable[[Report], None], relay: "Relay"
) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        report = _report(line)
        if report is None:
            relay(line)
        else:
            observe(report)


def _report(line: str) -> Report | None:
    if line.startswith('{"step"'):
        with suppress(json.JSONDecodeError):
            return json.loads(line)
    return None


def _end(child: subprocess.Popen[str]) -> None:
    """Kill what is left of a training, and wait until nothing of it is."""
    assert child.stdout is not None
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    # torchrun's workers are killed by the kernel; the pipe ends with the last of them.
    pipe, until_s = child.stdout.fileno(), time.monotonic() + _TEARDOWN_S
    while select([pipe], [], [], max(0.0, until_s - time.monotonic()))[0]:
        if not os.read(pipe, 65_536):
            break
    child.stdout.close()


class Relay:
    """Passes lines on with the level that they were written with.

    Lines of Python's and of torch's loggers name their level; a trace is an error to its end, and
    an indented line belongs to the one before it. Anything else is information.

    Args:
        log: Called with level and words of each line.

    Attributes:
        told_of_a_signal: Whether torchrun said that a worker was killed.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._level = logging.INFO
        self._is_trace = False
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        self._is_summary = False
        self.told_of_a_signal = False

    def __call__(self, line: str) -> None:
        """Pass on one line."""
        line = line.rstrip()
        if not line:
            return
        words = self._read_level(line)
        self.told_of_a_signal = self.told_of_a_signal or bool(_SIGNAL.search(line))
        self._is_summary = self._is_summary or _SUMMARY in line
        if not self._is_summary:
            self._last.append(words)
        self._log(self._level, words)

    def _read_level(self, line: str) -> str:
        named, torchs = _LEVEL.match(line), _TORCH_LEVEL.match(line)
        if named or torchs:
            name = named[1] if named else _TORCH_LEVELS[torchs[1]] if torchs else "INFO"
            self._level, self._is_trace = logging.getLevelNamesMapping()[name], False
            return line[named.end() :] if named else line
        if "Traceback (most recent call last)" in line:
            self._level, self._is_trace = logging.ERROR, True
        elif not self._is_trace and not line[0].isspace():
            self._level = logging.INFO
        return line

    @property
    def last_words(self) -> str:
        """The end of what was said, without torchrun's own account of it."""
        return "\n".join(self._last)[-_LAST_WORDS:]
