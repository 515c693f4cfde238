"""Manifests, checked by the rules of Presentation 3."""

import json
from typing import Any

import pytest

from artgan.config import IiifSettings
from artgan.iiif.image import Service
from artgan.iiif.manifest import MOST_CANVASES, Shown, collection_of, manifest_name, manifests
from artgan.iiif.tree import TOP, take_down, write_json, write_manifests
from artgan.storage import open_store

LICENCE = "http://creativecommons.org/licenses/by/4.0/"


def settings(**more: Any) -> IiifSettings:
    return IiifSettings(root="unused", base_url="https://iiif.example.org/archive/", **more)


def shown(number: int = 0, **more: Any) -> Shown:
    scan = {
        "scan_id": f"{number:064x}",
        "collection": "prints",
        "source_path": f"prints/p{number}.tif",
        "title": f"Print {number}",
        "artist": "Anon.",
        "date_text": None,
        "medium": "woodcut",
        "accession_number": None,
        "rights": "CC BY 4.0",
        "page": 1,
        "width_px": 5000,
        "height_px": 4000,
    }
    return Shown(scan | more, Service(2500, 2000, 1024, 3000))


def check_text(value: dict[str, list[str]]) -> None:
    """A language map: section 4.6."""
    assert value
    for language, words in value.items():
        assert language in {"none", "en"}
        assert words
        assert all(isinstance(word, str) and word for word in words)


def check_pair(pair: dict[str, Any]) -> None:
    assert pair.keys() == {"label", "value"}
    check_text(pair["label"])
    check_text(pair["value"])


def check_image(image: dict[str, Any]) -> None:
    assert image["type"] == "Image"
    assert image["format"] == "image/jpeg"
    assert image["id"].startswith(image["service"][0]["id"] + "/full/")
    assert image["service"][0]["type"] == "ImageService3"
    assert image["service"][0]["profile"] == "level0"
    assert image["width"] > 0
    assert image["height"] > 0


def check_common(resource: dict[str, Any]) -> None:
    assert resource["id"].startswith("https://iiif.example.org/archive/")
    assert "#" not in resource["id"]
    check_text(resource["label"])
    for pair in resource.get("metadata", []):
        check_pair(pair)
    if "requiredStatement" in resource:
        check_pair(resource["requiredStatement"])
    for image in resource.get("thumbnail", []):
        check_image(image)
    assert resource.get("rights", "http://creativecommons.org/").startswith(
        ("http://creativecommons.org/", "http://rightsstatements.org/")
    )


def check_manifest(manifest: dict[str, Any]) -> None:
    """Structure of a manifest of pictures: sections 3 and 5.2 to 5.6."""
    assert manifest["@context"] == "http://iiif.io/api/presentation/3/context.json"
    assert manifest["type"] == "Manifest"
    check_common(manifest)
    ids = [manifest["id"]]
    assert manifest["items"]
    for canvas in manifest["items"]:
        check_common(canvas)
        assert canvas["type"] == "Canvas"
        assert canvas["width"] > 0
        assert canvas["height"] > 0
        (page,) = canvas["items"]
        assert page["type"] == "AnnotationPage"
        (annotation,) = page["items"]
        assert (annotation["type"], annotation["motivation"]) == ("Annotation", "painting")
        assert annotation["target"] == canvas["id"]
        check_image(annotation["body"])
        ids += [canvas["id"], page["id"], annotation["id"]]
    assert len(set(ids)) == len(ids)
    for agent in manifest.get("provider", []):
        assert agent["type"] == "Agent"
        check_text(agent["label"])
        assert agent["homepage"][0]["format"] == "text/html"


def test_a_manifest_has_a_canvas_of_the_scans_size_for_each_scan():
    (manifest,) = manifests(settings(), "prints", [shown(1), shown(2)])
    check_manifest(manifest)
    assert manifest["id"] == "https://iiif.example.org/archive/prints/manifest.json"
    assert [canvas["label"] for canvas in manifest["items"]] == [
        {"none": ["Print 1"]},
        {"none": ["Print 2"]},
    ]
    canvas = manifest["items"][0]
    assert (canvas["width"], canvas["height"]) == (5000, 4000)
    body = canvas["items"][0]["items"][0]["body"]
    assert (body["width"], body["height"]) == (2500, 2000)
    assert body["id"].endswith("/full/max/0/default.jpg")
    assert canvas["thumbnail"][0]["id"].endswith("/full/320,256/0/default.jpg")
    assert [pair["label"]["en"][0] for pair in canvas["metadata"]] == [
        *("Title", "Artist", "Medium", "Rights")
    ]


def test_a_licence_is_a_uri_and_other_rights_are_a_statement_that_must_be_shown():
    (manifest,) = manifests(settings(), "prints", [shown(1), shown(2, rights="Ask the estate")])
    check_manifest(manifest)
    first, second = manifest["items"]
    assert first["rights"] == LICENCE
    assert "rights" not in second
    assert second["requiredStatement"]["value"] == {"none": ["Ask the estate"]}
    assert "rights" not in manifest
    (same,) = manifests(settings(), "prints", [shown(1), shown(2)])
    assert same["rights"] == LICENCE


def test_the_publisher_is_named_where_there_is_one():
    given = settings(publisher="Het Museum", publisher_url="https://museum.example/")
    (manifest,) = manifests(given, "prints", [shown(1)])
    check_manifest(manifest)
    assert manifest["requiredStatement"]["value"] == {"none": ["Het Museum"]}
    assert manifest["provider"][0]["id"] == "https://museum.example/"
    (plain,) = manifests(settings(), "prints", [shown(1)])
    assert not {"requiredStatement", "provider"} & plain.keys()


def test_delivered_text_is_never_html_and_scans_without_metadata_bear_their_file_name():
    bare = dict.fromkeys(("title", "artist", "medium", "rights"))
    (manifest,) = manifests(
        settings(),
        "prints",
        [shown(1, title="<b onload=x>Leda</b>"), shown(2, **bare)],
    )
    check_manifest(manifest)
    first, second = manifest["items"]
    # Viewers take text for HTML only if it begins with < and ends with >.
    assert first["label"]["none"] == ["<b onload=x>Leda</b> "]
    assert second["label"]["none"] == ["p2.tif"]
    assert second["metadata"] == []


def test_pages_of_one_file_are_told_apart():
    (manifest,) = manifests(settings(), "prints", [shown(1), shown(2, page=2)])
    labels = [canvas["label"]["none"][0] for canvas in manifest["items"]]
    assert labels == ["Print 1", "Print 2, page 2"]


def test_names_of_collections_are_escaped_in_addresses():
    (manifest,) = manifests(settings(), "19de eeuw/é", [shown(1)])
    check_manifest(manifest)
    assert manifest["id"].endswith("/archive/19de%20eeuw%2F%C3%A9/manifest.json")


def test_a_large_collection_is_cut_into_manifests_that_the_collection_lists():
    many = [shown(number) for number in range(2 * MOST_CANVASES + 1)]
    parts = manifests(settings(), "prints", many)
    assert [len(part["items"]) for part in parts] == [MOST_CANVASES, MOST_CANVASES, 1]
    assert parts[2]["label"] == {"none": ["prints (3 of 3)"]}
    top = collection_of(settings(), {"prints": len(many), "a": 1})
    check_common(top)
    assert top["type"] == "Collection"
    assert [item["id"] for item in top["items"]][1:] == [part["id"] for part in parts]
    assert [item["label"] for item in top["items"]][1:] == [part["label"] for part in parts]


def test_a_scan_that_is_taken_down_is_in_no_file_any_more(any_root):
    store = open_store(any_root)
    parts = manifests(settings(), "prints", [shown(1), shown(2)])
    assert write_manifests(store, "prints", parts) == 1
    assert write_manifests(store, "prints", parts) == 0
    write_json(store, TOP, collection_of(settings(), {"prints": 2, "maps": 1}))
    first, second = (f"{number:064x}" for number in (1, 2))
    for scan_id in (first, second):
        store.write(f"iiif/prints/{scan_id}/info.json", b"{}")
        store.write(f"iiif/prints/{scan_id}/full/max/0/default.jpg", b"x")

    assert take_down(store, "prints", {first, "f" * 64}) == 2
    keys = [entry.key for entry in store.entries("iiif/prints")]
    assert not any(first in key for key in keys)
    manifest = json.loads(store.read("iiif/prints/manifest.json"))
    check_manifest(manifest)
    assert first not in json.dumps(manifest)
    assert len(manifest["items"]) == 1

    take_down(store, "prints", {second})
    assert store.entries("iiif/prints") == []
    top = json.loads(store.read(TOP))
    assert [item["label"] for item in top["items"]] == [{"none": ["maps"]}]


def test_a_collection_that_shrinks_leaves_no_manifest_behind(tmp_path):
    store = open_store(str(tmp_path))
    parts = manifests(settings(), "prints", [shown(n) for n in range(MOST_CANVASES + 1)])
    write_manifests(store, "prints", parts)
    assert store.exists(f"iiif/prints/{manifest_name(2)}")
    write_manifests(store, "prints", parts[:1])
    assert not store.exists(f"iiif/prints/{manifest_name(2)}")


@pytest.mark.parametrize(
    "address", ["iiif.example.org", "ftp://x/y", "https://x/y?z", "https://x y"]
)
def test_an_address_that_cannot_begin_an_id_is_refused(address):
    with pytest.raises(ValueError, match="base_url"):
        IiifSettings(root="x", base_url=address)
