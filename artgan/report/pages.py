"""Rendering and writing of pages: what did not change is not written again."""

import hashlib
import json
import posixpath
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2

from artgan.keys import VERSION, digest
from artgan.metrics.table import METRICS
from artgan.report import words
from artgan.report.measures import direction
from artgan.report.simulation_section import generated_words
from artgan.report.snapshot import MODELS_FOLDER, WORKS
from artgan.report.thumbs import write_typed
from artgan.storage import Entry, Store

HERE = Path(__file__).parent
LEDGERS = "reports/built"
"""Where it is remembered from which facts the many pages of works and models were made."""
_FOLDERS = ("reports/collections", WORKS, MODELS_FOLDER, LEDGERS)
_MARK_DIGITS = 20


class Writer:
    """Writes objects that differ from what is there, so that no link ever leads nowhere.

    An object that is not there yet is written at once: nothing leads to it. One that replaces
    another waits until `finish`, when all that it may lead to is there.

    Attributes:
        store: The archive root.
        present: Objects of the folders that pages come and go in, by key, before the first write.
        written: Keys written, in order.
    """

    def __init__(self, store: Store, waiting: Path) -> None:
        """List what is there.

        Args:
            store: The archive root.
            waiting: Empty folder of this machine for what waits.
        """
        self.store, self.written = store, list[str]()
        entries = (entry for folder in _FOLDERS for entry in store.entries(folder))
        self.present = {entry.key: entry for entry in entries}
        self._kept: set[str] = set()
        self._waiting: list[tuple[str, Path]] = []
        self._folder = waiting

    def keep(self, *keys: str) -> None:
        """Say that objects are needed, whether or not they are written now."""
        self._kept.update(keys)

    def write(self, key: str, content: bytes) -> None:
        """Write an object unless it is there as it is."""
        entry = self.present.get(key) if key.startswith(_FOLDERS) else self.store.entry(key)
        if entry is None:
            self.put(key, content)
        elif entry.size == len(content) and self.store.read(key) == content:
            self.keep(key)
        else:
            self.hold(key, content)

    def put(self, key: str, content: bytes) -> None:
        """Write an object now, or later if it replaces a page."""
        if key in self.present:
            self.hold(key, content)
        else:
            self.keep(key)
            write_typed(self.store, key, content)
            self.written.append(key)

    def hold(self, key: str, content: bytes) -> None:
        """Write an object at the end, after those held before it."""
        self.keep(key)
        path = self._folder / f"{len(self._waiting)}{Path(key).suffix}"
        path.write_bytes(content)
        self._waiting.append((key, path))

    def finish(self) -> None:
        """Write what waits, then remove pages that nothing leads to any more."""
        for key, path in self._waiting:
            self.store.put(key, path)
            self.written.append(key)
        for key in self.present:
            if key not in self._kept:
                self.store.delete(key)


class Ledger:
    """What a set of pages was made from, so that a page of the same facts is not made again.

    A page counts as there only if its object is, at the size that was written.
    """

    def __init__(self, store: Store, name: str, present: Mapping[str, Entry]) -> None:
        self._store, self._key, self._present = store, f"{LEDGERS}/{name}.json", present
        self._before: dict[str, list[Any]] = {}
        if store.exists(self._key):
            self._before = json.loads(store.read(self._key))
        self._now: dict[str, list[Any]] = {}

    def is_current(self, key: str, mark: str) -> bool:
        """Whether the page of these facts is there."""
        before, there = self._before.get(key), self._present.get(key)
        if before is None or there is None or before != [mark, there.size]:
            return False
        self._now[key] = before
        return True

    def note(self, key: str, mark: str, content: bytes) -> None:
        """Remember a page that was just written."""
        self._now[key] = [mark, len(content)]

    def save(self, writer: Writer) -> None:
        """Write the ledger if a page came, went or changed."""
        writer.keep(self._key)
        if self._now != self._before:
            content = json.dumps(self._now, sort_keys=True, separators=(",", ":"))
            writer.hold(self._key, content.encode())


def mark_of(*facts: object) -> str:
    """Return a mark of facts and of the code that makes pages of them."""
    return digest(code_mark(), *facts)[:_MARK_DIGITS]


@cache
def code_mark() -> str:
    """Return a mark of what pages are made by: this package, its templates, names of measures."""
    measures = [str(metric) for metric in METRICS]
    paths = sorted(path for path in HERE.rglob("*") if path.suffix in {".py", ".html"})
    files = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    return digest(VERSION, measures, files)


def as_json(value: Mapping[str, Any]) -> bytes:
    """Return the bytes of a page's data file."""
    return (json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n").encode()


def render(template: str, key: str, values: Mapping[str, Any]) -> bytes:
    """Render a page.

    Args:
        template: Name of its template.
        key: Where it will lie under the root; links are written as seen from there.
        values: What the template shows.
    """
    folder = posixpath.dirname(key)

    def link(target: str) -> str:
        """Write a key under the root as seen from the page."""
        return quote(posixpath.relpath(f"/{target}", f"/{folder}"))

    text = _environment().get_template(template).render({**values, "link": link})
    return text.encode()


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "metrics": METRICS,
        "direction": direction,
        "generated_words": generated_words,
    }
    environment.filters |= {
        "number": words.number,
        "count": words.count,
        "duration": words.duration,
        "moment": words.moment,
        "clip": words.clip,
        "share": words.share,
    }
    return environment
