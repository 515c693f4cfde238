"""The decoder of a thread: a child process that is used again for file after file.

It dies with its thread. Replies are JSON lines, with bytes behind those that name a number of
them; see `artgan.ingest.decoder_child` for the other end.
"""

import fcntl
import json
import logging
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from artgan.errors import ArtganError
from artgan.tether import PARENT, tethered

Order = dict[str, Any]

CRASHED = "decoder_crashed"
TIMED_OUT = "decoder_timeout"
_CHILD = "artgan.ingest.decoder_child"
_MOST_KEPT_MB = 1000  # between files; then a new child, so that what codecs leak never adds up
_STARTS_WITHIN_S = 120.0
_PIECE = 1 << 20
_LONGEST_LINE = 1 << 26
_MOST_BYTES = 1 << 33
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")

_log = logging.getLogger(__name__)
_own = threading.local()


@dataclass(frozen=True)
class Limits:
    """What a child may use.

    Attributes:
        memory_mb: Its address space.
        seconds: For one page, of the clock and of the processor.
    """

    memory_mb: int = 8000
    seconds: float = 600.0


class DecoderDiedError(ArtganError):
    """A child that did not live to reply.

    Attributes:
        reason: Reason code.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def own_child(limits: Limits, *, is_new: bool = False) -> "Child":
    """Return the child of this thread, started if there is none or if it has served its time."""
    child: Child | None = getattr(_own, "child", None)
    if child is not None and (is_new or not child.can_serve(limits)):
        end_child()
        child = None
    if child is None:
        child = _own.child = Child(limits)
    return child


def end_child() -> None:
    """End the child of this thread, if it has one."""
    child: Child | None = getattr(_own, "child", None)
    if child is not None:
        _own.earlier_cpu_s = child_cpu_s()
        child.end()
        _own.child = None


def child_process() -> int | None:
    """Return the process id of this thread's child, None if it has none."""
    child: Child | None = getattr(_own, "child", None)
    return child.process.pid if child is not None else None


def child_cpu_s() -> float:
    """Processor time of this thread's children, each up to its last file, in seconds."""
    child: Child | None = getattr(_own, "child", None)
    earlier_s: float = getattr(_own, "earlier_cpu_s", 0.0)
    return earlier_s + (child.cpu_s if child is not None else 0.0)


@cache
def _say_that_network_is_kept() -> None:
    _log.info("decoders keep the network: the kernel does not let them leave it")


class Child:
    """One child process, and what was said with it.

    Attributes:
        most_bytes: Bytes behind a reply at most; a child that names more is none of ours any more.
    """

    def __init__(self, limits: Limits, module: str | None = None) -> None:
        self.limits = limits
        self.most_bytes = _MOST_BYTES
        self.cpu_s = 0.0
        self._kept_mb = 0.0
        self._unread = bytearray()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        self._folder = tempfile.TemporaryDirectory(prefix="artgan-decoder-")
        command = [sys.executable, "-P", "-m", module or _CHILD, str(limits.memory_mb)]
        self.process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            tethered(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=self._environment(),
            cwd=self._folder.name,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        with suppress(OSError):  # a picture in one piece instead of many; some users may not
            fcntl.fcntl(self.process.stdout, fcntl.F_SETPIPE_SZ, _PIECE)
        self._is_busy = True
        message, _ = self._receive(time.monotonic() + _STARTS_WITHIN_S)
        self._is_busy = "ready" not in message
        if not message.get("alone"):
            _say_that_network_is_kept()

    def _environment(self) -> dict[str, str]:
        passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return passed | {
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "OMP_NUM_THREADS": "1",
            "TMPDIR": self._folder.name,
            "VIPS_BLOCK_UNTRUSTED": "1",
            "VIPS_WARNING": "1",  # set, it means none: what is wrong is judged, not printed
            PARENT: str(os.getpid()),
        }

    def can_serve(self, limits: Limits) -> bool:
        """Whether it may be given another file."""
        is_well = self.process.poll() is None and not self._is_busy
        return is_well and self.limits == limits and self._kept_mb < _MOST_KEPT_MB

    def ask(self, order: Order, seconds: float) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Give an order and yield each reply with its bytes.

        Raises:
            DecoderDiedError: If the child dies, or is killed because a page takes too long.
        """
        assert self.process.stdin is not None
        self._is_busy = True
        try:
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise self._death() from error
        while True:
            message, content = self._receive(time.monotonic() + seconds)
            if "end" in message:
                self._is_busy = False
                self.cpu_s, self._kept_mb = message["cpu_s"], message["memory_mb"]
                return
            if "died" in message:
                words = f"pages that need more than {self.limits.memory_mb} MB of memory."
                raise DecoderDiedError(message["died"], words)
            yield message, content

    def _receive(self, until_s: float) -> tuple[dict[str, Any], bytes]:
        while (end := self._unread.find(b"\n")) < 0:
            self._read(until_s)
            if len(self._unread) > _LONGEST_LINE:
                raise self._babbles()
        message = json.loads(self._unread[:end])
        del self._unread[: end + 1]
        if message["bytes"] > self.most_bytes:
            raise self._babbles()
        while len(self._unread) < message["bytes"]:
            self._read(until_s)
        content = bytes(self._unread[: message["bytes"]])
        del self._unread[: message["bytes"]]
        return message, content

    def _read(self, until_s: float) -> None:
        assert self.process.stdout is not None
        pipe = self.process.stdout.fileno()
        if not select.select([pipe], [], [], max(0.0, until_s - time.monotonic()))[0]:
            raise DecoderDiedError(TIMED_OUT, f"no end within {self.limits.seconds:g} seconds.")
        piece = os.read(pipe, _PIECE)
        if not piece:
            raise self._death()
        self._unread += piece

    def _babbles(self) -> DecoderDiedError:
        self.end()
        return DecoderDiedError(CRASHED, "a decoder that said more than it was asked for.")

    def _death(self) -> DecoderDiedError:
        """Tell how the child died."""
        code = self.process.wait()
        if code == -signal.SIGXCPU:
            words = f"more than {self.limits.seconds:g} seconds of work."
            return DecoderDiedError(TIMED_OUT, words)
        if code < 0:
            return DecoderDiedError(
                CRASHED, f"a decoder that died of {signal.Signals(-code).name}."
            )
        self._said.seek(0)
        last = self._said.read().decode(errors="replace").strip().splitlines()[-1:] or ["no words"]
        return DecoderDiedError(CRASHED, f"a decoder that ended with {last[0][:300]!r}.")

    def end(self) -> None:
        """Kill the child and wait until it is gone."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self._said):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:  # an order that nobody will read
                _log.debug("an order was left unread")
        self._folder.cleanup()
