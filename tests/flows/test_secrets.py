"""Credentials that a run works with are in nothing that it leaves."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import s3fs
from PIL import Image

from artgan.catalog.schema import RUNS
from artgan.catalog.table import open_catalog
from artgan.config import IngestSettings, PublishSettings, ReportSettings, RestoreSettings
from artgan.errors import InvalidInputError
from artgan.imaging.write import png_bytes
from artgan.ingest.decoder_process import end_child
from artgan.storage import open_store
from flows.ingest import ingest
from flows.publish import publish
from flows.report import report
from flows.restore import restore

pytestmark = pytest.mark.slow

MARKS = {
    "AWS_ACCESS_KEY_ID": "AKIAMARKED7F3A000001",
    "AWS_SECRET_ACCESS_KEY": "marked-secret-7f3a-0002",
    "AWS_SESSION_TOKEN": "marked-token-7f3a-0003",
    "ARTGAN_SIGNING_PASSPHRASE": "marked-phrase-7f3a-0004",
}


@pytest.fixture
def marked(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A root on S3, with credentials that can be told from everything else."""
    for name, value in MARKS.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    yield s3_root
    s3fs.S3FileSystem.clear_instance_cache()
    end_child()


def write_inbox(folder: Path) -> None:
    rng = np.random.default_rng(5)
    (folder / "prints").mkdir(parents=True)
    for number in range(3):
        blocks = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(blocks).resize((160, 120), Image.Resampling.BICUBIC)
        picture.save(folder / "prints" / f"{number}.png")
    (folder / "prints" / "broken.tif").write_bytes(b"II*\0")
    mask = np.zeros((120, 160), np.uint8)
    mask[20:40, 30:60] = 255
    (folder / "prints" / "0.png.mask.png").write_bytes(png_bytes(mask))
    for path in folder.rglob("*.*"):
        os.utime(path, (1e9, 1e9))


def found_in(name: str, content: bytes) -> list[tuple[str, str]]:
    return [(name, variable) for variable, mark in MARKS.items() if mark.encode() in content]


def test_no_credential_is_in_anything_that_a_run_leaves(
    marked: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    write_inbox(tmp_path / "inbox")
    ingest(IngestSettings(root=marked, inbox=str(tmp_path / "inbox")))
    restore(RestoreSettings(root=marked))
    report(ReportSettings(root=marked, crops=8, samples=50))
    publish(PublishSettings(root=marked))
    with pytest.raises(InvalidInputError) as refused:
        open_store("s3://no-such-bucket-7f3a/root", must_exist=True)

    store = open_store(marked)
    entries = store.entries()
    assert {entry.key.split("/")[0] for entry in entries} >= {
        *("access", "catalog", "outputs", "published", "reports", "models"),
    }
    leaks = [leak for entry in entries for leak in found_in(entry.key, store.read(entry.key))]
    leaks += found_in("log", caplog.text.encode())
    leaks += found_in("output", "".join(capfd.readouterr()).encode())
    leaks += found_in("refusal", str(refused.value).encode())
    databases = [
        path for path in tmp_path_factory.getbasetemp().glob("harness*/*") if path.is_file()
    ]
    assert databases  # logs, parameters, artifacts and variables of the Prefect server
    for path in databases:
        leaks += found_in(path.name, path.read_bytes())
    for path in tmp_path.rglob("*"):
        leaks += found_in(path.name, path.read_bytes() if path.is_file() else b"")
    assert leaks == []
    assert "no-such-bucket" in str(refused.value)
    assert {row["flow"] for row in open_catalog(marked).rows(RUNS)} >= {"ingest", "restore"}
