"""Which trained models there are, which are in use, and what they were trained on."""

import json
from typing import Any

import pyarrow.compute as pc

from artgan.catalog.schema import MODELS
from artgan.catalog.table import Catalog
from artgan.presets import Kind

BASE = "archive"
"""Collection name under which the archive-wide base models lie."""

STARTER = "starter"
"""Preset of a model that comes with artgan: it learned on generated works, never on a scan."""

CARD = "model.json"
"""File beside the weights that says everything about a model."""

CONFIDENTIAL = "confidential"
"""Top folder of what trainings keep and nobody else may read."""

WEIGHTS = "weights.safetensors"
"""File with the networks that use of a model needs."""

Model = dict[str, Any]


def in_use(catalog: Catalog, kind: Kind, collection: str) -> Model | None:
    """Return the model in use for a collection: the newest that was promoted, or None."""
    promoted = [row for row in _models(catalog, kind, collection) if row["promoted"]]
    return promoted[-1] if promoted else None


def in_use_or_base(catalog: Catalog, kind: Kind, collection: str) -> Model | None:
    """Return the collection's model in use, else the base's, else None."""
    return in_use(catalog, kind, collection) or in_use(catalog, kind, BASE)


def trained(catalog: Catalog, kind: Kind, collection: str, preset: str) -> list[Model]:
    """Return the models of a collection at a preset, promoted or not, the newest last."""
    return [row for row in _models(catalog, kind, collection) if row["preset"] == preset]


def folder(model: Model) -> str:
    """Return the key prefix under which a model's files lie."""
    return model["weights_path"].rsplit("/", 1)[0]


def confidential(folder: str) -> str:
    """Return where a model's training files lie, given its folder: what can betray its works.

    A discriminator tells training works from others almost surely, so it never lies beside the
    weights that are used and given away. ``models/`` may be copied whole; this place may not.
    """
    return f"{CONFIDENTIAL}/{folder.removeprefix('models/')}"


def training_scans(catalog: Catalog, model: Model) -> set[str]:
    """Return the scans a model was trained on, withdrawn ones included; none if nothing says it."""
    card = f"{folder(model)}/{CARD}"
    if not catalog.store.exists(card):
        return set()
    return set(json.loads(catalog.store.read(card)).get("training_scans", []))


def withdrawn_works(catalog: Catalog, model: Model | None) -> int:
    """Count withdrawn works that a model learned from, itself or by what it started from."""
    count, seen = 0, set()
    while model is not None and model["model_id"] not in seen:
        seen.add(model["model_id"])
        count += model["withdrawn_works"] or 0
        base = model["base_model_id"]
        rows = catalog.rows(MODELS, where=pc.field("model_id") == base) if base else []
        model = rows[0] if rows else None
    return count


def _models(catalog: Catalog, kind: Kind, collection: str) -> list[Model]:
    where = (pc.field("kind") == kind) & (pc.field("collection") == collection)
    return sorted(catalog.rows(MODELS, where=where), key=lambda row: row["created_at"])
