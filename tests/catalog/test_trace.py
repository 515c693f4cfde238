"""Tracing: back to scan, model, data, settings and code; forward to everything made of a scan."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artgan.catalog.query import query
from artgan.catalog.schema import OUTPUTS
from artgan.catalog.table import Catalog
from artgan.catalog.trace import Trace, trace
from artgan.errors import InvalidInputError, MissingAssetError
from flows.__main__ import run


@pytest.fixture
def output(archive: Catalog) -> dict[str, Any]:
    """The restoration of the harbour by the model in use."""
    (row,) = (one for one in archive.rows(OUTPUTS) if one["output_path"] and _is_newest(one))
    return row


def _is_newest(row: dict[str, Any]) -> bool:
    return row["kind"] == "restored" and row["created_at"].day == 3


def _ids(rows: list[dict[str, Any]], name: str) -> list[str]:
    return [row[name] for row in rows]


def test_an_output_is_followed_back_on_disk_and_on_s3(
    any_root: str, fill: Callable[[str], Catalog], output: dict[str, Any]
) -> None:
    catalog = fill(any_root)
    found = trace(catalog, catalog.store.uri(output["output_path"]))
    assert found == trace(catalog, output["output_id"])
    assert found.kind == "output"
    assert (found.file, found.file_is_there) == (output["output_path"], True)
    assert _ids(found.scans, "title") == ["Harbour"]
    assert _ids(found.masks, "mask_id") == [output["mask_id"]]
    assert [(one["collection"], one["catalog_version"]) for one in found.models] == [
        ("prints", 1),
        ("archive", 1),
    ]
    assert found.models[0]["settings"]["steps"] == 100
    assert _ids(found.runs, "run_id") == ["restore-1", "nightly-2"]
    assert found.runs[0]["versions"]["artgan"] == "0.2.0"


def test_a_scan_is_followed_to_everything_made_of_it(archive: Catalog) -> None:
    found = trace(archive, "prints/harbour.tif")
    assert found.kind == "scan"
    assert found.file_is_there
    assert _ids(found.checks, "object_path") == [found.file]
    assert _ids(found.checks, "outcome") == ["success"]
    assert len(found.masks) == 1
    assert _ids(found.outputs, "method") == ["filler", "filler"]
    assert _ids(found.models, "value") == [31.5]
    assert _ids(found.metrics, "value") == [31.5]


def test_a_path_that_was_scanned_again_has_its_versions(archive: Catalog) -> None:
    again = trace(archive, "/inbox/prints/bridge again.tif")
    assert _ids(again.scans, "source_path") == ["prints/bridge.tif"]
    assert sorted(_ids(again.outputs, "method")) == ["color", "cut"]
    assert {one["kind"] for one in again.models} == {"restoration", "simulation"}


def test_a_withdrawn_scan_shows_its_tombstone_and_what_was_made_of_it(archive: Catalog) -> None:
    (lost,) = (row for row in archive.rows(OUTPUTS) if row["status"] == "withdrawn")
    back = trace(archive, lost["output_id"])
    assert back.scans == []
    assert _ids(back.withdrawals, "reason") == ["claim 2026-17"]
    forward = trace(archive, lost["scan_id"])
    assert forward.kind == "withdrawn scan"
    assert _ids(forward.outputs, "status") == ["withdrawn"]
    assert _ids(forward.models, "value") == [31.5]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("nightly-3", "run"),
        ("masks/prints", "mask"),
        ("models/prints", "model"),
        ("metric", "metric"),
    ],
)
def test_masks_models_numbers_and_runs_are_traced_too(
    archive: Catalog, text: str, kind: str
) -> None:
    found = trace(archive, _any_id(archive, text))
    assert found.kind == kind
    if kind == "run":
        assert found.made_in_run == {"metrics": 3, "events": 2}
    elif kind == "model":
        assert found.descendants or found.models or found.outputs
    else:
        assert found.runs


def _any_id(archive: Catalog, text: str) -> str:
    statements = {
        "masks/prints": "select mask_path from masks where damaged_fraction = 0.25",
        "models/prints": "select weights_path from models where value = 31.5",
        "metric": "select metric_id from metrics where value = 31.5",
    }
    if text not in statements:
        return text
    return next(iter(query(archive, statements[text]).to_pylist()[0].values()))


def test_an_output_is_known_by_its_start_its_path_and_its_bytes(
    archive: Catalog, output: dict[str, Any], tmp_path: Path
) -> None:
    path = Path(archive.store.root) / output["output_path"]
    renamed = tmp_path / "from a colleague.tif"
    renamed.write_bytes(path.read_bytes())
    relative = os.path.relpath(path)
    texts = (output["output_id"][:6], output["output_path"], str(path), relative, str(renamed))
    for text in texts:
        assert trace(archive, text).id == output["output_id"], text


def test_what_nothing_or_several_things_fit_is_one_sentence(
    archive: Catalog, tmp_path: Path
) -> None:
    unknown = tmp_path / "unknown.tif"
    unknown.write_bytes(b"never seen")
    for text in ("0000000", "abc", "prints/none.tif", str(unknown)):
        with pytest.raises(MissingAssetError, match="id must name something in the catalog"):
            trace(archive, text)
    with pytest.raises(InvalidInputError, match="which fits 3: run nightly-1, run nightly-2"):
        trace(archive, "nightly-")


def _command(archive: Catalog, *words: str) -> list[str]:
    return ["trace", *words, "--root", archive.store.root]


def test_the_command_prints_a_page_for_people(
    archive: Catalog, output: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(_command(archive, output["output_id"])) == 0
    said = capsys.readouterr()
    assert said.err == ""
    for words in (
        f"output {output['output_id']}",
        f"{output['output_path']}  (is there)",
        "“Harbour”, Rosa Ames, prints/harbour.tif, collection prints",
        "restoration of prints, tiny, promoted",
        "data  scans at version 1, 40 works",
        "base ",
        "restore, completed, ended 2026-11-03 02:10 UTC",
        "artgan 0.2.0, torch 2.15.0",
    ):
        assert words in said.out, said.out


def test_the_page_of_each_kind_names_what_there_is(
    archive: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    (lost,) = (row for row in archive.rows(OUTPUTS) if row["status"] == "withdrawn")
    for text, words in (
        (lost["scan_id"], "withdrawn 2026-11-04 02:00 UTC at the request of Registrar: claim"),
        (lost["output_id"], "withdrawn "),
        ("prints/bridge again.tif", "stylized by cut, ok"),
        ("prints/mill.tif", "mill.tif must be readable"),
        (_any_id(archive, "masks/prints"), "25.0 % damaged"),
        (_any_id(archive, "models/prints"), "psnr_hole_db of filler, prints: 31.5 dB, n = 30"),
        (_any_id(archive, "metric"), "restoration of prints, tiny, promoted"),
        ("ingest-1", "quarantine: 3"),
    ):
        assert run(_command(archive, text)) == 0
        assert words in capsys.readouterr().out, text


def test_json_is_all_that_goes_to_stdout(
    archive: Catalog, output: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(_command(archive, output["output_id"], "--format", "json")) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert set(found) == set(Trace.__dataclass_fields__)
    assert found["row"]["created_at"] == "2026-11-03T02:00:00+00:00"
    assert said.err == ""
    assert run(_command(archive, "nightly-", "--format", "json")) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
