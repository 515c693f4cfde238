"""The static site: whole pages below ``reports/``, readable from a disk and without scripts.

Everything on a page comes from the catalog's tables and from the figures that measuring left, so
equal inputs give equal bytes. A page that would not change is not written again; the entry page
is written last, so that it never points to a page that is not there yet.
"""

import json
import posixpath
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2

from artgan.catalog.runs import Run
from artgan.catalog.table import Catalog
from artgan.metrics.table import METRICS
from artgan.report import words
from artgan.report.collection_page import CollectionPage, collection_json, collection_page
from artgan.report.index_page import RUNS_SHOWN, index_page
from artgan.report.measures import direction
from artgan.report.run_page import run_json, run_page
from artgan.report.simulation_section import generated_words
from artgan.report.snapshot import Snapshot
from artgan.report.thumbs import open_thumbnails
from artgan.storage import Store

INDEX = "reports/index.html"
_HERE = Path(__file__).parent
_ASSETS = ("report.css", "report.js")


@dataclass
class _Writer:
    """Writes objects that differ from what is there, and remembers which."""

    store: Store
    written: list[str] = field(default_factory=list)

    def write(self, key: str, content: bytes) -> None:
        if self.store.exists(key) and self.store.read(key) == content:
            return
        self.store.write(key, content)
        self.written.append(key)


def build_site(catalog: Catalog, run: Run | str) -> list[str]:
    """Write the report pages that changed since they were last written.

    Args:
        catalog: The archive.
        run: The run that asks for it; a run below another one is shown on that one's page.

    Returns:
        Keys of all objects written, thumbnails included, in order.
    """
    snapshot = Snapshot(catalog)
    writer = _Writer(catalog.store)
    for name in _ASSETS:
        writer.write(f"reports/assets/{name}", (_HERE / "assets" / name).read_bytes())
    collections = _write_collections(snapshot, writer)
    _write_runs_and_index(snapshot, _top(snapshot, run), collections, writer)
    return writer.written


def _top(snapshot: Snapshot, run: Run | str) -> str:
    """Return the run at the top of the chain that a run belongs to."""
    if isinstance(run, Run):
        return run.parent_run_id or run.run_id
    row = next((row for row in snapshot.runs if row["run_id"] == run), None)
    return (row["parent_run_id"] if row else None) or run


def _write_collections(snapshot: Snapshot, writer: _Writer) -> list[CollectionPage]:
    thumbnails = open_thumbnails(writer.store)
    pages = []
    for code in snapshot.collections:
        page = collection_page(snapshot, code, thumbnails)
        folder = f"reports/collections/{code}"
        _render(writer, "collection.html", f"{folder}/index.html", {"page": page})
        writer.write(f"{folder}/collection.json", _json(collection_json(page)))
        pages.append(page)
    writer.written.extend(thumbnails.written)
    return pages


def _write_runs_and_index(
    snapshot: Snapshot, current: str, collections: list[CollectionPage], writer: _Writer
) -> None:
    top = [row["run_id"] for row in snapshot.runs if row["parent_run_id"] is None]
    shown = list(dict.fromkeys([current, *reversed(top)]))[: RUNS_SHOWN + 1]
    pages = {run_id: run_page(snapshot, run_id) for run_id in shown}
    for run_id, page in pages.items():
        folder = f"reports/runs/{run_id}"
        _render(writer, "run.html", f"{folder}/index.html", {"page": page})
        writer.write(f"{folder}/run.json", _json(run_json(page)))
    index = index_page(snapshot, collections, pages[current], set(pages))
    _render(writer, "index.html", INDEX, {"page": index})


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n").encode()


def _render(writer: _Writer, template: str, key: str, values: dict[str, Any]) -> None:
    folder = posixpath.dirname(key)

    def link(target: str) -> str:
        """Write a key under the root as seen from the page."""
        return quote(posixpath.relpath(target, folder))

    text = _ENVIRONMENT.get_template(template).render(values | {"link": link})
    writer.write(key, text.encode())


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
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


_ENVIRONMENT = _environment()
