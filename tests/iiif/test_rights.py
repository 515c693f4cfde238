import pytest

from artgan.iiif.rights import rights_uri

ZERO = "http://creativecommons.org/publicdomain/zero/1.0/"
MARK = "http://creativecommons.org/publicdomain/mark/1.0/"


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("CC0", ZERO),
        ("CC0 1.0 Universal", ZERO),
        ("Public Domain", MARK),
        ("public  domain.", MARK),
        ("CC BY 4.0", "http://creativecommons.org/licenses/by/4.0/"),
        ("CC-BY-NC-ND 4.0", "http://creativecommons.org/licenses/by-nc-nd/4.0/"),
        (
            "Creative Commons Attribution-ShareAlike 4.0 International License",
            "http://creativecommons.org/licenses/by-sa/4.0/",
        ),
        (
            "Creative Commons Attribution-NonCommercial-NoDerivs 3.0 Unported",
            "http://creativecommons.org/licenses/by-nc-nd/3.0/",
        ),
        ("In Copyright", "http://rightsstatements.org/vocab/InC/1.0/"),
        (
            "https://creativecommons.org/licenses/by/4.0/deed.nl",
            "http://creativecommons.org/licenses/by/4.0/",
        ),
        ("https://www.creativecommons.org/publicdomain/zero/1.0", ZERO),
        (
            "https://rightsstatements.org/page/NoC-US/1.0/?language=en",
            "http://rightsstatements.org/vocab/NoC-US/1.0/",
        ),
    ],
)
def test_plain_names_of_licences_become_their_uri(text, uri):
    assert rights_uri(text) == uri


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "CC BY",  # which version?
        "Gift of Mr. Public Domain, 1912",
        "Not in the public domain",
        "© 2019 Rijksmuseum",
        "CC BY-ND-NC-SA 4.0",
        "https://example.org/licenses/by/4.0/",
        "https://creativecommons.org.evil.example/licenses/by/4.0/",
        "https://creativecommons.org/",
        "http://[broken",
    ],
)
def test_what_leaves_doubt_stays_text(text):
    assert rights_uri(text) is None
