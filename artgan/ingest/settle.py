"""Files that are still being copied into an inbox: they wait for the next run.

What counts is whether a file moves between two looks, in size or change mark. Age alone says
little: copying may stall, a copied file may carry the time of its original, and the clock of a
network share need not agree with ours. Age only decides whether a second look is worth a pause.

Objects on S3 are whole by nature, so none of this costs a request there.
"""

import time
from collections.abc import Sequence

from artgan.ingest.discover import FoundFile
from artgan.storage import Store

# Refused files are few, so that even a clock that is hours wrong costs no more than a pause.
_REFUSED_IS_OLD_AFTER_S = 24 * 3600.0


def has_moved(inbox: Store, file: FoundFile) -> bool:
    """Whether a file is another than it was when it was found, or gone."""
    if not inbox.is_local:
        return False
    entry = inbox.entry(file.path)
    return entry is None or (entry.size, entry.version) != (file.size, file.version)


def still_files(inbox: Store, files: Sequence[FoundFile], settle_s: float) -> list[FoundFile]:
    """Return the files that are as they were found, after a pause if one changed a moment ago.

    Args:
        inbox: Where the files lie.
        files: The files as they were found.
        settle_s: A file that changed less than so many seconds ago is given the rest of them.
    """
    youngest_s = min((_age_s(inbox, file) for file in files), default=settle_s)
    time.sleep(max(0.0, settle_s - youngest_s))
    return [file for file in files if not has_moved(inbox, file)]


def moving_files(inbox: Store, refused: Sequence[FoundFile], settle_s: float) -> list[FoundFile]:
    """Return those of some refused files that have moved, after a pause if one is of today.

    Half a file is refused as cut or broken, which says nothing of the whole one.

    Args:
        inbox: Where the files lie.
        refused: The files as they were found.
        settle_s: Pause before the second look, in seconds.
    """
    if any(_age_s(inbox, file) < _REFUSED_IS_OLD_AFTER_S for file in refused):
        time.sleep(settle_s)
    return [file for file in refused if has_moved(inbox, file)]


def _age_s(inbox: Store, file: FoundFile) -> float:
    """Seconds between a file's change and our clock, whichever is ahead."""
    entry = inbox.entry(file.path) if inbox.is_local else None
    return float("inf") if entry is None else abs(time.time() - entry.modified_at.timestamp())
