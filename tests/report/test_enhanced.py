"""Enhanced files and the models that make them, on pages."""

import json

from artgan.catalog.schema import OUTPUTS
from artgan.report.site import build_site, works_of
from artgan.report.snapshot import work_id
from artgan.report.work_enhancement import what_was_done

RUN = "nightly-00002-0123456789abcdef0123"
SETTINGS = {
    "source": "scan",
    "denoise": {"strength": 0.5, "model_id": "d"},
    "upscale": {"strength": 1.0, "model_id": "u", "factor": 2},
}


def test_operators_and_strengths_are_put_into_words():
    assert what_was_done(SETTINGS) == "noise and blur, strength 0.5; enlarged x2, strength 1"
    assert what_was_done({"tone": {"strength": 1.0}}) == "tone, strength 1"


def test_the_page_of_a_work_shows_its_enhanced_file_and_the_models_have_cards(archive):
    scan = works_of(archive.scans["river"])[0]
    models = {
        kind: archive.add_model(kind, "archive", metric, [30.0, 31.0])
        for kind, metric in (("tone", "delta_e00"), ("denoise", "psnr_db"), ("upscale", "psnr_db"))
    }
    path = "outputs/enhanced/river/e/enhanced.png"
    picture = archive.catalog.store.read(scan["access_path"])
    archive.catalog.store.write(path, picture)
    archive.catalog.append(
        OUTPUTS,
        [
            {
                "output_id": "e",
                "kind": "enhanced",
                "collection": "river",
                "scan_id": scan["scan_id"],
                "model_id": models["upscale"],
                "method": "denoise+x2",
                "settings_json": json.dumps(SETTINGS),
                "status": "ok",
                "output_path": path,
                "output_sha256": "e" * 64,
                "width_px": scan["width_px"],
                "height_px": scan["height_px"],
                "created_at": archive.tick(),
            }
        ],
    )
    build_site(archive.catalog, RUN)
    store = archive.catalog.store
    page = store.read(f"reports/works/{work_id(scan)}/index.html").decode()
    assert "noise and blur, strength 0.5; enlarged x2, strength 1" in page
    assert "outputs/enhanced/river/e/report.json" in page
    assert "1 enhanced file" in page
    data = json.loads(store.read(f"reports/works/{work_id(scan)}/work.json"))
    assert [one["output_id"] for one in data["enhanced"]] == ["e"]
    for kind, words in (
        ("tone", "fifteen numbers"),
        ("denoise", "Noise and blur model"),
        ("upscale", "Enlargement model"),
    ):
        assert words in store.read(f"reports/models/{models[kind]}/index.html").decode()
