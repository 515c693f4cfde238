"""Memory of this process, as the C library of most Linux systems keeps it; no other is touched.

It keeps freed blocks of up to 32 MB for later. A network that runs over windows of many sizes frees
blocks that the next window does not fit into, and a process grows by hundreds of megabytes the
longer it works.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3)
_APART_BYTES, _USUAL_BYTES = 4 << 20, 32 << 20


def give_back() -> None:
    """Return what is free to the system.

    Else what comes next is put on top of what a network that has run left behind.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def blocks_apart() -> Iterator[None]:
    """Return each block of 4 MB and more to the system when it is freed, for a while.

    Afterwards blocks are kept as usual. Not to be nested, and not for many small sums: each new
    block has to be laid out by the system again, which takes longer than to add two.
    """
    _set_thresholds(_APART_BYTES)
    try:
        yield
    finally:
        _set_thresholds(_USUAL_BYTES)


def _set_thresholds(mmap_bytes: int) -> None:
    with suppress(AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, mmap_bytes)
        library.mallopt(_TRIM_THRESHOLD, 2 * _USUAL_BYTES)  # what is set stands: both or none
