"""A small archive with something of everything: re-scans, copies, gaps, failures, a withdrawal."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from artgan.catalog.publish import publish
from artgan.catalog.schema import (
    EVENTS,
    MASKS,
    METRICS,
    MODELS,
    OUTPUTS,
    QUARANTINE,
    REVIEWS,
    RUNS,
    SCANS,
    UNMATCHED,
    WITHDRAWALS,
)
from artgan.catalog.table import Catalog, open_catalog

Row = dict[str, Any]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def short(text: str) -> str:
    return sha(text)[:20]


def day(number: int, hour: int = 2) -> datetime:
    return datetime(2026, 11, 1, hour, tzinfo=UTC) + timedelta(days=number)


def _scan(name: str, collection: str = "prints", **more: Any) -> Row:
    return {
        "scan_id": sha(name),
        "collection": collection,
        "source_path": f"{collection}/{name}.tif",
        "source_uri": f"/inbox/{collection}/{name}.tif",
        "source_bytes": 1_000_000 + len(name),
        "content_sha256": sha(name),
        "format": "tiff",
        "page": 1,
        "width_px": 4000,
        "height_px": 3000,
        "bit_depth": 8,
        "dpi": 300.0,
        "duplicate_group": name,
        "object_id": name,
        "object_version": 1,
        "is_current": True,
        "split": "train",
        "access_path": f"access/{collection}/{sha(name)}.jpg",
        "access_sha256": sha(f"access of {name}"),
        "nonconformities": ["metamorfoze_profile"],
        "ingested_at": day(0),
        "run_id": "ingest-1",
    } | more


def _described(accession: str, title: str, artist: str, first: int, last: int) -> Row:
    return {
        "accession_number": accession,
        "title": title,
        "artist": artist,
        "year_from": first,
        "year_to": last,
        "date_text": f"{first}-{last}",
        "rights": "CC0",
        "metadata_json": json.dumps({"title": title}),
        "metadata_source": "prints/metadata.csv",
    }


_BRIDGE = _described("1901.7", "Bridge; l'été", "Rosa Ames", 1850, 1860)
_SCANS = [
    _scan("bridge", **_BRIDGE, is_current=False, object_id="bridge", duplicate_group="bridge"),
    _scan(
        "bridge again",
        **_BRIDGE,
        object_id="bridge",
        object_version=2,
        duplicate_group="bridge",
        dpi=600.0,
        width_px=8000,
        height_px=6000,
        ingested_at=day(1),
        run_id="ingest-2",
    ),
    _scan("harbour", **_described("1901.8", "Harbour", "Rosa Ames", 1871, 1871), dpi=240.0),
    _scan("mill", **_described("1901.9", "Mill", "Jan Brandt", 1899, 1905), split="test"),
    _scan(
        "mill copy",
        **_described("1901.9", "Mill", "Jan Brandt", 1899, 1905),
        duplicate_group="mill",
        split="test",
        width_px=2000,
        height_px=1500,
    ),
    _scan("unnamed", dpi=None, split="val"),
    _scan("lent", "loans", **_described("L.1", "Orchard", "Jan Brandt", 1880, 1890)),
    # A panorama: its pixels are more than 32 bits hold.
    _scan("wall", "loans", width_px=90_000, height_px=60_000, nonconformities=[]),
    _scan("wall detail", "loans", duplicate_group="wall", nonconformities=[]),
]
_GONE = _scan("gone", **_described("1901.0", "Claimed", "Unknown", 1700, 1710))


def _masks() -> list[Row]:
    return [
        {
            "mask_id": short(f"mask of {name}"),
            "scan_id": sha(name),
            "collection": "prints",
            "source_path": f"prints/{name}.tif.mask.png",
            "source_uri": f"/inbox/prints/{name}.tif.mask.png",
            "source_bytes": 4000,
            "content_sha256": sha(f"mask of {name}"),
            "damaged_fraction": damaged,
            "mask_path": f"masks/prints/{short(f'mask of {name}')}.png",
            "ingested_at": day(0),
            "run_id": "ingest-1",
        }
        for name, damaged in (("harbour", 0.125), ("mill", 0.03), ("unnamed", 0.25))
    ]


def model(name: str, kind: str, collection: str, at: datetime, **more: Any) -> Row:
    return {
        "model_id": short(name),
        "kind": kind,
        "collection": collection,
        "preset": "tiny",
        "settings_json": json.dumps({"kind": kind, "seed": 0, "steps": 100}),
        "training_sha256": sha(f"works of {name}"),
        "n_train": 40,
        "n_val": 10,
        "catalog_version": 1,
        "steps": 100,
        "metric": "psnr",
        "value": 30.0,
        "promoted": True,
        "reason": "better than the base",
        "weights_path": f"models/{collection}/{kind}/{short(name)}/weights.safetensors",
        "weights_sha256": sha(f"weights of {name}"),
        "code_version": "0.2.0",
        "created_at": at,
        "run_id": "train-1",
    } | more


_MODELS = [
    model("base", "restoration", "archive", day(0)),
    model("first", "restoration", "prints", day(0), base_model_id=short("base")),
    model("second", "restoration", "prints", day(2), base_model_id=short("base"), value=31.5),
    model("refused", "restoration", "prints", day(3), promoted=False, reason="no better"),
    model("generator", "simulation", "prints", day(1), metric="kid_x1000", value=12.0),
    model("manner", "style", "loans", day(1), metric="kid_x1000", value=8.0),
]
_TRAINED_ON = {"second": ["bridge again", "harbour", "gone"], "generator": ["bridge again"]}


def _output(name: str, kind: str, scan: str | None, using: str | None, **more: Any) -> Row:
    return {
        "output_id": short(name),
        "kind": kind,
        "collection": "prints",
        "scan_id": scan and sha(scan),
        "model_id": using and short(using),
        "method": "filler",
        "settings_json": json.dumps({"strength": 1.0}),
        "status": "ok",
        "output_path": f"outputs/{kind}/prints/{short(name)}.tif",
        "output_sha256": sha(f"bytes of {name}"),
        "output_bytes": len(f"bytes of {name}"),
        "width_px": 4000,
        "height_px": 3000,
        "bit_depth": 8,
        "changed_outside_mask": 0 if kind == "restored" else None,
        "digital_source_type": "compositeWithTrainedAlgorithmicMedia",
        "seconds": 2.5,
        "created_at": day(2),
        "run_id": "restore-1",
    } | more


_NO_FILE = {"output_path": None, "output_sha256": None, "output_bytes": None}
_HARBOUR_MASK = {"mask_id": short("mask of harbour")}
_OUTPUTS = [
    _output("restored harbour", "restored", "harbour", "second", **_HARBOUR_MASK),
    _output("older harbour", "restored", "harbour", "first", **_HARBOUR_MASK, created_at=day(1)),
    _output(
        *("failed mill", "restored", "mill", "second"),
        **_NO_FILE,
        status="failed",
        message="mill.tif must be readable, got an error.",
        mask_id=short("mask of mill"),
    ),
    _output("invented 1", "simulated", None, "generator", method="generator", seed=1),
    _output("invented 2", "simulated", None, "generator", method="generator", seed=2),
    _output("styled", "stylized", "bridge again", "manner", method="cut", collection="loans"),
    _output("coloured", "stylized", "bridge again", None, method="color", collection="loans"),
    _output("lost", "restored", "gone", "second", **_NO_FILE, status="withdrawn"),
]


def _metric(number: int, product: str, metric: str, value: float, **more: Any) -> Row:
    subject = more.pop("subject", "filler")
    return {
        "metric_id": short(f"{number} {metric} {subject} {more.get('stratum', '')}"),
        "collection": "prints",
        "product": product,
        "subject": subject,
        "metric": metric,
        "value": value,
        "ci_low": value - 0.5,
        "ci_high": value + 0.5,
        "n_reference": 30,
        "n_measured": 30,
        "status": "ok",
        "reference_split": "test",
        "created_at": day(number),
        "run_id": f"nightly-{number}",
    } | more


def _metrics() -> list[Row]:
    restored, invented = ("restoration", "psnr_hole_db"), ("simulation", "kid_x1000")
    by = {"subject": "generator", "model_id": short("generator"), "extractor": "FD-random"}
    return [
        *(
            _metric(number, *restored, value, unit="dB", model_id=short(name))
            for number, value, name in (
                (1, 28.0, "first"),
                (2, 28.25, "first"),
                (3, 31.5, "second"),
            )
        ),
        *(_metric(number, *restored, 25.0, unit="dB", subject="telea") for number in (1, 2, 3)),
        *(_metric(number, *invented, value, **by) for number, value in ((1, 40.0), (2, 12.0))),
        _metric(1, *restored, 33.0, unit="dB", subject="telea", stratum="damage: scratches"),
        # Another extractor: no number to compare it with.
        _metric(3, *invented, 55.0, **(by | {"extractor": "FD-archive"}), status="small_n"),
    ]


def _run(name: str, flow: str, at: datetime, **more: Any) -> Row:
    return {
        "run_id": name,
        "flow": flow,
        "status": "completed",
        "message": "all done",
        "settings_json": json.dumps({"root": "/archive", "seed": 0}),
        "counts_json": json.dumps({"done": 3}),
        "n_done": 3,
        "n_skipped": 0,
        "n_failed": 0,
        "n_quarantined": 0,
        "seconds": 600.0,
        "versions_json": json.dumps({"artgan": "0.2.0", "torch": "2.15.0"}),
        "started_at": at,
        "ended_at": at + timedelta(minutes=10),
    } | more


_FAILED_CHECK = "access/loans/x.jpg must be there, got nothing. Bring it back."
_RUNS = [
    *(_run(f"nightly-{number}", "nightly", day(number), number=number) for number in (1, 2)),
    _run(
        *("nightly-3", "nightly", day(3)),
        number=3,
        status="failed",
        message=_FAILED_CHECK,
        n_failed=1,
        seconds=1234.5,
    ),
    _run("ingest-1", "ingest", day(0), parent_run_id="nightly-1", n_done=8, n_quarantined=2),
    _run("ingest-2", "ingest", day(1), parent_run_id="nightly-2", n_done=1),
    _run("train-1", "train", day(0), parent_run_id="nightly-1"),
    _run("restore-1", "restore", day(2), parent_run_id="nightly-2", n_failed=1),
]


def _check(name: str, path: str, number: int, outcome: str, **more: Any) -> Row:
    return {
        "event_id": short(f"{name} {number}"),
        "event_type": "fixity check",
        "event_at": day(number),
        "outcome": outcome,
        "outcome_detail": None if outcome == "success" else _FAILED_CHECK,
        "object_kind": "access copy",
        "object_path": path,
        "digest_algorithm": "SHA-256",
        "run_id": f"nightly-{number}",
    } | more


def _events() -> list[Row]:
    sound, mended, lost = (row["access_path"] for row in (_SCANS[1], _SCANS[2], _SCANS[6]))
    return [
        *(_check("sound", sound, number, "success") for number in (1, 3)),
        *(_check("mended", mended, n, "fail" if n == 1 else "success") for n in (1, 2)),
        *(_check("lost", lost, n, "fail" if n == 3 else "success") for n in (2, 3)),
    ]


def _refused(name: str, reason: str, **more: Any) -> Row:
    return {
        "quarantine_id": short(f"refused {name}"),
        "collection": "prints",
        "source_path": f"prints/{name}",
        "source_uri": f"/inbox/prints/{name}",
        "source_bytes": 10,
        "reason": reason,
        "message": f"{name} must be a picture, got something else.",
        "quarantined_at": day(0),
        "run_id": "ingest-1",
    } | more


_QUARANTINE = [
    _refused("cut.tif", "truncated"),
    _refused("cut too.tif", "truncated", quarantined_at=day(1), run_id="ingest-2"),
    _refused("again.tif", "exact_duplicate"),
    _refused("notes.txt", "not_a_picture", collection="papers"),
    _refused("gone.tif", "withdrawn", quarantined_at=day(3), run_id="withdraw-1"),
]
_WITHDRAWAL = {
    **{name: _GONE[name] for name in ("scan_id", "content_sha256", "collection", "source_path")},
    **{name: _GONE[name] for name in ("accession_number", "object_id", "split")},
    "reason": "claim 2026-17",
    "requested_by": "Registrar",
    "removed_files": 2,
    "withdrawn_outputs": 1,
    "marked_models": 1,
    "withdrawn_at": day(3),
    "run_id": "withdraw-1",
}
_UNMATCHED = {
    "unmatched_id": short("row 9"),
    "collection": "",
    "reason": "no_scan",
    "named": "missing.tif",
    "title": "Never scanned",
    "metadata_json": "{}",
    "listed_at": day(0),
}


_REVIEW = {
    "review_id": short("review of harbour"),
    "output_id": short("restored harbour"),
    "collection": "prints",
    "scan_id": sha("harbour"),
    "decision": "accepted_with_notes",
    "reviewer": "Ada Minch",
    "notes": "The horizon is a guess.",
    "reviewed_at": day(4),
    "run_id": "review-4",
}


def fill_archive(root: str) -> Catalog:
    """Make the archive, with the files that its rows name."""
    catalog = open_catalog(root)
    for table, rows in (
        (SCANS, _SCANS),
        (MASKS, _masks()),
        (MODELS, _MODELS),
        (OUTPUTS, _OUTPUTS),
        (METRICS, _metrics()),
        (RUNS, _RUNS),
        (EVENTS, _events()),
        (QUARANTINE, _QUARANTINE),
        (WITHDRAWALS, [_WITHDRAWAL]),
        (REVIEWS, [_REVIEW]),
        (UNMATCHED, [_UNMATCHED]),
    ):
        assert catalog.append(table, rows) == len(rows)
    for row in _SCANS:
        catalog.store.write(row["access_path"], b"access copy")
    for name in ("restored harbour", "styled"):
        (row,) = (one for one in _OUTPUTS if one["output_id"] == short(name))
        catalog.store.write(row["output_path"], f"bytes of {name}".encode())
    for name, scans in _TRAINED_ON.items():
        (row,) = (one for one in _MODELS if one["model_id"] == short(name))
        card = json.dumps({"training_scans": sorted(map(sha, scans))}).encode()
        catalog.store.write(row["weights_path"].replace("weights.safetensors", "model.json"), card)
    return catalog


@pytest.fixture(scope="session")
def fill() -> Callable[[str], Catalog]:
    """Makes the small archive at a root."""
    return fill_archive


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The small archive, published; only to be read."""
    catalog = fill_archive(str(tmp_path_factory.mktemp("small") / "root"))
    publish(catalog)
    return catalog


@pytest.fixture(scope="session")
def published(archive: Catalog) -> Path:
    """Folder of the small archive's published tables; only to be read."""
    return Path(archive.store.root) / "published"


@pytest.fixture(scope="session")
def other_readers() -> Callable[[str], str]:
    """Names a Python that has a package which analysts read tables with; skips where none has."""

    def find(package: str) -> str:
        python = os.environ.get("ARTGAN_ANALYST_PYTHON", sys.executable)
        found = subprocess.run(
            [python, "-c", f"import {package}"], capture_output=True, check=False
        )
        if found.returncode:
            pytest.skip(f"{python} has no {package}: pip install '.[dev,spark]' brings it")
        return python

    return find
