"""The archive catalog: schema, Delta tables, published snapshots, queries."""

import os

# Arrow reads this once, when it first allocates. Its own pool keeps what it once held, some 40 MB
# of an ingest.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
