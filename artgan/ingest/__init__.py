"""From files in an inbox to catalog rows: discover, inspect, metadata, duplicates, split."""
