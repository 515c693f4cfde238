import csv
from collections import Counter

import pytest

from artgan.ingest.sizes import UNKNOWN, Size, parse_size, size_from_columns


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("support: 394 x 419 mm", Size(394, 419)),
        ("support: 1530 x 2000 mm\r\nframe: 2000 x 2460 x 230 mm", Size(1530, 2000)),
        ("frame: 422 x 320 x 34 mm\r\nsupport: 402 x 300 x 3 mm", Size(402, 300, 3)),
        ("object: 375 x 400 x 203 mm, 12 kg", Size(375, 400, 203)),
        ("support: 203x 254 mm", Size(203, 254)),
        ("support & image: 232 x 150 mm", Size(232, 150)),
        ("70.2 \u00d7 53.4 cm (27 5/8 \u00d7 21 in.)", Size(702, 534)),
        (
            "Image: 45.2 \u00d7 66.1 cm (17 13/16 \u00d7 26 1/16 in.); Plate: 46.1 \u00d7 66.9 cm "
            "(18 3/16 \u00d7 26 3/8 in.); Sheet: 49.8 \u00d7 72.9 cm (19 5/8 \u00d7 28 3/4 in.)",
            Size(452, 661),
        ),
        ("Plate trimmed: 29.1 \u00d7 20.1 cm (11 1/2 \u00d7 7 15/16 in.)", Size(291, 201)),
        ("24 1/4 x 36 in. (61.6 x 91.4 cm)", Size(616, 914)),
        ("30 7/8 in. \u00d7 20 5/8 in. (78.4 \u00d7 52.4 cm)", Size(784, 524)),
        ("Overall: 8 ft. 1 1/4 in. \u00d7 6 ft. (247 \u00d7 182.9 cm)", Size(2470, 1829)),
        ("8 ft. 1 1/4 in. \u00d7 6 ft.", Size(2470.15, 1828.8)),
        ('19 1/8 x 66 1/2" (48.6 x 168.9 cm)', Size(486, 1689)),
        ("6' 3 1/4\" x 7' 10\" (191.1 x 238.8 cm)", Size(1911, 2388)),
        ("24½ x 36¾ in", Size(622.3, 933.45)),
        ("61,6 x 91,4 cm", Size(616, 914)),
        ("1,530 x 2,000 mm", Size(1530, 2000)),
        ("2 x 3 m", Size(2000, 3000)),
        ("H. 10 in. (25.4 cm); W. 5 in. (12.7 cm)", Size(254, 127)),
        ("H: 24.1 cm, W: 30 cm, D: 3 cm", Size(241, 300, 30)),
        ("H. 5 in. \u00d7 Diam. 4 in. (12.7 \u00d7 10.2 cm)", Size(127, 102)),
        ("height: 10 cm", Size(100)),
        ("h 24,6 cm x b 36,8 cm", Size(246, 368)),
        ("H\u00f6he: 24,6 cm; Breite: 36,8 cm; Tiefe: 3 cm", Size(246, 368, 30)),
        ("hoogte 24.6 cm, breedte 36.8 cm", Size(246, 368)),
        (
            "overall: 60.6 x 80 cm (23 7/8 x 31 1/2 in.)\nframed: 78.7 x 100 x 7 cm",
            Size(606, 800),
        ),
    ],
)
def test_sizes_as_museums_write_them(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "support (upper): 245 x 347 mm\r\nsupport (lower): 241 x 346 mm",
        "image: each 800 x 1000 mm",
        "unconfirmed, 36 parts, each: 102 x 356 x 356 mm",
        "image: 775 x 575 mm\r\nimage: 775 x 575 mm",
        "frame: 652 x 858 x 36 mm",
        "displayed: 1340 x 1110 x 65 mm (Variable)",
        "object (hook): 210 mm",
        "886 x 538",
        "24 x 36 in. (91.4 x 61.6 cm)",  # the two units disagree on which side is which
        "duration: 4min, 31sec",
        "Diam. 12 in.",
        "0 x 0 cm",
        "1 x 2 x 3 x 4 mm",
    ],
)
def test_what_is_not_clearly_the_size_of_the_work_is_unknown(text):
    assert parse_size(text) == UNKNOWN


@pytest.mark.parametrize("text", ["", "Overall display dimensions variable", "unconfirmed"])
def test_a_text_without_figures_holds_no_size(text):
    assert parse_size(text) is None


def test_columns_of_figures_need_a_unit_and_nothing_but_figures():
    assert size_from_columns({"height": "61.6", "width": "91.4"}, "cm") == Size(616, 914)
    assert size_from_columns({"height": "10", "width": "", "depth": "0"}, "in.") == Size(254)
    assert (
        size_from_columns({"height": "(upper):", "width": "245", "depth": "347"}, "mm") == UNKNOWN
    )
    assert size_from_columns({"height": "3840", "width": "2160"}, "") == UNKNOWN


def test_a_real_catalogue_is_sized_as_its_museum_does(real_data):
    table = real_data / "museum_metadata" / "tate_artwork_data_rebuilt_20k.csv"
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["dimensions"]]
    found = Counter()
    for row in rows:
        size = parse_size(row["dimensions"])
        # The museum's column width holds the height, and the other way round.
        stated = size_from_columns({"height": row["width"], "width": row["height"]}, row["units"])
        if size is None or size == UNKNOWN:
            found["unknown"] += 1
        elif stated != UNKNOWN:
            found["same" if size == Size(*_two(stated), size.depth_mm) else "other"] += 1
    assert found["unknown"] / len(rows) < 0.005
    # Others are those of which a frame is written first, and the museum gives the frame's size.
    assert found["other"] <= 30
    assert found["same"] > 19_000


def _two(size):
    return size.height_mm, size.width_mm
