"""The static site: whole pages below ``reports/``, readable from a disk and without scripts.

Everything on a page comes from the catalog's tables and from the figures that measuring left, so
equal inputs give equal bytes. A page that would not change is not written again. The order of
writing keeps every link whole, even if it is killed: pages that are new come first, then those
that replace others, the entry page last, and then pages that nothing leads to any more go.
"""

import tempfile
from pathlib import Path

from artgan.catalog.models import BASE
from artgan.catalog.runs import Run
from artgan.catalog.table import Catalog
from artgan.report.card import card_markdown
from artgan.report.collection_page import CollectionPage, collection_json, collection_page
from artgan.report.datasheet import datasheet
from artgan.report.index_page import RUNS_SHOWN, index_page
from artgan.report.model_page import ModelPage, ModelRows, model_json, model_page, rows_by_model
from artgan.report.pages import HERE, Ledger, Writer, as_json, mark_of, render
from artgan.report.run_page import run_json, run_page
from artgan.report.snapshot import (
    INDEX,
    MODELS_FOLDER,
    Row,
    Snapshot,
    collection_folder,
    model_page_key,
    works_of,
)
from artgan.report.thumbs import Thumbnails, open_thumbnails
from artgan.report.works_site import by_work, page_of_scan, write_works

Groups = dict[str, list[Row]]

_ASSETS = ("report.css", "report.js")


def build_site(catalog: Catalog, run: Run | str) -> list[str]:
    """Write the report pages that changed since they were last written.

    Args:
        catalog: The archive.
        run: The run that asks for it; a run below another one is shown on that one's page.

    Returns:
        Keys of all objects written, thumbnails included, in order.
    """
    with tempfile.TemporaryDirectory(prefix="artgan-") as folder:
        return _build(Writer(catalog.store, Path(folder)), Snapshot(catalog), run)


def _build(writer: Writer, snapshot: Snapshot, run: Run | str) -> list[str]:
    for name in _ASSETS:
        writer.write(f"reports/assets/{name}", (HERE / "assets" / name).read_bytes())
    groups = {code: _groups(snapshot, code) for code in snapshot.collections}
    thumbnails = open_thumbnails(writer.store)
    _write_models(snapshot, groups, thumbnails, writer)
    pages = [
        _write_collection(snapshot, code, own, thumbnails, writer) for code, own in groups.items()
    ]
    _write_runs_and_index(snapshot, _top(snapshot, run), pages, writer)
    writer.finish()
    return [*thumbnails.written, *writer.written]


def _top(snapshot: Snapshot, run: Run | str) -> str:
    """Return the run at the top of the chain that a run belongs to."""
    if isinstance(run, Run):
        return run.parent_run_id or run.run_id
    row = next((row for row in snapshot.runs if row["run_id"] == run), None)
    return (row["parent_run_id"] if row else None) or run


def _groups(snapshot: Snapshot, code: str) -> Groups:
    scans = snapshot.scans(code)
    return by_work(works_of(scans), scans)


def _write_collection(
    snapshot: Snapshot, code: str, groups: Groups, thumbnails: Thumbnails, writer: Writer
) -> CollectionPage:
    """Write a collection's works, its lists, its dataset card and its page."""
    lists = write_works(snapshot, code, groups, thumbnails, writer)
    folder = collection_folder(code)
    scans = [row for rows in groups.values() for row in rows]
    card = datasheet(snapshot, code, scans, [rows[0] for rows in groups.values()])
    writer.write(f"{folder}/datasheet.md", card_markdown(card))
    key = f"{folder}/datasheet.html"
    writer.write(key, render("datasheet.html", key, {"card": card, "collection": code}))
    page = collection_page(snapshot, code, groups, lists, thumbnails)
    key = f"{folder}/index.html"
    writer.write(f"{folder}/collection.json", as_json(collection_json(page)))
    writer.write(key, render("collection.html", key, {"page": page}))
    return page


def _write_models(
    snapshot: Snapshot, groups: dict[str, Groups], thumbnails: Thumbnails, writer: Writer
) -> None:
    works = {code: [rows[0] for rows in own.values()] for code, own in groups.items()}
    ledger = Ledger(writer.store, "models", writer.present)
    pages = {name: page for own in groups.values() for name, page in page_of_scan(own).items()}
    for rows in rows_by_model(snapshot, works, pages):
        page = model_page(thumbnails, rows)
        _write_model(page, rows, set(works), (writer, ledger))
    ledger.save(writer)


def _write_model(
    page: ModelPage, rows: ModelRows, known: set[str], kept: tuple[Writer, Ledger]
) -> None:
    writer, ledger = kept
    row = rows.row
    key, folder = model_page_key(row["model_id"]), f"{MODELS_FOLDER}/{row['model_id']}"
    beside = (f"{folder}/model.json", f"{folder}/model-card.md")
    writer.keep(key, *beside)
    shown = [one.thumbnail.key for one in page.hard_cases]
    mark = mark_of(rows.facts(), page.samples and page.samples.key, shown)
    if all(one in writer.present for one in beside) and ledger.is_current(key, mark):
        return
    owner = row["collection"]
    home = f"{collection_folder(owner)}/index.html" if owner in known and owner != BASE else ""
    writer.put(beside[0], as_json(model_json(page, rows)))
    writer.put(beside[1], card_markdown(page.card))
    content = render("model.html", key, {"page": page, "collection_page": home})
    writer.put(key, content)
    ledger.note(key, mark, content)


def _write_runs_and_index(
    snapshot: Snapshot, current: str, collections: list[CollectionPage], writer: Writer
) -> None:
    top = [row["run_id"] for row in snapshot.runs if row["parent_run_id"] is None]
    shown = list(dict.fromkeys([current, *reversed(top)]))[: RUNS_SHOWN + 1]
    pages = {run_id: run_page(snapshot, run_id) for run_id in shown}
    for run_id, page in pages.items():
        folder = f"reports/runs/{run_id}"
        writer.write(f"{folder}/run.json", as_json(run_json(page)))
        key = f"{folder}/index.html"
        writer.write(key, render("run.html", key, {"page": page}))
    index = index_page(snapshot, collections, pages[current], set(pages))
    content = render("index.html", INDEX, {"page": index})
    if not writer.store.exists(INDEX) or writer.store.read(INDEX) != content:
        writer.hold(INDEX, content)
