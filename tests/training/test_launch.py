"""Trainings in real child processes: killed, resumed, on several devices, and what they say."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from artgan.errors import ArtganError
from artgan.imaging.write import png_bytes
from artgan.storage import open_store
from artgan.training.devices import hold_devices
from artgan.training.launch import Relay, launch
from artgan.training.plan import TrainJob, Works, job_from_json, job_to_json

STEPS = 64  # enough to be killed in their midst
FLOW = """
import signal, sys
from pathlib import Path
from artgan.training.launch import launch
from artgan.training.plan import job_from_json
if __name__ == "__main__":
    # What runs in the background inherits that interrupts are ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    observe = lambda report: print(report["step"], flush=True)
    launch(sys.argv[1], job_from_json(Path(sys.argv[2]).read_text()), observe)
"""


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTGAN_LOCKS", str(tmp_path / "locks"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")  # kinder to a busy machine, same numbers


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A root with a few works, and the smallest job on them."""
    root = tmp_path_factory.mktemp("root")
    store = open_store(str(root))
    rng = np.random.default_rng(0)
    paths = [f"access/{number}.png" for number in range(6)]
    for path in paths:
        blocks = rng.integers(0, 256, (9, 10, 3), dtype=np.uint8)
        store.write(path, png_bytes(np.kron(blocks, np.ones((16, 16, 1), np.uint8))))
    train, val = (Works(tuple(part), tuple(part)) for part in (paths[:3], paths[3:]))
    return root, TrainJob("restoration", "cats", "smoke", STEPS, 0, train, val)


@pytest.fixture(scope="module")
def undisturbed(archive):
    """The model of a training that nothing happened to."""
    root, job = archive
    reports, lines = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        patch.setenv("OMP_WAIT_POLICY", "passive")
        launch(str(root), job, reports.append, lambda level, line: lines.append((level, line)))
    return model(root, job), reports, lines


def model(root, job):
    return json.loads((root / job.folder / "model.json").read_text())


def moved(archive, folder):
    """The same works under another root."""
    root, job = archive
    (folder / "access").parent.mkdir(exist_ok=True)
    (folder / "access").symlink_to(root / "access")
    return folder, job


def family_of(pid):
    """Process ids below a process, itself left out."""
    below = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            below += [int(entry.name)] if parent == pid else []
    return below + [child for one in below for child in family_of(one)]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def interrupt(root, job, devices, sent):
    """Start a flow, send it a signal in mid-training; return how long its children survive."""
    path = root / "job.json"
    path.write_text(job_to_json(job))
    flow = subprocess.Popen(
        [sys.executable, "-c", FLOW, str(root), str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": devices},
    )
    flow.stdout.readline()  # validated, and about to make the first step
    children = family_of(flow.pid)
    assert len(children) == (len(devices.split(",")) + 1 if "," in devices else 1)
    flow.send_signal(sent)
    started = time.monotonic()
    while any(is_alive(child) for child in children) and time.monotonic() - started < 20:
        time.sleep(0.02)
    flow.wait(20)
    flow.stdout.close()
    assert not (root / job.folder / "model.json").exists()
    return time.monotonic() - started


def test_a_training_reports_and_leaves_a_model(undisturbed):
    found, reports, _ = undisturbed
    assert found["device"] == "cpu"
    assert (reports[0]["step"], reports[-1]["step"]) == (0, STEPS)


@pytest.mark.slow
def test_a_killed_flow_takes_its_training_along_and_the_next_goes_on(
    archive, undisturbed, tmp_path
):
    root, job = moved(archive, tmp_path)
    assert interrupt(root, job, "", signal.SIGKILL) < 5
    assert interrupt(root, job, "0", signal.SIGINT) < 5
    launch(str(root), job, lambda _: None)
    assert model(root, job)["weights_sha256"] == undisturbed[0]["weights_sha256"]


@pytest.mark.slow
def test_two_devices_train_one_model_and_die_with_the_flow(archive, tmp_path, monkeypatch):
    whole, part = tmp_path / "whole", tmp_path / "part"
    for folder in (whole, part):
        folder.mkdir()
        moved(archive, folder)
    _, job = archive
    assert interrupt(part, job, "0,1", signal.SIGKILL) < 5
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    lines = []
    for root in (whole, part):
        launch(str(root), job, lambda _: None, lambda level, line: lines.append((level, line)))
    assert model(whole, job)["device"] == "2 x cpu"
    assert model(whole, job)["weights_sha256"] == model(part, job)["weights_sha256"]
    assert [line for level, line in lines if level >= logging.WARNING] == []


def test_a_device_in_use_is_waited_for_with_a_word_on_who_uses_it(archive, monkeypatch):
    root, job = archive
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")

    class SeenError(Exception):
        pass

    def log(level, line):
        raise SeenError(level, line)

    with (
        hold_devices(["3"], lambda *_: None, "trains dogs"),
        pytest.raises(SeenError) as seen,
    ):
        launch(str(root), job, lambda _: None, log)
    assert seen.value.args == (
        logging.INFO,
        f"cats restoration waits for device 3: pid {os.getpid()} trains dogs",
    )


def test_the_last_words_of_a_failed_training_are_in_the_message(archive):
    root, job = archive
    lost = replace(job, seed=1, train=Works(("x",), ("access/lost.png",)))
    lines = []
    with pytest.raises(ArtganError, match=r"(?s)cats restoration must end by itself.*lost\.png"):
        launch(str(root), lost, lambda _: None, lambda *line: lines.append(line))
    assert {level for level, _ in lines} == {logging.ERROR}
    assert lines[0][1] == "Traceback (most recent call last):"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "INFO artgan.training.loop: half the rate",
            [("INFO", "artgan.training.loop: half the rate")],
        ),
        (
            "WARNING py.warnings: a.py:3: UserWarning: old\n  torch.old()\nplain",
            [
                ("WARNING", "py.warnings: a.py:3: UserWarning: old"),
                ("WARNING", "  torch.old()"),
                ("INFO", "plain"),
            ],
        ),
        (
            "[rank1]: Traceback (most recent call last):\n[rank1]:   File\n[rank1]: ValueError: x",
            [
                ("ERROR", "[rank1]: Traceback (most recent call last):"),
                ("ERROR", "[rank1]:   File"),
                ("ERROR", "[rank1]: ValueError: x"),
            ],
        ),
        (
            "W1120 16:42:24.1 840 a/b.py:1] Closing\n[W1120 16:42:24.1 socket.cpp:1] slow\n\n",
            [
                ("WARNING", "W1120 16:42:24.1 840 a/b.py:1] Closing"),
                ("WARNING", "[W1120 16:42:24.1 socket.cpp:1] slow"),
            ],
        ),
        ("ERRORS were none: fine", [("INFO", "ERRORS were none: fine")]),
    ],
)
def test_levels_are_read_off_what_a_training_says(text, expected):
    heard = []
    relay = Relay(lambda level, line: heard.append((logging.getLevelName(level), line)))
    for line in text.splitlines(keepends=True):
        relay(line)
    assert heard == expected


def test_torchruns_own_account_is_not_among_the_last_words():
    relay = Relay(lambda *_: None)
    for line in (
        "Traceback (most recent call last):",
        "ValueError: the cause",
        "E1120 16:42:58.4 1195 torch/distributed/elastic/api.py:1] failed (exitcode: 1)",
        "Traceback (most recent call last):",
        "ChildFailedError",
    ):
        relay(line)
    assert relay.last_words.endswith("ValueError: the cause")


def test_a_job_survives_the_way_to_the_child(archive):
    assert job_from_json(job_to_json(archive[1])) == archive[1]
