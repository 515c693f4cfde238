"""The corpus of odd files goes through the real flow: all of it is judged, once."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from artgan.catalog.schema import MASKS, QUARANTINE, SCANS, TABLES
from artgan.catalog.table import Catalog, open_catalog
from artgan.config import IngestSettings
from artgan.imaging.write import png_bytes
from flows.ingest import ingest
from tests.ingest.corpus.all import CORPUS, pages_of
from tests.ingest.corpus.case import ACCEPTED, HEIGHT, MAX_PIXELS, WIDTH

pytestmark = pytest.mark.slow

BOOK = "three-pages.tif"


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus, a copy of a book, and masks for two of its pages."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "odd").mkdir()
    for case in CORPUS:
        (folder / "odd" / case.name).write_bytes(case.write())
    shutil.copy(folder / "odd" / BOOK, folder / "odd" / "copy of a book.tif")
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for place, name in enumerate((f"{BOOK}.mask.png", f"{BOOK}.page2.mask.png")):
        mask[4 + place : 9] = 255
        (folder / "odd" / name).write_bytes(png_bytes(mask))
    for path in (folder / "odd").iterdir():
        os.utime(path, (1e9, 1e9))
    return folder


@pytest.fixture(scope="module")
def settings(inbox: Path, tmp_path_factory: pytest.TempPathFactory) -> IngestSettings:
    root = str(tmp_path_factory.mktemp("archive") / "root")
    return IngestSettings(root=root, inbox=str(inbox), max_megapixels=MAX_PIXELS / 1e6)


@pytest.fixture(scope="module")
def archive(settings: IngestSettings) -> Catalog:
    ingest(settings)
    return open_catalog(settings.root)


def test_every_page_of_every_file_is_in_one_of_the_tables(archive: Catalog) -> None:
    found = Counter(
        (Path(row["source_path"]).name, ACCEPTED) for row in archive.rows(SCANS)
    ) + Counter((Path(row["source_path"]).name, row["reason"]) for row in archive.rows(QUARANTINE))
    expected = Counter((case.name, verdict) for case in CORPUS for verdict in pages_of(case))
    assert found - expected == Counter({("copy of a book.tif", "exact_duplicate"): 1})
    assert not expected - found


def test_each_page_has_an_access_copy_of_its_own(archive: Catalog) -> None:
    rows = archive.rows(SCANS)
    assert len({row["scan_id"] for row in rows}) == len({row["access_path"] for row in rows})
    assert all(archive.store.exists(row["access_path"]) for row in rows)
    refused = [row for row in archive.rows(QUARANTINE) if row["page"] is not None]
    assert all(
        f"{row['source_path']} page {row['page']} must " in row["message"] for row in refused
    )
    assert len(refused) == sum(
        verdict != ACCEPTED
        for case in CORPUS
        if isinstance(case.verdict, tuple)
        for verdict in case.verdict
    )


def test_a_mask_belongs_to_the_page_in_its_name(archive: Catalog) -> None:
    pages = {row["scan_id"]: row["page"] for row in archive.rows(SCANS)}
    masks = {Path(row["source_path"]).name: pages[row["scan_id"]] for row in archive.rows(MASKS)}
    assert masks == {f"{BOOK}.mask.png": 1, f"{BOOK}.page2.mask.png": 2}


def test_a_second_run_changes_nothing(archive: Catalog, settings: IngestSettings) -> None:
    tables = [table for table in TABLES if table.name in {"scans", "quarantine", "masks"}]
    before = {table.name: archive.version(table) for table in tables}
    counts = ingest(settings)
    assert {table.name: archive.version(table) for table in tables} == before
    assert not any(counts.get(name) for name in ("scans", "quarantined", "masks"))


def test_files_copied_again_get_their_new_mark_and_nothing_else(
    archive: Catalog, settings: IngestSettings, inbox: Path
) -> None:
    def judged() -> list[tuple[str, str]]:
        rows = [*archive.rows(SCANS), *archive.rows(QUARANTINE)]
        return sorted((row["source_path"], row.get("reason") or row["scan_id"]) for row in rows)

    before = judged()
    for name in (BOOK, "second-page-damaged.tif", "cut.png", "copy of a book.tif"):
        os.utime(inbox / "odd" / name, (1.1e9, 1.1e9))
    ingest(settings)
    assert judged() == before
    versions = {table.name: archive.version(table) for table in (SCANS, QUARANTINE)}
    ingest(settings)
    assert {table.name: archive.version(table) for table in (SCANS, QUARANTINE)} == versions


@pytest.mark.parametrize("flow", ["ingest", "fixity"])
def test_a_flow_that_needs_no_network_loads_no_torch(flow: str) -> None:
    """It is half a gigabyte in each worker."""
    asked = f"import sys, flows.{flow}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
