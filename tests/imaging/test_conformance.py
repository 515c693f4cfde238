import re

import pytest

from artgan.imaging.conformance import RULES, nonconformities

MASTER = {
    "format": "tiff",
    "compression": "none",
    "icc_name": "eciRGB v2",
    "bit_depth": 16,
    "channels": 3,
    "dpi": 400.0,
    "dpi_vertical": 400.0,
}


def test_a_master_as_the_guidelines_want_it_breaks_no_rule():
    assert nonconformities(MASTER) == []


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ({"compression": "lzw"}, {"metamorfoze_format"}),
        ({"format": "jp2", "compression": "jpeg2000"}, set()),
        ({"format": "jpeg", "compression": "jpeg"}, {"metamorfoze_format", "fadgi_format"}),
        ({"icc_name": "Adobe RGB (1998)"}, set()),
        ({"icc_name": "eciRGB v2 ICCv4"}, set()),
        ({"icc_name": "sRGB IEC61966-2.1"}, {"metamorfoze_profile"}),
        ({"icc_name": "Display P3"}, {"metamorfoze_profile", "fadgi_profile"}),
        ({"icc_name": None}, {"metamorfoze_profile", "fadgi_profile"}),
        ({"channels": 1}, {"metamorfoze_depth"}),
        ({"bit_depth": 8}, set()),
        ({"bit_depth": 1}, {"metamorfoze_depth", "fadgi_depth"}),
        ({"dpi": 396.0}, set()),
        ({"dpi": 395.9}, {"fadgi_4_star_resolution"}),
        ({"dpi_vertical": 299.0}, {"metamorfoze_resolution", "fadgi_4_star_resolution"}),
        (
            {"dpi": 243.0, "dpi_vertical": 243.0},
            {
                "metamorfoze_resolution",
                "fadgi_4_star_resolution",
                "fadgi_3_star_resolution",
            },
        ),
        (
            {"dpi": None, "dpi_vertical": None},
            {rule.code for rule in RULES if rule.code.endswith("resolution")},
        ),
    ],
)
def test_each_fact_breaks_the_rules_that_ask_for_another(change, broken):
    assert set(nonconformities(MASTER | change)) == broken


def test_every_rule_names_its_guideline_and_says_what_is_wanted():
    assert len({rule.code for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert re.fullmatch("(metamorfoze|fadgi)_[a-z0-9_]+", rule.code)
        assert re.search(r"\d{4}", rule.source)
        assert rule.sentence.endswith(".")
