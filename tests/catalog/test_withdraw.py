from pathlib import Path
from typing import Any

import pytest

from artgan.catalog.schema import SCANS, WITHDRAWALS
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.withdraw import find, select
from artgan.config import WithdrawSettings
from artgan.errors import InvalidInputError


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Three views of one work, two versions of one of them, and a copy elsewhere."""
    opened = open_catalog(str(tmp_path / "root"))
    opened.append(
        SCANS,
        [
            scan("a1" * 32, "prints", "front.tif", object_id="front", accession_number="7"),
            scan("a2" * 32, "prints", "front-2.tif", object_id="front", accession_number="7"),
            scan("b1" * 32, "prints", "back.tif", object_id="back", accession_number="7"),
            scan("a1" * 16 + "c1" * 16, "loans", "copy.tif", object_id="c", accession_number="7"),
        ],
    )
    return opened


def scan(scan_id: str, collection: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "scan_id": scan_id,
        "collection": collection,
        "source_path": f"{collection}/{name}",
        "source_uri": f"/inbox/{collection}/{name}",
        "source_bytes": 1,
        "duplicate_group": "same" if "back" not in name else "other",
    } | more


def chosen(catalog: Catalog, **more: Any) -> set[str]:
    settings = WithdrawSettings.model_validate({"root": "/a", "reason": "claim"} | more)
    return {row["source_path"].split("/")[1] for row in select(catalog, settings).values()}


def test_all_versions_go_with_a_scan_and_other_views_stay(catalog: Catalog) -> None:
    assert chosen(catalog, scans=["a2a2a2a2"]) == {"front.tif", "front-2.tif"}


def test_every_view_of_a_work_goes_with_its_accession_number_in_one_collection(
    catalog: Catalog,
) -> None:
    named = chosen(catalog, accession_numbers=["7"], collection="prints")
    assert named == {"front.tif", "front-2.tif", "back.tif"}


def test_digits_that_fit_two_scans_are_refused(catalog: Catalog) -> None:
    with pytest.raises(InvalidInputError, match="which fits 2"):
        chosen(catalog, scans=["a1a1a1a1"])
    assert chosen(catalog, scans=["a1" * 16 + "c1"]) == {"copy.tif"}


def test_scans_that_look_the_same_and_stay_are_named(catalog: Catalog) -> None:
    settings = WithdrawSettings(root="/a", reason="claim", scans=["a2a2a2a2"])
    found = find(catalog, select(catalog, settings))
    assert [row["source_path"] for row in found.relatives] == ["loans/copy.tif"]


def test_a_scan_that_is_gone_is_still_found_by_its_tombstone(catalog: Catalog) -> None:
    row = {"scan_id": "d1" * 32, "collection": "prints", "source_path": "prints/d.tif"}
    catalog.append(WITHDRAWALS, [row | {"reason": "claim"}])
    assert chosen(catalog, scans=["d1d1d1d1"]) == {"d.tif"}
