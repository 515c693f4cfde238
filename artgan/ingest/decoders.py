"""Decode files in child processes, so that a codec that crashes or hangs costs one file.

Each thread has a child of its own, which is used again for file after file and dies with the
thread. It has no credentials, no secrets in its environment and limits of the kernel on memory and
time; see `artgan.ingest.decoder_child`. These limits contain mistakes and bombs. Against code that
runs in a codec they are one wall of several: run workers in a container as well.
"""

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
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from artgan.errors import ArtganError
from artgan.imaging.hashes import file_sha256
from artgan.imaging.look import SMALL_SIDE_PX, Look
from artgan.imaging.write import AccessForm
from artgan.ingest.discover import FoundFile
from artgan.ingest.inspect import Accepted, Refused
from artgan.signing import Signature
from artgan.tether import PARENT, tethered

Order = dict[str, Any]

CRASHED = "decoder_crashed"
TIMED_OUT = "decoder_timeout"
_CHILD = "artgan.ingest.decoder_child"
_FILES_EACH = 500  # then a new child, so that what codecs leak never adds up
_STARTS_WITHIN_S = 120.0
_TRIES = 2
_MOST_PIXELS = 20_000_000_000
_PIECE = 1 << 20
_LONGEST_LINE = 1 << 26
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


@dataclass(frozen=True)
class Examined:
    """What a file says and looks like.

    Attributes:
        sha256: Of its bytes.
        format: Container by content.
        size: Width and height in pixels, upright.
        look: What it looks like.
        mark: What its packet says; see `artgan.provenance.read_xmp`.
        mark_problem: Why the packet cannot be read.
        signature: What its Content Credentials say.
    """

    sha256: str
    format: str
    size: tuple[int, int]
    look: Look
    mark: dict[str, str]
    mark_problem: str | None
    signature: Signature


class DecoderDiedError(ArtganError):
    """A child that did not live to reply.

    Attributes:
        reason: Reason code.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def judge_scan(
    path: Path, found: FoundFile, max_pixels: int, form: AccessForm, limits: Limits
) -> Iterator[Accepted | Refused]:
    """Judge a candidate scan as `artgan.ingest.inspect.inspect` does, in a child.

    Where a child dies, the page is tried once more by a new one; then it is refused, and the pages
    behind it with it.

    Args:
        path: The file on this machine.
        found: The file as it was found.
        max_pixels: Largest page accepted, in pixels.
        form: What the access copies are to be.
        limits: What decoding may use.
    """
    order = {"what": "scan", "form": asdict(form), "max_pixels": max_pixels}
    yield from _judged(order, path, found, limits)


def judge_mask(
    path: Path, found: FoundFile, scan: Mapping[str, Any] | None, limits: Limits
) -> Accepted | Refused:
    """Judge a damage mask as `artgan.ingest.masks.inspect_mask` does, in a child."""
    known = None if scan is None else dict(scan)
    pixels = 1 if known is None else known["width_px"] * known["height_px"]
    order = {"what": "mask", "scan": known, "max_pixels": max(pixels, 1_000_000)}
    (judged,) = _judged(order, path, found, limits)  # to its end, or the child would be replaced
    return judged


def examine(path: Path, anchors: str | None, limits: Limits) -> Examined | Refused:
    """Look at a file that came from anywhere, in a child.

    Args:
        path: The file.
        anchors: PEM of the certificates whose signatures are trusted.
        limits: What decoding may use.

    Returns:
        What it says and looks like; or why it is no picture.
    """
    order = {"what": "look", "anchors": anchors, "max_pixels": _MOST_PIXELS}
    found = FoundFile("", path.name, path.stat().st_size, "", "scan")
    (seen,) = _judged(order, path, found, limits)
    assert not isinstance(seen, Accepted)
    return seen


def _judged(order: Order, path: Path, found: FoundFile, limits: Limits) -> Iterator[Any]:
    order |= {"path": str(path), "found": asdict(found), "seconds": limits.seconds}
    page = pages = 1
    death = DecoderDiedError(CRASHED, "")
    for attempt in range(_TRIES):
        child = _child(limits, is_new=attempt > 0)
        try:
            for message, content in child.ask(order | {"first_page": page}, limits.seconds):
                if "page" in message:
                    page, pages = message["page"], message["of"]
                elif "looked" in message:
                    yield _examined(path, message["looked"], content)
                elif "accepted" in message:
                    yield Accepted(message["accepted"], content, message["extension"])
                else:
                    yield Refused(**message["refused"])
        except DecoderDiedError as error:
            death = error
            _log.warning("%s, page %d: %s", found.path, page, error)
            if death.reason == TIMED_OUT:
                break
        else:
            return
    yield from _given_up(path, found, death, range(page, pages + 1))


def _examined(path: Path, facts: dict[str, Any], content: bytes) -> Examined:
    small = np.frombuffer(content, np.uint8).reshape(SMALL_SIDE_PX, SMALL_SIDE_PX, 3)
    return Examined(
        sha256=file_sha256(path),
        format=facts["format"],
        size=(facts["width_px"], facts["height_px"]),
        look=Look(facts["phash"], small),
        mark=facts["mark"],
        mark_problem=facts["mark_problem"],
        signature=Signature(**facts["signature"]),
    )


def _given_up(
    path: Path, found: FoundFile, death: DecoderDiedError, pages: range
) -> Iterator[Refused]:
    digest, last = file_sha256(path), pages.stop - 1
    for page in pages:
        name = f"{found.path} page {page}" if last > 1 else found.path
        behind = f"page {pages.start} before it: " if page > pages.start else ""
        message = (
            f"{name} must be decodable, got {behind}{death} Save the picture anew with another "
            "program; to have the same file tried again, copy it to the inbox again."
        )
        yield Refused(death.reason, message, digest, page if last > 1 else None)


def _child(limits: Limits, *, is_new: bool = False) -> "_Child":
    """Return the child of this thread, started if there is none or if it has served its time."""
    child: _Child | None = getattr(_own, "child", None)
    if child is not None and (is_new or not child.can_serve(limits)):
        child.end()
        child = None
    if child is None:
        child = _own.child = _Child(limits)
    return child


def end_child() -> None:
    """End the child of this thread, if it has one."""
    child: _Child | None = getattr(_own, "child", None)
    if child is not None:
        child.end()
        _own.child = None


def child_process() -> int | None:
    """Return the process id of this thread's child, None if it has none."""
    child: _Child | None = getattr(_own, "child", None)
    return child.process.pid if child is not None else None


def child_cpu_s() -> float:
    """Processor time of this thread's child up to its last file, in seconds."""
    child: _Child | None = getattr(_own, "child", None)
    return child.cpu_s if child is not None else 0.0


class _Child:
    """One child process, and what was said with it."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.cpu_s = 0.0
        self._orders = 0
        self._unread = bytearray()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        self._folder = tempfile.TemporaryDirectory(prefix="artgan-decoder-")
        command = [sys.executable, "-P", "-m", _CHILD, str(limits.memory_mb)]
        self.process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            tethered(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=self._environment(),
            cwd=self._folder.name,
            start_new_session=True,
        )
        self._is_busy = True
        message, _ = self._receive(time.monotonic() + _STARTS_WITHIN_S)
        self._is_busy = "ready" not in message

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
        return is_well and self.limits == limits and self._orders < _FILES_EACH

    def ask(self, order: Order, seconds: float) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Give an order and yield each reply with its bytes.

        Raises:
            DecoderDiedError: If the child dies, or is killed because a page takes too long.
        """
        assert self.process.stdin is not None
        self._orders += 1
        self._is_busy = True
        try:
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise self._death() from error
        while True:
            message, content = self._receive(time.monotonic() + seconds)
            if "end" in message:
                self._is_busy, self.cpu_s = False, message["cpu_s"]
                return
            if "died" in message:
                words = f"pages that need more than {self.limits.memory_mb} MB of memory."
                raise DecoderDiedError(message["died"], words)
            yield message, content

    def _receive(self, until_s: float) -> tuple[dict[str, Any], bytes]:
        while (end := self._unread.find(b"\n")) < 0:
            self._read(until_s)
            if len(self._unread) > _LONGEST_LINE:
                raise self._death()
        message = json.loads(self._unread[:end])
        del self._unread[: end + 1]
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
