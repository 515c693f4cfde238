"""Start a training in a child process and follow it.

A crash, an out-of-memory kill or a leak of the training therefore never takes the pipeline with
it. The child writes one JSON line for each report of progress on its standard output; everything
else it says goes to standard error and is kept for the error message.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from artgan.errors import ArtganError
from artgan.training.plan import TrainJob, job_to_json

_LAST_WORDS = 2000


def launch(root: str, job: TrainJob, observe: Callable[[dict[str, Any]], None]) -> None:
    """Run one training to its end; its files then lie under the job's folder in the root.

    Args:
        root: Archive root.
        job: What to train.
        observe: Called with each report of progress.

    Raises:
        ArtganError: If the child ends with an error; its last words are in the message.
    """
    with tempfile.TemporaryDirectory(prefix="artgan-train-") as folder:
        path = Path(folder) / "job.json"
        path.write_text(job_to_json(job))
        errors = Path(folder) / "stderr.txt"
        command = [sys.executable, "-m", "artgan.training.child", root, str(path)]
        with errors.open("wb") as stderr:
            child = subprocess.Popen(  # noqa: S603 - our own module, no shell
                command, stdout=subprocess.PIPE, stderr=stderr, text=True
            )
            try:
                _follow(child, observe)
            finally:
                if child.poll() is None:
                    child.kill()
                code = child.wait()
        if code != 0:
            words = errors.read_text(errors="replace").strip()[-_LAST_WORDS:]
            raise ArtganError(
                f"training of {job.collection} {job.kind} must end by itself, got exit code "
                f"{code}. Its last words: {words or 'none'}"
            )


def _follow(child: subprocess.Popen[str], observe: Callable[[dict[str, Any]], None]) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith("{"):
            observe(json.loads(line))
