"""Sixteen processes that write to one catalog: ``python writers.py ROOT``; for test_concurrency."""

import os
import sys
import traceback

from artgan.catalog.schema import RUNS
from artgan.catalog.table import open_catalog

WRITERS = 16


def work(root: str, number: int) -> None:
    """Append own and shared keys, replace own rows, remove some, compact now and then."""
    catalog = open_catalog(root)
    own = [f"own-{number}-{part}" for part in range(3)]
    shared = [f"shared-{(number + part) % 8}" for part in range(4)]
    catalog.append(RUNS, [{"run_id": name, "flow": "a", "n_done": 0} for name in own + shared])
    catalog.replace(RUNS, [{"run_id": name, "flow": "b", "n_done": number} for name in own])
    if number % 4 == 0:
        catalog.remove(RUNS, own[:1])
    if number % 4 == 1:
        catalog.compact(RUNS, 1)


def main() -> int:
    """Start the writers and wait for them; return how many failed."""
    children = []
    for number in range(WRITERS):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                work(sys.argv[1], number)
                status = 0
            except BaseException:  # noqa: BLE001 (a child must not run the parent's code)
                traceback.print_exc()
            finally:
                os._exit(status)
        children.append(child)
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


if __name__ == "__main__":
    sys.exit(main())
