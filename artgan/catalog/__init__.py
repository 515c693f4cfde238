"""The archive catalog: schema, Delta tables, published snapshots, queries."""
