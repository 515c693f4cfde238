import json
import posixpath
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from artgan.catalog.schema import METRICS, OUTPUTS
from artgan.catalog.table import open_catalog
from artgan.report import site, thumbs
from artgan.report.figures import figure_key
from artgan.report.site import build_site

RUN = "nightly-00002-0123456789abcdef0123"
EARLIER = "nightly-00001-fedcba98765432100123"
FORBIDDEN = ("original state", "authentic", "recovered", "accurate", "masterpiece", "confidence")
RIVER = "reports/collections/river/index.html"
VOID = {"meta", "link", "img", "input", "br", "hr"}


class Page(HTMLParser):
    """Collects what the tests look at."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.images: list[dict] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.data: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.links += [attributes[name] for name in ("href", "src") if attributes.get(name)]
        if tag == "img":
            self.images.append(attributes)
        if tag == "data":
            self.data.append((attributes["value"], ""))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if self.open and self.open[-1] == "data":
            self.data[-1] = (self.data[-1][0], data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def read_pages(archive) -> dict[str, Page]:
    store = archive.catalog.store
    keys = [entry.key for entry in store.entries("reports") if entry.key.endswith(".html")]
    return {key: Page(store.read(key).decode()) for key in keys}


def contents(archive) -> dict[str, bytes]:
    store = archive.catalog.store
    return {entry.key: store.read(entry.key) for entry in store.entries("reports")}


@pytest.fixture(scope="session")
def pages(built) -> dict[str, Page]:
    return read_pages(built)


def test_every_link_is_relative_and_leads_to_an_object(built, pages):
    checked = 0
    for key, page in pages.items():
        for link in page.links:
            if link.startswith("#"):
                continue
            assert not re.match(r"[a-z]+:|/", link), link
            target = posixpath.normpath(posixpath.join(posixpath.dirname(key), unquote(link)))
            assert built.catalog.store.exists(target), (key, link)
            checked += 1
    assert checked > 150


def test_a_second_build_writes_and_decodes_nothing(archive, monkeypatch):
    first = build_site(archive.catalog, RUN)
    before = contents(archive)
    assert first[-1] == "reports/index.html"
    assert len(first) == len(set(first))

    def refuse(*_):
        raise AssertionError("a picture was decoded")

    monkeypatch.setattr(thumbs, "read_rgb", refuse)
    monkeypatch.setattr(thumbs, "thumbnail_jpeg", refuse)
    assert build_site(archive.catalog, RUN) == []
    assert contents(archive) == before


def test_pages_removed_are_written_again_with_the_same_bytes(archive):
    build_site(archive.catalog, RUN)
    before = contents(archive)
    for key in before:
        if not key.startswith("reports/figures/"):
            archive.catalog.store.delete(key)
    build_site(archive.catalog, RUN)
    assert contents(archive) == before


def test_only_pages_with_news_are_written(archive):
    build_site(archive.catalog, RUN)
    archive.refuse("small", 1, "scan must be whole, got a part. Copy it again.")
    written = build_site(archive.catalog, RUN)
    assert "reports/collections/small/index.html" in written
    assert RIVER not in written


def test_hostile_text_is_shown_as_text(built, pages):
    page = pages["reports/collections/odd & <b>name/index.html"]
    html = built.catalog.store.read("reports/collections/odd & <b>name/index.html").decode()
    assert '<script>alert("x")</script>' in page.text
    assert "<script>alert" not in html
    assert page.tags.count("script") == 1
    assert "b" not in page.tags
    assert all(len(word) < 500 for word in page.words)


def test_numbers_on_the_page_are_those_of_the_table(built, pages):
    rows = built.catalog.rows(METRICS)
    newest = {(row["product"], row["subject"], row["metric"]): row for row in rows}
    newest |= {
        (row["product"], row["subject"], row["metric"]): row
        for row in rows
        if row["run_id"] != "report-0"
    }
    shown = {float(value) for value, _ in pages[RIVER].data if value}
    assert shown == {row["value"] for row in newest.values()}
    assert ("24.1", "24.1 dB") in pages[RIVER].data
    beside = json.loads(built.catalog.store.read("reports/collections/river/collection.json"))
    assert {row["value"] for row in beside["metrics"]} == shown


def test_counts_of_works_scans_and_refused_files_are_those_of_the_tables(pages):
    text = pages[RIVER].text
    assert "23 works in 24 scans; 3 files were refused." in text
    assert "train: 11, test: 6, val: 6" in text
    assert "12 (50%)" in text


def test_no_page_says_what_must_not_be_said(pages):
    for key, page in pages.items():
        for word in FORBIDDEN:
            assert not re.search(rf"\b{word}\b", page.text.lower()), (key, word)


def test_without_the_fid_network_only_the_banner_and_the_size_note_speak_of_fid(pages):
    banner = "The FID network was not available on this run."
    assert banner in pages[RIVER].text
    assert banner in pages["reports/index.html"].text
    rest = " ".join(page.text for page in pages.values()).replace(banner, "")
    assert "FID" not in rest.replace("not comparable with published FID", "")
    assert "FD-VGG19c34 excess" in pages[RIVER].text
    assert "KID x 1000, FD-VGG19c34" in pages[RIVER].text


def test_with_the_fid_network_the_distance_is_called_fid_and_no_banner_is_shown(empty):
    empty.add_scans("river", 4)
    empty.add_metric(
        "river", "simulation", "fd", 31.0, is_fid=True, extractor="FID (pytorch-fid)", subject=""
    )
    build_site(empty.catalog, RUN)
    text = read_pages(empty)[RIVER].text
    assert "FID (pytorch-fid)" in text
    assert "was not available" not in text


def test_a_small_collection_says_which_model_it_uses_and_why(pages):
    text = pages["reports/collections/small/index.html"].text
    assert "Too few works to train (n = 7); uses the archive-wide base model" in text
    assert "No damage masks were delivered for this collection." in text
    assert "No works have been simulated for this collection" in text


def test_films_and_sheets_stand_apart_from_the_works_nobody_chose(empty):
    empty.add_scans("river", 4)
    model = empty.add_model("simulation", "river", "kid_x1000", [40.0, 22.0])
    empty.add_simulated("river", model, 4)
    rows = sorted(empty.catalog.rows(OUTPUTS), key=lambda row: row["seed"])
    others = [("axes", None), ("interpolation", None), ("generator", '{"truncation": 0.5}')]
    changed = [
        row | {"method": method, "settings_json": settings}
        for row, (method, settings) in zip(rows, others, strict=False)
    ]
    empty.catalog.replace(OUTPUTS, changed)
    build_site(empty.catalog, RUN)
    text = read_pages(empty)[RIVER].text
    assert "1 simulated work of 1, in the order of their seeds" in text
    assert "One work turned along each axis of the model, a row for each; seed 0" in text
    assert "First frame of a film from work to work; seed 1" in text
    assert f"File: {rows[1]['output_path']}" in text


def test_no_section_is_empty(pages):
    for page in pages.values():
        html_words = page.text
        assert "None" not in re.findall(r"\bNone\b", html_words)
        assert "nan" not in html_words.split()


def test_a_comparison_without_enough_works_is_not_called_better(pages):
    assert "Clearly better" not in pages[RIVER].text
    assert "Too few works (n = 6) to compare; values shown for information" in pages[RIVER].text


def test_restored_scans_state_the_mark_and_what_changed_outside_the_mask(pages):
    text = pages[RIVER].text
    assert "Digital restoration, image only; the object was not treated." in text
    assert "5 damage masks were delivered; 4 restored digitally, 1 failed" in text
    assert "no pixel outside a mask was changed in any of 4 files" in text


def test_pixels_changed_outside_the_mask_are_told(archive):
    row = archive.catalog.rows(OUTPUTS)
    bad = next(one for one in row if one["kind"] == "restored" and one["status"] == "ok")
    archive.catalog.replace(OUTPUTS, [bad | {"changed_outside_mask": 17}])
    build_site(archive.catalog, RUN)
    text = read_pages(archive)[RIVER].text
    assert "17 pixels outside the masks changed, which must not happen" in text


def test_a_run_page_shows_failures_first_and_counts_of_each_step(built, pages):
    page = pages[f"reports/runs/{RUN}/index.html"]
    assert page.text.index("failed") < page.text.index("not an image")
    assert "5 items need attention" in page.text
    assert "37 new scans came in" in page.text
    facts = json.loads(built.catalog.store.read(f"reports/runs/{RUN}/run.json"))
    assert [step["flow"] for step in facts["steps"]] == [
        "ingest",
        "train",
        "restore",
        "simulate",
        "stylize",
        "report",
    ]
    assert facts["needs_attention_total"] == 5
    kid = [row for row in facts["metrics"] if row["before"] is not None]
    assert [(row["before"], row["value"], row["words"]) for row in kid] == [(9.0, 6.8, "Better")]


def test_a_step_is_shown_on_the_page_of_the_run_above_it(archive):
    build_site(archive.catalog, f"report-{RUN}")
    keys = contents(archive)
    assert f"reports/runs/{RUN}/index.html" in keys
    assert f"reports/runs/report-{RUN}/index.html" not in keys


def test_a_run_that_is_still_going_on_says_so(archive):
    build_site(archive.catalog, "nightly-00003-aaaaaaaaaaaaaaaaaaaa")
    text = read_pages(archive)["reports/runs/nightly-00003-aaaaaaaaaaaaaaaaaaaa/index.html"].text
    assert "in progress" in text
    assert "No step had finished" in text


def test_an_archive_without_scans_has_an_entry_page(empty):
    build_site(empty.catalog, RUN)
    assert "No scans are in the catalog yet." in read_pages(empty)["reports/index.html"].text


def test_long_lists_are_cut_and_say_so_within_the_size_budget(empty):
    empty.add_scans("river", 2)
    empty.add_run(f"ingest-{RUN}", "ingest", RUN)
    empty.refuse("river", 700, "scan must be whole, got a file that ends early. " + "x" * 500)
    build_site(empty.catalog, RUN)
    found = read_pages(empty)
    assert "Showing 200 of 700 refused files" in found[RIVER].text
    assert "Showing 50 of 700 items that need attention" in (
        found[f"reports/runs/{RUN}/index.html"].text
    )
    for key, content in contents(empty).items():
        if key.endswith(".html"):
            assert len(content) <= 300_000, key


def test_pages_keep_the_accessibility_floor(built, pages):
    for key, page in pages.items():
        html = built.catalog.store.read(key).decode()
        assert page.open == [], key
        assert page.tags.count("h1") == 1
        assert page.tags.count("main") == 1
        assert html.index('class="skip"') < html.index("<header")
        assert page.tags.count("table") == page.tags.count("caption")
        assert all("alt" in image for image in page.images)
        assert all(int(image["width"]) and int(image["height"]) for image in page.images)
        assert len(re.findall(r"<th(?! scope)[ >]", html)) == 0
        assert page.tags.count("title") == 1 + html.count("<desc>")


def test_pages_stay_within_their_budget_of_pictures(pages):
    for page in pages.values():
        small = {image["src"] for image in page.images if "/thumbs/" in image["src"]}
        assert len(small) <= 100
    assert len(pages[RIVER].images) > 60


def test_thumbnails_are_no_larger_than_320_px_and_named_by_content(built, pages):
    keys = [key for key in contents(built) if "/thumbs/320/" in key]
    scans = {row["scan_id"] for row in built.scans["river"]}
    assert any(key.rsplit("/", 1)[1].removesuffix(".jpg") in scans for key in keys)
    for image in pages[RIVER].images:
        if "/thumbs/320/" in image["src"]:
            assert max(int(image["width"]), int(image["height"])) <= 320


def test_a_lost_access_copy_leaves_words_in_its_place(archive):
    lost = archive.scans["small"][0]
    archive.catalog.store.delete(lost["access_path"])
    build_site(archive.catalog, RUN)
    text = read_pages(archive)["reports/collections/small/index.html"].text
    assert "The access copy cannot be read." in text


def test_a_broken_figure_manifest_and_a_lost_figure_picture_are_told(archive):
    store = archive.catalog.store
    store.write(figure_key("river", "simulation", "broken"), b"{")
    store.delete("reports/figures/river/simulation/pairs/0-nearest.png")
    build_site(archive.catalog, RUN)
    text = read_pages(archive)[RIVER].text
    assert "1 figure manifest could not be read" in text
    assert "not available nearest" in text


def test_the_style_sheet_and_script_are_small_and_ask_nothing_from_outside():
    assets = Path(site.__file__).parent / "assets"
    text = "".join(path.read_text() for path in assets.iterdir())
    assert len(text) <= 40_000
    assert "http" not in text
    assert "@import" not in text


def test_the_site_is_built_on_an_object_store_too(s3_root):
    catalog = open_catalog(s3_root)
    written = build_site(catalog, RUN)
    assert written[-1] == "reports/index.html"
    assert build_site(catalog, RUN) == []


def test_objects_of_a_bucket_have_the_type_that_browsers_go_by(s3_root):
    catalog = open_catalog(s3_root)
    build_site(catalog, RUN)
    build_site(catalog, EARLIER)  # some pages are replaced
    for key, kind in {
        "reports/index.html": "text/html",
        "reports/assets/report.css": "text/css",
        "reports/assets/report.js": "text/javascript",
        f"reports/runs/{RUN}/run.json": "application/json",
    }.items():
        assert catalog.store.files.info(catalog.store.uri(key))["ContentType"] == kind
