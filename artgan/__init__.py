"""artgan: digitize an art archive; ingest, restore, simulate, stylize, report."""
