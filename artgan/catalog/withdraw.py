"""Withdrawal of scans: what there is of them, what goes, and the tombstone that stays.

The tombstone is written first and the scan's own row goes last. Whatever is killed in between is
found again by the tombstone and finished, in the same order, to the same end.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from artgan.catalog.beside import GONE, files_of, shown_scans
from artgan.catalog.masks import MASK_FILES
from artgan.catalog.models import BASE, folder, training_scans
from artgan.catalog.schema import MASKS, MODELS, OUTPUTS, QUARANTINE, SCANS, WITHDRAWALS
from artgan.catalog.table import Catalog
from artgan.config import WithdrawSettings
from artgan.errors import InvalidInputError
from artgan.keys import key

REASON = "withdrawn"
"""Reason code in quarantine, and status of outputs."""

Row = dict[str, Any]

_COLUMNS = (
    *("scan_id", "content_sha256", "phash", "collection", "source_path", "source_version"),
    *("accession_number", "object_id", "split"),
)
_SCAN_COLUMNS = (
    *_COLUMNS,
    *("page", "source_uri", "source_bytes", "title", "duplicate_group", "access_path"),
)
_SERVICE = "iiif"
_SAMPLES = "samples.png"


@dataclass(frozen=True)
class Found:
    """What there is of some scans.

    Attributes:
        scans: The scans, by scan_id: rows of the scans table, or tombstones where a withdrawal has
            come that far.
        files: Keys under the root of all that shows a scan, by scan_id; thumbnails, figures and
            image services are not among them.
        masks: Rows of their damage masks.
        outputs: Rows of outputs made of them that are still there.
        models: Rows of models trained on them, with the ids of these scans as ``trained_on``.
        samples: Keys of the sample pictures of models that may show them.
        relatives: Scans that stay although they look the same.
    """

    scans: dict[str, Row]
    files: dict[str, list[str]]
    masks: list[Row]
    outputs: list[Row]
    models: list[Row]
    samples: list[str]
    relatives: list[Row]


def select(catalog: Catalog, settings: WithdrawSettings) -> dict[str, Row]:
    """Return the scans that a withdrawal names, with all versions of their objects.

    Raises:
        InvalidInputError: If something named is not there, or a scan_id could be two.
    """
    known = _known(catalog)
    chosen: dict[str, Row] = {}
    for prefix in settings.scans:
        chosen |= _by_prefix(known, prefix)
    here = known.filter(pc.field("collection") == (settings.collection or ""))
    for number in settings.accession_numbers:
        rows = here.filter(pc.field("accession_number") == number).to_pylist()
        if not rows:
            raise InvalidInputError(
                f"accession_numbers must name works of {settings.collection!r}, got {number!r}. "
                "See the table scans, column accession_number."
            )
        chosen |= {row["scan_id"]: row for row in rows}
    objects = [row["object_id"] for row in chosen.values() if row["object_id"]]
    versions = known.filter(pc.field("object_id").isin(pa.array(objects, pa.string())))
    return chosen | {row["scan_id"]: row for row in versions.to_pylist()}


def _known(catalog: Catalog) -> pa.Table:
    """Return catalogued and withdrawn scans, each once."""
    scans, gone = catalog.read(SCANS, _COLUMNS), catalog.read(WITHDRAWALS, _COLUMNS)
    left = gone.filter(~pc.field("scan_id").isin(scans["scan_id"].combine_chunks()))
    both = [one.replace_schema_metadata().cast(_plain(one.schema)) for one in (scans, left)]
    return pa.concat_tables(both)


def _plain(schema: pa.Schema) -> pa.Schema:
    """Leave out what fields say of themselves, which two tables may say differently."""
    return pa.schema([pa.field(one.name, one.type) for one in schema])


def _by_prefix(known: pa.Table, prefix: str) -> dict[str, Row]:
    name = pc.field("scan_id")
    rows = known.filter((name >= prefix) & (name < prefix + "g")).to_pylist()  # g follows f
    if len(rows) != 1:
        what = "none" if not rows else f"{len(rows)}: " + ", ".join(r["scan_id"] for r in rows[:5])
        raise InvalidInputError(
            f"scans must each name one scan of the archive, got {prefix!r}, which fits {what}. "
            "Give more digits of the scan_id; see the table scans."
        )
    return {row["scan_id"]: row for row in rows}


def find(catalog: Catalog, chosen: dict[str, Row]) -> Found:
    """Find what there is of some scans; nothing is changed.

    Args:
        catalog: The archive.
        chosen: Scans to withdraw, as `select` returns them.
    """
    ids = sorted(chosen)
    mine = pc.field("scan_id").isin(ids)
    full = {row["scan_id"]: row for row in catalog.rows(SCANS, _SCAN_COLUMNS, mine)}
    scans = {name: chosen[name] | full.get(name, {}) for name in ids}
    masks = catalog.rows(MASKS, where=mine)
    made = mine | (pc.field("kind") == "texture")  # which may show several scans
    outputs = [
        row
        for row in catalog.rows(OUTPUTS, where=made & (pc.field("status") != REASON))
        if scans.keys() & shown_scans(row)
    ]
    files: dict[str, list[str]] = {name: [] for name in ids}
    for scan_id, path in _paths(catalog, scans, masks, outputs):
        if catalog.store.exists(path):
            files[scan_id].append(path)
    models, samples = _models(catalog, scans)
    return Found(scans, files, masks, outputs, models, samples, _relatives(catalog, full))


def _paths(
    catalog: Catalog, scans: dict[str, Row], masks: Sequence[Row], outputs: Sequence[Row]
) -> Iterable[tuple[str, str]]:
    """Yield where files of scans may lie, each with its scan."""
    for name, row in scans.items():
        if not row.get("access_path"):
            continue
        yield name, row["access_path"]
        # Older ingests left an access copy where the same bytes were delivered again.
        same = (pc.field("content_sha256") == name) & (pc.field("collection") != row["collection"])
        for other in {one["collection"] for one in catalog.rows(QUARANTINE, ["collection"], same)}:
            yield name, f"access/{other}/{row['access_path'].rsplit('/', 1)[1]}"
    for row in masks:
        yield from ((row["scan_id"], row[name]) for name in MASK_FILES if row[name])
    for row in outputs:
        yield from ((_withdrawn_of(row, scans), path) for path in files_of(row))


def _withdrawn_of(output: Row, scans: Collection[str]) -> str:
    """Return the first of some scans that an output shows; it shows one of them."""
    return next(name for name in shown_scans(output) if name in scans)


def _models(catalog: Catalog, scans: dict[str, Row]) -> tuple[list[Row], list[str]]:
    """Find the models trained on scans, and the samples of any model that may show them."""
    held_out = {row["collection"] for row in scans.values() if row["split"] == "val"}
    models, samples = [], []
    for row in catalog.rows(MODELS, where=pc.field("weights_path").is_valid()):
        own = sorted(training_scans(catalog, row) & set(scans))
        if own:
            models.append(row | {"trained_on": own})
        sample = f"{folder(row)}/{_SAMPLES}"
        if _may_show(row, held_out) and catalog.store.exists(sample):
            samples.append(sample)
    return models, samples


def _may_show(model: Row, held_out: Collection[str]) -> bool:
    """Whether a model's samples are made of held-out works of one of these collections."""
    match model["kind"]:
        case "restoration" | "tone" | "denoise" | "upscale" | "detection":
            return bool(held_out) and model["collection"] in {*held_out, BASE}
        case "style" | "cyclegan":  # works of other collections, rendered in its own manner
            return any(collection != model["collection"] for collection in held_out)
        case "fast" | "adain" | "multi":  # those, and works of the style beside them
            return bool(held_out)
    return False


def _relatives(catalog: Catalog, scans: dict[str, Row]) -> list[Row]:
    groups = sorted({row["duplicate_group"] for row in scans.values() if row["duplicate_group"]})
    columns = ("scan_id", "collection", "source_path", "accession_number")
    rows = catalog.rows(SCANS, columns, pc.field("duplicate_group").isin(groups)) if groups else []
    rows = [row for row in rows if row["scan_id"] not in scans]
    return sorted(rows, key=lambda row: (row["collection"], row["source_path"]))


def bury(catalog: Catalog, found: Found, stamp: Row) -> None:
    """Write the tombstones, and list the files in quarantine, so that no ingest reads them again.

    Args:
        catalog: The archive.
        found: What there is of the scans.
        stamp: ``reason``, ``requested_by``, ``withdrawn_at`` and ``run_id``.
    """
    catalog.append(WITHDRAWALS, [_tombstone(row, found) | stamp for row in found.scans.values()])
    listed = [row for row in found.scans.values() if "source_uri" in row]
    listed += [row for row in found.masks if row["origin"] in {None, "delivered"}]
    catalog.append(QUARANTINE, [_listed(row, stamp) for row in listed])


def _tombstone(row: Row, found: Found) -> Row:
    name = row["scan_id"]
    return {column: row[column] for column in _COLUMNS} | {
        "removed_files": len(found.files[name]),
        "removed_masks": sum(mask["scan_id"] == name for mask in found.masks),
        "withdrawn_outputs": sum(_withdrawn_of(one, found.scans) == name for one in found.outputs),
        "marked_models": sum(name in model["trained_on"] for model in found.models),
    }


def _listed(row: Row, stamp: Row) -> Row:
    columns = ("collection", "source_path", "source_uri", "source_bytes", "source_version")
    content = row["content_sha256"] or row["scan_id"]
    return {name: row[name] for name in columns} | {
        "quarantine_id": key(row["source_path"], content, REASON, row.get("page")),
        "content_sha256": content,
        "page": row.get("page"),
        "reason": REASON,
        "message": f"{row['source_path']} must not have been withdrawn, got scan "
        f"{row['scan_id'][:12]}, withdrawn on {stamp['withdrawn_at']:%Y-%m-%d}. The file itself "
        f"was not touched; `artgan withdraw --scans {row['scan_id'][:12]} --lift` lifts it.",
        "quarantined_at": stamp["withdrawn_at"],
        "run_id": stamp["run_id"],
    }


def remove_files(catalog: Catalog, found: Found) -> None:
    """Remove what shows the scans: access copies, masks, outputs, samples of models."""
    for path in [path for paths in found.files.values() for path in paths] + found.samples:
        catalog.store.delete(path)


def remove_rows(catalog: Catalog, found: Found) -> None:
    """Take the scans out of the tables, their own rows last.

    Rows of outputs stay, without a file: what was made of the scan, when and by which model, and
    that it was withdrawn, is what a later question about such a file is answered from. Rows of
    image services, which show the scan itself, go with them.
    """
    made = [row for row in found.outputs if row["kind"] != _SERVICE]
    catalog.replace(OUTPUTS, [row | GONE | {"status": REASON} for row in made])
    services = [row for row in found.outputs if row["kind"] == _SERVICE]
    catalog.remove(OUTPUTS, [row["output_id"] for row in services])
    catalog.remove(MASKS, [row["mask_id"] for row in found.masks])
    mark_models(catalog, found.models)
    catalog.remove(SCANS, found.scans)


def mark_models(catalog: Catalog, models: Sequence[Row]) -> None:
    """Write down how many of their training works models have lost by now."""
    gone = set(catalog.read(WITHDRAWALS, ["scan_id"])["scan_id"].to_pylist())
    columns = MODELS.schema.names
    catalog.replace(
        MODELS,
        [
            {name: row.get(name) for name in columns}
            | {"withdrawn_works": len(training_scans(catalog, row) & gone)}
            for row in models
        ],
    )


def withdrawn(catalog: Catalog, scan_ids: Collection[str]) -> list[Row]:
    """Return the tombstones of those of some scans that are withdrawn."""
    return catalog.rows(WITHDRAWALS, where=pc.field("scan_id").isin(sorted(scan_ids)))


def lift(catalog: Catalog, tombstones: Sequence[Row]) -> None:
    """Lift withdrawals: the next ingest takes the scans again.

    All files that wait in quarantine as withdrawn are judged anew by it, and refused again where
    another tombstone stands.
    """
    waiting = catalog.rows(QUARANTINE, ("quarantine_id",), pc.field("reason") == REASON)
    catalog.remove(QUARANTINE, [row["quarantine_id"] for row in waiting])
    catalog.remove(WITHDRAWALS, [row["scan_id"] for row in tombstones])
    mark_models(catalog, _models(catalog, {row["scan_id"]: row for row in tombstones})[0])
