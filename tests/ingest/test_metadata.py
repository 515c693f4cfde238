import json
import re
import unicodedata
from collections.abc import Iterable

import numpy as np
import pytest

from artgan.catalog.schema import SCANS
from artgan.ingest.discover import collections_in, discover
from artgan.ingest.metadata import Metadata, read_metadata
from artgan.ingest.rows import METADATA_COLUMNS
from artgan.sample.metadata import EXPORTS, Work, metadata_bytes
from artgan.storage import LocalStore, open_store


def unmatched(metadata: Metadata, source_paths: Iterable[str]) -> list[str]:
    """Return the first name of each row that must have a scan and has none, sorted."""
    found = metadata.leftovers(source_paths)
    return sorted(row.names[0] for row, reason in found if reason == "no_scan")


@pytest.fixture
def inbox(tmp_path):
    store = open_store(str(tmp_path / "inbox"))

    def fill(**tables):
        for name, text in tables.items():
            content = text.encode() if isinstance(text, str) else text
            path = name.replace("__", "/")
            store.write(path if "." in path else f"{path}.csv", content)
        return store

    return fill


@pytest.mark.parametrize("collection", sorted(EXPORTS))
def test_headings_of_three_museums_are_understood(inbox, collection):
    works = [Work(number, "harbour, dawn", f"{number}.tif") for number in range(12)]
    content = metadata_bytes(collection, works, np.random.default_rng(0))
    metadata = read_metadata(inbox(dutch__metadata=content), "dutch")
    fields = [row.fields() for row in metadata.expected]
    assert len(fields) == 12
    for name in ("accession_number", "title", "artist", "date_text", "medium"):
        assert all(row[name] for row in fields), name
    assert fields[0]["year_from"] is not None


def test_fields_are_columns_of_the_scans_table_and_keep_the_whole_row(inbox):
    table = 'Object Number,Maker,Datering,Zaal,Afmetingen\nSK-A-1,A|B | C,ca. 1831,7,"30 x 40 cm"\n'
    fields = read_metadata(inbox(dutch__metadata=table), "dutch").fields_of("dutch/sk-a-1.tif")
    assert fields is not None
    assert set(fields) == set(METADATA_COLUMNS)
    assert set(fields) <= set(SCANS.schema.names)
    assert fields["accession_number"] == "SK-A-1"
    assert fields["artist"] == "A; B; C"
    assert (fields["year_from"], fields["year_to"]) == (1831, 1831)
    assert (fields["height_mm"], fields["width_mm"], fields["depth_mm"]) == (300, 400, None)
    assert fields["dimensions_text"] == "30 x 40 cm"
    assert fields["title"] is None
    assert fields["metadata_source"] == "dutch/metadata.csv"
    assert json.loads(fields["metadata_json"]) == {
        "Object Number": "SK-A-1",
        "Maker": "A|B | C",
        "Datering": "ca. 1831",
        "Zaal": "7",
        "Afmetingen": "30 x 40 cm",
    }


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
    assert unmatched(metadata, [f"dutch/{composed}"]) == []


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
    assert unmatched(metadata, ["dutch/SK-A-2.jpg"]) == ["SK-A-1"]


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
    assert unmatched(metadata, []) == ["flemish/a.tif"]


def test_the_first_row_of_a_name_counts(inbox):
    metadata = read_metadata(inbox(dutch__metadata="file,title\na.tif,1\na.tif,2\n"), "dutch")
    fields = metadata.fields_of("dutch/a.tif")
    assert fields is not None
    assert fields["title"] == "1"


def test_several_tables_of_a_collection_are_read_but_not_what_a_system_left(inbox):
    store = inbox(
        dutch__metadata="file,title\na.tif,A\n",
        **{"dutch__metadata-2019.jsonl": '{"file": "b.tif", "title": "B"}'},
        **{"dutch__._metadata.csv": b"\0", ".~lock.SOURCES.csv": b"\0", "dutch__notes.csv": "x"},
    )
    metadata = read_metadata(store, "dutch")
    assert [fields(metadata, f"dutch/{one}.tif")["title"] for one in "ab"] == ["A", "B"]
    assert metadata.problems == []


def test_an_inbox_without_tables_has_no_metadata(inbox):
    metadata = read_metadata(inbox(), "dutch")
    assert metadata.fields_of("dutch/a.tif") is None
    assert unmatched(metadata, []) == []


def test_every_real_scan_has_its_row_and_every_row_its_scan(real_data):
    inbox = open_store(str(real_data / "scans"))
    for collection in collections_in(inbox):
        paths = [file.path for file in discover(inbox, collection) if file.role == "scan"]
        metadata = read_metadata(inbox, collection)
        fields = [metadata.fields_of(path) for path in paths]
        assert all(row and row["artist"] for row in fields)
        assert unmatched(metadata, paths) == []


def fields(metadata, path):
    found = metadata.fields_of(path)
    assert found is not None, path
    return found


def test_a_collection_s_row_is_not_taken_by_another_that_has_the_same_file_name(inbox):
    store = inbox(SOURCES="collection,file,title\nflemish,a.tif,F\n", **{"dutch__x.tif": b""})
    store.write("flemish/a.tif", b"")
    assert read_metadata(store, "dutch").fields_of("dutch/a.tif") is None
    assert fields(read_metadata(store, "flemish"), "flemish/a.tif")["title"] == "F"


@pytest.mark.parametrize(
    ("cell", "file"),
    [
        ("T01234", "t01234.tif"),
        ("1887.234", "1887_234.tif"),
        ("SK-A-5", "SK A 0005.tif"),
        ("SK-A-0005", "sk-a-5.tif"),
        ("1990.607/8.1", "1990.607_8.1.jpg"),
        ("Mère.tif", "Mere.jpg"),
        ("a.tif", "a.jpg"),
        ("https://iiif.example/iiif/2/ab%20c/full/843,/0/default.jpg", "ab c.tif"),
        ("https://iiif.example/iiif/3/ab_c/square/max/0/color.png", "ab_c.tif"),
        ("https://iiif.example/iiif/ab-c/info.json", "ab-c.tif"),
        ("https://api.example/iiif/00007f61-4922-417b", "00007f61-4922-417b.jpg"),
        ("http://[odd", "http_ odd.tif"),
    ],
)
def test_names_are_found_across_cases_separators_zeros_and_addresses(inbox, cell, file):
    metadata = read_metadata(inbox(dutch__metadata=f'file,title\n"{cell}",T\nother,O\n'), "dutch")
    assert fields(metadata, f"dutch/{file}")["title"] == "T"
    assert unmatched(metadata, [f"dutch/{file}"]) == ["other"]


def test_a_loose_name_that_two_rows_share_joins_neither(inbox):
    metadata = read_metadata(inbox(dutch__metadata="file,title\na-1,1\na_1,2\n"), "dutch")
    assert metadata.fields_of("dutch/a 1.tif") is None
    assert fields(metadata, "dutch/a_1.tif")["title"] == "2"


def test_a_mapping_of_the_collection_goes_before_that_at_the_top(inbox):
    store = inbox(
        dutch__metadata="Bild,Werk,Objekt\na.tif,W,O\n",
        flemish__metadata="Bild,Werk,Objekt\na.tif,W,O\n",
        **{"mapping.yaml": "file: Bild\ntitle: Werk\n"},
        **{"dutch__mapping.yaml": "file: Bild\ntitle: Objekt\n"},
    )
    assert fields(read_metadata(store, "dutch"), "dutch/a.tif")["title"] == "O"
    assert fields(read_metadata(store, "flemish"), "flemish/a.tif")["title"] == "W"


def test_a_mapping_gives_units_a_pattern_of_names_and_links(inbox):
    store = inbox(
        dutch__metadata="nr,hoog,breed,maker_id,rechten\n7,30.5,40,m1,CC0\n",
        **{
            "dutch__metadata-makers.csv": "id,naam\nm1,Judith\n",
            "dutch__mapping.yaml": "file: nr\nheight: hoog\nwidth: breed\nunits: cm\n"
            "scan_name: '([0-9]+)_recto'\nlinks: {maker_id: id}\nartist: naam\nrights: null\n",
        },
    )
    metadata = read_metadata(store, "dutch")
    found = fields(metadata, "dutch/7_Recto.tif")
    assert (found["height_mm"], found["width_mm"]) == (305, 400)
    assert (found["artist"], found["rights"]) == ("Judith", None)
    assert metadata.fields_of("dutch/7_verso.tif") is None
    assert metadata.problems == []


@pytest.mark.parametrize("mapping", ["titel: Werk\n", "title: Wrek\n"])
def test_a_wrong_mapping_joins_nothing_and_is_a_problem(inbox, mapping):
    store = inbox(dutch__metadata="file,Werk\na.tif,W\n", **{"dutch__mapping.yaml": mapping})
    metadata = read_metadata(store, "dutch")
    assert metadata.fields_of("dutch/a.tif") is None
    assert not metadata.is_usable
    assert [problem.entry.key for problem in metadata.problems] == ["dutch/mapping.yaml"]
    assert metadata.problems[0].message.startswith("mapping must name ")


def test_a_broken_table_is_a_problem_and_the_others_are_read(inbox):
    store = inbox(
        dutch__metadata="file,title\na.tif,A\n",
        SOURCES=b"PK\0\0",
        notes="remark,page\nx,1\n",
        **{"more.jsonl": '{"file": "dutch/b.tif", "title": "B"}\n{"file"\n'},
    )
    metadata = read_metadata(store, "dutch")
    assert [fields(metadata, f"dutch/{one}.tif")["title"] for one in "ab"] == ["A", "B"]
    found = {problem.entry.key: problem.message for problem in metadata.problems}
    assert set(found) == {"SOURCES.csv", "more.jsonl", "notes.csv"}
    assert found["notes.csv"].startswith(
        "notes.csv must have a column that names scans, got remark, page. Name it 'file'"
    )
    assert {problem.entry.key for problem in metadata.problems if not problem.is_read} == {
        "SOURCES.csv"
    }


class Locked(LocalStore):
    """A store in which one table may not be read."""

    def read(self, key):
        if key == "locked.csv":
            raise PermissionError(13, "Permission denied")
        return super().read(key)


def test_a_table_that_may_not_be_read_is_a_problem_and_the_others_are_read(inbox):
    store = Locked(inbox(locked="file\n", dutch__metadata="file,title\na.tif,A\n").root)
    metadata = read_metadata(store, "dutch")
    assert fields(metadata, "dutch/a.tif")["title"] == "A"
    (problem,) = metadata.problems
    assert problem.message.startswith("locked.csv must be readable, got [Errno 13] Permission")


def test_rows_that_describe_no_scan_are_told_apart(inbox):
    table = "file,title\na.tif,1\nA.TIF,2\n,3\nb.tif,4\n"
    metadata = read_metadata(inbox(dutch__metadata=table), "dutch")
    found = [(row.fields()["title"], reason) for row, reason in metadata.leftovers(["dutch/a.tif"])]
    assert found == [("2", "repeated"), ("3", "names_nothing"), ("4", "no_scan")]


def test_rows_at_the_top_that_name_no_collection_are_listed_for_none(inbox):
    store = inbox(
        all="file,title\na.tif,A\ndutch/b.tif,B\nlost/c.tif,C\nd.tif,D\n",
        **{"dutch__x.tif": b""},
    )
    assert unmatched(read_metadata(store, "dutch"), ["dutch/a.tif"]) == ["dutch/b.tif"]
    assert unmatched(read_metadata(store, ""), ["dutch/a.tif"]) == ["d.tif", "lost/c.tif"]


def test_pictures_of_the_national_gallery_are_described_by_the_objects_they_show(inbox, real_data):
    """The two big tables in their published form; the real table of constituents beside them."""
    constituents = real_data / "museum_metadata" / "nga_constituents.csv"
    store = inbox(
        published_images="uuid,iiifurl,viewtype,width,height,depictstmsobjectid\n"
        "00007f61,https://api.nga.gov/iiif/00007f61,primary,3000,4000,17387\n"
        "0000bd8c,https://api.nga.gov/iiif/0000bd8c,alternate,3000,4000,99\n",
        objects="objectid,accessionnum,title,displaydate,beginyear,endyear,medium,dimensions,"
        "attribution,attributioninverted\n"
        '17387,1937.1.1,Madonna,c. 1280/1285,1280,1285,tempera,"overall: 82.4 x 50.1 cm '
        '(32 7/16 x 19 3/4 in.)",Master,Master\n',
        constituents=constituents.read_bytes(),
        **{"nga__x.tif": b""},
    )
    metadata = read_metadata(store, "nga")
    found = fields(metadata, "nga/00007f61.jpg")
    assert (found["title"], found["accession_number"]) == ("Madonna", "1937.1.1")
    assert (found["year_from"], found["year_to"]) == (1280, 1285)
    assert (found["height_mm"], found["width_mm"]) == (824, 501)
    assert json.loads(found["metadata_json"])["viewtype"] == "primary"
    assert json.loads(found["metadata_json"])["medium"] == "tempera"
    assert fields(metadata, "nga/0000BD8C.tif")["title"] is None
    assert metadata.problems == []
    # Constituents describe people, not works: none of them needs a scan.
    assert unmatched(read_metadata(store, ""), []) == [
        *("00007f61", "0000bd8c", "1937.1.1"),
    ]


def joined(metadata, ending, collection):
    """Fields of a generated scan for each row, named as the museum names its pictures."""
    named = [[name.rsplit("/", 1)[-1] for name in row.names] for row in metadata.expected]
    every = [name for names in named for name in names]
    files = {name: f"{collection}/{name}{'' if '.' in name else ending}" for name in every}
    assert unmatched(metadata, files.values()) == []
    return [fields(metadata, files[names[0]]) for names in named if names]


def dated_fraction(found, undated):
    """Share of the dates that are read, and those that are not."""
    texts = [row for row in found if row["date_text"] and row["date_text"] not in undated]
    unread = [row["date_text"] for row in texts if row["year_from"] is row["year_to"] is None]
    return 1 - len(unread) / len(texts), unread


def test_every_row_of_the_tate_s_export_joins_and_is_dated(inbox, real_data):
    table = real_data / "museum_metadata" / "tate_artwork_data_rebuilt_20k.csv"
    store = inbox(tate__metadata=table.read_bytes())
    metadata = read_metadata(store, "tate")
    assert metadata.problems == []
    found = joined(metadata, ".tif", "tate")
    assert len(found) == 20_000
    for name in ("accession_number", "title", "artist", "date_text"):
        assert all(row[name] for row in found), name
    fraction, unread = dated_fraction(found, {"date not known"})
    assert (fraction, unread) == (1.0, [])
    assert sum(row["height_mm"] is not None for row in found) > 19_300
    shalott = fields(metadata, "tate/n01543_10.jpg")
    assert (shalott["height_mm"], shalott["width_mm"]) == (1530, 2000)


def test_every_record_of_the_tate_s_json_joins_and_is_dated(inbox, real_data):
    records = (real_data / "museum_metadata" / "tate_artworks_sample_990.jsonl").read_bytes()
    found = joined(
        read_metadata(inbox(**{"tate__metadata.jsonl": records}), "tate"), ".tif", "tate"
    )
    assert len(found) == 989
    assert dated_fraction(found, {"date not known"}) == (1.0, [])
    assert all("subject" in row["metadata_json"] for row in found[:5])


def test_every_row_of_the_national_gallery_s_media_joins_and_is_dated(inbox, real_data):
    table = real_data / "museum_metadata" / "nga_media_items.csv"
    metadata = read_metadata(inbox(nga__metadata=table.read_bytes()), "nga")
    found = joined(metadata, ".jpg", "nga")
    assert len(found) == 2654
    assert dated_fraction(found, set()) == (1.0, [])
    # Many films share a picture; the first of them describes it, and the others are listed.
    assert sum(row.names == [] for row in metadata.expected) == 31
    assert len(metadata.repeated) == 830


def test_every_row_of_the_national_gallery_s_constituents_joins_and_is_dated(inbox, real_data):
    table = real_data / "museum_metadata" / "nga_constituents.csv"
    metadata = read_metadata(inbox(nga__metadata=table.read_bytes()), "nga")
    found = joined(metadata, ".tif", "nga")
    assert len(found) == 27_438
    # "French" is where somebody comes from, and no date.
    places = {row["date_text"] for row in found if not re.search(r"\d", row["date_text"] or "")}
    fraction, unread = dated_fraction(found, places)
    assert fraction > 0.9999
    assert unread == ["Roman, -5 - 65"]


def test_undated_works_take_the_years_that_the_museum_states(inbox, real_data):
    records = (real_data / "museum_metadata" / "aic_artworks_api_sample.jsonl").read_bytes()
    metadata = read_metadata(inbox(**{"aic__metadata.jsonl": records}), "aic")
    undated = fields(metadata, "aic/1880.1.tif")
    assert (undated["date_text"], undated["year_from"], undated["year_to"]) == ("n.d.", 1865, 1880)
    by_picture = fields(metadata, "aic/7b7a6f39-1cd8-ea2f-9811-18b0e23edac0.jpg")
    assert (by_picture["title"], by_picture["artist"]) == ("Self-Portrait", "Walter Shirlaw")
    assert (by_picture["height_mm"], by_picture["width_mm"]) == (702, 534)


def test_figures_of_the_museum_of_modern_art_are_centimetres(inbox):
    table = (
        "Title,Artist,ConstituentID,BeginDate,EndDate,Date,Medium,Dimensions,AccessionNumber,"
        "DateAcquired,ObjectID,Height (cm),Width (cm),Depth (cm)\n"
        "Ferdinandsbrucke,Otto Wagner,6210,1841,1918,1896,Ink,,885.1996,1996-04-09,2,48.6,168.9,\n"
    )
    found = fields(read_metadata(inbox(moma__metadata=table), "moma"), "moma/885_1996.tif")
    assert (found["height_mm"], found["width_mm"], found["depth_mm"]) == (486, 1689, None)
    assert (found["year_from"], found["year_to"]) == (1896, 1896)


def test_tables_are_found_on_s3_without_listing_every_scan(s3_root):
    store = open_store(s3_root)
    store.write("SOURCES.csv", b"collection,file,title\ndutch,dutch/a.tif,A\n")
    store.write("dutch/metadata.csv", b"file,title\nb.tif,B\n")
    store.write("dutch/a.tif", b"x")
    store.write("dutch/deep/metadata.csv", b"file,title\na.tif,wrong\n")
    metadata = read_metadata(store, "dutch")
    assert [fields(metadata, f"dutch/{one}.tif")["title"] for one in "ab"] == ["A", "B"]
    assert read_metadata(store, "flemish").fields_of("flemish/b.tif") is None
