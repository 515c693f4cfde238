"""What all settings have in common, and the fields that several of them have."""

import os
import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from artgan.keys import digest
from artgan.presets import PresetName

SCAN_ID = re.compile("[0-9a-f]{8,64}")
"""A scan_id, or enough of its first digits."""

# Where things lie says nothing about what is made of them: these fields never enter a key, and
# stand last in a form.
_PLACES = {"root", "inbox", "weights", "folder"}

ArchiveRoot = Annotated[
    str,
    Field(
        title="Archive root",
        description="Archive root: a folder or s3://bucket/prefix; everything made lies below it.",
    ),
]
ServerAddress = Annotated[
    str,
    Field(
        title="Prefect server",
        description="Address of the Prefect server's API; PREFECT_API_URL where that is set.",
    ),
]
SERVER = os.environ.get("PREFECT_API_URL", "http://127.0.0.1:4200/api")
Preset = Annotated[
    PresetName,
    Field(
        description="Size and length of training: smoke proves the installation, demo takes "
        "minutes on two cores, tiny is the shortest worth using; small and base want an "
        "accelerator."
    ),
]
Seed = Annotated[int, Field(ge=0, description="Seed of all randomness.")]
FewestWorks = Annotated[
    int,
    Field(
        title="Fewest works to train on",
        description="Fewest works of a collection to train on; smaller collections use the base "
        "as it is.",
        ge=2,
    ),
]
FeatureWeights = Annotated[
    str | None,
    Field(
        title="Feature networks",
        description="Folder or s3:// prefix with feature networks; none uses the labelled "
        "stand-in.",
    ),
]
RequireFid = Annotated[
    bool,
    Field(
        title="Insist on FID",
        description="Stop when the 2015 Inception weights, which alone make a FID, are not there.",
    ),
]
FixityDays = Annotated[int, Field(title="Days to check every file in", ge=1, le=3650)]
FailedFraction = Annotated[
    float,
    Field(
        title="Largest fraction that may fail",
        description="The run fails when more than this fraction of its scans fails.",
        ge=0,
        le=1,
    ),
]


def _number_fields(schema: dict[str, Any]) -> None:
    """Give each field its position: a form keeps the order of the source, with places last."""
    fields = schema.get("properties", {})
    for position, name in enumerate(sorted(fields, key=lambda name: name in _PLACES)):
        fields[name]["position"] = position


def check_scan_ids(scans: Sequence[str]) -> None:
    """Refuse what cannot be the start of a scan_id.

    Raises:
        ValueError: If one has fewer than 8 hex digits, or something else.
    """
    for one in scans:
        if not SCAN_ID.fullmatch(one):
            raise ValueError(f"scans must hold 8 to 64 hex digits each, got {one!r}")


class Settings(BaseModel):
    """Base of every settings class: frozen, strict about unknown names, documented in place."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        json_schema_extra=_number_fields,
    )

    def digest(self) -> str:
        """Return a hash of all settings that shape results; places are left out."""
        return digest(self.model_dump(mode="json", exclude=_PLACES))


class FlowSettings(Settings):
    """Settings of a flow: it works on an archive that is there."""

    root: ArchiveRoot


class ArchiveSettings(FlowSettings):
    """An archive and the part of it to work on."""

    collections: list[str] = []
    """Collections to work on, by name; none means all of them."""
