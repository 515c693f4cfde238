"""Which accelerators this process may use, and their strict exclusive use.

A device is held by a lock of the kernel on a file named after it. The kernel gives the lock back
when its holder dies, in whatever way, so nothing is ever left to clean up; and it binds all who
ask here, whether a server started them or a person. Devices go by the names that
``CUDA_VISIBLE_DEVICES`` gives them: on one machine use either numbers or UUIDs, not both.
"""

import fcntl
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import takewhile
from pathlib import Path

import torch

from artgan.errors import InvalidInputError

LOCKS = "ARTGAN_LOCKS"
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_NAME = re.compile(r"\d+|(GPU|MIG)-.+")
_POLL_S = 0.2
_MOST_WORDS = 500


def visible_devices() -> list[str]:
    """Return the names of the devices that this process may use.

    Those that ``CUDA_VISIBLE_DEVICES`` lists up to the first that is no device, as CUDA reads it;
    if it is not set, the numbers of all CUDA devices. Listed devices are not looked for: on a
    machine without any, the list stands in for them, one process on the CPU for each.
    """
    listed = os.environ.get(_VISIBLE)
    if listed is None:
        return [str(number) for number in range(torch.cuda.device_count())]
    names = (name.strip() for name in listed.split(","))
    return list(dict.fromkeys(takewhile(_NAME.fullmatch, names)))


def lock_folder() -> Path:
    """Return the folder of the lock files: ``ARTGAN_LOCKS``, or one in the temporary folder.

    It must be the same for all who share the devices, and on a disk of the machine itself.
    """
    return Path(os.environ.get(LOCKS) or Path(tempfile.gettempdir()) / "artgan-devices")


@contextmanager
def hold_devices(
    devices: Sequence[str],
    on_wait: Callable[[str, str], None] = lambda _device, _holder: None,
    purpose: str = "",
) -> Iterator[None]:
    """Hold devices for oneself alone, waiting for those that somebody else holds.

    They are taken in sorted order, so that two who want the same ones never wait for each other.
    A process started meanwhile does not inherit the hold (one that is forked does).

    Args:
        devices: Names, for example from `visible_devices`; none is fine.
        on_wait: Called with a device and the words of its holder before waiting for it, and
            again when the holder changes.
        purpose: What others are told that the devices are used for, besides the process id.

    Raises:
        InvalidInputError: If the lock files cannot be written.
    """
    with ExitStack() as held:
        for device in sorted(set(devices)):
            file = _open(device)
            held.callback(os.close, file)
            _acquire(file, lambda words, device=device: on_wait(device, words))
            os.ftruncate(file, 0)
            os.pwrite(file, f"pid {os.getpid()} {purpose}".strip().encode()[:_MOST_WORDS], 0)
            held.callback(os.ftruncate, file, 0)
        yield


def _open(device: str) -> int:
    folder = lock_folder()
    path = folder / (re.sub(r"[^\w.-]", "_", device) + ".lock")
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o1777)  # mkdir's mode is cut by the umask
        with suppress(FileExistsError):
            made = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR)
            os.fchmod(made, 0o666)
            os.close(made)
        # Without O_CREAT: in a sticky folder the kernel may refuse it on the files of others.
        return os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError as error:
        raise InvalidInputError(
            f"{LOCKS} must be a folder whose files can be written, got {folder} ({error}). "
            "Name one that all who share the devices can write to."
        ) from error


def _acquire(file: int, on_wait: Callable[[str], None]) -> None:
    known = None
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            words = os.pread(file, _MOST_WORDS, 0).decode(errors="replace")
            if words and words != known:
                on_wait(words)
                known = words
            time.sleep(_POLL_S)
        else:
            return
