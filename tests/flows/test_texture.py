"""Textures of works of a small archive, from the settings to the page of a work."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artgan.catalog.schema import OUTPUTS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.trace import trace
from artgan.config import IngestSettings, TextureSettings, WithdrawSettings
from artgan.errors import InvalidInputError
from artgan.provenance import read_xmp
from artgan.report.site import build_site
from flows.checks import check_places
from flows.ingest import ingest
from flows.texture import texture
from flows.withdraw import withdraw


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("textures")
    (folder / "inbox/prints").mkdir(parents=True)
    for number in range(3):
        rng = np.random.default_rng(number)
        small = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        large = small.resize((80, 60), Image.Resampling.BICUBIC)
        large.save(folder / f"inbox/prints/{number}.png")
    root = str(folder / "root")
    ingest(IngestSettings(root=root, inbox=str(folder / "inbox"), settle_s=0))
    return open_catalog(root)


def scan_ids(catalog: Catalog) -> list[str]:
    rows = sorted(catalog.rows(SCANS), key=lambda row: row["source_path"])
    return [row["scan_id"] for row in rows]


def asked(catalog: Catalog, scans: list[str], **more: Any) -> TextureSettings:
    given = {"detail_px": 40, "width_px": 130, "height_px": 128, "steps": 3} | more
    names = [scan[:12] for scan in scans]
    return TextureSettings.model_validate({"root": catalog.store.root, "scans": names} | given)


def test_tiles_are_made_once_labelled_and_shown(archive: Catalog) -> None:
    first = scan_ids(archive)[0]
    settings = asked(archive, [first], box=[0.0, 0.1, 0.9, 1.0], tiles=2)
    assert texture(settings)["done"] == 2
    assert not texture(settings).get("done")
    rows = sorted(archive.rows(OUTPUTS), key=lambda row: row["seed"])
    assert [row["status"] for row in rows] == ["ok", "ok"], rows
    assert [(row["kind"], row["seed"], row["scan_id"]) for row in rows] == [
        ("texture", 0, first),
        ("texture", 1, first),
    ]
    for row in rows:
        path = Path(archive.store.root) / row["output_path"]
        note = read_xmp(path)
        assert note["digital_source_type"] == "compositeWithTrainedAlgorithmicMedia"
        assert "not a work of any person" in note["note"]
        with Image.open(path) as picture:
            assert picture.size == (130, 128) == (row["width_px"], row["height_px"])
        report = json.loads(archive.store.read(row["report_path"]))
        assert report["learning"]["steps"] == 3
        assert 0.3 < report["border_ratio"] < 2
    assert not archive.store.entries("_work/fits")
    build_site(archive, "run")
    pages = [e.key for e in archive.store.entries("reports") if e.key.endswith(".html")]
    assert any(b"<h2>Textures</h2>" in archive.store.read(key) for key in pages)


def test_a_texture_of_several_works_goes_with_any_of_them(archive: Catalog) -> None:
    _, second, third = scan_ids(archive)
    texture(asked(archive, [second, third]))
    (row,) = [row for row in archive.rows(OUTPUTS) if row["scan_id"] == second]
    assert {one["scan_id"] for one in trace(archive, row["output_id"]).scans} == {second, third}
    assert [one["output_id"] for one in trace(archive, third).outputs] == [row["output_id"]]
    withdraw(
        WithdrawSettings(
            root=archive.store.root, scans=[third[:12]], reason="a claim", dry_run=False
        )
    )
    (row,) = [row for row in archive.rows(OUTPUTS) if row["scan_id"] == second]
    assert (row["status"], row["output_path"]) == ("withdrawn", None)
    assert not archive.store.entries(f"outputs/texture/prints/{row['output_id']}")


def test_settings_that_name_no_part_or_no_scan_are_refused(archive: Catalog) -> None:
    with pytest.raises(ValueError, match="box must hold left, top, right and bottom"):
        asked(archive, scan_ids(archive)[:1], box=[0.5, 0.1, 0.4, 0.9])
    with pytest.raises(InvalidInputError, match="scan must name one scan"):
        check_places(asked(archive, ["0" * 12]))


def test_a_part_that_is_too_small_fails_in_a_sentence(archive: Catalog) -> None:
    first = scan_ids(archive)[0]
    counts = texture(asked(archive, [first], box=[0.0, 0.0, 0.1, 0.1], seed=9))
    assert counts["failed"] == 1
    (row,) = [row for row in archive.rows(OUTPUTS) if row["seed"] == 9]
    assert "sources must be at least one picture of at least 12" in row["message"]
