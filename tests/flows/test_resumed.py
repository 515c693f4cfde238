"""A run that died before its commit leaves nothing to be made twice."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tasks.ingest
from artgan.catalog.schema import SCANS
from artgan.catalog.table import open_catalog
from artgan.config import IngestSettings
from flows.ingest import ingest


def paint(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    Image.fromarray(blocks).resize((60, 80), Image.Resampling.BICUBIC).save(path)


def test_scans_that_arrive_before_the_resume_do_not_make_the_others_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = tmp_path / "inbox"
    for number in range(5):
        paint(inbox / "prints" / f"print {number}.png", number)
    settings = IngestSettings(root=str(tmp_path / "root"), inbox=str(inbox), settle_s=0)

    def die(*_args: object) -> None:
        raise RuntimeError("the power failed")

    with monkeypatch.context() as patched:
        patched.setattr("flows.ingest.CHUNK", 2)
        patched.setattr("flows.ingest.commit_scans", die)
        with pytest.raises(RuntimeError, match="the power failed"):
            ingest(settings)
    assert open_catalog(settings.root).read(SCANS).num_rows == 0

    paint(inbox / "prints" / "a first one.png", 9)
    read: list[str] = []
    judge = tasks.ingest.judge_scan

    def watched(path: Path, *rest: object) -> object:
        read.append(path.name)
        return judge(path, *rest)

    monkeypatch.setattr("tasks.ingest.judge_scan", watched)
    assert ingest(settings)["scans"] == 6
    assert read == ["a first one.png"]
    assert open_catalog(settings.root).read(SCANS).num_rows == 6
    assert ingest(settings).get("scans", 0) == 0
    assert len(read) == 1
