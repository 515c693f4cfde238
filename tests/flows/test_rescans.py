from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artgan.catalog.schema import MASKS, MODELS, QUARANTINE, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.works import works
from artgan.config import IngestSettings, RestoreSettings
from artgan.report.snapshot import Snapshot
from flows.ingest import ingest
from flows.restore import restore


def save(path: Path, seed: int, brighter: int = 0) -> None:
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 200, (6, 8, 3), dtype=np.uint8)
    picture = np.asarray(Image.fromarray(blocks).resize((80, 60), Image.Resampling.BICUBIC))
    Image.fromarray(picture + np.uint8(brighter)).save(path)


@pytest.fixture
def prints(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox" / "prints"
    folder.mkdir(parents=True)
    save(folder / "a.png", 1)
    save(folder / "b.png", 2)
    damage = np.zeros((60, 80), np.uint8)
    damage[10:20, 10:20] = 255
    Image.fromarray(damage).save(folder / "a.png.mask.png")
    return folder


def deliver(prints: Path) -> tuple[Catalog, dict[str, int]]:
    root = str(prints.parent.parent / "root")
    counts = ingest(IngestSettings(root=root, inbox=str(prints.parent), settle_s=0))
    return open_catalog(root), counts


def at(catalog: Catalog, path: str) -> list[dict[str, Any]]:
    rows = [row for row in catalog.rows(SCANS) if row["source_path"] == path]
    return sorted(rows, key=lambda row: row["object_version"])


def test_a_re_scan_takes_the_place_of_the_old_scan_and_leaves_what_was_made_of_it(
    prints: Path,
) -> None:
    deliver(prints)
    save(prints / "a.png", 7)
    catalog, counts = deliver(prints)
    assert counts["scans"] == 1
    old, new = at(catalog, "prints/a.png")
    assert (old["object_version"], old["is_current"]) == (1, False)
    assert (new["object_version"], new["is_current"]) == (2, True)
    assert new["split"] == old["split"]
    assert catalog.store.exists(old["access_path"])
    assert old["scan_id"] not in {row["scan_id"] for row in works(catalog)}
    assert {row["scan_id"] for row in Snapshot(catalog).scans("prints")} == {
        new["scan_id"],
        *(row["scan_id"] for row in at(catalog, "prints/b.png")),
    }
    assert deliver(prints)[1].get("done", 0) == 0


def test_the_mask_of_an_old_version_asks_for_nothing_until_it_is_delivered_again(
    prints: Path,
) -> None:
    catalog, _ = deliver(prints)
    folder = "models/prints/restoration/m1"
    model = {"model_id": "m1", "kind": "restoration", "collection": "prints", "promoted": True}
    catalog.append(MODELS, [model | {"weights_path": f"{folder}/weights.safetensors"}])
    save(prints / "a.png", 7)
    deliver(prints)
    assert restore(RestoreSettings(root=catalog.store.root)).get("failed", 0) == 0
    mask = prints / "a.png.mask.png"
    picture = np.asarray(Image.open(mask)).copy()
    picture[0, 0] = 255
    Image.fromarray(picture).save(mask)
    deliver(prints)
    _, new = at(catalog, "prints/a.png")
    assert len(catalog.rows(MASKS)) == 2
    assert new["scan_id"] in {row["scan_id"] for row in catalog.rows(MASKS)}


def test_a_file_that_goes_back_to_what_it_was_is_current_again(prints: Path) -> None:
    before = (prints / "a.png").read_bytes()
    deliver(prints)
    save(prints / "a.png", 7)
    deliver(prints)
    (prints / "a.png").write_bytes(before)
    catalog, counts = deliver(prints)
    assert counts.get("scans", 0) == 0
    assert [row["is_current"] for row in at(catalog, "prints/a.png")] == [True, False]


def test_a_file_that_disappears_changes_nothing(prints: Path) -> None:
    catalog, _ = deliver(prints)
    before = catalog.rows(SCANS)
    (prints / "a.png").unlink()
    _, counts = deliver(prints)
    assert counts.get("done", 0) == 0
    assert catalog.rows(SCANS) == before
    assert catalog.rows(QUARANTINE) == []
