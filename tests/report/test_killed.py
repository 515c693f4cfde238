"""A report whose writing was killed leaves one that is whole."""

import posixpath
import re
import shutil
from urllib.parse import unquote

import pytest

from artgan.catalog.schema import SCANS
from artgan.catalog.table import Catalog, open_catalog
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


def with_news(built, root) -> Catalog:
    """Return a copy of an archive with its pages, and with news that they do not show yet."""
    shutil.copytree(built.catalog.store.root, root)
    one = type(built)(open_catalog(str(root)), built.picture, built.minute)
    one.scans = {code: list(rows) for code, rows in built.scans.items()}
    news(one)
    return one.catalog


@pytest.fixture(scope="module")
def undisturbed(built, tmp_path_factory) -> tuple[int, dict[str, bytes]]:
    """How many objects a build writes that nothing interrupts, and the report it leaves."""
    catalog = with_news(built, tmp_path_factory.mktemp("undisturbed") / "archive")
    return len(build_site(catalog, RUN)), reports(catalog.store)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_killed_build_leaves_whole_pages_without_a_broken_link(
    built, undisturbed, tmp_path, monkeypatch, share
):
    written, expected = undisturbed
    catalog = with_news(built, tmp_path / "archive")
    last = max(1, round(share * written))
    calls = []
    real = LocalStore._move

    def move(self, temporary, key):
        calls.append(key)
        if len(calls) == last:
            raise KeyboardInterrupt
        real(self, temporary, key)

    before = catalog.store.read(INDEX)
    monkeypatch.setattr(LocalStore, "_move", move)
    with pytest.raises(KeyboardInterrupt):
        build_site(catalog, RUN)
    monkeypatch.undo()
    assert catalog.store.read(INDEX) == before
    assert broken_links(catalog.store) == []
    build_site(catalog, RUN)
    assert reports(catalog.store) == expected
    assert broken_links(catalog.store) == []
