"""The export as a user runs it: from an inbox to files that a viewer can read."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artgan.catalog.schema import OUTPUTS, RUNS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.config import IiifSettings, IngestSettings
from artgan.errors import ArtganError
from artgan.stylize import protection
from flows.checks import check_places
from flows.iiif import iiif
from flows.ingest import ingest

BASE = "https://iiif.example.org/archive"


def fill_inbox(inbox: Path) -> None:
    rng = np.random.default_rng(0)
    for collection, names in {"prints": ("a", "b", "c"), "old maps": ("m",)}.items():
        (inbox / collection).mkdir(parents=True)
        for name in names:
            blocks = rng.integers(0, 65536, (9, 12, 1), dtype=np.uint16).repeat(3, axis=2)
            picture = np.kron(blocks[:, :, 0], np.ones((50, 50), np.uint16))
            Image.fromarray(picture).save(inbox / collection / f"{name}.tif")
    (inbox / "prints/metadata.csv").write_text(
        "file,title,artist,rights\na.tif,Grote golf,Hokusai,CC0\nb.tif,Brug,Hiroshige,All mine\n"
    )


def make_archive(root: str, inbox: Path) -> Catalog:
    fill_inbox(inbox)
    ingest(IngestSettings(root=root, inbox=str(inbox), settle_s=0))
    return open_catalog(root)


@pytest.fixture
def archive(tmp_path: Path) -> Catalog:
    return make_archive(str(tmp_path / "root"), tmp_path / "inbox")


@pytest.fixture
def any_archive(any_root: str, tmp_path: Path) -> Catalog:
    return make_archive(any_root, tmp_path / "inbox")


def settings(catalog: Catalog, **more: Any) -> IiifSettings:
    return IiifSettings(root=catalog.store.root, base_url=BASE, tile_px=256, **more)


def read(catalog: Catalog, address: str) -> Any:
    return json.loads(catalog.store.read(key(address)))


def key(address: str) -> str:
    return "iiif" + address.removeprefix(BASE).replace("%20", " ")


def test_every_address_from_the_top_down_to_the_pictures_is_there(any_archive: Catalog) -> None:
    assert iiif(settings(any_archive))["done"] == 4
    top = read(any_archive, f"{BASE}/collection.json")
    assert [item["label"]["none"] for item in top["items"]] == [["old maps"], ["prints"]]
    scans = {row["scan_id"]: row for row in any_archive.rows(SCANS)}
    seen = set()
    for item in top["items"]:
        for canvas in read(any_archive, item["id"])["items"]:
            body = canvas["items"][0]["items"][0]["body"]
            service = body["service"][0]["id"]
            scan = scans[service.rsplit("/", 1)[1]]
            seen.add(scan["source_path"])
            assert (canvas["width"], canvas["height"]) == (scan["width_px"], scan["height_px"])
            info = read(any_archive, f"{service}/info.json")
            assert info["id"] == service
            for address in (body["id"], canvas["thumbnail"][0]["id"]):
                assert any_archive.store.read(key(address)).startswith(b"\xff\xd8")
    assert seen == {"prints/a.tif", "prints/b.tif", "prints/c.tif", "old maps/m.tif"}
    rows = any_archive.rows(OUTPUTS)
    assert {row["status"] for row in rows} == {"ok"}
    assert all(any_archive.store.exists(row["output_path"]) for row in rows)


def test_nothing_is_made_twice_and_only_what_changed_is_made_again(
    archive: Catalog, tmp_path: Path
) -> None:
    iiif(settings(archive))
    before = archive.store.entries("iiif")
    counts = iiif(settings(archive))
    assert not counts.get("done")
    assert counts["manifests"] == 0
    assert archive.store.entries("iiif") == before

    picture = np.kron(np.arange(20, dtype=np.uint8).reshape(4, 5) * 12, np.ones((60, 60), np.uint8))
    Image.fromarray(picture).save(tmp_path / "inbox/prints/d.png")
    ingest(IngestSettings(root=archive.store.root, inbox=str(tmp_path / "inbox"), settle_s=0))
    counts = iiif(settings(archive))
    assert (counts["done"], counts["manifests"]) == (1, 1)
    assert len(read(archive, f"{BASE}/prints/manifest.json")["items"]) == 4


def test_another_address_is_written_everywhere_and_old_rows_go(archive: Catalog) -> None:
    iiif(settings(archive))
    moved = settings(archive).model_copy(update={"base_url": "https://elsewhere.example"})
    assert iiif(moved)["done"] == 4
    documents = [
        archive.store.read(entry.key).decode()
        for entry in archive.store.entries("iiif")
        if entry.key.endswith(".json")
    ]
    assert len(documents) == 4 + 2 + 1
    assert not any(BASE in text for text in documents)
    assert archive.read(OUTPUTS).num_rows == 4


def test_a_scan_that_left_the_catalog_is_taken_down(any_archive: Catalog) -> None:
    iiif(settings(any_archive))
    gone = {row["source_path"]: row["scan_id"] for row in any_archive.rows(SCANS)}
    withdrawn = [gone["prints/a.tif"], gone["old maps/m.tif"]]
    any_archive.remove(SCANS, withdrawn)
    counts = iiif(settings(any_archive))
    assert (counts["withdrawn"], counts.get("done", 0)) == (2, 0)
    keys = [entry.key for entry in any_archive.store.entries("iiif")]
    assert not any(one in name for name in keys for one in withdrawn)
    assert not any("old maps" in name for name in keys)
    top = any_archive.store.read("iiif/collection.json").decode()
    assert "old%20maps" not in top
    assert all(
        one not in any_archive.store.read("iiif/prints/manifest.json").decode()
        for one in gone
        if one in withdrawn
    )
    assert any_archive.read(OUTPUTS).num_rows == 2


def test_rows_of_what_was_withdrawn_stay_and_its_manifest_goes(archive: Catalog) -> None:
    iiif(settings(archive))
    (row,) = [row for row in archive.rows(OUTPUTS) if row["collection"] == "old maps"]
    archive.replace(OUTPUTS, [row | {"status": "withdrawn"}])
    archive.remove(SCANS, [row["scan_id"]])
    archive.store.delete_below(f"iiif/old maps/{row['scan_id']}")
    iiif(settings(archive))
    assert archive.store.entries("iiif/old maps") == []
    assert [one["status"] for one in archive.rows(OUTPUTS) if one["collection"] == "old maps"] == [
        "withdrawn"
    ]


def test_a_rescan_takes_the_place_of_what_it_supersedes(archive: Catalog, tmp_path: Path) -> None:
    iiif(settings(archive))
    old = next(row for row in archive.rows(SCANS) if row["source_path"] == "prints/a.tif")
    path = tmp_path / "inbox/prints/a.tif"
    with Image.open(path, formats=("TIFF",)) as picture:
        picture.resize((1200, 900)).save(path)
    ingest(IngestSettings(root=archive.store.root, inbox=str(tmp_path / "inbox"), settle_s=0))
    counts = iiif(settings(archive))
    assert (counts["withdrawn"], counts["done"]) == (1, 1)
    canvases = read(archive, f"{BASE}/prints/manifest.json")["items"]
    assert [canvas["width"] for canvas in canvases] == [1200, 600, 600]
    assert archive.store.entries(f"iiif/prints/{old['scan_id']}") == []


def test_a_scan_that_cannot_be_read_is_named_and_the_others_are_shown(archive: Catalog) -> None:
    rows = {row["source_path"]: row for row in archive.rows(SCANS)}
    archive.store.write(rows["prints/b.tif"]["access_path"], b"\xff\xd8\xff\xe0 no picture")
    with pytest.raises(ArtganError, match="failed fraction"):
        iiif(settings(archive, max_failed_fraction=0.1))
    failed = [row for row in archive.rows(OUTPUTS) if row["status"] == "failed"]
    assert [row["scan_id"] for row in failed] == [rows["prints/b.tif"]["scan_id"]]
    assert "prints/b.tif" in failed[0]["message"]
    assert len(read(archive, f"{BASE}/prints/manifest.json")["items"]) == 2
    assert archive.rows(RUNS)[-1]["status"] in {"failed", "completed"}


def test_full_resolution_is_cut_from_the_scan_itself(archive: Catalog, tmp_path: Path) -> None:
    pages = [Image.new("L", (90 + 10 * page, 60), 100) for page in range(3)]
    for number, page in enumerate(pages):
        page.putpixel((5, 5), number)
    pages[0].save(tmp_path / "inbox/old maps/z.tif", save_all=True, append_images=pages[1:])
    ingest(IngestSettings(root=archive.store.root, inbox=str(tmp_path / "inbox"), settle_s=0))
    counts = iiif(settings(archive, resolution="full"))
    assert counts["done"] == 4 + 3
    canvases = read(archive, f"{BASE}/old%20maps/manifest.json")["items"]
    assert [canvas["width"] for canvas in canvases] == [600, 90, 100, 110]
    assert canvases[3]["items"][0]["items"][0]["body"]["width"] == 110
    rows = archive.rows(OUTPUTS)
    assert {row["method"] for row in rows} == {"full"}
    scan = next(row for row in archive.rows(SCANS) if row["source_path"] == "prints/a.tif")
    info = read(archive, f"{BASE}/prints/{scan['scan_id']}/info.json")
    assert (info["width"], info["height"]) == (scan["width_px"], scan["height_px"])


def test_published_pictures_can_be_protected_and_access_copies_stay_as_they_are(
    archive: Catalog, real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protection.protect, "__defaults__", (0, 1))  # one step is enough
    iiif(settings(archive, collections=["prints"]))
    copies = {row["access_path"]: row["access_sha256"] for row in archive.rows(SCANS)}
    whole = {
        entry.key: archive.store.read(entry.key)
        for entry in archive.store.entries("iiif/prints")
        if entry.key.endswith("full/max/0/default.jpg")
    }
    assert len(whole) == 3
    asked = settings(
        archive, collections=["prints"], protection=8, weights=str(real_data / "weights")
    )
    assert iiif(asked)["done"] == 3
    assert "done" not in iiif(asked)
    for key_, before in whole.items():
        after = archive.store.read(key_)
        then, now = (np.asarray(Image.open(io.BytesIO(one))).astype(int) for one in (before, after))
        assert now.shape == then.shape
        assert 1 < np.abs(now - then).mean() < 12  # JPEG adds its own to the 8
        assert b"algorithmicallyEnhanced" in after
        assert b"up to 8 of 255" in after
    for path, sha256 in copies.items():
        assert hashlib.sha256(archive.store.read(path)).hexdigest() == sha256
    rows = [row for row in archive.rows(OUTPUTS) if row["collection"] == "prints"]
    assert {row["digital_source_type"] for row in rows} == {"algorithmicallyEnhanced"}


def test_protection_without_weights_or_of_scans_is_refused_in_words(archive: Catalog) -> None:
    with pytest.raises(ValueError, match="protection must be 0 where scans are shown at full"):
        settings(archive, resolution="full", protection=4)
    with pytest.raises(ArtganError, match="or leave protection out"):
        check_places(settings(archive, protection=4))
