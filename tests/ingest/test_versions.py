import tempfile
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from artgan.ingest.discover import FoundFile
from artgan.ingest.known import Known
from artgan.ingest.merge import Inspected, Merged, merge
from artgan.ingest.metadata import Metadata, read_metadata
from artgan.ingest.split import split_of
from artgan.keys import key
from artgan.storage import open_store

Row = dict[str, Any]

FRONT, CLOSE, BACK = "00000000000000ff", "00000000000000fc", "ffffffff00000000"


def scan(scan_id: str, path: str, phash: str = FRONT, **more: Any) -> Inspected:
    file = FoundFile("prints", f"prints/{path}", 10, f"mark of {scan_id}", "scan")
    row = {
        "scan_id": scan_id,
        "content_sha256": scan_id,
        "collection": "prints",
        "source_path": file.path,
        "phash": phash,
        "width_px": 100,
        "height_px": 80,
        "access_path": f"access/prints/{scan_id}.jpg",
    }
    return Inspected(file, row | more, None)


def metadata(**numbers: str) -> Metadata:
    """Metadata that gives files their accession numbers: ``a="1889.5"`` for a.tif."""
    table = "file,accession number\n" + "\n".join(f"{n}.tif,{t}" for n, t in numbers.items())
    with tempfile.TemporaryDirectory() as folder:
        inbox = open_store(folder)
        inbox.write("prints/metadata.csv", table.encode())
        return read_metadata(inbox, "prints")


class Archive:
    """The scans table as deliveries leave it."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.withdrawn: list[Row] = []

    def deliver(self, *inspected: Inspected, metadata: Metadata | None = None) -> Merged:
        empty = Known().scans
        table = pa.Table.from_pylist(list(self.rows.values()), schema=empty.schema)
        merged = merge(inspected, Known(table, self.withdrawn), metadata or Metadata())
        for row in merged.scans:
            self.rows[row["scan_id"]] = row
        for scan_id, values in merged.changed.items():
            self.rows[scan_id] |= values
        return merged

    def versions(self) -> dict[str, tuple[int, bool]]:
        return {name: (row["object_version"], row["is_current"]) for name, row in self.rows.items()}


def test_other_bytes_at_the_same_path_are_a_new_version_in_the_split_of_the_old_one() -> None:
    archive = Archive()
    archive.deliver(scan("one", "a.tif"))
    archive.deliver(scan("two", "a.tif", phash=BACK))
    assert archive.versions() == {"one": (1, False), "two": (2, True)}
    one, two = archive.rows["one"], archive.rows["two"]
    assert one["object_id"] == two["object_id"] == key("prints", "prints/a.tif", 1)
    assert two["duplicate_group"] == one["duplicate_group"] == "one"
    assert two["split"] == split_of("one")


def test_a_re_scan_under_another_name_is_known_by_accession_number_and_looks() -> None:
    archive = Archive()
    numbers = metadata(a="1889.5", again="1889.5", back="1889.5", other="1889.6")
    archive.deliver(scan("front", "a.tif"), metadata=numbers)
    archive.deliver(
        scan("rescan", "again.tif", CLOSE),
        scan("back", "back.tif", BACK),
        scan("copy", "other.tif", CLOSE),
        metadata=numbers,
    )
    assert archive.versions() == {
        "front": (1, False),
        "rescan": (2, True),
        "back": (1, True),
        "copy": (1, True),
    }
    assert archive.rows["rescan"]["object_id"] == archive.rows["front"]["object_id"]
    assert len({row["object_id"] for row in archive.rows.values()}) == 3


def test_a_smaller_copy_or_one_delivered_together_takes_nobodys_place() -> None:
    archive = Archive()
    numbers = metadata(a="1889.5", web="1889.5", b="1889.5")
    archive.deliver(scan("master", "a.tif"), scan("second", "b.tif", CLOSE), metadata=numbers)
    archive.deliver(scan("web", "web.tif", CLOSE, width_px=50), metadata=numbers)
    assert set(archive.versions().values()) == {(1, True)}


def test_versions_go_on_from_whatever_path_the_last_one_had() -> None:
    archive = Archive()
    numbers = metadata(a="7", b="7")
    for name, path in (("one", "a.tif"), ("two", "b.tif"), ("three", "a.tif"), ("four", "b.tif")):
        archive.deliver(scan(name, path), metadata=numbers)
    assert archive.versions() == {
        "one": (1, False),
        "two": (2, False),
        "three": (3, False),
        "four": (4, True),
    }


def test_bytes_that_come_back_to_their_place_are_current_again() -> None:
    archive = Archive()
    archive.deliver(scan("one", "a.tif"))
    archive.deliver(scan("two", "a.tif"))
    merged = archive.deliver(scan("one", "a.tif"))
    assert merged.scans == []
    assert archive.versions() == {"one": (1, True), "two": (2, False)}


def test_a_superseded_file_that_is_only_copied_again_stays_superseded() -> None:
    archive = Archive()
    numbers = metadata(a="7", b="7")
    archive.deliver(scan("one", "a.tif"), metadata=numbers)
    archive.deliver(scan("two", "b.tif"), metadata=numbers)
    archive.deliver(scan("one", "a.tif"), metadata=numbers)
    assert archive.versions() == {"one": (1, False), "two": (2, True)}


def test_pages_of_a_file_are_versions_of_themselves_only() -> None:
    archive = Archive()
    archive.deliver(scan("p1", "a.tif", page=1), scan("p2", "a.tif", BACK, page=2))
    archive.deliver(scan("q1", "a.tif", page=1), scan("q2", "a.tif", BACK, page=2))
    assert archive.rows["q2"]["object_id"] == archive.rows["p2"]["object_id"]
    assert archive.versions() == {
        "p1": (1, False),
        "p2": (1, False),
        "q1": (2, True),
        "q2": (2, True),
    }


def test_scans_from_before_there_were_versions_are_the_first() -> None:
    archive = Archive()
    archive.deliver(scan("one", "a.tif"))
    archive.rows["one"] |= dict.fromkeys(("object_id", "object_version", "is_current"))
    archive.deliver(scan("two", "a.tif"))
    assert archive.versions() == {"one": (1, False), "two": (2, True)}
    assert archive.rows["one"]["object_id"] == archive.rows["two"]["object_id"]


@pytest.mark.parametrize("phash", [FRONT, CLOSE])
def test_what_was_withdrawn_is_refused_by_its_bytes_or_its_looks(phash: str) -> None:
    archive = Archive()
    when = datetime(2026, 5, 4, tzinfo=UTC)
    archive.withdrawn = [{"scan_id": "gone", "phash": FRONT, "withdrawn_at": when}]
    name = "gone" if phash == FRONT else "other"
    merged = archive.deliver(scan(name, "a.tif", phash), scan("kept", "b.tif", BACK))
    assert [row["scan_id"] for row in merged.scans] == ["kept"]
    (refused,) = merged.refused
    assert refused["reason"] == "withdrawn"
    assert "withdrawn on 2026-05-04" in refused["message"]
    assert merged.unwanted == [f"access/prints/{name}.jpg"]


def test_an_exact_duplicate_leaves_no_access_copy_in_another_collection() -> None:
    archive = Archive()
    archive.deliver(scan("one", "a.tif"))
    archive.rows["one"] |= {"collection": "drawings", "source_path": "drawings/a.tif"}
    merged = archive.deliver(scan("one", "b.tif"))
    assert [row["reason"] for row in merged.refused] == ["exact_duplicate"]
    assert merged.unwanted == ["access/prints/one.jpg"]
