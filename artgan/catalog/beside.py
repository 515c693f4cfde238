"""Which files belong to an output: its own, and those that lie beside it."""

import json
from collections.abc import Mapping
from typing import Any

FILES = (
    *("output_path", "input_mask_path", "effective_mask_path", "patch_path", "preview_path"),
    "report_path",
)
"""Columns of the table outputs that name a file."""

CHECKED = (
    ("output_path", "output_sha256"),
    ("patch_path", "patch_sha256"),
    ("report_path", "report_sha256"),
)
"""Those whose bytes are known; the report holds the digests of all the others."""

GONE = dict.fromkeys([*FILES, *(digest for _, digest in CHECKED), "output_bytes", "phash"])
"""What the row of an output says when its files are there no more."""

_FLAT_MASK = ".mask.png"


def files_of(output: Mapping[str, Any]) -> list[str]:
    """Return the keys of all files that belong to an output; none where nothing was made.

    Restorations from before they had a folder each have their effective mask beside them, under a
    name that ends in ``.mask.png``, which no column names.
    """
    named = [output[name] for name in FILES if output.get(name)]
    is_flat = output["kind"] == "restored" and len(named) == 1 and output.get("output_path")
    return [*named, effective_mask_key(output)] if is_flat else named


def shown_scans(output: Mapping[str, Any]) -> list[str]:
    """Return the scan_ids of all scans that an output is made of; a texture may be of several."""
    named = [output["scan_id"]] if output.get("scan_id") else []
    if output["kind"] == "texture":
        named += json.loads(output["settings_json"] or "{}").get("scans", [])
    return list(dict.fromkeys(named))


def effective_mask_key(output: Mapping[str, Any]) -> str:
    """Return the key of the effective mask of a restored file."""
    return output.get("effective_mask_path") or (
        output["output_path"].rsplit(".", 1)[0] + _FLAT_MASK
    )
