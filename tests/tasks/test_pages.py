"""A later page of a file is restored from that page, and the file is still checked whole."""

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from artgan.imaging.decode import scan_array
from artgan.imaging.write import png_bytes
from artgan.keys import scan_id
from artgan.models.filler import Filler
from artgan.restore.fill import Filling
from artgan.storage import open_store
from tasks.restore import _restore_one

PAGES = [
    np.random.default_rng(seed).integers(0, 65_536, (40, 60, 3), dtype=np.uint16) for seed in (1, 2)
]


def restored(root: Path, page: int, change: bytes = b"") -> tuple[dict[str, Any], Path]:
    """Restore a page of a book; the file is changed since it was catalogued by these bytes."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for one in PAGES:
            writer.write(one, photometric="rgb", metadata=None)
    (root / "book.tif").write_bytes(buffer.getvalue() + change)
    mask = np.zeros((40, 60), np.uint8)
    mask[10:15, 20:30] = 255
    (root / "mask.png").write_bytes(png_bytes(mask))
    content = hashlib.sha256(buffer.getvalue()).hexdigest()
    job = {
        "output_id": "o",
        "mask_path": "mask.png",
        "mask_id": "m",
        "scan_id": scan_id(content, page),
        "source_uri": f"{root}/book.tif",
        "content_sha256": content,
        "page": page,
        "title": "A book",
        "mask_origin": "delivered",
        "probability_path": None,
        "detector_id": None,
        "model_id": "f",
        "model_collection": "books",
        "weights_sha256": "0" * 64,
    }
    how = Filling(Filler((4, 8), (1, 1)).eval())
    operators = {"strength": 1.0, "perceptual": 0.0}
    row = _restore_one(open_store(str(root)), "books", job, (how, None), operators)
    return row, root / row.get("output_path", "")


def test_each_page_keeps_its_own_pixels_outside_the_mask(tmp_path: Path) -> None:
    for page, original in enumerate(PAGES, start=1):
        row, path = restored(tmp_path, page)
        assert row["status"] == "ok"
        assert row["changed_outside_mask"] == 0
        array, _ = scan_array(path)
        same = (array == original).all(axis=2)
        assert same[:5].all()
        assert not same[12, 22:28].any()


def test_a_file_that_changed_since_is_not_restored(tmp_path: Path) -> None:
    row, _ = restored(tmp_path, 2, change=b"!")
    assert row["status"] == "failed"
    assert "scan must have the sha256" in row["message"]
