import json

import pytest

from artgan.ingest.tables import flatten, parse_table


def rows(path, content):
    """Rows as dictionaries, and the problem."""
    table = parse_table(path, content.encode() if isinstance(content, str) else content)
    return [dict(zip(table.headings, cells, strict=True)) for cells in table.rows], table.problem


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_tables_of_any_delimiter_and_encoding_are_read(delimiter, encoding):
    text = f"file{delimiter}title\r\na.tif{delimiter}Mère Grégoire\r\n"
    found = rows("a.csv", text.encode(encoding))
    assert found == ([{"file": "a.tif", "title": "Mère Grégoire"}], None)


def test_cells_may_hold_line_breaks_quotes_and_delimiters():
    found, problem = rows("a.csv", 'file,title\r\na.tif,"One, ""two""\r\nand three"\r\n\r\n')
    assert found == [{"file": "a.tif", "title": 'One, "two"\r\nand three'}]
    assert problem is None


def test_short_and_empty_rows_and_empty_columns_do_no_harm():
    found, problem = rows("a.csv", "file,title,,\na.tif\n,\nb.tif,B,,\n")
    assert found == [{"file": "a.tif", "title": ""}, {"file": "b.tif", "title": "B"}]
    assert problem is None


def test_cells_beyond_the_headings_are_left_out_and_said():
    found, problem = rows("a.csv", "file,title\na.tif,Night, watch\n")
    assert found == [{"file": "a.tif", "title": "Night"}]
    assert problem is not None
    assert "must have at most 2 cells in a row, got 1 with more" in problem


def test_headings_that_are_missing_or_repeated_keep_their_cells():
    found, _ = rows("a.csv", "file,,title,title\na.tif,x,One,Two\n")
    assert found == [{"file": "a.tif", "column 2": "x", "title": "One", "title (2)": "Two"}]


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\r\n \r\n"])
def test_an_empty_table_says_so(content):
    assert rows("a.csv", content) == ([], "a.csv must have rows, got nothing. Deliver it again.")


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04" + bytes(200),
        "file,title\na.tif,M\u00e8re\n".encode("utf-16")[:-1],
        b"file,title\na.tif,M\x8fre\n",
    ],
    ids=["spreadsheet", "torn UTF-16", "neither UTF-8 nor Windows-1252"],
)
def test_what_is_no_text_is_not_guessed_at(content):
    found, problem = rows("a.csv", content)
    assert found == []
    assert problem is not None
    assert problem.startswith("a.csv must be text, got ")


def test_one_bad_byte_in_utf_8_does_not_turn_every_accent_into_two_letters():
    text = "file,title\n" + "a.tif,Mère Grégoire à Étretat\n" * 5
    found, problem = rows("a.csv", text.encode() + b"b.tif,\xe8\n")
    assert found[0]["title"] == "Mère Grégoire à Étretat"
    assert problem is not None
    assert "must be UTF-8, got 1 bytes that are not" in problem


def test_a_quote_that_is_never_closed_is_said():
    found, problem = rows("a.csv", 'file,title\na.tif,"Night\nb.tif,B\n')
    assert found[0]["file"] == "a.tif"
    assert problem is not None
    assert "must have paired quotes" in problem
    found, problem = rows("a.csv", 'file,title\na.tif,"Night\n' + "b.tif,B\n" * 20_000)
    assert (found, problem is None) == ([], False)


RECORD = {
    "id": 11,
    "title": " Self-Portrait ",
    "color": {"h": 38, "l": None},
    "is_public_domain": True,
    "artist_titles": ["A", "B"],
    "dimensions_detail": [{"width": 66, "clarification": "Image"}, {"width": 72}],
    "ids": [],
}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.jsonl", json.dumps(RECORD) + "\n\n"),
        ("a.ndjson", "\ufeff" + json.dumps(RECORD)),
        ("a.json", json.dumps([RECORD])),
        ("a.json", json.dumps({"pagination": {"total": 1}, "data": [RECORD]}, indent=1)),
        ("a.json", json.dumps({"data": RECORD})),
        ("a.json", json.dumps(RECORD)),
    ],
)
def test_json_in_every_wrapping_becomes_flat_rows_and_stays_whole(path, content):
    table = parse_table(path, content.encode())
    assert dict(zip(table.headings, table.rows[0], strict=True)) == {
        "id": "11",
        "title": "Self-Portrait",
        "color.h": "38",
        "is_public_domain": "true",
        "artist_titles": "A|B",
        "dimensions_detail.width": "66|72",
        "dimensions_detail.clarification": "Image",
    }
    assert json.loads(table.row_json(0)) == RECORD
    assert json.loads(table.row_json(0, {"more": "x"})) == RECORD | {"more": "x"}
    assert table.problem is None


def test_a_bad_line_costs_only_itself():
    found, problem = rows("a.jsonl", '{"file": "a.tif"}\n{"file": \n{"file": "c.tif"}\n[1]\nnope\n')
    assert [row["file"] for row in found] == ["a.tif", "c.tif"]
    assert problem is not None
    assert "one JSON object in each line, got something else in line 2 and 1 more" in problem
    assert "must hold objects, got 1 of another kind" in problem


def test_broken_json_is_a_sentence_and_json_lines_may_be_called_json():
    found, problem = rows("a.json", '[{"file": "a.tif"}, {"file": ')
    assert found == []
    assert problem is not None
    assert problem.startswith("a.json must be JSON, got Expecting value")
    assert rows("a.json", '{"file": "a"}\n{"file": "b"}\n') == (
        [{"file": "a"}, {"file": "b"}],
        None,
    )
    found, problem = rows("a.json", "[" * 200_000)
    assert (found, problem is None) == ([], False)


def test_halves_of_letters_are_replaced_because_no_table_can_hold_them():
    table = parse_table("a.jsonl", b'{"title": "\\ud83d cat", "whole": "\\ud83d\\ude00"}')
    assert table.rows == [("\ufffd cat", "\U0001f600")]
    table.row_json(0).encode()


def test_every_real_record_is_flat_text(real_data):
    for name in ("tate_artworks_sample_990.jsonl", "aic_artworks_api_sample.jsonl"):
        content = (real_data / "museum_metadata" / name).read_bytes()
        table = parse_table(name, content)
        assert table.problem is None
        assert len(table.rows) == content.decode().strip().count("\n") + 1
        assert all(isinstance(cell, str) for cells in table.rows for cell in cells)
    assert flatten({"a": {"b": [{"c": 1}, {"c": [2, 3]}]}}) == {"a.b.c": "1|2|3"}
