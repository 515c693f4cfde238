"""Pages in Debian's Chromium, opened from a disk as a reader opens them.

axe-core and pa11y are not part of this project: ``npm install --ignore-scripts axe-core pa11y`` in
any folder; let ``ARTGAN_AXE`` name its ``node_modules/axe-core/axe.min.js`` and ``ARTGAN_PA11Y``
its ``node_modules/pa11y/bin/pa11y.js``.
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pypdf
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from artgan.catalog.schema import MODELS, OUTPUTS
from artgan.metrics.attacks import attack_names
from artgan.report.site import build_site, works_of
from artgan.report.snapshot import work_id

RUN = "nightly-00002-0123456789abcdef0123"
CHROMIUM = shutil.which("chromium")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"),
    *("--disable-component-update", "--disable-sync"),
]
A4_PX = 688  # 210 mm without the margins of the style sheet, at 96 dots per inch
MARK = "Digital restoration (image only; object not treated)"
KINDS = (
    *("index", "run", "collection", "operators", "list", "restored", "plain", "hostile"),
    *("model", "detector", "card"),
)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Text of another language: 40 % longer, with accents, as a translation may be.
LONGER = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const accents = {a: "á", e: "é", i: "í", o: "ö", u: "ü", c: "ç", n: "ñ"};
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim() || node.parentElement.closest("script,style,svg,.code")) continue;
    node.data = node.data.replace(/[A-Za-z]+/g, (word) =>
      word.replace(/[aeioucn]/g, (one) => accents[one]) +
      "ø".repeat(Math.ceil(0.4 * word.length)));
  }
}"""
SIDEWAYS = """() => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const clipped = [...document.querySelectorAll("main *")].filter((one) =>
    getComputedStyle(one).overflowX === "hidden" && one.scrollWidth > one.clientWidth + 1 &&
    !one.closest("svg")).map((one) => one.tagName + "." + one.className);
  return [Math.max(0, wide), clipped];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


def work_pages(archive) -> dict[str, str]:
    rows = [row for row in archive.catalog.rows(OUTPUTS) if row["kind"] == "restored"]
    done = {row["scan_id"] for row in rows if row["status"] == "ok"}
    by_group = {}
    for row in archive.scans["river"]:
        by_group.setdefault(row["duplicate_group"], set()).add(row["scan_id"])
    works = works_of(archive.scans["river"])
    restored = next(row for row in works if by_group[row["duplicate_group"]] & done)
    plain = works_of(archive.scans["small"])[0]
    hostile = works_of(archive.scans["odd & <b>name"])[0]
    return {
        "restored": f"works/{work_id(restored)}/index.html",
        "plain": f"works/{work_id(plain)}/index.html",
        "hostile": f"works/{work_id(hostile)}/index.html",
    }


def add_operators(archive) -> None:
    """Measure detector, tone, denoiser and upscaler in the small collection."""
    ours = {
        "detection": ("union_f1", ("detector", "top_hat")),
        "tone": ("delta_e00", ("tone", "do_nothing")),
        "denoise": ("psnr_db", ("denoise", "nlm")),
        "upscale": ("psnr_db", ("upscale", "bicubic", "lanczos")),
    }
    for kind, (metric, subjects) in ours.items():
        model = archive.add_model(kind, "small", metric, [0.3, 0.6])
        for number, subject in enumerate(subjects):
            measured = {"subject": subject, "model_id": model, "n_measured": 6}
            archive.add_metric("small", kind, metric, 0.6 - 0.1 * number, **measured)
            for part in ("tear", "dust"):
                where = {"stratum": part} | measured
                named = "damage_recall" if kind == "detection" else metric
                archive.add_metric("small", kind, named, 0.5 - 0.1 * number, **where)
    attacked = {
        "detector": "attacked_f1",
        "classifier": "attacked_accuracy",
        "classifier_hardened": "attacked_accuracy",
        "discriminator": "attacked_auc",
    }
    for subject, metric in attacked.items():
        for number, way in enumerate(attack_names()):
            where = {"subject": subject, "stratum": f"attack: {way}", "n_measured": 6}
            archive.add_metric("small", "robustness", metric, 0.9 - 0.1 * number, **where)


@pytest.fixture(scope="module")
def whole(copied_to, tmp_path_factory):
    """The archive with every section that a page can have, built."""
    made = copied_to(tmp_path_factory.mktemp("whole") / "archive")
    add_operators(made)
    build_site(made.catalog, RUN)
    return made


@pytest.fixture(scope="module")
def addresses(whole) -> dict[str, str]:
    """One page of each kind, as addresses on this disk."""
    rows = whole.catalog.rows(MODELS)
    named = {(row["kind"], row["collection"]): row for row in rows}
    model = named["restoration", "river"]
    pages = {
        "index": "index.html",
        "run": f"runs/{RUN}/index.html",
        "collection": "collections/river/index.html",
        "operators": "collections/small/index.html",
        "list": "collections/river/works-0001.html",
        "model": f"models/{model['model_id']}/index.html",
        "detector": f"models/{named['detection', 'small']['model_id']}/index.html",
        "card": "collections/river/datasheet.html",
        **work_pages(whole),
    }
    root = Path(whole.catalog.store.root)
    return {name: f"file://{quote(f'{root}/reports/{key}')}" for name, key in pages.items()}


@pytest.fixture
def page(browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_opens_from_a_disk_without_an_error_or_a_request_outside(page, addresses, kind):
    problems, asked = [], []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", lambda request: problems.append(request.url))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(addresses[kind])
    page.evaluate("document.querySelectorAll('img').forEach((one) => { one.loading = 'eager'; })")
    page.wait_for_function("[...document.images].every((one) => one.complete)")
    assert page.evaluate("[...document.images].every((one) => one.naturalWidth > 0)")
    assert problems == []
    assert all(address.startswith("file://") for address in asked)


def test_the_comparison_is_a_slider_with_a_name_and_words_for_its_value(page, addresses):
    page.goto(addresses["restored"])
    slider = page.get_by_role("slider", name="Digital restoration shown from the left")
    assert slider.count() == 1
    assert slider.get_attribute("aria-valuetext") == "50% digital restoration"
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert slider.input_value() == "55"
    assert slider.get_attribute("aria-valuetext") == "55% digital restoration"
    clip = "getComputedStyle(document.querySelector('.stage .over')).clipPath"
    assert "45%" in page.evaluate(clip)
    page.keyboard.press("Home")
    assert slider.input_value() == "0"
    page.keyboard.press("End")
    assert slider.input_value() == "100"
    assert "inset(0px" in page.evaluate(clip)
    box = slider.bounding_box()
    assert box
    assert box["height"] >= 24


@pytest.mark.parametrize("kind", ["collection", "restored", "model"])
def test_a_page_without_scripts_shows_all_its_text_pictures_and_tables(browser, addresses, kind):
    seen = []
    for scripts in (True, False):
        context = browser.new_context(java_script_enabled=scripts)
        page = context.new_page()
        page.goto(addresses[kind])
        main = page.locator("main")
        tables = main.locator("table:visible").count()
        pictures = main.locator("figure img:visible").count()
        seen.append((set(main.inner_text().split()), tables, pictures))
        context.close()
    (words, tables, pictures), (plain_words, plain_tables, plain_pictures) = seen
    assert words - plain_words <= {"Digital", "restoration", "shown", "from", "the", "left"}
    assert (plain_tables, plain_pictures) == (tables, pictures)
    assert pictures >= 4


@pytest.mark.parametrize("kind", KINDS)
def test_pages_fit_a_narrow_window_in_longer_words_of_another_language(page, addresses, kind):
    """640 px stand for 1280 px at 200 % zoom."""
    page.goto(addresses[kind])
    page.evaluate(LONGER)
    for width in (640, 320):
        page.set_viewport_size({"width": width, "height": 700})
        wide, clipped = page.evaluate(SIDEWAYS)
        assert wide == 0
        assert clipped == []


def test_the_table_of_attacks_needs_no_scrolling_on_a_phone_or_on_paper(page, addresses):
    page.goto(addresses["operators"])
    for width, media in ((320, "screen"), (A4_PX, "print")):
        page.set_viewport_size({"width": width, "height": 700})
        page.emulate_media(media=media)
        box = page.locator("#robustness .scroll")
        assert box.count() == 1
        assert box.evaluate("(one) => one.scrollWidth - one.clientWidth") == 0


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_on_a_sheet_of_paper_is_cut_off(page, addresses, kind):
    page.set_viewport_size({"width": A4_PX, "height": 1000})
    page.emulate_media(media="print")
    page.goto(addresses[kind])
    wide, clipped = page.evaluate(SIDEWAYS)
    assert wide == 0
    assert clipped == []


def test_a_printed_work_has_few_pages_with_the_mark_on_each_and_all_pictures(
    page, addresses, tmp_path
):
    page.goto(addresses["restored"])
    path = tmp_path / "work.pdf"
    page.pdf(path=path, format="A4")
    assert path.stat().st_size <= 5_000_000
    reader = pypdf.PdfReader(path)
    assert len(reader.pages) <= 4
    for one in reader.pages:
        assert "image only; object not treated" in " ".join(one.extract_text().split())
    assert sum(len(one.images) for one in reader.pages) >= 4


@pytest.fixture(scope="module")
def axe() -> str:
    path = os.environ.get("ARTGAN_AXE")
    if not path:
        pytest.skip("ARTGAN_AXE names no axe.min.js")
    return Path(path).read_text()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing(browser, addresses, axe, kind, scheme):
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(addresses[kind])
    page.evaluate(axe)
    started = time.monotonic()
    found = page.evaluate("(tags) => axe.run(document, {runOnly: tags})", TAGS)
    assert time.monotonic() - started < 20
    context.close()
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
    assert len(found["passes"]) > 10


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pa11y_finds_nothing(addresses, tmp_path, scheme):
    program = os.environ.get("ARTGAN_PA11Y")
    if CHROMIUM is None or not program:
        pytest.skip("no Chromium, or ARTGAN_PA11Y names no pa11y.js")
    flags = [*FLAGS, f"--blink-settings=preferredColorScheme={int(scheme == 'light')}"]
    config = {
        "chromeLaunchConfig": {"executablePath": CHROMIUM, "args": flags},
        "runners": ["axe", "htmlcs"],
        "standard": "WCAG2AA",
        "timeout": 60_000,
        # axe judges contrast above; pa11y takes for an error what axe cannot judge: text in SVG.
        "ignore": ["color-contrast"],
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    for kind in KINDS:
        command = ["node", program, "--config", str(tmp_path / "config.json"), "--reporter", "json"]
        command = [*command, addresses[kind]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (kind, done.stdout[:2000], done.stderr[:500])


@pytest.mark.slow
def test_a_collection_of_2000_works_opens_at_once(browser, empty):
    empty.add_scans("large", 2000)
    build_site(empty.catalog, RUN)
    root = Path(empty.catalog.store.root) / "reports/collections/large"
    assert len(list(root.glob("works-*.html"))) == 20
    for path in root.glob("*.html"):
        assert path.stat().st_size <= 300_000, path
        assert len(re.findall(r"<[a-z]", path.read_text())) <= 10_000
    for name in ("index.html", "works-0001.html"):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        asked = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        started = time.monotonic()
        page.goto(f"file://{root / name}", wait_until="load")
        seconds = time.monotonic() - started
        page.wait_for_timeout(500)
        assert len(asked) <= 100
        assert seconds <= 3
        context.close()
