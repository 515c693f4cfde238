"""Run a command that dies with its parent: ``python -m artgan.tether COMMAND...``.

The parent names itself by its process id in ``ARTGAN_PARENT``. The kernel is asked to kill this
process when the parent is gone, however it went, and the command takes the place of this process
and inherits that. It is itself named as the parent of what it starts, so that tethered workers of
a tethered torchrun die with it. On systems other than Linux the command runs untethered.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PARENT = "ARTGAN_PARENT"
_PR_SET_PDEATHSIG = 1


def tethered(command: Sequence[str]) -> list[str]:
    """Return the command that runs a command tethered to its parent."""
    return [sys.executable, "-m", "artgan.tether", *command]


def main() -> None:
    """Tie this process to its parent, then become the command."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(os.environ[PARENT]):  # it died before the kernel was asked
            sys.exit("The process that started this one is gone.")
    os.environ[PARENT] = str(os.getpid())
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - our own command, no shell


if __name__ == "__main__":
    main()
