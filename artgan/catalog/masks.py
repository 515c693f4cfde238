"""Damage masks: which are there, where their files lie, and which may be filled."""

import pyarrow.compute as pc

MASK_FILES = ("mask_path", "probability_path", "overview_path")
"""Columns of the table masks that name a file under the root."""

# not is_null: of files older than the column, statistics say that it is never null
DELIVERED = (
    pc.coalesce(  # pyright: ignore[reportAttributeAccessIssue] - its stubs lack it
        pc.field("origin"), pc.scalar("delivered")
    )
    == "delivered"
)
"""Masks that came with a scan; rows from before there were others say nothing."""

DETECTED = pc.field("origin") == "detected"
"""Masks that a detector proposed, also where it found nothing or failed."""
