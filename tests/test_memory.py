import ctypes
import json
import subprocess
import sys

import pytest

# Uses memory as a network does: frees blocks of 8 MB that lie between small ones still used.
SCRIPT = """
import json
from pathlib import Path
import numpy as np
from artgan.memory import blocks_apart

def held():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1024

def growth():
    before = held()
    pairs = [(np.ones(8 << 20, np.uint8), np.ones(70_000, np.uint8)) for _ in range(20)]
    kept.extend(small for _, small in pairs)
    del pairs
    return held() - before

kept = []
with blocks_apart():
    apart = growth()
print(json.dumps([apart, growth()]))
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"),
    reason="not the C library of most Linux systems: it keeps its memory in another way",
)
def test_what_a_network_frees_goes_back_to_the_system_at_once_and_is_kept_again_afterwards():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True)
    apart_mib, kept_mib = json.loads(done.stdout)
    assert apart_mib < 4
    assert kept_mib > 40
