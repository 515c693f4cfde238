"""What is known of a work and its scan, field by field; a field without a value says so."""

import json
from collections.abc import Sequence
from typing import Any

from artgan.report.snapshot import Row
from artgan.report.words import NOT_RECORDED, clip, count, moment, share

Facts = list[tuple[str, str]]

_SHOWN = 600
_ROWS_SHOWN = 60

# Headings under which museums deliver what has no column of its own, in small letters.
_HEADINGS = {
    "custodian": ("custodian", "owner", "repository", "institution", "museum", "credit line"),
    "marks": ("marks", "inscriptions", "inscription", "signature", "signed", "labels"),
    "captured": ("date scanned", "scan date", "capture date", "date photographed"),
    "operator": ("photographer", "operator", "scanned by", "digitised by", "digitized by"),
    "device": ("scanner", "camera", "device", "equipment"),
    "lighting": ("lighting", "light", "illumination"),
    "target": ("colour target", "color target", "target", "colour chart", "color chart"),
    "condition": ("condition", "state of preservation", "condition report"),
    "assessor": ("assessor", "assessed by", "examined by", "conservator"),
    "assessed": ("date assessed", "assessment date", "examined on", "condition date"),
}


def delivered(scan: Row) -> Facts:
    """Return the delivered row of metadata that names a scan, as it came."""
    row: dict[str, Any] = json.loads(scan["metadata_json"] or "{}")
    found = [(clip(name, 80), clip(str(value), _SHOWN)) for name, value in row.items() if value]
    return found[:_ROWS_SHOWN]


def _told(scan: Row, what: str) -> str:
    """Return what the delivered row says under one of the headings for something."""
    row: dict[str, Any] = json.loads(scan["metadata_json"] or "{}")
    by_name = {name.strip().lower(): value for name, value in row.items()}
    values = (by_name.get(heading) for heading in _HEADINGS[what])
    return _text(next((value for value in values if value), None))


def _text(value: object) -> str:
    return NOT_RECORDED if value in (None, "") else clip(str(value), _SHOWN)


def identification(scan: Row) -> Facts:
    """Return what tells which object the work is."""
    return [
        ("Work", scan["scan_id"][:20]),
        ("Accession number", _text(scan["accession_number"])),
        ("Custodian", _told(scan, "custodian")),
        ("Maker", _text(scan["artist"])),
        ("Title", _text(scan["title"])),
        ("Date made", _text(scan["date_text"])),
        ("Medium and support", _text(scan["medium"])),
        ("Dimensions", _dimensions(scan)),
        ("Marks and inscriptions", _told(scan, "marks")),
        ("Rights", _text(scan["rights"])),
    ]


def _dimensions(scan: Row) -> str:
    sides = [("height", "height_mm"), ("width", "width_mm"), ("depth", "depth_mm")]
    known = [f"{name} {scan[column]:,.0f} mm" for name, column in sides if scan[column]]
    if known:
        return ", ".join(known)
    return _text(scan["dimensions_text"])


def capture(scan: Row) -> Facts:
    """Return how the work was scanned."""
    return [
        ("Date", _told(scan, "captured")),
        ("Photographer or operator", _told(scan, "operator")),
        ("Device", _told(scan, "device")),
        ("Lighting and its direction", _told(scan, "lighting")),
        ("Scale and colour target", _told(scan, "target")),
        ("Colour profile", _text(scan["icc_name"])),
        ("Resolution", NOT_RECORDED if not scan["dpi"] else f"{scan['dpi']:,.0f} ppi"),
        ("Size", f"{scan['width_px']:,} x {scan['height_px']:,} px"),
        ("Depth", NOT_RECORDED if not scan["bit_depth"] else f"{scan['bit_depth']} bit"),
        ("File", f"{scan['format'] or NOT_RECORDED}, {clip(scan['source_path'], 120)}"),
        ("Rules of digitisation broken", _rules(scan)),
        ("Came into the archive", moment(scan["ingested_at"])),
        ("SHA-256 of the file", scan["content_sha256"] or scan["scan_id"]),
    ]


def _rules(scan: Row) -> str:
    if scan["nonconformities"] is None:
        return NOT_RECORDED
    return ", ".join(code.replace("_", " ") for code in scan["nonconformities"]) or "none"


def condition(scan: Row, masks: Sequence[Row]) -> Facts:
    """Return the condition of the object as somebody recorded it; the program records none."""
    told = _told(scan, "condition")
    apart = NOT_RECORDED if told == NOT_RECORDED else "in the words above, if at all"
    return [
        ("Condition", told),
        ("Layer, defect, location and extent", apart),
        ("Assessor", _told(scan, "assessor")),
        ("Date", _told(scan, "assessed")),
        ("Damage masks delivered", _masks(masks)),
    ]


def _masks(masks: Sequence[Row]) -> str:
    known = [row["damaged_fraction"] for row in masks if row["damaged_fraction"] is not None]
    shares = [f"{share(part, 1.0)} of the picture" for part in known]
    return ", ".join([count(len(masks), "mask"), *shares])
