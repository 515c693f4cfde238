"""A conservator's judgement, from the flow to the table, the pages and the trace."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from artgan.catalog.schema import OUTPUTS, REVIEWS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.trace import trace
from artgan.config import IngestSettings, ReviewSettings
from artgan.errors import InvalidInputError, MissingAssetError
from artgan.imaging.write import png_bytes
from flows.ingest import ingest
from flows.review import review
from flows.trace_text import trace_text
from tasks.outputs import write_output

RESTORED = {"a": "aaaa1111" * 2 + "0001", "b": "aaaa1111" * 2 + "0002"}


@pytest.fixture
def archive(tmp_path: Path) -> Catalog:
    """Two prints, both restored."""
    root = str(tmp_path / "root")
    inbox = tmp_path / "inbox" / "prints"
    inbox.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in RESTORED:
        picture = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
        (inbox / f"{name}.png").write_bytes(png_bytes(picture))
    ingest(IngestSettings(root=root, inbox=str(inbox.parent), settle_s=0))
    catalog = open_catalog(root)
    scans = {row["source_path"]: row for row in catalog.rows(SCANS)}
    rows = []
    for name, output_id in RESTORED.items():
        content = (inbox / f"{name}.png").read_bytes()
        facts = write_output(catalog.store, f"outputs/restored/prints/{output_id}.png", content)
        mask = np.zeros((60, 80, 1), np.uint8)
        catalog.store.write(f"outputs/restored/prints/{output_id}.mask.png", png_bytes(mask))
        facts |= {"output_id": output_id, "scan_id": scans[f"prints/{name}.png"]["scan_id"]}
        facts |= {"kind": "restored", "collection": "prints", "method": "filler", "model_id": "m1"}
        facts |= {"width_px": 80, "height_px": 60, "status": "ok", "settings_json": "{}"}
        facts |= {"masked_pixels": 9, "changed_pixels": 9, "changed_outside_mask": 0}
        rows.append(facts)
    catalog.append(OUTPUTS, rows)
    return catalog


def said(catalog: Catalog, outputs: list[str], decision: str, **more: str) -> ReviewSettings:
    asked = {"root": catalog.store.uri("").rstrip("/"), "outputs": outputs, "decision": decision}
    return ReviewSettings.model_validate(asked | {"reviewer": "Ada Minch"} | more)


def pages(catalog: Catalog) -> str:
    store = catalog.store
    keys = [entry.key for entry in store.entries("reports") if entry.key.endswith("/index.html")]
    return " ".join(store.read(key).decode() for key in keys)


def test_a_judgement_stands_on_the_pages_and_a_later_one_takes_its_place(archive: Catalog) -> None:
    first, second = RESTORED.values()
    note = "The sky is <b>too</b> smooth."
    review(said(archive, [first, second], "accepted", role="paintings conservator"))
    assert "Ada Minch, paintings conservator" in pages(archive)
    review(said(archive, [first], "rejected", reviewer="B. Roe", notes=note))
    rows = archive.rows(REVIEWS)
    assert len(rows) == 3
    assert {row["output_sha256"] for row in rows} <= {
        row["output_sha256"] for row in archive.rows(OUTPUTS)
    }
    text = pages(archive)
    assert "1 accepted, 1 rejected" in text
    assert "The sky is &lt;b&gt;too&lt;/b&gt; smooth." in text
    data = [
        json.loads(archive.store.read(entry.key))
        for entry in archive.store.entries("reports/works")
        if entry.key.endswith("work.json")
    ]
    judged = {
        one["output_id"]: (one["review_status"], one["reviewed_by"], one["review_notes"])
        for work in data
        for one in work["restorations"]
    }
    assert judged == {
        first: ("rejected", "B. Roe", note),
        second: ("accepted", "Ada Minch", None),
    }
    told = trace_text(trace(archive, first))
    assert told.index("accepted") < told.index("rejected: The sky is")


def test_what_names_no_single_file_is_refused_and_nothing_is_recorded(archive: Catalog) -> None:
    with pytest.raises(MissingAssetError, match="fits none"):
        review(said(archive, [RESTORED["a"], "bbbb1111"], "accepted"))
    with pytest.raises(InvalidInputError, match="Give more digits"):
        review(said(archive, ["aaaa1111"], "accepted"))
    failed = archive.rows(OUTPUTS)[0] | {"status": "failed"}
    archive.replace(OUTPUTS, [failed])
    with pytest.raises(InvalidInputError, match="looked at"):
        review(said(archive, [failed["output_id"]], "accepted"))
    assert archive.rows(REVIEWS) == []


def test_a_refusal_of_a_file_has_to_say_why(archive: Catalog) -> None:
    with pytest.raises(ValidationError, match="notes must say why"):
        said(archive, [RESTORED["a"]], "rejected")
