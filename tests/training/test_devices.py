import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch

from artgan.errors import InvalidInputError
from artgan.training.devices import hold_devices, visible_devices

HOLDER = """
import subprocess, sys, time
from artgan.training.devices import hold_devices
with hold_devices(sys.argv[1:], lambda *_: None, "trains cats"):
    child = subprocess.Popen(["sleep", "60"])
    print(child.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def locks(tmp_path, monkeypatch):
    folder = tmp_path / "locks"
    monkeypatch.setenv("ARTGAN_LOCKS", str(folder))
    return folder


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        ("0", ["0"]),
        ("1, 0", ["1", "0"]),
        ("0,-1,2", ["0"]),
        ("2,2", ["2"]),
        ("GPU-1a,MIG-GPU-1a/2/0", ["GPU-1a", "MIG-GPU-1a/2/0"]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
    ],
)
def test_visible_devices_are_those_listed(monkeypatch, listed, names):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert visible_devices() == names


def test_without_a_list_all_devices_are_visible(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_devices() == [str(number) for number in range(torch.cuda.device_count())]


def test_a_held_device_is_waited_for_until_its_holder_is_killed():
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, "0"], stdout=subprocess.PIPE, text=True
    )
    grandchild = int(holder.stdout.readline())
    waits = []

    def on_wait(device, words):
        waits.append((device, words))
        threading.Timer(0.5, holder.kill).start()

    try:
        with hold_devices(["1"], lambda *_: pytest.fail("device 1 is free")):
            pass
        started = time.monotonic()
        with hold_devices(["0", "1"], on_wait):
            waited_s = time.monotonic() - started
            os.kill(grandchild, 0)  # alive, and yet it does not hold the device
    finally:
        os.kill(grandchild, signal.SIGKILL)
        holder.kill()
        holder.wait()
        holder.stdout.close()
    assert waits == [("0", f"pid {holder.pid} trains cats")]
    assert 0.5 <= waited_s < 5


def test_threads_that_want_the_same_devices_never_overlap_nor_block_each_other():
    inside, most, ended = [], [], []

    def work(devices):
        for _ in range(3):
            with hold_devices(devices, lambda *_: None):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.01)
                inside.pop()
        ended.append(devices)

    wanted = (["0", "1"], ["1", "0"], ["1"])
    threads = [threading.Thread(target=work, args=(d,), daemon=True) for d in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(ended) == 3
    assert max(most) == 1


def test_the_lock_folder_is_for_everybody_and_names_cannot_leave_it(locks):
    with hold_devices(["MIG-GPU-1a/../2", "0"], lambda *_: None):
        pass
    assert locks.stat().st_mode & 0o7777 == 0o1777
    files = sorted(locks.iterdir())
    assert [file.name for file in files] == ["0.lock", "MIG-GPU-1a_.._2.lock"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o666}


def test_a_lock_folder_that_cannot_be_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ARTGAN_LOCKS", str(tmp_path / "file" / "locks"))
    with (
        pytest.raises(InvalidInputError, match="ARTGAN_LOCKS must be a folder"),
        hold_devices(["0"], lambda *_: None),
    ):
        pass
