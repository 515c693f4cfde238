import json
import math
import re

import pytest

from artgan.errors import CorruptAssetError
from artgan.report.changes import changes
from artgan.report.charts import Point, curve_words, interval_marks, line_chart
from artgan.report.figures import FigureImage, FigureItem, FigureSet, figure_from_json
from artgan.report.measures import measure, title
from artgan.report.section import training_curve
from artgan.report.words import clip, duration, number, share, showing, tally

FIGURE = FigureSet(
    "restoration",
    "river",
    "m1",
    "Tïtle",
    "note",
    "strips",
    (FigureItem("a", "b", (FigureImage("truth", "k.png", 64, 32, "alt"),)),),
)


def row(**more):
    base = {
        "metric_id": "a",
        "collection": "river",
        "product": "restoration",
        "subject": "filler",
        "metric": "psnr_hole_db",
        "value": 24.0,
        "ci_low": 23.5,
        "ci_high": 24.5,
        "unit": "dB",
        "n_reference": 40,
        "n_measured": 40,
        "n_matched": None,
        "reference_split": "test",
        "extractor": None,
        "preprocessing": None,
        "is_fid": False,
        "note": None,
        "created_at": 1,
        "run_id": "old",
    }
    return base | more


@pytest.mark.parametrize(
    ("value", "text"),
    [(24.134, "24.1"), (0.9731, "0.973"), (6.5, "6.50"), (1234.6, "1,235"), (0, "0")],
)
def test_numbers_keep_about_three_digits(value, text):
    assert number(value) == text


def test_negative_numbers_carry_a_real_minus_and_zero_does_not():
    assert number(-3.21) == "\N{MINUS SIGN}3.21"
    assert number(-0.00001) == "0.000"
    assert number(math.nan) == number(None) == "not measured"


def test_small_shares_never_read_nothing_or_all():
    assert share(1, 100_000) == "under 0.1%"
    assert share(99_999, 100_000) == "over 99.9%"
    assert share(0, 10) == "0%"
    assert share(12, 24) == "50%"
    assert share(27, 1000) == "2.7%"


def test_times_lists_and_cuts_read_as_words():
    assert duration(192) == "3 min 12 s"
    assert duration(0.42) == "0.4 s"
    assert tally({"jpeg": 3, "tiff": 40}) == "tiff: 40, jpeg: 3"
    assert showing(5, 5, "scans", "scans") is None
    assert "5 of 12,410" in (showing(5, 12_410, "scans", "scans") or "")
    assert len(clip("x" * 4000)) == 160


def test_a_measure_is_one_sentence_with_interval_and_n():
    assert measure(row()).sentence == (
        "PSNR in the damage 24.0 dB (95% interval 23.5 to 24.5; 40 pictures, "
        "40 real works of the test split)"
    )


def test_only_the_real_network_makes_a_fid():
    fd = row(metric="fd", unit=None, extractor="FD-VGG19c34")
    assert title(fd) == "FD-VGG19c34"
    assert title(fd | {"metric": "fd_excess"}) == "FD-VGG19c34 excess"
    assert title(fd | {"extractor": "clean-FID", "is_fid": True}) == "clean-FID"
    assert title(fd | {"extractor": "x", "is_fid": False}) == "FD-x"


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({"value": 24.4, "ci_low": 23.9, "ci_high": 24.9}, "No clear change"),
        ({"value": 26.0, "ci_low": 25.5, "ci_high": 26.5}, "Better"),
        ({"value": 21.0, "ci_low": 20.5, "ci_high": 21.5}, "Worse"),
        ({"value": 26.0, "ci_low": 25.5, "ci_high": 26.5, "n_measured": 41}, "Not comparable"),
        ({"value": 26.0, "ci_low": None, "ci_high": None}, "No interval"),
    ],
)
def test_a_change_is_named_only_when_the_intervals_part(now, words):
    rows = [row(), row(metric_id="b", created_at=2, run_id="new", **now)]
    (change,) = changes(rows, {"new"})
    assert change.words.startswith(words)


def test_few_works_are_not_compared():
    few = {"n_reference": 12, "n_measured": 12}
    rows = [row(**few), row(value=30.0, ci_low=29.0, ci_high=31.0, created_at=2, run_id="n", **few)]
    (change,) = changes(rows, {"n"})
    assert change.words == "Too few works to compare"
    assert change.now.caution.startswith("Too few works (n = 12) to compare")


def test_a_chart_says_its_result_and_escapes_its_words():
    points = [Point(0, 40.0), Point(100, 6.2, 5.0, 7.0), Point(200, 6.8)]
    words = curve_words(points, lower_is_better=True)
    assert words == "From 40.0 at step 0 to 6.80 at step 200; best 6.20 at step 100."
    svg = line_chart(points, "a <b>", words)
    assert "<title>a &lt;b&gt;</title>" in svg
    assert f"<desc>{words}</desc>" in svg
    assert svg.count("<circle") == 3
    assert "nan" not in svg


@pytest.mark.parametrize(
    "values",
    [
        *([5.0], [5.0, 5.0], [-3.0, 1e6], [1e-9, 2e-9], [0.0], [-7.0]),
        *([1e-13, 3e-13], [0.0, 1e-12], [1.0, 1.0 + 4e-16], [1e6, 1e6 + 1e-9], [-1e-14, 0.0]),
    ],
)
def test_a_chart_draws_any_range_inside_its_frame(values):
    svg = line_chart([Point(step, value) for step, value in enumerate(values)], "t", "d")
    heights = [float(part.split('"')[0]) for part in svg.split('cy="')[1:]]
    assert len(heights) == len(values)
    assert all(0 <= height <= 226 for height in heights)


def test_a_training_curve_shows_the_best_method_without_training():
    record = {"step": 6, "hole_psnr_db": 22.0, "telea_db": 20.5, "navier_stokes_db": 30.0}
    model = {
        "history_json": json.dumps([record | {"step": 0, "hole_psnr_db": 20.0}, record]),
        "metric": "hole_psnr_db",
        "collection": "river",
        "kind": "restoration",
    }
    curve = training_curve(model)
    assert curve is not None
    assert curve.words.endswith("Dashed: the best method without training, Navier-Stokes 30.0.")
    heights = [float(y) for y in re.findall(r'class="level"[^>]*y1="([\d.]+)"', curve.chart)]
    assert len(heights) == 1
    assert 0 <= heights[0] < 100


def test_marks_share_one_axis_and_show_what_was_measured():
    low, high, missing = interval_marks([(1.0, 0.5, 1.5), (9.0, 8.5, 9.5), (None, None, None)])
    assert float(low.split('cx="')[1].split('"')[0]) < float(high.split('cx="')[1].split('"')[0])
    assert "circle" not in missing


def test_a_figure_survives_its_manifest_and_gives_equal_bytes():
    assert figure_from_json(FIGURE.to_json()) == FIGURE
    assert FIGURE.to_json() == figure_from_json(FIGURE.to_json()).to_json()


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b"{}", FIGURE.to_json().replace(b"strips", b"pie"), b"\xff\xfe\x00"],
)
def test_anything_else_is_refused_with_a_sentence(content):
    with pytest.raises(CorruptAssetError, match="figure manifest must hold"):
        figure_from_json(content)
