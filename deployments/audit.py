"""`make audit`: which of the installed packages have known weaknesses, and a list of all of them.

The tools live in an environment of their own (`audit.txt`), so that they change nothing of what
they look at. The bill of materials (CycloneDX) is written without a network. Weaknesses are asked
for at PyPI. Behind a mirror that has no advisories pip-audit finds nothing and says that all is
well: an answer counts here only for the packages that it was given for.

Exit codes: 0 no known weakness; 1 some; 3 they could not be asked for.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_NOT_ASKED = 3
_LEAST_ANSWERED = 0.9  # of the packages; ours is on no registry, nor are builds of one's own
_WITHIN_S = 600


def main() -> int:
    """Write the list, ask for weaknesses, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tools", type=Path, help="folder of the tools' programs")
    parser.add_argument("python", type=Path, help="Python of the environment to look at")
    parser.add_argument("--bom", type=Path, default=Path("sbom.json"), help="file to write")
    given = parser.parse_args()
    _say(f"{_write_bom(given.tools, given.python, given.bom)} components listed in {given.bom}.")
    report, words = _ask(given.tools, given.python)
    code, lines = judge(report, words)
    for line in lines:
        _say(line)
    return code


def _write_bom(tools: Path, python: Path, to: Path) -> int:
    command = [str(tools / "cyclonedx-py"), "environment", "--output-reproducible", "-o", str(to)]
    subprocess.run([*command, str(python)], check=True, timeout=_WITHIN_S)  # noqa: S603
    return len(json.loads(to.read_text())["components"])


def _ask(tools: Path, python: Path) -> tuple[dict[str, Any] | None, str]:
    """Return the report of pip-audit, None if it made none, and what it said besides."""
    found = 'import sysconfig; print(sysconfig.get_path("purelib"))'
    packages = subprocess.run(  # noqa: S603 - the Python that was named
        [str(python), "-c", found], capture_output=True, text=True, check=True
    )
    command = [str(tools / "pip-audit"), "--path", packages.stdout.strip(), "--format", "json"]
    done = subprocess.run(  # noqa: S603 - our own tool
        [*command, "--progress-spinner", "off"],
        capture_output=True,
        text=True,
        check=False,
        timeout=_WITHIN_S,
    )
    try:
        return json.loads(done.stdout), done.stderr
    except json.JSONDecodeError:
        return None, done.stderr


def judge(report: Mapping[str, Any] | None, words: str) -> tuple[int, list[str]]:
    """Return the exit code for a report of pip-audit, and sentences about it."""
    packages: Sequence[Mapping[str, Any]] = [] if report is None else report["dependencies"]
    answered = [one for one in packages if "skip_reason" not in one]
    if not packages or len(answered) < _LEAST_ANSWERED * len(packages):
        last = (words.strip().splitlines() or ["no answer"])[-1]
        return _NOT_ASKED, [
            f"Weaknesses must be asked for at PyPI, got answers for {len(answered)} of "
            f"{len(packages)} packages ({last[:200]}). Run `make audit` where PyPI is reached."
        ]
    weak = [one for one in answered if one["vulns"]]
    lines = [
        f"{one['name']} {one['version']}: {weakness['id']}, mended in "
        f"{', '.join(weakness['fix_versions']) or 'no version yet'}."
        for one in weak
        for weakness in one["vulns"]
    ]
    lines.append(f"{len(weak)} of {len(answered)} packages have known weaknesses.")
    return int(bool(weak)), lines


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")


if __name__ == "__main__":
    sys.exit(main())
