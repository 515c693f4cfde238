import csv
import json
import re
from pathlib import Path

import pytest

from artgan.errors import InvalidInputError
from artgan.ingest.mapping import (
    FIELDS,
    GENERAL,
    check_columns,
    lay_over,
    parse_mapping,
    ready_mappings,
    recognise,
)

REAL = {
    "museum_metadata/tate_artwork_data_rebuilt_20k.csv": "tate",
    "museum_metadata/tate_artist_data.csv": "tate_artists",
    "museum_metadata/nga_media_items.csv": "nga_media",
    "museum_metadata/nga_constituents.csv": "nga_constituents",
    "museum_metadata/aic_someArtworks.csv": "aic",
    "scans/SOURCES.csv": "sources",
}


@pytest.mark.parametrize(("path", "name"), REAL.items())
def test_real_exports_are_recognised_by_their_headings(real_data, path, name):
    with (real_data / path).open(encoding="utf-8-sig", newline="") as file:
        headings = next(csv.reader(file))
    assert recognise(headings).name == name
    columns = lay_over(None, headings)
    assert columns.can_name
    for field, named in ready_mappings()[name].columns.items():
        in_csv = {"artist_titles", "artist_display", "image_id"}  # AIC's API has more than its CSV
        if field != "units" and not in_csv.issuperset(named):
            assert columns.at[field] or name == "aic", (field, named)


@pytest.mark.parametrize(
    ("path", "name"),
    [("tate_artworks_sample_990", "tate_json"), ("aic_artworks_api_sample", "aic")],
)
def test_real_records_are_recognised_by_their_names(real_data, path, name):
    with (real_data / "museum_metadata" / f"{path}.jsonl").open(encoding="utf-8") as file:
        assert recognise(list(json.loads(file.readline()))).name == name


HEADINGS = {
    "met": "Object Number,Is Highlight,Is Timeline Work,Is Public Domain,Object ID,Gallery Number,"
    "Department,AccessionYear,Object Name,Title,Culture,Artist Display Name,Object Date,"
    "Object Begin Date,Object End Date,Medium,Dimensions,Credit Line,Rights and Reproduction",
    "moma": "Title,Artist,ConstituentID,ArtistBio,Nationality,BeginDate,EndDate,Gender,Date,Medium,"
    "Dimensions,CreditLine,AccessionNumber,Classification,Department,DateAcquired,Cataloged,"
    "ObjectID,URL,ImageURL,OnView,Circumference (cm),Depth (cm),Diameter (cm),Height (cm),"
    "Length (cm),Weight (kg),Width (cm),Seat Height (cm),Duration (sec.)",
    "nga_objects": "objectid,uuid,accessioned,accessionnum,locationid,title,displaydate,beginyear,"
    "endyear,visualbrowsertimespan,medium,dimensions,inscription,attributioninverted,attribution",
    "nga_images": "uuid,iiifurl,iiifthumburl,viewtype,sequence,width,height,maxpixels,openaccess,"
    "created,modified,depictstmsobjectid,assistivetext",
}


@pytest.mark.parametrize(("name", "headings"), HEADINGS.items())
def test_other_museums_are_recognised_by_their_published_headings(name, headings):
    assert recognise(headings.split(",")).name == name


def test_a_table_of_nobody_in_particular_is_read_by_the_usual_headings():
    assert recognise(["file", "title", "date"]) is GENERAL
    columns = lay_over(None, ["Titel", "Größe", "Maße", "Datei"])
    assert [columns.at[one] for one in ("title", "dimensions_text", "file")] == [(0,), (2,), (3,)]


def test_ready_mappings_say_what_they_are_for_and_name_only_our_fields():
    assert set(ready_mappings()) >= {"tate", "nga_objects", "aic", "met", "moma", "sources"}
    for mapping in ready_mappings().values():
        assert mapping.recognised_by
        assert set(mapping.columns) <= set(FIELDS)
        assert mapping.columns["file"]


def test_a_mapping_names_what_it_knows_and_leaves_the_rest_to_the_headings():
    mapping = parse_mapping("d/mapping.yaml", b"title: [Werk, Objekt]\nfile: Bild\nrights: null\n")
    columns = lay_over(mapping, ["Bild", "Objekt", "Kunstler", "Copyright", "Titel", "Inv.Nr."])
    assert columns.at["title"] == (1,)
    assert columns.at["file"] == (0,)
    assert columns.at["rights"] == ()
    assert columns.at["artist"] == (2,)
    assert columns.at["accession_number"] == (5,)
    assert columns.names(["b.tif", "", "", "", "", "9"]) == ["b.tif"]


def test_a_mapping_may_start_from_a_ready_one_and_be_json():
    mapping = parse_mapping("d/mapping.json", b'{"preset": "moma", "title": "Our title"}')
    columns = lay_over(mapping, ["AccessionNumber", "Our title", "Title", "Height (cm)"])
    assert columns.mapping.name == "moma"
    assert columns.at["title"] == (1,)
    assert columns.at["height"] == (3,)


def test_the_example_of_the_manual_is_a_mapping_and_its_fields_are_all_there():
    manual = (Path(__file__).parents[2] / "docs" / "metadata.md").read_text("utf-8")
    example = manual.split("```yaml\n")[1].split("```")[0]
    mapping = parse_mapping("mapping.yaml", example.encode())
    assert (mapping.preset, mapping.units, mapping.columns["rights"]) == ("moma", "cm", ())
    listed = re.findall("`([a-z_]+)`", manual.split("Fields: ")[1].split("\n\n")[0])
    assert set(listed) == set(FIELDS)


def test_headings_in_other_scripts_are_named_exactly():
    mapping = parse_mapping("d/mapping.yaml", "title: 題名\nfile: 画像\n".encode())
    columns = lay_over(mapping, ["作者", "画像", "題名"])
    assert (columns.at["title"], columns.at["file"]) == ((2,), (1,))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            b"titel: Werk",
            "mapping must name fields of the catalog, got 'titel' in d/mapping.yaml. Known: access",
        ),
        (
            b"preset: louvre",
            "mapping must start from a ready mapping, got 'louvre' in d/mapping.yaml. Known: aic",
        ),
        (b"- title", "mapping must name columns by field, got d/mapping.yaml without any"),
        (b"", "mapping must name columns by field"),
        (b"title: {a: b}", "mapping must give title a column or a list of columns"),
        (b"a: [", "mapping must be YAML or JSON, got d/mapping.yaml: while parsing"),
        (b"\xff\xfe\x00", "mapping must be YAML or JSON"),
        (b"scan_name: '('", "mapping must give scan_name a regular expression"),
        (b"scan_name: 'a'", "mapping must give scan_name one group in parentheses"),
        (b"links: objectid", "mapping must give links a column by a column"),
    ],
)
def test_a_mapping_that_cannot_be_followed_is_one_sentence(content, sentence):
    with pytest.raises(InvalidInputError) as caught:
        parse_mapping("d/mapping.yaml", content)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_a_column_that_no_table_has_is_one_sentence_with_those_there_are():
    mapping = parse_mapping("d/mapping.yaml", b"title: Werk\nfile: Bild\nunits: mm\n")
    check_columns(mapping, {"d/metadata.csv": ["Bild"], "other.csv": ["Werk"]})
    with pytest.raises(
        InvalidInputError, match=r"got 'Werk' in d/mapping.yaml. d/metadata.csv has Bild, Titel\."
    ):
        check_columns(mapping, {"d/metadata.csv": ["Bild", "Titel"]})
