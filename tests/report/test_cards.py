"""Cards of models and datasets, and the pages of models."""

import json
import re

import pytest
import yaml

from artgan.catalog.schema import MODELS, SCANS
from artgan.clock import now
from artgan.errors import ArtganError
from artgan.report import model_card
from artgan.report.card import Card, Delivered, Section, card_markdown, check_card
from artgan.report.site import build_site
from artgan.training.starter import install

RUN = "nightly-00002-0123456789abcdef0123"


def card_of(*sections):
    return Card("A card", {"license": "other"}, sections)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "None",
        "nan",
        "TODO",
        "[More Information Needed]",
        "{{ owner }}",
        "TBD: ask",
        "<insert x>",
    ],
)
def test_a_card_with_a_placeholder_stops_the_build(text):
    with pytest.raises(ArtganError, match="must be filled in under 'Owner"):
        card_markdown(card_of(Section("Owner", (), (("Owner", text),))))


def test_a_heading_with_nothing_under_it_stops_the_build():
    with pytest.raises(ArtganError, match="under 'Owner', got nothing"):
        check_card(card_of(Section("Owner")))


def test_delivered_text_may_say_anything_and_markdown_shows_it_as_it_is():
    title = Delivered("TODO: [a](b)\n# *None*")
    text = card_markdown(card_of(Section("Title", (), (("Title", title),)))).decode()
    assert "- Title: TODO: \\[a\\](b) \\# \\*None\\*" in text


def test_a_placeholder_in_our_own_words_fails_the_whole_report(archive, monkeypatch):
    monkeypatch.setitem(model_card._FAILURES, "restoration", "[More Information Needed]")
    with pytest.raises(ArtganError, match="Known failures"):
        build_site(archive.catalog, RUN)


def test_every_model_has_a_page_a_card_and_data_with_the_numbers_of_the_table(built):
    store = built.catalog.store
    rows = built.catalog.rows(MODELS)
    assert len(rows) == 4
    for row in rows:
        folder = f"reports/models/{row['model_id']}"
        text = store.read(f"{folder}/model-card.md").decode()
        front = yaml.safe_load(text.split("---")[1])
        assert front["library_name"] == "artgan"
        assert "not authenticat" not in text
        facts = json.loads(store.read(f"{folder}/model.json"))
        assert facts["value"] == row["value"]
        assert facts["n_train"] == row["n_train"]
        html = store.read(f"{folder}/index.html").decode()
        assert row["weights_sha256"] in html
        assert "samples.png" in html
        for phrase in ("Not for authentication", "Split by work", "Not reviewed by a conservator"):
            assert phrase in text
            assert phrase in html


def test_the_numbers_of_a_model_stand_in_its_card_with_interval_and_n(built):
    row = next(
        row
        for row in built.catalog.rows(MODELS)
        if (row["kind"], row["collection"]) == ("restoration", "river")
    )
    folder = f"reports/models/{row['model_id']}"
    text = built.catalog.store.read(f"{folder}/model-card.md").decode()
    assert "PSNR in the damage 24.1 dB (95% interval 23.6 to 24.6; 6 pictures, 40 real" in text
    assert "Navier-Stokes" in text
    front = yaml.safe_load(text.split("---")[1])
    values = [one["metrics"][0]["value"] for one in front["model-index"][0]["results"]]
    assert 24.1 in values
    html = built.catalog.store.read(f"{folder}/index.html").decode()
    assert 'data value="24.1"' in html
    assert "In use now" in html or "in use now for 1 collection" in html


def test_what_comes_with_artgan_is_said_to_have_seen_no_scan(archive):
    models = [row for row in archive.catalog.rows(MODELS) if row["kind"] == "restoration"]
    archive.catalog.remove(MODELS, [row["model_id"] for row in models])
    starter = install(archive.catalog.store)
    stamp = {"created_at": now(), "run_id": RUN, "code_version": "0", "catalog_version": 0}
    row = {name: value for name, value in starter.items() if name in MODELS.schema.names}
    archive.catalog.append(MODELS, [row | stamp])
    build_site(archive.catalog, RUN)
    read = archive.catalog.store.read
    card = read(f"reports/models/{row['model_id']}/model-card.md").decode()
    assert "no scan among them" in card
    assert "Public domain" not in card
    own_page = read(f"reports/models/{row['model_id']}/index.html").decode()
    found = re.search(r"in use now for (\d) collections? and what trainings .* now;", own_page)
    assert found is not None, re.findall(r"It is [^;]*;", own_page)
    page = read("reports/collections/river/index.html").decode()
    assert f"trained on {row['n_train']} generated works in" in page
    assert "never saw a scan" in page


def test_the_dataset_card_counts_works_by_split_and_none_is_in_two(built, reported):
    key = "reports/collections/river/datasheet.md"
    text = built.catalog.store.read(key).decode()
    assert "Works by split: train: 11, test: 6, val: 6" in text
    assert "Works of the archive in two splits: 0" in text
    assert "Works by rights statement: Public domain: 23" in text
    assert "Scans without medium: 100%" in text
    row = reported.scans["river"][0]
    other = "val" if row["split"] != "val" else "test"
    extra = {**row, "scan_id": "f" * 64, "split": other, "width_px": 1, "height_px": 1}
    reported.catalog.append(SCANS, [extra])
    build_site(reported.catalog, RUN)
    assert "Works of the archive in two splits: 1" in reported.catalog.store.read(key).decode()


def test_no_card_and_no_data_says_fid_without_the_fid_network(built):
    store = built.catalog.store
    for entry in store.entries("reports"):
        if entry.key.endswith((".md", ".json")):
            text = store.read(entry.key).decode()
            assert "FID" not in text.replace("not comparable with published FID", ""), entry.key


def test_cards_of_a_collection_with_hostile_text_are_whole_and_keep_to_their_lines(built):
    store = built.catalog.store
    text = store.read("reports/collections/odd & <b>name/datasheet.md").decode()
    assert "<script>" not in text
    assert all(line.startswith(("#", "-")) or len(line) < 2000 for line in text.splitlines())
