"""Memory of this process."""

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Return what is free to the system.

    The C library of most Linux systems keeps the free memory of a network that has run, often half
    a gigabyte, and what comes next is put on top of it. Elsewhere nothing happens.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
