"""Pages that show withdrawn scans go at once, before the next report is written."""

from collections.abc import Collection

from artgan.report.snapshot import WORK_ID_DIGITS, WORKS
from artgan.storage import Store

_RUNS = "reports/runs"
_NAMED_DIGITS = 12


def remove_pages(store: Store, scan_ids: Collection[str], output_ids: Collection[str]) -> int:
    """Remove the pages of withdrawn scans, and pages of runs that name them; return how many files.

    The report that follows writes anew those that are still needed, without the scans.

    Args:
        store: The archive root.
        scan_ids: The scans.
        output_ids: Files that were made of them.
    """
    pages = {name[:WORK_ID_DIGITS] for name in scan_ids}
    keys = []
    for entry in store.entries(WORKS):
        folder, _, name = entry.key.removeprefix(f"{WORKS}/").partition("/")
        if folder in pages or any(name.startswith(one) for one in output_ids):
            keys.append(entry.key)
    named = [name[:_NAMED_DIGITS].encode() for name in scan_ids]
    for entry in store.entries(_RUNS):
        content = store.read(entry.key)
        if any(name in content for name in named):
            keys.append(entry.key)
    for key in keys:
        store.delete(key)
    return len(keys)
