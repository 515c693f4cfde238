"""artgan: digitize an art archive; ingest, restore, simulate, stylize, report."""

__version__ = "0.3.0"
