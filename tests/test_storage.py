import os
import time
from pathlib import Path

import pytest
import s3fs

from artgan.errors import InvalidInputError, MissingAssetError
from artgan.storage import TEMPORARY, check_conditional_put, open_store, store_at


def test_what_is_written_is_read_back_whole(any_root: str) -> None:
    store = open_store(any_root)
    store.write("a/b.bin", b"first")
    store.write("a/b.bin", b"second")
    assert store.read("a/b.bin") == b"second"
    assert store.exists("a/b.bin")
    store.delete("a/b.bin")
    store.delete("a/b.bin")
    assert not store.exists("a/b.bin")


def test_listing_is_sorted_and_sees_other_writers(any_root: str) -> None:
    store = open_store(any_root)
    for name in ("x/2", "x/1", "x/deep/3", "y/4"):
        store.write(name, name.encode())
    assert [entry.key for entry in store.entries("x")] == ["x/1", "x/2", "x/deep/3"]
    store_at(store.root).write("x/0", b"another writer")
    entries = store.entries("x")
    assert entries[0].key == "x/0"
    assert entries[0].size == len(b"another writer")


def test_a_folder_is_listed_without_what_lies_deeper(any_root: str) -> None:
    store = open_store(any_root)
    for key in ("top.csv", "a/1.tif", "a/deep/2.tif", "b/3.tif"):
        store.write(key, key.encode())
    entries, folders = store.listing()
    assert [entry.key for entry in entries] == ["top.csv"]
    assert {"a", "b"} <= set(folders) <= {"a", "b", TEMPORARY}
    entries, folders = store.listing("a")
    assert (entries, folders) == ([store.entries("a")[0]], ["deep"])
    assert store.listing("absent") == ([], [])


def test_the_version_changes_with_the_content(any_root: str) -> None:
    store = open_store(any_root)
    store.write("k", b"one")
    before = store.entries("")[0].version
    time.sleep(0.02)
    store.write("k", b"two")
    found = [entry for entry in store.entries("") if entry.key == "k"]
    assert found[0].version != before


def test_a_local_file_is_given_for_the_time_of_a_block(any_root: str, tmp_path: Path) -> None:
    store = open_store(any_root)
    source = tmp_path / "file.tif"
    source.write_bytes(b"pixels")
    store.put("in/file.tif", source)
    with store.local("in/file.tif") as path:
        assert path.read_bytes() == b"pixels"
        assert path.suffix == ".tif"


def test_an_absent_object_is_named(any_root: str) -> None:
    store = open_store(any_root)
    with pytest.raises(MissingAssetError, match=r"object must exist, got '.*nothing'"):
        store.read("nothing")
    with pytest.raises(MissingAssetError, match="object must exist"), store.local("nothing"):
        pass


@pytest.mark.usefixtures("s3_root")
def test_a_root_that_cannot_be_reached_is_refused_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for root in (str(file), "ftp://host/x", "s3://no-such-bucket-here/x"):
        with pytest.raises(InvalidInputError, match="root must be"):
            open_store(root)
    with pytest.raises(InvalidInputError, match="inbox must be an existing folder"):
        open_store(str(tmp_path / "absent"), name="inbox", must_exist=True)


def test_a_store_that_honours_conditional_puts_is_accepted(s3_root: str) -> None:
    store = open_store(s3_root)
    check_conditional_put(store)
    assert store.entries("") == []


def test_a_store_that_ignores_conditional_puts_is_refused(
    s3_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same endpoint behind a client that drops If-None-Match, as some servers do."""
    plain = s3fs.S3FileSystem._pipe_file

    async def forgetful(self, path, data, **options):
        options.pop("mode", None)
        return await plain(self, path, data, **options)

    monkeypatch.setattr(s3fs.S3FileSystem, "_pipe_file", forgetful)
    with pytest.raises(InvalidInputError, match="honours conditional puts"):
        check_conditional_put(open_store(s3_root))


def test_remains_of_killed_writers_are_swept(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "root"))
    store.write("kept", b"x")
    old = tmp_path / "root" / TEMPORARY / "old"
    old.write_bytes(b"half")
    os.utime(old, (0, 0))
    (tmp_path / "root" / TEMPORARY / "young").write_bytes(b"half")
    assert store.sweep() == 1
    assert not old.exists()
    assert store.read("kept") == b"x"


def test_a_folder_takes_the_place_of_what_was_below_its_key(any_root):
    store = open_store(any_root)
    store.write("iiif/a/old.txt", b"old")
    store.write("iiif/ab.txt", b"neighbour")
    with store.folder("iiif/a") as folder:
        (folder / "deep/er").mkdir(parents=True)
        (folder / "deep/er/x.jpg").write_bytes(b"x")
        (folder / "info.json").write_bytes(b"{}")
    keys = [entry.key for entry in store.entries("iiif")]
    assert keys == ["iiif/a/deep/er/x.jpg", "iiif/a/info.json", "iiif/ab.txt"]
    assert store.read("iiif/a/deep/er/x.jpg") == b"x"
    assert store.delete_below("iiif/a") == 2
    assert [entry.key for entry in store.entries("iiif")] == ["iiif/ab.txt"]
    assert store.delete_below("iiif/a") == 0


def test_a_folder_whose_block_raises_changes_nothing(any_root):
    store = open_store(any_root)
    store.write("iiif/a/old.txt", b"old")

    def fill() -> None:
        with store.folder("iiif/a") as folder:
            folder.mkdir()
            (folder / "half").write_bytes(b"x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fill()
    assert [entry.key for entry in store.entries()] == ["iiif/a/old.txt"]


def test_objects_of_a_folder_have_the_type_that_their_name_tells(s3_root):
    store = open_store(s3_root)
    with store.folder("iiif/a") as folder:
        folder.mkdir()
        (folder / "info.json").write_bytes(b"{}")
        (folder / "default.jpg").write_bytes(b"x")
    types = [
        store.files.info(store.uri(f"iiif/a/{name}"))["ContentType"]
        for name in ("info.json", "default.jpg")
    ]
    assert types == ["application/json", "image/jpeg"]
