import json
import unicodedata

import numpy as np
import pytest

from artgan.catalog.schema import SCANS
from artgan.ingest.discover import collections_in, discover
from artgan.ingest.metadata import parse_csv, read_metadata, row_fields
from artgan.sample.metadata import EXPORTS, Work, metadata_bytes
from artgan.storage import open_store


@pytest.fixture
def inbox(tmp_path):
    store = open_store(str(tmp_path / "inbox"))

    def fill(**tables):
        for name, text in tables.items():
            content = text.encode() if isinstance(text, str) else text
            store.write(name.replace("__", "/") + ".csv", content)
        return store

    return fill


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_tables_of_any_delimiter_and_encoding_are_read(delimiter, encoding):
    text = f"file{delimiter}title\r\na.tif{delimiter}Mère Grégoire\r\n"
    assert parse_csv(text.encode(encoding)) == [{"file": "a.tif", "title": "Mère Grégoire"}]


def test_cells_may_hold_line_breaks_quotes_and_delimiters():
    rows = parse_csv(b'file,title\r\na.tif,"One, ""two""\r\nand three"\r\n\r\n')
    assert rows == [{"file": "a.tif", "title": 'One, "two"\r\nand three'}]


def test_short_long_and_empty_rows_do_no_harm():
    rows = parse_csv(b"file,title\na.tif\nb.tif,B,surplus,more\n,\n")
    assert rows == [{"file": "a.tif", "title": ""}, {"file": "b.tif", "title": "B"}]
    assert parse_csv(b"") == []


@pytest.mark.parametrize("collection", sorted(EXPORTS))
def test_headings_of_three_museums_are_understood(collection):
    works = [Work(number, "harbour, dawn", f"{number}.tif") for number in range(12)]
    rows = parse_csv(metadata_bytes(collection, works, np.random.default_rng(0)))
    assert len(rows) == 12
    fields = [row_fields(row) for row in rows]
    for name in ("accession_number", "title", "artist", "date_text", "medium"):
        assert all(row[name] for row in fields), name
    assert fields[0]["year_from"] is not None


def test_fields_are_columns_of_the_scans_table_and_keep_the_whole_row():
    row = {"Object Number": "SK-A-1", "Maker": "A|B | C", "Datering": "ca. 1831", "Zaal": "7"}
    fields = row_fields(row)
    assert set(fields) <= set(SCANS.schema.names)
    assert fields["accession_number"] == "SK-A-1"
    assert fields["artist"] == "A; B; C"
    assert (fields["year_from"], fields["year_to"]) == (1831, 1831)
    assert fields["title"] is None
    assert json.loads(fields["metadata_json"]) == row


@pytest.mark.parametrize(
    "cell",
    [
        "Nachtwacht.tif",
        "dutch/Nachtwacht.tif",
        "NACHTWACHT.TIF",
        "nachtwacht",
        "./nachtwacht.tif",
        "dutch\\Nachtwacht.tif",
        "https://museum.example/images/Nachtwacht.tif?size=full",
    ],
)
def test_a_row_finds_its_scan_however_the_name_is_written(inbox, cell):
    metadata = read_metadata(inbox(dutch__metadata=f"file,title\n{cell},Night\n"), "dutch")
    fields = metadata.fields_of("dutch/Nachtwacht.tif")
    assert fields is not None
    assert fields["title"] == "Night"
    assert metadata.fields_of("dutch/other.tif") is None


def test_decomposed_and_composed_letters_are_the_same_name(inbox):
    composed = "Mère.tif"
    decomposed = unicodedata.normalize("NFD", composed)
    metadata = read_metadata(inbox(dutch__metadata=f"file,title\n{decomposed},M\n"), "dutch")
    assert metadata.fields_of(f"dutch/{composed}") is not None
    assert metadata.unmatched([f"dutch/{composed}"]) == []


def test_scans_in_subfolders_are_found_by_path_or_by_name(inbox):
    metadata = read_metadata(
        inbox(dutch__metadata="file,title\nrecto/1.tif,R\n2.tif,Two\n"), "dutch"
    )
    recto, second = metadata.fields_of("dutch/recto/1.tif"), metadata.fields_of("dutch/x/2.tif")
    assert recto is not None
    assert second is not None
    assert (recto["title"], second["title"]) == ("R", "Two")
    assert metadata.fields_of("dutch/verso/1.tif") is None


def test_without_a_file_column_the_accession_number_is_the_name(inbox):
    metadata = read_metadata(
        inbox(dutch__metadata="inventarisnummer,titel\nSK-A-1,Een\nSK-A-2,Twee\n"), "dutch"
    )
    fields = metadata.fields_of("dutch/SK-A-2.jpg")
    assert fields is not None
    assert fields["title"] == "Twee"
    assert metadata.unmatched(["dutch/SK-A-2.jpg"]) == ["SK-A-1"]


def test_the_collection_s_own_table_goes_before_those_for_all(inbox):
    store = inbox(
        SOURCES="collection,file,title\ndutch,dutch/a.tif,all\ndutch,dutch/b.tif,all\n",
        dutch__metadata="file,title\na.tif,own\n",
    )
    metadata = read_metadata(store, "dutch")
    own, other = metadata.fields_of("dutch/a.tif"), metadata.fields_of("dutch/b.tif")
    assert own is not None
    assert other is not None
    assert (own["title"], other["title"]) == ("own", "all")


def test_rows_of_other_collections_neither_match_nor_count_as_missing(inbox):
    store = inbox(SOURCES="collection,file,title\ndutch,dutch/a.tif,D\nflemish,flemish/a.tif,F\n")
    metadata = read_metadata(store, "flemish")
    fields = metadata.fields_of("flemish/a.tif")
    assert fields is not None
    assert fields["title"] == "F"
    assert metadata.unmatched([]) == ["flemish/a.tif"]


def test_the_first_row_of_a_name_counts(inbox):
    metadata = read_metadata(inbox(dutch__metadata="file,title\na.tif,1\na.tif,2\n"), "dutch")
    fields = metadata.fields_of("dutch/a.tif")
    assert fields is not None
    assert fields["title"] == "1"


def test_an_inbox_without_tables_has_no_metadata(inbox):
    metadata = read_metadata(inbox(), "dutch")
    assert metadata.fields_of("dutch/a.tif") is None
    assert metadata.unmatched([]) == []


def test_every_real_scan_has_its_row_and_every_row_its_scan(real_data):
    inbox = open_store(str(real_data / "scans"))
    for collection in collections_in(inbox):
        paths = [file.path for file in discover(inbox, collection) if file.role == "scan"]
        metadata = read_metadata(inbox, collection)
        fields = [metadata.fields_of(path) for path in paths]
        assert all(row and row["artist"] for row in fields)
        assert metadata.unmatched(paths) == []


def test_a_real_export_of_twenty_thousand_works_is_read_whole(real_data):
    table = real_data / "museum_metadata" / "tate_artwork_data_rebuilt_20k.csv"
    rows = [row_fields(row) for row in parse_csv(table.read_bytes())]
    assert len(rows) == 20_000
    for name in ("accession_number", "title", "artist", "date_text"):
        assert all(row[name] for row in rows), name
