"""Take the network away from this process, where the kernel lets it.

What breaks out of a codec then reaches no other machine, and no service of this one. Whoever is
not root needs a user namespace for it, which containers and some distributions forbid; root needs
the right to make a network namespace, which containers do not give either.
"""

import ctypes
import os
import sys
from pathlib import Path

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_NO_NEW_PRIVILEGES = 38
_CAPABILITIES = 0x20080522
_TASKS = Path("/proc/self/task")


def leave_network() -> bool:
    """Move this process, while it is one thread, where no network is; say whether it is there.

    Root keeps its own user: in another one it could not read the files of others any more.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if len(list(_TASKS.iterdir())) > 1:  # the others would keep it
        return False
    is_root = os.geteuid() == 0
    if libc.unshare(_NEW_NETWORK if is_root else _NEW_USER | _NEW_NETWORK):
        return False
    if not is_root:
        _give_up_capabilities(libc)
    return True


def _give_up_capabilities(libc: ctypes.CDLL) -> None:
    """Give up what a new user namespace gives: the kernel has more to attack with it."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)())
