"""Settings of the flows that look after what is there."""

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from artgan.config.base import ArchiveSettings, FixityDays, FlowSettings, check_scan_ids

_OUTPUT_ID = re.compile("[0-9a-f]{8,20}")


class FixitySettings(ArchiveSettings):
    """Read a share of all files again and compare them with what the catalog knows."""

    days_for_all: FixityDays = 90
    """Days in which every file is to be checked once; a run checks one part in so many."""
    max_files: Annotated[int, Field(title="Most files to check", ge=1)] | None = None
    """Most files that a run checks; none means its whole share."""


class WithdrawSettings(FlowSettings):
    """Withdraw scans: remove all that was made of them, and keep them from coming back."""

    scans: Annotated[list[str], Field(title="Scans, by scan_id")] = []
    """Scans to withdraw, by scan_id or at least its first 8 digits; all versions go with them."""
    accession_numbers: Annotated[list[str], Field(title="Works, by accession number")] = []
    """Works to withdraw, by accession number; every scan of them goes."""
    collection: Annotated[str | None, Field(title="Collection of these works")] = None
    """Collection that the accession numbers belong to."""
    reason: Annotated[str, Field(min_length=3)]
    """Why, for the record: claim, file reference, decision. It stays in the catalog."""
    requested_by: Annotated[str, Field(title="Requested by")] = ""
    """Who asked for it, for the record."""
    dry_run: Annotated[bool, Field(title="Only say what would be removed")] = True
    """Change nothing; say what would be removed."""
    lift: Annotated[bool, Field(title="Lift an earlier withdrawal instead")] = False
    """Lift the withdrawal of these scans: the next ingest takes them again."""

    @model_validator(mode="after")
    def _names_something(self) -> "WithdrawSettings":
        if not (self.scans or self.accession_numbers):
            raise ValueError(
                "scans or accession_numbers must name what is withdrawn, got neither. "
                "Give the scan_id from the catalog"
            )
        if self.accession_numbers and not self.collection:
            raise ValueError(
                "collection must be given with accession_numbers, got none. "
                "Two collections may use the same numbers"
            )
        check_scan_ids(self.scans)
        return self


class ReviewSettings(FlowSettings):
    """Record what a conservator thinks of files that were made, on their pages and for good."""

    outputs: Annotated[list[str], Field(title="Files, by output_id", min_length=1)]
    """Files that were looked at, by output_id or at least its first 8 digits, as the page of a
    work names them."""
    decision: Literal["accepted", "accepted_with_notes", "rejected"]
    """Judgement. A later one of the same file takes its place; both stay on record."""
    reviewer: Annotated[str, Field(min_length=2, max_length=200)]
    """Who judged, by name, for the record and the pages."""
    role: Annotated[str, Field(max_length=200)] = ""
    """What the reviewer is, for example paintings conservator."""
    notes: Annotated[str, Field(max_length=4000)] = ""
    """What is to be said of it; needed unless it is simply accepted."""

    @model_validator(mode="after")
    def _says_why(self) -> "ReviewSettings":
        for one in self.outputs:
            if not _OUTPUT_ID.fullmatch(one):
                raise ValueError(f"outputs must hold 8 to 20 hex digits each, got {one!r}")
        if self.decision != "accepted" and len(self.notes.strip()) < 3:
            raise ValueError(
                f"notes must say why with the decision {self.decision!r}, got {self.notes!r}"
            )
        return self


class MaintainSettings(FlowSettings):
    """Tidy the archive's store: small table files, old table versions, models nobody uses."""

    dry_run: Annotated[bool, Field(title="Only say what would be done")] = True
    """Change nothing; say what would be removed and how many bytes that frees."""
    keep_versions_days: Annotated[
        int, Field(title="Keep old table versions, days", ge=7, le=3650)
    ] = 30
    """Files of the catalog that no version younger than this needs are removed."""
    keep_unpromoted_days: Annotated[
        int, Field(title="Keep models not in use, days", ge=1, le=3650)
    ] = 90
    """Weights of models that were never promoted are removed after this; their rows stay."""
    keep_results_days: Annotated[
        int, Field(title="Keep Prefect results and leftovers, days", ge=1, le=3650)
    ] = 30
    """Results that Prefect keeps on this machine, and what killed runs left, go after this."""
