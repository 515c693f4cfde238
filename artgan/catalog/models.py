"""Which trained models there are and which are in use."""

from typing import Any

import pyarrow.compute as pc

from artgan.catalog.schema import MODELS
from artgan.catalog.table import Catalog
from artgan.presets import Kind

BASE = "archive"
"""Collection name under which the archive-wide base models lie."""

Model = dict[str, Any]


def in_use(catalog: Catalog, kind: Kind, collection: str) -> Model | None:
    """Return the model in use for a collection: the newest that was promoted, or None."""
    promoted = [row for row in _models(catalog, kind, collection) if row["promoted"]]
    return promoted[-1] if promoted else None


def in_use_or_base(catalog: Catalog, kind: Kind, collection: str) -> Model | None:
    """Return the collection's model in use, else the base's, else None."""
    return in_use(catalog, kind, collection) or in_use(catalog, kind, BASE)


def last_trained(catalog: Catalog, kind: Kind, collection: str, preset: str) -> Model | None:
    """Return the newest model of a collection at a preset, promoted or not, or None."""
    rows = [row for row in _models(catalog, kind, collection) if row["preset"] == preset]
    return rows[-1] if rows else None


def _models(catalog: Catalog, kind: Kind, collection: str) -> list[Model]:
    where = (pc.field("kind") == kind) & (pc.field("collection") == collection)
    return sorted(catalog.rows(MODELS, where=where), key=lambda row: row["created_at"])
