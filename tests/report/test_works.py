"""Pages of works, and the lists that lead to them."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from artgan.catalog.beside import effective_mask_key
from artgan.catalog.schema import MASKS, OUTPUTS, SCANS
from artgan.provenance import read_xmp
from artgan.report import restored_pictures as pictures
from artgan.report import site, works_list
from artgan.report.site import build_site
from artgan.report.snapshot import work_id
from artgan.report.withdrawn import remove_pages

RUN = "nightly-00002-0123456789abcdef0123"
MARK = "Digital restoration (image only; object not treated)"


def works_shown(reported, collection="river"):
    """Return the scan that stands for each work: here the largest of each group, by scan_id."""
    return site.works_of(reported.scans[collection])


def restored_rows(reported):
    rows = reported.catalog.rows(OUTPUTS)
    return [row for row in rows if row["kind"] == "restored" and row["status"] == "ok"]


def page_of(reported, scan_id):
    groups = {row["scan_id"]: row["duplicate_group"] for row in reported.scans["river"]}
    for row in works_shown(reported):
        if row["duplicate_group"] == groups[scan_id]:
            return f"reports/works/{work_id(row)}"
    raise AssertionError(scan_id)


def text_of(html: bytes) -> str:
    words = re.sub(r"<[^>]+>", " ", html.decode())
    return " ".join(words.split())


def test_every_work_has_a_page_and_the_lists_lead_to_all_of_them(built):
    store = built.catalog.store
    linked = set()
    for code in built.scans:
        keys = [entry.key for entry in store.entries(f"reports/collections/{code}")]
        for key in keys:
            if "/works-" in key:
                linked |= set(re.findall(r"works/(\w{20})/index.html", store.read(key).decode()))
    works = [row for code in built.scans for row in works_shown(built, code)]
    assert linked == {work_id(row) for row in works}
    for row in works:
        assert store.exists(f"reports/works/{work_id(row)}/index.html")


def test_the_page_of_a_restored_work_says_what_was_done_in_the_words_of_the_tables(built):
    store = built.catalog.store
    for row in restored_rows(built):
        folder = page_of(built, row["scan_id"])
        text = text_of(store.read(f"{folder}/index.html"))
        facts = json.loads(store.read(f"{folder}/work.json"))
        (found,) = [one for one in facts["restorations"] if one["output_id"] == row["output_id"]]
        for name in ("changed_pixels", "masked_pixels", "changed_outside_mask", "model_id"):
            assert found[name] == row[name]
        share = 100 * row["masked_pixels"] / (row["width_px"] * row["height_px"])
        assert found["generated_area_pct"] == pytest.approx(share)
        assert found["review_status"] == "not reviewed"
        assert f"{share:.1f}%" in text or f"{share:.0f}%" in text
        assert "0 pixels changed outside the mask" in text
        assert MARK in text
        assert "Not reviewed by a conservator" in text
        assert row["model_id"] in text
        assert "PSNR in the damage 24.1 dB (95% interval 23.6 to 24.6; 6 pictures" in text


def test_the_mark_is_in_title_alternative_text_file_name_and_data(built):
    store = built.catalog.store
    row = restored_rows(built)[0]
    folder = page_of(built, row["scan_id"])
    html = store.read(f"{folder}/index.html").decode()
    assert MARK in html.split("</title>")[0]
    for tag in re.findall(r"<img[^>]+>", html):
        source, alt = re.findall(r'src="([^"]+)"', tag)[0], re.findall(r'alt="([^"]*)"', tag)[0]
        if "scan.jpg" not in source:
            assert "digital-restoration" in source
            assert alt == "" or "digital restoration" in alt
    assert json.loads(store.read(f"{folder}/work.json"))["restorations"][0]["mark"] == MARK


def test_published_pictures_of_a_restoration_say_inside_what_they_are(built, tmp_path):
    row = restored_rows(built)[0]
    keys = pictures.picture_keys(page_of(built, row["scan_id"]), row)
    for name, key in keys.items():
        content = built.catalog.store.read(key)
        assert len(content) <= pictures.MAX_BYTES
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(content)
        expected = "digitalCapture" if name == "before" else "compositeWithTrainedAlgorithmicMedia"
        assert read_xmp(path)["digital_source_type"] == expected


def test_generated_areas_and_differences_are_drawn_where_the_mask_is_and_nowhere_else(built):
    row = restored_rows(built)[0]
    store = built.catalog.store
    keys = pictures.picture_keys(page_of(built, row["scan_id"]), row)

    def load(key):
        return np.asarray(Image.open(io.BytesIO(store.read(key))).convert("RGB")).astype(int)

    mask = load(effective_mask_key(row)).max(axis=2) > 0
    after, areas, change = (load(keys[name]) for name in ("after", "areas", "change"))
    far = np.ones(mask.shape, bool)
    rows, columns = np.nonzero(mask)
    far[max(0, rows.min() - 20) : rows.max() + 20, max(0, columns.min() - 20) :] = False
    assert np.abs(areas - after)[mask].mean() > 20
    assert np.abs(areas - after)[far].mean() < 3
    faint = change.mean(axis=2)
    assert faint[far].min() > 200
    assert faint[mask].mean() < faint[far].mean() - 20
    record = json.loads(store.read(pictures.record_key(page_of(built, row["scan_id"]), row)))
    assert record["n_regions"] == 1


def test_a_large_picture_is_reduced_to_its_budget():
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1600, 3), dtype=np.uint8)
    row = {"model_id": "m", "output_id": "o"}
    content = pictures._jpeg(noise, pictures._packet("after", row))
    assert len(content) <= pictures.MAX_BYTES
    assert Image.open(io.BytesIO(content)).size == (1600, 1200)


def test_a_work_of_which_nothing_was_made_shows_its_scan_and_says_what_is_not_recorded(built):
    row = works_shown(built, "small")[0]
    html = built.catalog.store.read(f"reports/works/{work_id(row)}/index.html")
    text = text_of(html)
    assert "Lighting and its direction not recorded" in text
    assert "Custodian Gift of the heirs" in text
    assert "Device Flatbed A3" in text
    assert "height 410 mm, width 320 mm" in text
    assert b"thumbs/960/" in html
    assert b"digital restoration" not in html.lower().replace(b"what a model", b"")


def test_a_restoration_that_failed_says_why_on_the_page_of_its_work(built):
    rows = built.catalog.rows(OUTPUTS)
    failed = next(row for row in rows if row["kind"] == "restored" and row["status"] == "failed")
    folder = page_of(built, failed["scan_id"])
    text = text_of(built.catalog.store.read(f"{folder}/index.html"))
    assert "failed scan must have its sha256, got another. Ingest it." in text


def test_a_second_build_reads_no_page_of_a_work(reported, monkeypatch):
    build_site(reported.catalog, RUN)
    read = []
    store = reported.catalog.store
    real = type(store).read

    def reading(self, key):
        read.append(key)
        return real(self, key)

    monkeypatch.setattr(type(store), "read", reading)
    assert build_site(reported.catalog, RUN) == []
    assert [key for key in read if key.startswith(("reports/works/", "outputs/", "access/"))] == []


def test_only_the_page_of_a_work_with_news_is_written(reported):
    build_site(reported.catalog, RUN)
    row = works_shown(reported)[0]
    changed = {**row, "title": "A new title"}
    reported.catalog.replace(SCANS, [changed])
    written = build_site(reported.catalog, RUN)
    pages = [key for key in written if key.startswith("reports/works/")]
    assert sorted(pages) == [
        f"reports/works/{work_id(row)}/{name}" for name in ("index.html", "work.json")
    ]


def test_a_page_cut_short_is_written_again(reported):
    build_site(reported.catalog, RUN)
    key = f"reports/works/{work_id(works_shown(reported)[0])}/index.html"
    whole = reported.catalog.store.read(key)
    reported.catalog.store.write(key, whole[:100])
    assert key in build_site(reported.catalog, RUN)
    assert reported.catalog.store.read(key) == whole


def test_the_newest_file_of_the_model_in_use_is_shown_and_earlier_ones_are_history(reported):
    row = restored_rows(reported)[0]
    store = reported.catalog.store
    again = "outputs/restored/river/again.png"
    store.write(again, store.read(row["output_path"]))
    store.write(effective_mask_key({"output_path": again}), store.read(effective_mask_key(row)))
    old = {**row, "output_id": "by-an-old-model", "model_id": "old", "output_path": again}
    reported.catalog.append(OUTPUTS, [old | {"created_at": reported.tick()}])
    build_site(reported.catalog, RUN)
    folder = page_of(reported, row["scan_id"])
    facts = json.loads(store.read(f"{folder}/work.json"))
    assert row["output_id"] in [one["output_id"] for one in facts["restorations"]]
    assert "by-an-old-model" not in [one["output_id"] for one in facts["restorations"]]
    text = text_of(store.read(f"{folder}/index.html"))
    assert "1 earlier file of the same scan and mask" in text
    assert "Digital restoration by model old" in text


def test_a_restoration_in_a_folder_is_assessed_on_its_page_with_links_to_its_files(reported):
    row = restored_rows(reported)[0]
    store, place = reported.catalog.store, "outputs/restored/river/o1"
    names = {"output_path": "restored.tif", "effective_mask_path": "mask_effective.png"}
    for column, name in names.items():
        key = row["output_path"] if column == "output_path" else effective_mask_key(row)
        store.write(f"{place}/{name}", store.read(key))
    names |= {
        "patch_path": "patch.tif",
        "preview_path": "preview.jpg",
        "report_path": "report.json",
    }
    paths = {column: f"{place}/{name}" for column, name in names.items()}
    reported.catalog.replace(OUTPUTS, [row | paths | {"assessment": "needs_review"}])
    (mask,) = (one for one in reported.catalog.rows(MASKS) if one["mask_id"] == row["mask_id"])
    reported.catalog.replace(MASKS, [mask | {"origin": "detected"}])
    build_site(reported.catalog, RUN)
    folder = page_of(reported, row["scan_id"])
    html = store.read(f"{folder}/index.html").decode()
    for path in paths.values():
        assert f'href="../../../{path}"' in html
    text = text_of(html.encode())
    assert "needs review: much of the scan was filled, or a machine drew the mask" in text
    assert "Areas to fill were marked by a damage mask that a machine drew" in text
    facts = json.loads(store.read(f"{folder}/work.json"))
    (found,) = [one for one in facts["restorations"] if one["output_id"] == row["output_id"]]
    assert found["assessment"] == "needs_review"
    assert found["files"]["patch that takes it back"] == paths["patch_path"]
    collection = text_of(store.read("reports/collections/river/index.html"))
    assert "restored digitally; needs review" in collection
    assert "4 damage masks were delivered, 1 detected by a machine;" in collection


def test_pages_and_pictures_of_withdrawn_works_go_at_once_and_stay_away(reported):
    build_site(reported.catalog, RUN)
    row = restored_rows(reported)[0]
    store, scan_id = reported.catalog.store, row["scan_id"]
    folder = page_of(reported, scan_id)
    assert remove_pages(store, [scan_id], [row["output_id"]]) > 4
    assert [entry.key for entry in store.entries(folder) if row["output_id"] in entry.key] == []
    reported.catalog.replace(OUTPUTS, [row | {"status": "withdrawn", "output_path": None}])
    reported.catalog.remove(MASKS, [row["mask_id"]])
    reported.catalog.remove(SCANS, [scan_id])
    build_site(reported.catalog, RUN)
    for entry in store.entries("reports"):
        if entry.key.endswith((".html", ".json", ".md")) and "/runs/" not in entry.key:
            assert scan_id.encode() not in store.read(entry.key), entry.key
        assert row["output_id"] not in entry.key


def test_a_page_that_nothing_leads_to_goes_with_the_next_report(reported):
    build_site(reported.catalog, RUN)
    gone = reported.scans["small"]
    reported.catalog.remove(SCANS, [row["scan_id"] for row in gone])
    others = [
        row["output_id"] for row in reported.catalog.rows(OUTPUTS) if row["kind"] == "stylized"
    ]
    reported.catalog.remove(OUTPUTS, others)
    build_site(reported.catalog, RUN)
    keys = {entry.key for entry in reported.catalog.store.entries("reports")}
    assert not [key for key in keys if key.startswith("reports/collections/small/")]
    assert not [key for key in keys if any(f"works/{work_id(row)}" in key for row in gone)]
    assert f"reports/works/{work_id(works_shown(reported)[0])}/index.html" in keys


def test_a_list_is_cut_into_pages_in_the_order_of_file_names_and_says_where_it_is(
    reported, monkeypatch
):
    monkeypatch.setattr(works_list, "WORKS_A_PAGE", 10)
    build_site(reported.catalog, RUN)
    store = reported.catalog.store
    first, second, third = (
        store.read(f"reports/collections/river/works-{n:04d}.html").decode() for n in (1, 2, 3)
    )
    assert "Works 1 to 10 of 23" in first
    assert "Works 11 to 20 of 23" in second
    assert "Works 21 to 23 of 23" in third
    titles = re.findall(r">(Plate \d+), view", first + second + third)
    assert titles == sorted(titles, key=lambda title: int(title.split()[1]))
    assert 'rel="next" href="works-0002.html"' in first
    assert 'rel="prev"' not in first
    assert 'rel="next"' not in third


def test_a_thousand_pages_of_lists_do_not_crowd_the_page_of_a_collection(reported, monkeypatch):
    monkeypatch.setattr(works_list, "WORKS_A_PAGE", 1)
    monkeypatch.setattr("artgan.report.collection_page.LISTS_SHOWN", 5)
    build_site(reported.catalog, RUN)
    text = text_of(reported.catalog.store.read("reports/collections/river/index.html"))
    assert "Showing 5 of 23 pages of the list; all of them are in the list itself" in text
