"""Damage masks: which are there, where their files lie, and which may be filled."""

import pyarrow.compute as pc

from artgan.catalog.read import filled

MASK_FILES = ("mask_path", "probability_path", "overview_path")
"""Columns of the table masks that name a file under the root."""

DELIVERED = filled("origin", "delivered") == "delivered"
"""Masks that came with a scan; rows from before there were others say nothing."""

DETECTED = pc.field("origin") == "detected"
"""Masks that a detector proposed, also where it found nothing or failed."""
