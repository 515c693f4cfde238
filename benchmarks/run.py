"""Run every benchmark and append its results, with commit and machine, to ``results/``.

``python benchmarks/run.py [NAME ...] [--quick]``; without names, all of them. Each prints JSON
lines with ``name``, ``value``, ``unit``, ``peer``, ``peer_value``, ``ratio``, ``target`` and
``holds``.
"""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import torch

HERE = Path(__file__).parent
SHARED = {"run", "held_out", "quilting", "fitting", "lessons", "codes"}
"""What is no benchmark."""


def main() -> int:
    """Run the benchmarks in turn; return how many of them failed to run."""
    stamp = {"commit": _commit(), "machine": _machine(), "at": datetime.now(UTC).isoformat()}
    named = [one for one in sys.argv[1:] if not one.startswith("-")]
    scripts = {one.stem: one for one in sorted(HERE.glob("*.py")) if one.stem not in SHARED}
    return sum(_run(scripts[name], stamp) for name in named or scripts)


def _run(script: Path, stamp: dict[str, str]) -> bool:
    print(f"# {script.stem}", flush=True)
    flags = [one for one in sys.argv[1:] if one.startswith("-")]
    command = [sys.executable, str(script), *flags]
    results = HERE / "results" / f"{script.stem}.jsonl"
    results.parent.mkdir(exist_ok=True)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:  # each as it comes: a benchmark may be killed
            if line.startswith("{"):
                row = json.loads(line) | stamp | {"quick": "--quick" in sys.argv}
                print(_words(row), flush=True)
                with results.open("a") as file:
                    file.write(json.dumps(row) + "\n")
    return process.returncode != 0


def _words(row: dict[str, object]) -> str:
    verdict = {True: "holds", False: "MISSED", None: ""}[row["holds"]]  # type: ignore[index]
    peer = f"{row['peer']} {row['peer_value']}"
    return f"{row['name']}: {row['value']} {row['unit']} ({peer}) {verdict}"


def _commit() -> str:
    given = os.environ.get("ARTGAN_COMMIT")  # where the tree has no history
    if given:
        return given
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _machine() -> str:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no accelerator"
    return f"{platform.machine()}, {os.cpu_count()} cores, {device}"


if __name__ == "__main__":
    sys.exit(main())
