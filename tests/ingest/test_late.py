import json

import pytest

from artgan.catalog.schema import QUARANTINE, UNMATCHED
from artgan.ingest.late import (
    Mark,
    changed_fields,
    quarantined_problem,
    read_mark,
    scans_mark,
    unmatched_rows,
    write_mark,
)
from artgan.ingest.metadata import read_metadata
from artgan.ingest.rows import METADATA_COLUMNS
from artgan.ingest.sources import find_sources
from artgan.storage import open_store

BARE = dict.fromkeys(METADATA_COLUMNS)


@pytest.fixture
def inbox(tmp_path):
    return open_store(str(tmp_path / "inbox"))


def write(inbox, **tables):
    for name, text in tables.items():
        inbox.write(f"{name}/metadata.csv", text.encode())


def scan(name, **fields):
    return {"scan_id": name, "source_path": f"dutch/{name}.tif"} | BARE | fields


def test_only_scans_of_which_the_tables_say_something_else_are_described_anew(inbox):
    write(inbox, dutch="file,title\na,A\nb,B\n")
    metadata = read_metadata(inbox, "dutch")
    described = metadata.fields_of("dutch/a.tif")
    assert described is not None
    scans = [scan("a", **described), scan("b", title="old"), scan("c", title="kept")]
    changed = dict(changed_fields(scans, metadata))
    assert list(changed) == ["b"]
    assert changed["b"]["title"] == "B"
    assert set(changed["b"]) == set(METADATA_COLUMNS)


def test_unmatched_rows_fit_their_table_and_keep_their_keys(inbox):
    write(inbox, dutch="file,title,date\na,A,1888\nb,B,n.d.\n,C,\nb,B,n.d.\n")
    rows = unmatched_rows(read_metadata(inbox, "dutch"), "dutch", ["dutch/a.tif"])
    assert [(row["named"], row["reason"], row["title"]) for row in rows] == [
        ("b", "no_scan", "B"),
        (None, "names_nothing", "C"),
        ("b", "repeated", "B"),
    ]
    assert {name for row in rows for name in row} < set(UNMATCHED.schema.names)
    write(inbox, dutch="title,file,date\nNew,new,1\nB,b,n.d.\n")
    again = unmatched_rows(read_metadata(inbox, "dutch"), "dutch", [])
    assert [json.loads(row["metadata_json"])["title"] for row in again] == ["New", "B"]
    write(inbox, dutch="file,title,date\nnew,New,1\nb,B,n.d.\n")
    moved = unmatched_rows(read_metadata(inbox, "dutch"), "dutch", [])
    assert rows[0]["unmatched_id"] in {row["unmatched_id"] for row in moved}


def test_a_mark_moves_with_tables_mappings_and_scans_and_with_nothing_else(inbox):
    write(inbox, dutch="file,title\na,A\n")
    first = find_sources(inbox, "dutch").mark()
    inbox.write("dutch/a.tif", b"scan")
    inbox.write("flemish/metadata.csv", b"file\n")
    assert find_sources(inbox, "dutch").mark() == first
    inbox.write("dutch/mapping.yaml", b"title: title\n")
    second = find_sources(inbox, "dutch").mark()
    write(inbox, dutch="file,title\na,AB\n")
    third = find_sources(inbox, "dutch").mark()
    assert len({first, second, third}) == 3
    assert scans_mark(["a", "b"]) == scans_mark(["b", "a"]) != scans_mark(["a"])


def test_a_mark_is_kept_for_each_collection_and_for_the_top(any_root):
    store = open_store(any_root)
    for collection in ("dutch", "flemish", ""):
        assert read_mark(store, collection) is None
        write_mark(store, collection, Mark(collection, "scans"))
    assert [read_mark(store, one) for one in ("dutch", "")] == [
        Mark("dutch", "scans"),
        Mark("", "scans"),
    ]


def test_a_problem_fits_the_quarantine_table(inbox):
    inbox.write("dutch/metadata.json", b"{")
    (problem,) = read_metadata(inbox, "dutch").problems
    row = quarantined_problem(problem, "dutch", inbox)
    assert set(row) < set(QUARANTINE.schema.names)
    required = {field.name for field in QUARANTINE.schema if not field.nullable}
    assert all(row[name] is not None for name in required)
    assert row["reason"] == "metadata_unreadable"
    assert row["message"].startswith("dutch/metadata.json must be JSON, got ")
