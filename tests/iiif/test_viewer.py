"""The export in a real viewer: OpenSeadragon in Debian's Chromium, on a plain web server.

The viewer is not part of this project: ``npm install openseadragon``, and let
``ARTGAN_OPENSEADRAGON`` name its ``openseadragon.min.js``.
"""

import json
import os
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from artgan.iiif.image import INFO, Service, describe, write_pictures
from artgan.imaging.colour import image_from_array

CHROMIUM = shutil.which("chromium")
WIDTH, HEIGHT = 2100, 1500
PAGE = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<div id="viewer" style="width:840px;height:600px"></div><script src="osd.js"></script><script>
var failed = [];
var viewer = OpenSeadragon({id: "viewer", tileSources: ["service/info.json"], drawer: "canvas",
  showNavigationControl: false, immediateRender: false, smoothTileEdgesMinZoom: Infinity});
viewer.addHandler("tile-load-failed", function (event) { failed.push(event.tile.getUrl()); });
viewer.addHandler("open-failed", function (event) { failed.push(event.message); });
</script>"""


def painting() -> np.ndarray:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [x * 255 // (WIDTH - 1), y * 255 // (HEIGHT - 1), 200 * ((x // 300 + y // 300) % 2)]
    return np.stack(planes, axis=2).astype(np.uint8)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """A web server on a page with a viewer and one service; its address, and what it answered."""
    script = os.environ.get("ARTGAN_OPENSEADRAGON")
    if CHROMIUM is None or not script:
        pytest.skip("no Chromium, or ARTGAN_OPENSEADRAGON names no viewer")
    answered: list[tuple[int, str]] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, code: Any = "-", size: Any = "-") -> None:  # noqa: ARG002
            answered.append((int(code), self.path))

    shutil.copyfile(script, tmp_path / "osd.js")
    (tmp_path / "index.html").write_text(PAGE)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path)))
    base = f"http://127.0.0.1:{server.server_address[1]}"
    service = Service(WIDTH, HEIGHT, 256, 2048)
    write_pictures(lambda: image_from_array(painting()), service, tmp_path / "service")
    (tmp_path / "service" / INFO).write_text(json.dumps(describe(service, f"{base}/service")))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield base, answered
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.slow
def test_a_viewer_shows_the_picture_and_asks_for_nothing_that_is_not_there(
    site: tuple[str, list[tuple[int, str]]], tmp_path: Path
) -> None:
    base, answered = site
    loaded = "viewer.world.getItemCount() && viewer.world.getItemAt(0).getFullyLoaded()"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 840, "height": 600})
        page.goto(f"{base}/index.html")
        page.wait_for_function(f"window.viewer && {loaded}", timeout=60_000)
        page.screenshot(path=tmp_path / "whole.png")
        for zoom in (2, 8):
            for x, y in ((0.02, 0.02), (0.98, 0.7), (0.5, 0.35)):
                page.evaluate(
                    f"viewer.viewport.zoomTo({zoom}, null, true);"
                    f"viewer.viewport.panTo(new OpenSeadragon.Point({x}, {y}), true)"
                )
                page.wait_for_timeout(200)
                page.wait_for_function(loaded, timeout=60_000)
        failed = page.evaluate("failed")
        browser.close()
    assert failed == []
    assert [path for code, path in answered if code >= 400 and path != "/favicon.ico"] == []
    assert len({path for _, path in answered if path.endswith(".jpg")}) > 20
    with Image.open(tmp_path / "whole.png", formats=("PNG",)) as shot:
        seen = np.asarray(shot.convert("RGB")).astype(int)
    expected = np.asarray(Image.fromarray(painting()).resize((840, 600))).astype(int)
    assert np.abs(seen - expected).mean() < 6
