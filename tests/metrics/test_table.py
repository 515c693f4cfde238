import pytest

from artgan.metrics.table import METRICS, find_metric, sample_note


def test_names_are_unique_and_every_measure_is_explained():
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names) == 14
    for metric in METRICS:
        assert metric.title
        assert metric.source
        assert metric.sentence.endswith(".")
        assert metric.better in ("lower", "higher", "none")


def test_no_measure_is_called_fid():
    assert not any("FID" in metric.title or "fid" in metric.name for metric in METRICS)


def test_measure_is_found_by_name():
    found = find_metric("psnr_hole_db")
    assert found is not None
    assert (found.unit, found.better) == ("dB", "higher")
    assert find_metric("beauty") is None


@pytest.mark.parametrize(
    ("n", "status", "words"),
    [
        (0, "insufficient_n", "Too few works (n = 0)"),
        (19, "insufficient_n", "Too few works (n = 19) to compare; value shown for information"),
        (20, "small_n", "few works: interval only"),
        (49, "small_n", "few works"),
        (50, "ok", "not comparable with published FID"),
        (2047, "ok", "read the excess"),
        (2048, "ok", "covariance full rank"),
        (9_999, "ok", "published FIDs use 10,000-50,000"),
    ],
)
def test_sample_note_follows_the_size_of_the_sample(n, status, words):
    found = sample_note(n)
    assert found[0] == status
    assert words in found[1]


def test_large_samples_need_no_words():
    assert sample_note(10_000) == ("ok", "")
