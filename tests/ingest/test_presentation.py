import pytest

from artgan.ingest.presentation import kind_of, members_of, pictures_of, text_of

V3 = {
    "@context": "http://iiif.io/api/presentation/3/context.json",
    "id": "https://museum.example/m3",
    "type": "Manifest",
    "label": {"nl": ["De brug"], "en": ["The bridge"]},
    "metadata": [
        {"label": {"en": ["Artist"]}, "value": {"none": ["Hiroshige"]}},
        {"label": {"en": ["Notes"]}, "value": {"en": ["<p>Fine &amp; <b>rare</b></p>"]}},
        {"label": {"en": ["Keywords"]}, "value": {"none": ["rain", "river"]}},
    ],
    "rights": "http://creativecommons.org/publicdomain/zero/1.0/",
    "requiredStatement": {"label": {"en": ["Credit"]}, "value": {"en": ["Gift of A."]}},
    "homepage": [{"id": "https://museum.example/bridge", "type": "Text"}],
    "items": [
        {
            "id": "https://museum.example/c1",
            "type": "Canvas",
            "label": {"none": ["recto"]},
            "items": [
                {
                    "type": "AnnotationPage",
                    "items": [
                        {
                            "type": "Annotation",
                            "motivation": "painting",
                            "body": {
                                "id": "https://images.example/1/full/600,/0/default.jpg",
                                "type": "Image",
                                "service": [
                                    {
                                        "@id": "https://images.example/v2/1",
                                        "@type": "ImageService2",
                                    },
                                    {"id": "https://images.example/1", "type": "ImageService3"},
                                ],
                            },
                        },
                        {"type": "Annotation", "motivation": "commenting", "body": {"id": "x"}},
                    ],
                }
            ],
        },
        {
            "type": "Canvas",
            "label": {"none": ["verso"]},
            "metadata": [{"label": {"en": ["Artist"]}, "value": {"none": ["unknown hand"]}}],
            "items": [
                {
                    "items": [
                        {
                            "motivation": "painting",
                            "body": {
                                "type": "Choice",
                                "items": [
                                    {"id": "https://images.example/2.tif", "type": "Image"},
                                    {"id": "https://images.example/2-xray.tif", "type": "Image"},
                                ],
                            },
                        }
                    ]
                }
            ],
        },
    ],
}
V2 = {
    "@context": "http://iiif.io/api/presentation/2/context.json",
    "@id": "https://museum.example/m2",
    "@type": "sc:Manifest",
    "label": [{"@value": "Die Brücke", "@language": "de"}, {"@value": "Bridge", "@language": "en"}],
    "metadata": [{"label": "Maker", "value": ["Kirchner", "Heckel"]}],
    "license": ["https://creativecommons.org/licenses/by/4.0/"],
    "attribution": "<span>Museum of X</span>",
    "sequences": [
        {
            "canvases": [
                {
                    "@id": "https://museum.example/c",
                    "label": "1",
                    "images": [
                        {
                            "motivation": "sc:painting",
                            "resource": {
                                "@id": "https://images.example/3/full/full/0/default.jpg",
                                "@type": "dctypes:Image",
                                "service": {
                                    "@context": "http://iiif.io/api/image/2/context.json",
                                    "@id": "https://images.example/3/",
                                },
                            },
                        }
                    ],
                }
            ]
        }
    ],
}


def test_pictures_of_a_version_3_manifest_carry_what_it_says():
    first, second = pictures_of(V3, "https://museum.example/m3")
    assert first.url == "https://images.example/1/full/600,/0/default.jpg"
    assert first.service == "https://images.example/1"
    assert first.fields == {
        "title": "The bridge, recto",
        "Artist": "Hiroshige",
        "Notes": "Fine & rare",
        "Keywords": "rain; river",
        "rights": "http://creativecommons.org/publicdomain/zero/1.0/",
        "iiif_statement": "Gift of A.",
        "iiif_homepage": "https://museum.example/bridge",
        "iiif_manifest": "https://museum.example/m3",
    }
    assert (second.url, second.service) == ("https://images.example/2.tif", None)
    assert (second.fields["title"], second.fields["Artist"]) == (
        "The bridge, verso",
        "unknown hand",
    )


def test_a_title_of_a_canvas_is_the_title_of_its_picture():
    titled = {"metadata": [{"label": {"en": ["Title"]}, "value": {"none": ["Rain"]}}]}
    first, second = V3["items"]
    both = pictures_of(V3 | {"items": [first | titled, second]}, "https://museum.example/m3")
    assert [one.fields["title"] for one in both] == ["Rain", "The bridge, verso"]


def test_pictures_of_a_version_2_manifest_carry_what_it_says():
    (picture,) = pictures_of(V2, "https://museum.example/m2")
    assert picture.service == "https://images.example/3"
    assert picture.fields == {
        "title": "Bridge",
        "Maker": "Kirchner; Heckel",
        "rights": "https://creativecommons.org/licenses/by/4.0/",
        "iiif_statement": "Museum of X",
        "iiif_manifest": "https://museum.example/m2",
    }


def test_collections_of_both_versions_list_their_members():
    v3 = {"type": "Collection", "items": [{"id": "a", "type": "Manifest"}, {"id": "b"}]}
    v2 = {
        "@type": "sc:Collection",
        "manifests": [{"@id": "a"}],
        "collections": [{"@id": "b"}],
        "members": [{"@id": "c"}],
    }
    assert (kind_of(v3), kind_of(v2)) == ("collection", "collection")
    assert members_of(v3) == ["a", "b"]
    assert members_of(v2) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "document", [None, [], "text", 3, {}, {"type": "ImageService3"}, {"type": ["Manifest"]}]
)
def test_other_documents_are_neither(document):
    assert kind_of(document) == ""


@pytest.mark.parametrize(
    "broken",
    [
        {"items": "no list"},
        {"items": [None, 3, {"items": {"items": None}}]},
        {"items": [{"items": [{"items": [{"body": None}, {"body": 3}, {"body": []}]}]}]},
        {"sequences": [{"canvases": [{"images": [{"resource": {}}]}]}]},
        {"metadata": {"label": "x"}, "label": {"en": None}, "items": []},
        {"requiredStatement": [], "rights": {"x": 1}, "homepage": "text", "label": 3},
    ],
)
def test_a_broken_manifest_shows_nothing_and_breaks_nothing(broken):
    assert pictures_of({"type": "Manifest"} | broken, "https://x") == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"none": ["a", "b"]}, "a; b"),
        ({"fr": ["pont"]}, "pont"),
        ({"fr": ["pont"], "none": ["x"]}, "x"),
        ([{"@value": "a"}, {"@value": "b"}], "a; b"),
        ([{"@value": "a", "@language": "fr"}, {"@value": "b", "@language": "en-GB"}], "b"),
        ("3 < 4 and 5 > 4", "3 < 4 and 5 > 4"),
        ("<i>Leda</i>", "Leda"),
        (1888, "1888"),
        (None, ""),
        ({}, ""),
    ],
)
def test_labels_become_words(value, text):
    assert text_of(value) == text
