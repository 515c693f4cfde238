"""Commands in the documents are commands: each is read as the program would read it."""

import re
import shlex
from pathlib import Path

import pytest

from flows.__main__ import COMMANDS, read_settings

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/stylization.md", "docs/restoration.md")
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)


def commands(page: str) -> list[list[str]]:
    """Return the words behind ``artgan`` of each command in a page's blocks of shell."""
    found = []
    for block in _BLOCK.findall((ROOT / page).read_text()):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            at = next(
                (n for n, word in enumerate(words) if word.rsplit("/", 1)[-1] == "artgan"), None
            )
            if at is not None and "..." not in words:
                found.append(words[at + 1 :])
    return found


@pytest.mark.parametrize("page", PAGES)
def test_each_command_is_understood(page: str) -> None:
    shown = commands(page)
    assert shown
    for name, *flags in shown:
        try:
            read_settings(name, COMMANDS[name][1], flags)
        except SystemExit as stop:  # what it says goes to standard error
            raise AssertionError((name, flags)) from stop
