"""Two institutions: one shows its archive by IIIF, the other ingests from it over HTTP."""

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artgan.catalog.schema import QUARANTINE, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.config import IiifSettings, IngestSettings, WithdrawSettings
from flows.iiif import iiif
from flows.ingest import ingest
from flows.withdraw import withdraw


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[str]:
    """Address of a plain web server on the IIIF export of an archive of two prints."""
    inbox, root = tmp_path / "theirs/inbox/prints", tmp_path / "theirs/root"
    inbox.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        blocks = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(blocks).resize((400, 300)).save(inbox / f"{name}.png")
    (inbox / "metadata.csv").write_text("file,title,artist,rights\na.png,De brug,Hiroshige,CC0\n")
    ingest(IngestSettings(root=str(root), inbox=str(inbox.parent), settle_s=0))
    (root / "iiif").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root / "iiif")))
    base = f"http://127.0.0.1:{server.server_address[1]}"
    iiif(IiifSettings(root=str(root), base_url=base, tile_px=256))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield base
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def settings(root: str, inbox: Path, **more: Any) -> IngestSettings:
    given = {"fetch_private": True, "fetch_delay_s": 0, "settle_s": 0} | more
    return IngestSettings(root=root, inbox=str(inbox), **given)


def make_inbox(folder: Path, text: str) -> Path:
    (folder / "loans").mkdir(parents=True)
    (folder / "loans/iiif.txt").write_text(text)
    own = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
    Image.fromarray(own).resize((200, 150)).save(folder / "loans/own.png")
    return folder


def test_an_archive_ingests_what_another_shows(
    publisher: str, any_root: str, tmp_path: Path
) -> None:
    text = f"{publisher}/collection.json\n{publisher}/nothing.json # a typing error\n"
    inbox = make_inbox(tmp_path / "ours", text)
    counts = ingest(settings(any_root, inbox))
    assert (counts["scans"], counts["fetched"], counts["quarantined"]) == (3, 2, 1)
    catalog = open_catalog(any_root)
    rows = {row["title"]: row for row in catalog.rows(SCANS)}
    bridge = rows["De brug"]
    assert (bridge["artist"], bridge["collection"]) == ("Hiroshige", "loans")
    assert bridge["rights"] == "http://creativecommons.org/publicdomain/zero/1.0/"
    assert (bridge["width_px"], bridge["height_px"]) == (400, 300)
    assert bridge["source_uri"].startswith(f"{catalog.store.root}/originals/loans/iiif/127.0.0.1/")
    assert (
        json.loads(bridge["metadata_json"])["iiif_manifest"] == f"{publisher}/prints/manifest.json"
    )
    (refused,) = catalog.rows(QUARANTINE)
    assert (refused["reason"], refused["source_uri"]) == (
        "source_unavailable",
        f"{publisher}/nothing.json",
    )
    check_again(catalog, inbox)


def check_again(catalog: Catalog, inbox: Path) -> None:
    """A second run changes nothing, and a mended line leaves the quarantine."""
    again = ingest(settings(catalog.store.root, inbox))
    assert not {name: amount for name, amount in again.items() if amount}
    lines = (inbox / "loans/iiif.txt").read_text().splitlines()
    (inbox / "loans/iiif.txt").write_text(lines[0])
    ingest(settings(catalog.store.root, inbox))
    assert catalog.rows(QUARANTINE) == []
    assert catalog.read(SCANS).num_rows == 3


def test_a_title_that_is_corrected_there_is_corrected_here(publisher: str, tmp_path: Path) -> None:
    inbox = make_inbox(tmp_path / "ours", f"{publisher}/prints/manifest.json\n")
    root = str(tmp_path / "root")
    ingest(settings(root, inbox))
    path = tmp_path / "theirs/root/iiif/prints/manifest.json"
    path.write_text(path.read_text().replace("De brug", "De brug in de regen"))
    counts = ingest(settings(root, inbox))
    assert (counts["redescribed"], counts["fetched"]) == (1, 0)
    rows = open_catalog(root).rows(SCANS)
    assert "De brug in de regen" in {row["title"] for row in rows}
    assert len(rows) == 3


def test_what_was_withdrawn_is_removed_and_not_fetched_again(
    publisher: str, tmp_path: Path
) -> None:
    inbox = make_inbox(tmp_path / "ours", f"{publisher}/prints/manifest.json\n")
    root = str(tmp_path / "root")
    ingest(settings(root, inbox))
    catalog = open_catalog(root)
    bridge = next(row for row in catalog.rows(SCANS) if row["title"] == "De brug")
    claim = {"root": root, "scans": [bridge["scan_id"]], "reason": "a claim", "dry_run": False}
    withdraw(WithdrawSettings.model_validate(claim))
    assert not catalog.store.exists(f"originals/{bridge['source_path']}")
    assert not ingest(settings(root, inbox)).get("fetched")
    assert catalog.read(SCANS).num_rows == 2
    withdraw(WithdrawSettings.model_validate(claim | {"lift": True}))
    assert ingest(settings(root, inbox))["fetched"] == 1
    assert catalog.read(SCANS).num_rows == 3


def test_the_own_network_is_not_asked_by_default(publisher: str, tmp_path: Path) -> None:
    inbox = make_inbox(tmp_path / "ours", f"{publisher}/collection.json\n")
    root = str(tmp_path / "root")
    counts = ingest(settings(root, inbox, fetch_private=False))
    assert (counts["scans"], counts["fetched"]) == (1, 0)
    (refused,) = open_catalog(root).rows(QUARANTINE)
    assert "set fetch_private" in refused["message"]
