import ctypes
import sys
from pathlib import Path

import numpy as np
import pytest

from artgan.memory import blocks_apart

MIB = 1 << 20


def held_mib():
    """Memory of this process that is no file's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1024


def scattered(blocks):
    """Use memory as a network does: free blocks of 4 MB that lie between small ones still used."""
    pairs = [(np.ones(4 * MIB, np.uint8), np.ones(70_000, np.uint8)) for _ in range(blocks)]
    return [small for _, small in pairs]


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"),
    reason="not the C library of most Linux systems: it keeps its memory in another way",
)
def test_what_a_network_frees_goes_back_to_the_system_at_once_and_is_kept_again_afterwards():
    with blocks_apart():
        before = held_mib()
        apart = scattered(20)
        assert held_mib() < before + 4
    together = scattered(20)
    assert held_mib() > before + 40
    assert len(apart + together) == 40
