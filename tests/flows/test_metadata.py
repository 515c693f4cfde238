"""Scans named after the real exports of two museums, and what becomes of them night by night."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from PIL import Image

from artgan.catalog.schema import QUARANTINE, RUNS, SCANS, UNMATCHED
from artgan.catalog.table import Catalog, open_catalog
from artgan.config import IngestSettings
from flows.ingest import ingest

ROWS = 60
TATE_SCANS = 12
NGA_SCANS = 8


def first_rows(table: Path, amount: int) -> list[dict[str, str]]:
    with table.open(encoding="utf-8-sig", newline="") as file:
        return [row for row, _ in zip(csv.DictReader(file), range(amount), strict=False)]


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_scan(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    Image.fromarray(blocks).resize((60, 80), Image.Resampling.BICUBIC).save(path)


def described(catalog: Catalog, collection: str) -> dict[str, dict]:
    rows = catalog.rows(SCANS, where=pc.field("collection") == collection)
    return {row["source_path"]: row for row in rows}


def unmatched(catalog: Catalog, collection: str) -> set[str]:
    rows = catalog.rows(UNMATCHED, ["named", "reason"], pc.field("collection") == collection)
    return {row["named"] for row in rows if row["reason"] == "no_scan"}


class Inbox:
    """Scans of two museums; the table of one is not there yet, and a table for all is broken."""

    def __init__(self, settings: IngestSettings, museums: Path) -> None:
        self.settings, self.folder = settings, Path(settings.inbox)
        self.tate = first_rows(museums / "tate_artwork_data_rebuilt_20k.csv", ROWS)
        nga = first_rows(museums / "nga_media_items.csv", ROWS)
        for seed, row in enumerate(self.tate[:TATE_SCANS]):
            name = f"{row['accession_number'].lower()}_10.png"
            write_scan(self.folder / "tate" / name, seed)
        names = [row["imageurl"].rsplit("/", 1)[-1] for row in nga if row["imageurl"]]
        for seed, name in enumerate(list(dict.fromkeys(names))[:NGA_SCANS], start=100):
            write_scan(self.folder / "nga" / name, seed)
        write_rows(self.folder / "nga" / "metadata.csv", nga)
        self.shared = self.folder / "shared.jsonl"
        self.shared.write_text('{"file": "nowhere.tif", "title": "Lost"}\n{"file": \n')
        self.first = ingest(settings)
        self.catalog = open_catalog(settings.root)

    def write_tate(self) -> None:
        write_rows(self.folder / "tate" / "metadata.csv", self.tate)

    def titles(self) -> set[str]:
        return {row["title"] for row in described(self.catalog, "tate").values()}


@pytest.fixture
def inbox(tmp_path: Path, real_data: Path) -> Inbox:
    settings = IngestSettings(
        root=str(tmp_path / "root"), inbox=str(tmp_path / "inbox"), settle_s=0
    )
    return Inbox(settings, real_data / "museum_metadata")


def test_rows_without_a_scan_scans_without_a_row_and_broken_tables_are_listed(
    inbox: Inbox,
) -> None:
    catalog = inbox.catalog
    assert inbox.first["scans"] == TATE_SCANS + NGA_SCANS
    assert inbox.first["scans_without_row"] == TATE_SCANS
    assert inbox.first["quarantined"] == 1
    assert all(row["metadata_json"] is None for row in described(catalog, "tate").values())
    seen = described(catalog, "nga").values()
    assert all(row["title"] and row["year_from"] for row in seen)
    assert {row["metadata_source"] for row in seen} == {"nga/metadata.csv"}
    assert unmatched(catalog, "") == {"nowhere.tif"}
    assert inbox.first["rows_without_scan"] == len(catalog.rows(UNMATCHED, ["unmatched_id"]))
    (problem,) = catalog.rows(QUARANTINE)
    assert (problem["reason"], problem["source_path"]) == ("metadata_unreadable", "shared.jsonl")
    assert "something else in line 2. The 1 others are used" in problem["message"]


def test_a_table_that_comes_late_describes_its_scans_and_nothing_is_decoded_again(
    inbox: Inbox,
) -> None:
    catalog = inbox.catalog
    before, files = described(catalog, "tate"), access_files(inbox.settings)
    inbox.write_tate()
    inbox.shared.write_text('{"file": "nowhere.tif", "title": "Lost"}\n')
    counts = ingest(inbox.settings)
    assert counts["redescribed"] == TATE_SCANS
    assert not counts.get("scans")
    assert access_files(inbox.settings) == files
    after = described(catalog, "tate")
    for path, row in after.items():
        assert row["title"]
        assert row["height_mm"] is not None or not row["dimensions_text"]
        assert json.loads(row["metadata_json"])["url"].startswith("http://www.tate.org.uk/")
        kept = ("scan_id", "split", "duplicate_group", "access_path", "ingested_at", "phash")
        assert {name: row[name] for name in kept} == {name: before[path][name] for name in kept}
    assert catalog.rows(QUARANTINE) == []
    assert len(unmatched(catalog, "tate")) == ROWS - TATE_SCANS

    versions = table_versions(catalog)
    assert not any(ingest(inbox.settings).values())
    assert table_versions(catalog) == versions


def test_a_row_finds_the_scan_that_it_waited_for_and_a_mended_title_is_taken_over(
    inbox: Inbox,
) -> None:
    inbox.write_tate()
    ingest(inbox.settings)
    waiting = inbox.tate[TATE_SCANS]["accession_number"]
    assert waiting in "".join(unmatched(inbox.catalog, "tate"))
    write_scan(inbox.folder / "tate" / f"{waiting}.tif", 999)
    inbox.tate[0]["title"] = "Mended"
    inbox.write_tate()
    counts = ingest(inbox.settings)
    assert (counts["scans"], counts["redescribed"]) == (1, 1)
    assert "Mended" in inbox.titles()
    assert waiting not in "".join(unmatched(inbox.catalog, "tate"))
    assert len(unmatched(inbox.catalog, "tate")) == ROWS - TATE_SCANS - 1


def test_a_mapping_with_a_slip_changes_nothing_and_is_named_until_it_is_mended(
    inbox: Inbox,
) -> None:
    inbox.write_tate()
    inbox.shared.unlink()
    ingest(inbox.settings)
    titles, listed = inbox.titles(), unmatched(inbox.catalog, "tate")
    mapping = inbox.folder / "tate" / "mapping.yaml"
    mapping.write_text("titel: medium\n")
    assert ingest(inbox.settings)["quarantined"] == 1
    (problem,) = inbox.catalog.rows(QUARANTINE)
    assert problem["message"].startswith("mapping must name fields of the catalog, got 'titel'")
    assert (inbox.titles(), unmatched(inbox.catalog, "tate")) == (titles, listed)
    mapping.write_text("title: medium\n")
    assert ingest(inbox.settings)["redescribed"] == TATE_SCANS
    rows = described(inbox.catalog, "tate").values()
    assert all(row["title"] == row["medium"] for row in rows)
    assert inbox.catalog.rows(QUARANTINE) == []


def access_files(settings: IngestSettings) -> dict[str, int]:
    return {
        str(path): path.stat().st_mtime_ns
        for path in Path(settings.root, "access").rglob("*")
        if path.is_file()
    }


def table_versions(catalog: Catalog) -> dict[str, int]:
    tables = (SCANS, QUARANTINE, UNMATCHED)
    assert catalog.version(RUNS) > 0
    return {table.name: catalog.version(table) for table in tables}
