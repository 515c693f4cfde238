import logging
import os

import pytest

from artgan.ingest.discover import collections_in, discover
from artgan.storage import open_store


@pytest.fixture
def inbox(tmp_path):
    def fill(*paths):
        for path in paths:
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.encode())
        return open_store(str(tmp_path))

    return fill


def roles(store, collection):
    return {file.path: file.role for file in discover(store, collection)}


def test_files_are_told_apart_by_their_names(inbox):
    store = inbox(
        "dutch/a.tif",
        "dutch/a.tif.mask.png",
        "dutch/B.JPG.MASK.PNG",
        "dutch/metadata.csv",
        "dutch/README.md",
        "dutch/a.tif.xmp",
        "dutch/letter.txt",
        "dutch/no_ending",
        "dutch/deep/er/c.png",
    )
    assert roles(store, "dutch") == {
        "dutch/B.JPG.MASK.PNG": "mask",
        "dutch/README.md": "metadata",
        "dutch/a.tif": "scan",
        "dutch/a.tif.mask.png": "mask",
        "dutch/a.tif.xmp": "metadata",
        "dutch/deep/er/c.png": "scan",
        "dutch/letter.txt": "scan",
        "dutch/metadata.csv": "metadata",
        "dutch/no_ending": "scan",
    }


@pytest.mark.parametrize(
    "path",
    [
        ".DS_Store",
        "Thumbs.db",
        "DESKTOP.INI",
        "a.tif.part",
        "a.tmp",
        "~$list.docx",
        ".hidden/a.tif",
        "__MACOSX/a.tif",
        "_tmp/0123",
    ],
)
def test_hidden_system_and_unfinished_files_are_left_out(inbox, path):
    store = inbox(f"dutch/{path}", "dutch/real.tif")
    assert roles(store, "dutch") == {"dutch/real.tif": "scan"}


def test_collections_are_the_first_folders_that_hold_something(inbox, tmp_path):
    store = inbox("b/x.tif", "a/deep/y.tif", ".cache/z.tif", "SOURCES.csv", "c/.keep")
    (tmp_path / "empty").mkdir()
    assert collections_in(store) == ["a", "b"]


def test_a_collection_does_not_take_in_another_whose_name_begins_alike(inbox):
    store = inbox("monet/a.tif", "monet_256/b.tif")
    assert set(roles(store, "monet")) == {"monet/a.tif"}


def test_size_and_version_change_with_the_content(inbox, tmp_path):
    store = inbox("dutch/a.tif")
    first = discover(store, "dutch")[0]
    assert (first.collection, first.size) == ("dutch", len(b"dutch/a.tif"))
    (tmp_path / "dutch/a.tif").write_bytes(b"other")
    os.utime(tmp_path / "dutch/a.tif", ns=(1, 1))
    second = discover(store, "dutch")[0]
    assert second.size == 5
    assert second.version != first.version


def test_a_name_that_no_table_can_hold_is_left_out_with_a_warning(inbox, tmp_path, caplog):
    store = inbox("dutch/a.tif")
    try:
        (tmp_path / os.fsdecode(b"dutch/h\xf6lzern.tif")).write_bytes(b"latin-1 name")
    except OSError:
        pytest.skip("this file system takes no names that are not UTF-8")
    with caplog.at_level(logging.WARNING):
        assert set(roles(store, "dutch")) == {"dutch/a.tif"}
    assert "its name is not UTF-8" in caplog.text
