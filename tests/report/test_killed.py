"""A report whose writing was killed leaves one that is whole."""

import posixpath
import re
import shutil
from urllib.parse import unquote

import pytest

from artgan.catalog.schema import SCANS
from artgan.catalog.table import open_catalog
from artgan.report.site import build_site
from artgan.storage import LocalStore

RUN = "nightly-00002-0123456789abcdef0123"
INDEX = "reports/index.html"


def broken_links(store) -> list[tuple[str, str]]:
    """Follow every link from the entry page; return those that lead nowhere."""
    seen, waiting, broken = {INDEX}, [INDEX], []
    while waiting:
        key = waiting.pop()
        for link in re.findall(r'(?:href|src)="([^"#]+)"', store.read(key).decode()):
            place = unquote(link.replace("&amp;", "&").replace("&lt;", "<").replace("&#39;", "'"))
            target = posixpath.normpath(posixpath.join(posixpath.dirname(key), place))
            if target in seen:
                continue
            seen.add(target)
            if not store.exists(target):
                broken.append((key, target))
            elif target.endswith(".html"):
                waiting.append(target)
    return broken


def news(archive) -> None:
    """Change enough that pages of all kinds are written, come and go."""
    archive.catalog.remove(SCANS, [archive.scans["small"][0]["scan_id"]])
    archive.add_scans("new", 3)
    changed = [row | {"artist": "Another hand"} for row in archive.scans["river"]]
    archive.catalog.replace(SCANS, changed)


def reports(store) -> dict[str, bytes]:
    return {entry.key: store.read(entry.key) for entry in store.entries("reports")}


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_killed_build_leaves_whole_pages_without_a_broken_link(
    built, tmp_path, monkeypatch, share
):
    copies = []
    for name in ("undisturbed", "killed"):
        shutil.copytree(built.catalog.store.root, tmp_path / name)
        one = type(built)(open_catalog(str(tmp_path / name)), built.picture, built.minute)
        one.scans = {code: list(rows) for code, rows in built.scans.items()}
        news(one)
        copies.append(one)
    undisturbed, killed = copies
    written = build_site(undisturbed.catalog, RUN)
    last = max(1, round(share * len(written)))
    calls = []
    real = LocalStore._move

    def move(self, temporary, key):
        calls.append(key)
        if len(calls) == last:
            raise KeyboardInterrupt
        real(self, temporary, key)

    before = killed.catalog.store.read(INDEX)
    monkeypatch.setattr(LocalStore, "_move", move)
    with pytest.raises(KeyboardInterrupt):
        build_site(killed.catalog, RUN)
    monkeypatch.undo()
    assert killed.catalog.store.read(INDEX) == before
    assert broken_links(killed.catalog.store) == []
    build_site(killed.catalog, RUN)
    assert reports(killed.catalog.store) == reports(undisturbed.catalog.store)
    assert broken_links(killed.catalog.store) == []
