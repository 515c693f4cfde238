"""Manifests of a server that is really asked, to files below the root."""

import io
import json
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from artgan.iiif.image import Service, describe, write_pictures
from artgan.imaging.colour import image_from_array
from artgan.ingest.discover import discover
from artgan.ingest.metadata import read_metadata
from artgan.ingest.originals import (
    fetch_listed,
    listed_addresses,
    readmit_original,
    withdraw_original,
)
from artgan.ingest.web import Web
from artgan.storage import open_store


def picture(width: int, height: int, *, seed: int = 0, kind: str = "JPEG") -> bytes:
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(blocks).resize((width, height)).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def web() -> Iterator[Web]:
    reader = Web(delay_s=0, allow_private=True, sleep=lambda _: None)
    yield reader
    reader.close()


@pytest.fixture
def store(tmp_path):
    return open_store(str(tmp_path / "root"))


def manifest(museum, path: str, *bodies, label: str = "Bridge") -> str:
    canvases = [
        {
            "type": "Canvas",
            "items": [{"items": [{"motivation": "painting", "body": body}]}],
        }
        for body in bodies
    ]
    document = {
        "@context": "http://iiif.io/api/presentation/3/context.json",
        "id": museum.base + path,
        "type": "Manifest",
        "label": {"en": [label]},
        "metadata": [
            {"label": {"en": ["Artist"]}, "value": {"none": ["Hiroshige"]}},
            {"label": {"en": ["Date"]}, "value": {"none": ["c. 1834"]}},
        ],
        "rights": "http://creativecommons.org/publicdomain/zero/1.0/",
        "items": canvases,
    }
    return museum.say_json(path, document)


def image(url: str, service: str | None = None) -> dict:
    body = {"id": url, "type": "Image"}
    return body | ({"service": [{"id": service, "type": "ImageService3"}]} if service else {})


def files(store) -> dict[str, bytes]:
    return {
        entry.key: store.read(entry.key)
        for entry in store.entries("originals")
        if not entry.key.endswith("metadata.jsonl")
    }


def test_a_list_has_one_address_a_line_and_comments():
    text = "\ufeff# ours\nhttps://a/m\n\nhttps://b/m#x  # second\nhttps://a/m\n  https://c \n"
    assert listed_addresses(text) == ["https://a/m", "https://b/m#x", "https://c"]


def test_pictures_come_as_the_server_gives_them_with_what_the_manifest_says(web, museum, store):
    content = picture(80, 60)
    url = museum.say_picture("/p.jpg", content)
    brought = fetch_listed(web, [manifest(museum, "/m", image(url))], store, "prints")
    assert (brought.fetched, brought.failures) == (1, [])
    ((path, kept),) = files(store).items()
    assert kept == content
    assert path.startswith("originals/prints/iiif/127.0.0.1/")
    assert path.endswith(".jpg")
    fields = read_metadata(open_store(store.uri("originals")), "prints").fields_of(
        path.removeprefix("originals/")
    )
    assert fields is not None
    assert (fields["title"], fields["artist"]) == ("Bridge", "Hiroshige")
    assert (fields["year_from"], fields["date_text"]) != (None, None)
    assert fields["rights"] == "http://creativecommons.org/publicdomain/zero/1.0/"
    delivered = json.loads(fields["metadata_json"])
    assert delivered["iiif_url"] == url
    assert delivered["iiif_manifest"] == museum.base + "/m"


def test_what_is_there_is_not_asked_for_again_and_what_was_cut_off_is(web, museum, store):
    first = museum.say_picture("/1.jpg", picture(80, 60, seed=1))
    second = museum.say("/2.jpg", {"body": b"half", "promised": 900})
    address = manifest(museum, "/m", image(first), image(second))
    brought = fetch_listed(web, [address], store, "prints")
    assert (brought.fetched, [one.url for one in brought.failures]) == (1, [second])
    assert len(files(store)) == 1

    museum.asked.clear()
    museum.say_picture("/2.jpg", picture(80, 60, seed=2))
    brought = fetch_listed(web, [address], store, "prints")
    assert (brought.fetched, brought.there, brought.failures) == (1, 1, [])
    assert museum.paths == ["/m", "/2.jpg"]

    museum.asked.clear()
    before = store.entries("originals")
    fetch_listed(web, [address], store, "prints")
    assert museum.paths == ["/m"]
    assert store.entries("originals") == before


def test_a_picture_whose_row_was_never_written_gets_it_from_the_next_run(web, museum, store):
    url = museum.say_picture("/1.jpg", picture(80, 60))
    address = manifest(museum, "/m", image(url))
    fetch_listed(web, [address], store, "prints")
    store.delete("originals/prints/metadata.jsonl")  # as if killed just before
    brought = fetch_listed(web, [address], store, "prints")
    assert (brought.fetched, brought.there) == (0, 1)
    assert len(store.read("originals/prints/metadata.jsonl").splitlines()) == 1


def test_corrected_metadata_replaces_the_old_and_stays_when_the_server_is_away(web, museum, store):
    url = museum.say_picture("/1.jpg", picture(80, 60))
    address = manifest(museum, "/m", image(url), label="Brigde")
    fetch_listed(web, [address], store, "prints")
    fetch_listed(web, [manifest(museum, "/m", image(url), label="Bridge")], store, "prints")
    museum.say("/m", {"status": 404})
    fetch_listed(web, [address], store, "prints")
    (row,) = map(json.loads, store.read("originals/prints/metadata.jsonl").splitlines())
    assert row["title"] == "Bridge"
    assert row["fetched_from"] == url


@pytest.mark.parametrize(
    ("info", "asked"),
    [
        (
            {"@context": "http://iiif.io/api/image/3/context.json", "type": "ImageService3"},
            "/s/full/max/0/default.jpg",
        ),
        (
            {
                "@context": "http://iiif.io/api/image/2/context.json",
                "profile": ["http://iiif.io/api/image/2/level1.json"],
            },
            "/s/full/full/0/default.jpg",
        ),
        (
            {
                "@context": "http://iiif.io/api/image/2/context.json",
                "profile": ["http://iiif.io/api/image/2/level2.json", {"maxWidth": 400}],
            },
            "/s/full/max/0/default.jpg",
        ),
        (
            {"@context": "http://library.stanford.edu/iiif/image-api/1.1/context.json"},
            "/s/full/full/0/native.jpg",
        ),
    ],
)
def test_the_largest_picture_of_a_service_is_asked_for_in_its_version(
    web, museum, store, info, asked
):
    base = f"{museum.base}/s"
    museum.say_json("/s/info.json", info | {"id": base, "width": 800, "height": 600})
    museum.say_picture(asked, picture(800, 600))
    small = museum.say_picture("/s/full/300,/0/default.jpg", picture(300, 225))
    brought = fetch_listed(web, [manifest(museum, "/m", image(small, base))], store, "prints")
    assert (brought.fetched, brought.notes) == (1, [])
    assert museum.paths == ["/m", "/s/info.json", asked]


def test_a_server_that_gives_less_than_it_has_is_said_so(web, museum, store):
    base = f"{museum.base}/s"
    context = "http://iiif.io/api/image/3/context.json"
    facts = {"@context": context, "id": base, "width": 8000, "height": 6000, "maxWidth": 400}
    museum.say_json("/s/info.json", facts)
    museum.say_picture("/s/full/max/0/default.jpg", picture(400, 300))
    address = manifest(museum, "/m", image(f"{base}/full/max/0/default.jpg", base))
    brought = fetch_listed(web, [address], store, "prints")
    assert brought.fetched == 1
    (note,) = brought.notes
    assert "is 400 x 300 pixels of a picture of 8000 x 6000" in note
    (row,) = map(json.loads, store.read("originals/prints/metadata.jsonl").splitlines())
    assert row["fetched_note"] == note


def test_a_file_without_loss_comes_before_the_service_and_a_broken_service_after(
    web, museum, store
):
    tiff = museum.say_picture("/master.tif", picture(80, 60, kind="TIFF"), "image/tiff")
    museum.say_json("/s/info.json", {"@context": "http://iiif.io/api/image/3/context.json"})
    service = f"{museum.base}/s"
    jpeg = museum.say_picture("/plain.jpg", picture(80, 60, seed=3))
    address = manifest(museum, "/m", image(tiff, service), image(jpeg, f"{museum.base}/gone"))
    brought = fetch_listed(web, [address], store, "prints")
    assert (brought.fetched, brought.failures) == (2, [])
    assert sorted(path.rsplit(".", 1)[1] for path in files(store)) == ["jpg", "tif"]


def test_what_our_own_export_writes_can_be_fetched(web, museum, store, tmp_path):
    """A level 0 service of plain files, as `artgan iiif` leaves it."""
    array = np.random.default_rng(0).integers(0, 256, (300, 500, 3), dtype=np.uint8)
    service = Service(500, 300, 256, 3000)
    write_pictures(lambda: image_from_array(array), service, tmp_path / "s")
    for path in (tmp_path / "s").rglob("*.jpg"):
        museum.say_picture(f"/{path.relative_to(tmp_path).as_posix()}", path.read_bytes())
    base = f"{museum.base}/s"
    museum.say_json("/s/info.json", describe(service, base))
    address = manifest(museum, "/m", image(f"{base}/full/max/0/default.jpg", base))
    brought = fetch_listed(web, [address], store, "prints")
    assert (brought.fetched, brought.notes, brought.failures) == (1, [], [])
    (content,) = files(store).values()
    assert content == (tmp_path / "s/full/max/0/default.jpg").read_bytes()


def test_collections_are_followed_to_a_depth_and_never_in_circles(web, museum, store):
    url = museum.say_picture("/1.jpg", picture(80, 60))
    inner = manifest(museum, "/m", image(url))
    base = museum.base
    for number in range(1, 7):
        below = {"id": f"{base}/c{number + 1}", "type": "Collection"}
        items = [below, {"id": f"{base}/c1"}, *([{"id": inner}] if number == 2 else [])]
        museum.say_json(f"/c{number}", {"type": "Collection", "items": items})
    brought = fetch_listed(web, [f"{base}/c1"], store, "prints")
    assert brought.fetched == 1
    (failure,) = brought.failures
    assert (failure.url, failure.reason) == (f"{base}/c4", "not_a_manifest")
    assert museum.paths.count("/c1") == 1
    assert "/c5" not in museum.paths


def test_each_address_that_fails_is_named_with_its_reason_and_the_others_go_on(web, museum, store):
    good = manifest(museum, "/good", image(museum.say_picture("/1.jpg", picture(80, 60))))
    bad = {
        museum.say("/gone", {"status": 404}): ("source_unavailable", "got HTTP 404"),
        museum.say("/html", {"body": b"<html>"}): ("source_unavailable", "must be JSON"),
        museum.say_json("/info", {"type": "ImageService3"}): ("not_a_manifest", "2 or 3"),
        museum.say_json("/list", [1, 2]): ("not_a_manifest", "another document"),
        manifest(museum, "/empty"): ("no_pictures", "without any"),
        "file:///etc/passwd": ("source_unavailable", "must begin with https"),
    }
    brought = fetch_listed(web, [*bad, good], store, "prints")
    assert brought.fetched == 1
    assert {one.url: one.reason for one in brought.failures} == {
        url: reason for url, (reason, _) in bad.items()
    }
    for failure in brought.failures:
        assert bad[failure.url][1] in failure.message


def test_a_picture_that_was_withdrawn_is_not_fetched_again_until_it_is_readmitted(
    web, museum, store
):
    url = museum.say_picture("/1.jpg", picture(80, 60))
    address = manifest(museum, "/m", image(url))
    fetch_listed(web, [address], store, "prints")
    (path,) = files(store)
    source_path = path.removeprefix("originals/")
    withdraw_original(store, source_path)
    withdraw_original(store, "prints/in the inbox.tif")
    museum.asked.clear()
    brought = fetch_listed(web, [address], store, "prints")
    assert (brought.fetched, museum.paths) == (0, ["/m"])
    left = discover(open_store(store.uri("originals")), "prints")
    assert {file.role for file in left} == {"metadata"}
    readmit_original(store, source_path)
    assert fetch_listed(web, [address], store, "prints").fetched == 1
    assert list(files(store)) == [path]


def test_a_page_that_comes_in_place_of_a_picture_is_not_kept(web, museum, store):
    url = museum.say(
        "/1.jpg", {"body": b"<html>Log in</html>", "headers": {"Content-Type": "text/html"}}
    )
    brought = fetch_listed(web, [manifest(museum, "/m", image(url))], store, "prints")
    (failure,) = brought.failures
    assert "must be a picture, got text/html" in failure.message
    assert files(store) == {}


def test_labels_of_a_manifest_cannot_rename_a_file(web, museum, store):
    url = museum.say_picture("/1.jpg", picture(80, 60))
    address = manifest(museum, "/m", image(url))
    document = json.loads(museum.answers["/m"][0].body)
    document["metadata"].append({"label": "File", "value": "../../other.tif"})
    document["metadata"].append({"label": "Image", "value": "elsewhere"})
    museum.say_json("/m", document)
    fetch_listed(web, [address], store, "prints")
    (path,) = files(store)
    metadata = read_metadata(open_store(store.uri("originals")), "prints")
    assert metadata.fields_of(path.removeprefix("originals/")) is not None
    assert metadata.problems == []
