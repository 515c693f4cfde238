"""Numbers over past measurements and runs."""

import json

from artgan.catalog.schema import RUNS
from artgan.report.site import build_site
from artgan.report.trend import comparable, run_changes, run_trend

RUN = "nightly-00002-0123456789abcdef0123"
EARLIER = "nightly-00001-fedcba98765432100123"


def test_a_collections_page_draws_its_leading_number_over_past_measurements(reported):
    for value, model in ((20.0, "older"), (26.0, "newer")):
        more = {"subject": "filler", "unit": "dB", "n_measured": 6, "model_id": model}
        reported.add_metric("river", "restoration", "psnr_hole_db", value, **more)
    build_site(reported.catalog, RUN)
    html = reported.catalog.store.read("reports/collections/river/index.html").decode()
    assert "PSNR in the damage over past measurements: Filler" in html
    assert "From 24.1 dB on" in html
    assert "to 26.0 dB on" in html
    assert "3 measurements; higher is better" in html


def test_samples_that_differ_are_told_beside_a_trend(reported):
    more = {"subject": "filler", "unit": "dB", "n_measured": 9}
    reported.add_metric("river", "restoration", "psnr_hole_db", 26.0, **more)
    build_site(reported.catalog, RUN)
    html = reported.catalog.store.read("reports/collections/river/index.html").decode()
    assert "The samples differ, so a step may come from the works" in html


def test_a_run_is_compared_with_the_run_before_it_of_the_same_flow(reported):
    reported.add_run("nightly-00003-x", "nightly", n_done=3, n_failed=2, seconds=100.0)
    build_site(reported.catalog, "nightly-00003-x")
    store = reported.catalog.store
    facts = json.loads(store.read("reports/runs/nightly-00003-x/run.json"))
    changes = {one["count"]: one for one in facts["beside_the_run_before"]}
    assert (changes["Done"]["before"], changes["Done"]["now"]) == ("8", "3")
    assert changes["Done"]["difference"] == "\N{MINUS SIGN}5"
    assert changes["Failed"]["difference"] == "+2"
    assert changes["Time"]["difference"] == "1 min 32 s shorter"
    html = store.read("reports/runs/nightly-00003-x/index.html").decode()
    assert "3 runs from" in html
    assert "at least 0, at most 2, 2 in this one" in html


def test_the_first_run_and_a_run_below_another_have_nothing_to_compare_with(reported):
    build_site(reported.catalog, RUN)
    rows = sorted(reported.catalog.rows(RUNS), key=lambda row: row["ended_at"])
    assert run_changes(rows, EARLIER) == []
    assert run_trend(rows, EARLIER) is None
    assert comparable(rows, f"ingest-{RUN}") == []
    html = reported.catalog.store.read(f"reports/runs/{EARLIER}/index.html").decode()
    assert "No finished run of nightly before this one" in html


def test_an_earlier_run_is_drawn_without_those_after_it(reported):
    build_site(reported.catalog, RUN)
    key = f"reports/runs/{RUN}/index.html"
    before = reported.catalog.store.read(key)
    reported.add_run("nightly-00003-x", "nightly", n_failed=50)
    build_site(reported.catalog, "nightly-00003-x")
    assert reported.catalog.store.read(key) == before
