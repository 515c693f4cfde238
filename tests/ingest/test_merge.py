import pyarrow as pa

from artgan.ingest.discover import FoundFile
from artgan.ingest.known import Known
from artgan.ingest.merge import Inspected, merge
from artgan.ingest.metadata import Metadata
from artgan.keys import scan_id

CONTENT = "ab" * 32
HASHES = ["0123456789abcdef", "fedcba9876543210", "00ff00ff00ff00ff"]


def found(path, version="v1"):
    return FoundFile("books", path, 99, version, "scan")


def accepted(path, page=1, content=CONTENT, version="v1"):
    row = {
        "scan_id": scan_id(content, page),
        "content_sha256": content,
        "page": page,
        "collection": "books",
        "source_path": path,
        "phash": HASHES[page - 1],
    }
    return Inspected(found(path, version), row, None)


def refused(path, page, content=CONTENT):
    why = {"reason": "truncated", "message": "-", "content_sha256": content, "page": page}
    return Inspected(found(path), None, why)


def known(inspected):
    merged = merge(inspected, Known(), Metadata())
    return catalogued(merged.scans)


def catalogued(rows):
    return Known(pa.Table.from_pylist(rows, schema=Known().scans.schema))


def test_pages_of_a_file_are_scans_of_their_own():
    merged = merge([accepted("books/a.tif", page) for page in (1, 2, 3)], Known(), Metadata())
    assert [row["page"] for row in merged.scans] == [1, 2, 3]
    assert len({row["scan_id"] for row in merged.scans}) == 3
    assert merged.scans[0]["scan_id"] == CONTENT


def test_a_duplicate_of_a_file_with_several_pages_is_listed_once():
    first = [accepted("books/a.tif", 1), refused("books/a.tif", 2), accepted("books/a.tif", 3)]
    copy = [accepted("books/b.tif", 1), refused("books/b.tif", 2), accepted("books/b.tif", 3)]
    merged = merge([*copy, *first], Known(), Metadata())
    assert [(row["source_path"], row["page"]) for row in merged.scans] == [
        ("books/a.tif", 1),
        ("books/a.tif", 3),
    ]
    assert [(row["source_path"], row["reason"], row.get("page")) for row in merged.refused] == [
        ("books/a.tif", "truncated", 2),
        ("books/b.tif", "exact_duplicate", None),
    ]
    later = merge(copy, known(first), Metadata())
    assert not later.scans
    assert [row["reason"] for row in later.refused] == ["exact_duplicate"]
    assert later.refused[0]["quarantine_id"] == merged.refused[1]["quarantine_id"]


def test_each_broken_page_has_a_row_of_its_own():
    merged = merge([refused("books/a.tif", page) for page in (1, 2, None)], Known(), Metadata())
    assert len({row["quarantine_id"] for row in merged.refused}) == 3


def test_a_file_that_was_copied_again_gets_its_new_mark_on_every_page():
    before = known([accepted("books/a.tif", page) for page in (1, 2)])
    again = [accepted("books/a.tif", page, version="v2") for page in (1, 2)]
    merged = merge(again, before, Metadata())
    assert not merged.scans
    assert not merged.refused
    assert merged.changed == {
        name: {"source_version": "v2"} for name in (CONTENT, scan_id(CONTENT, 2))
    }


def test_rows_from_before_there_were_pages_are_still_known():
    (row,) = known([accepted("books/a.tif")]).scans.to_pylist()
    before = catalogued([row | {"content_sha256": None, "page": None}])
    assert merge([accepted("books/a.tif", version="v2")], before, Metadata()).changed == {
        CONTENT: {"source_version": "v2"}
    }
    copy = merge([accepted("books/b.tif")], before, Metadata())
    assert [row["reason"] for row in copy.refused] == ["exact_duplicate"]
